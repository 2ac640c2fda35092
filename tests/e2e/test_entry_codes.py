"""Entry codes through the real binary: a device shows one, somebody scans it, and the team learns who that was."""
import hashlib
import json
import re
import time
import urllib.parse

import pytest

import qr
import server
import wire
from test_record import Hook


@pytest.fixture(scope="module")
def shop(kaimen):
    """An app whose users are guests until they give a nickname."""
    return kaimen.add_app("wxentry00000000001", settings={"registration": "fields", "registration_fields": "nickname"})


def make(kaimen, app, **fields):
    answer = kaimen.admin("POST", f"/apps/{app}/entry-codes", json={"payload": {"device": "door 4"}, **fields})
    assert answer.status == 201, answer
    return answer.json()


def scan(kaimen, app, user, code, **entry):
    entered = {"path": "pages/index", "query": {"scene": urllib.parse.quote(code, safe="")}, "scene": 1047, **entry}
    return kaimen.login(user, app, entry=entered)


def at(kaimen, app, code, what=""):
    answer = kaimen.admin("GET", f"/apps/{app}/entry-codes/{code}{what}")
    assert answer.status == 200, answer
    return answer.json()


def warned(login):
    return [(one["part"], one["code"]) for one in login["warnings"]]


def test_a_guest_scans_a_devices_code_and_registers(kaimen, shop, user):
    # The device shows its code.
    made = make(kaimen, shop, page="pages/index", width=430)
    assert re.fullmatch(r"[\w-]{22}", made["entry_code"])
    picture = kaimen.client("GET", urllib.parse.urlsplit(made["image_url"]).path)
    assert picture.status == 200 and picture.get("content-type") == "image/png", picture
    assert picture.get("cache-control") == "public, max-age=31536000, immutable"
    # A phone reads it.
    read = urllib.parse.urlsplit(qr.read(picture.body))
    assert read.path == f"{shop}/pages/index"
    scene = urllib.parse.parse_qs(read.query)["scene"][0]
    assert scene == made["entry_code"]

    login = scan(kaimen, shop, user, scene)
    assert login["entry"] == {"device": "door 4"} and login["is_new_user"] and not login["user"]["registered"] and login["warnings"] == []
    # "Who just scanned me? Are they registered?"
    (who,) = at(kaimen, shop, scene, "/scans")["items"]
    assert (who["user_id"], who["registered"], who["is_new_user"]) == (login["user"]["id"], False, True)
    done = kaimen.client("POST", "/v1/me/registration", login["token"], json={"fields": {"nickname": "Ada"}})
    assert done.status == 200, done
    (who,) = at(kaimen, shop, scene, "/scans")["items"]
    assert (who["registered"], who["was_registered"], who["nickname"]) == (True, False, "Ada")
    assert at(kaimen, shop, scene)["counts"] == {"scans": 1, "new_users": 1, "guests": 1}

    again = scan(kaimen, shop, user, scene)
    assert not again["is_new_user"]
    assert [one["is_new_user"] for one in at(kaimen, shop, scene, "/scans")["items"]] == [False, True]
    held = kaimen.client("GET", "/v1/me/export", again["token"]).json()["entry_scans"]
    assert [one["entry_code"] for one in held] == [scene, scene]
    kinds = [one["kind"] for one in kaimen.admin("GET", f"/audit?user_id={login['user']['id']}").json()["items"]]
    assert kinds.count("entry_scanned") == 2


def test_the_code_may_also_be_named_directly(kaimen, shop, user):
    made = make(kaimen, shop, payload=["any", "json", 1], image=False)
    assert made["image_url"] is None
    assert kaimen.login(user, shop, entry={"entry_code": made["entry_code"]})["entry"] == ["any", "json", 1]


def test_who_comes_by_password_scans_as_anybody_does(kaimen):
    app = kaimen.add_app("wxentry00000000007", settings={"passwords": "on", "registration": "fields", "registration_fields": "nickname"})
    door, staff = (make(kaimen, app, image=False, policy={"registered": who})["entry_code"] for who in ("any", "only"))

    def come(what, code):
        return kaimen.client("POST", f"/v1/password/{what}", json={"app_id": app, "username": "door-mei", "password": "correct horse",
                                                                  "entry": {"scene": 1047, "query": {"scene": urllib.parse.quote(code)}}}).json()

    made = come("register", door)
    assert made["entry"] == {"device": "door 4"} and made["is_new_user"] and made["warnings"] == []
    guest = come("login", staff)
    assert guest["entry"] is None and warned(guest) == [("entry", "registration_required")] and guest["missing"] == ["nickname"]
    done = kaimen.client("POST", "/v1/me/registration", guest["token"], json={"fields": {"nickname": "Mei"}})
    assert done.status == 200 and done.json()["entry"] == {"device": "door 4"}, done
    assert come("login", staff)["entry"] == {"device": "door 4"}
    assert at(kaimen, app, door)["counts"] == {"scans": 1, "new_users": 1, "guests": 1}
    assert [one["user_id"] for one in at(kaimen, app, staff, "/scans")["items"]] == [made["user"]["id"]] * 2
    assert warned(come("login", "nowhere")) == [("entry", "not_found")]


@pytest.mark.parametrize("scene", ["nothing", "a=1&b=2", "%", "x" * 33, "门"])
def test_a_scene_that_is_no_code_of_ours_is_a_warning(kaimen, shop, user, scene):
    login = scan(kaimen, shop, user, scene)
    assert login["entry"] is None and warned(login) == [("entry", "not_found")]


def test_a_query_without_a_scene_is_nobodys_business(kaimen, shop, user):
    for query in ({"scene": ""}, {"from": "timeline"}, {"scene": 7}, {}):
        login = kaimen.login(user, shop, entry={"scene": 1001, "path": "pages/index", "query": query, "shareTicket": None})
        assert login["entry"] is None and login["warnings"] == []


def test_codes_are_made_and_looked_after_on_the_command_line(kaimen, shop, user, tmp_path):
    def entry(*arguments, code=0):
        done = server.run("entry", *arguments, "--data", kaimen.data)
        assert done.returncode == code, done
        return done

    picture = tmp_path / "door.png"
    made = json.loads(entry("create", shop, "--payload", '{"device":"cli"}', "--page", "pages/index", "--uses", "2", "--expires-in", "3600", "--out", picture, "--json").stdout)
    assert made["uses"] == 2 and made["expires_at"] and urllib.parse.parse_qs(urllib.parse.urlsplit(qr.read(picture.read_bytes())).query)["scene"] == [made["entry_code"]]
    one = (shop, made["entry_code"])
    assert scan(kaimen, shop, user, made["entry_code"])["entry"] == {"device": "cli"}
    shown = entry("show", *one, "--out", tmp_path / "again.png").stdout
    assert '{"device":"cli"}' in shown and re.search(r"^scans +1$", shown, re.M) and re.search(r"^guests +1$", shown, re.M), shown
    assert (tmp_path / "again.png").read_bytes() == picture.read_bytes()
    assert re.search(rf"^{made['entry_code']} +active +1 +1 +1 .*cli", entry("list", shop).stdout, re.M)
    assert re.search(r" guest +new", entry("scans", *one).stdout)
    assert entry("link", *one).stdout.startswith("weixin://")
    assert json.loads(entry("link", *one, "--kind", "url_link", "--expires-in", "60", "--json").stdout)["url"].startswith("https://")
    changed = json.loads(entry("set", *one, "--payload", '"a text"', "--registered-only", "--no-limit", "--json").stdout)
    assert (changed["payload"], changed["policy"], changed["uses"], changed["expires_at"]) == ("a text", {"registered": "only"}, None, None)
    entry("set", *one, "--disable")
    assert warned(scan(kaimen, shop, user, made["entry_code"])) == [("entry", "code_invalid")]
    entry("set", *one, "--enable", "--anybody")
    assert scan(kaimen, shop, user, made["entry_code"])["entry"] == "a text"
    entry("remove", *one, code=2)  # nobody is there to confirm it
    entry("remove", *one, "--yes")
    assert "error: " in entry("show", *one, code=1).stderr
    for wrong in (("create", shop, "--payload", "{door 4}"), ("set", *one), ("create", shop)):
        entry(*wrong, code=2)
    unwritten = entry("create", shop, "--payload", "1", "--out", tmp_path / "none" / "x.png", "--json", code=1)
    assert json.loads(unwritten.stdout)["entry_code"] in unwritten.stderr, "the picture can still be had"
    plain = json.loads(entry("create", shop, "--payload", "1", "--no-image", "--json").stdout)
    assert plain["image_url"] is None and plain["entry_code"] in entry("list", shop).stdout
    assert kaimen.admin("GET", f"/apps/{shop}/entry-codes/{plain['entry_code']}/image").status == 404


def test_a_code_of_another_app_is_unknown(kaimen, shop, user):
    other = kaimen.add_app("wxentry00000000002")
    made = make(kaimen, other, image=False)
    assert warned(scan(kaimen, shop, user, made["entry_code"])) == [("entry", "not_found")]
    assert kaimen.admin("GET", f"/apps/{shop}/entry-codes/{made['entry_code']}").status == 404


def test_a_code_that_is_disabled_changed_and_removed(kaimen, shop, user):
    code = make(kaimen, shop)["entry_code"]
    path = f"/apps/{shop}/entry-codes/{code}"
    image = urllib.parse.urlsplit(at(kaimen, shop, code)["image_url"]).path
    assert kaimen.admin("PUT", path, json={"disabled": True}).json()["disabled"]
    assert warned(scan(kaimen, shop, user, code)) == [("entry", "code_invalid")]
    changed = kaimen.admin("PUT", path, json={"disabled": False, "payload": {"device": "door 5"}, "expires_in": 3600, "uses": 1})
    assert changed.status == 200 and changed.json()["expires_at"] and changed.json()["uses"] == 1, changed
    assert scan(kaimen, shop, user, code)["entry"] == {"device": "door 5"}
    assert warned(scan(kaimen, shop, user, code)) == [("entry", "code_used")]
    assert kaimen.admin("PUT", path, json={"expires_at": None, "uses": None}).json()["expires_at"] is None
    assert scan(kaimen, shop, user, code)["entry"] == {"device": "door 5"}
    assert kaimen.admin("DELETE", path).status == 204
    assert warned(scan(kaimen, shop, user, code)) == [("entry", "not_found")]
    assert kaimen.admin("GET", path).status == 404 and kaimen.client("GET", image).status == 404


def test_a_replayed_login_is_one_scan(kaimen, shop, user):
    made = make(kaimen, shop, uses=1, image=False)
    code, entry = kaimen.code(user, shop), {"query": {"scene": made["entry_code"]}}
    answers = server.parallel(4, lambda _: kaimen.post_login(code, app_id=shop, entry=entry))
    answers.append(kaimen.post_login(code, app_id=shop, entry=entry))
    assert [answer.json()["entry"] for answer in answers] == [{"device": "door 4"}] * 5
    assert at(kaimen, shop, made["entry_code"])["counts"]["scans"] == 1


def test_the_last_use_goes_to_one_of_many(kaimen, shop, user):
    made = make(kaimen, shop, uses=3, image=False)
    logins = server.parallel(8, lambda i: scan(kaimen, shop, f"{user}-{i}", made["entry_code"]))
    assert sorted(str(login["entry"]) for login in logins) == ["None"] * 5 + ["{'device': 'door 4'}"] * 3
    assert at(kaimen, shop, made["entry_code"])["counts"]["scans"] == 3


def test_a_code_for_registered_people_lets_guests_in_once_they_have_registered(kaimen, shop, user):
    made = make(kaimen, shop, policy={"registered": "only"}, image=False)
    guest = scan(kaimen, shop, user, made["entry_code"])
    assert guest["entry"] is None and warned(guest) == [("entry", "registration_required")] and guest["missing"] == ["nickname"]
    assert [one["registered"] for one in at(kaimen, shop, made["entry_code"], "/scans")["items"]] == [False]
    done = kaimen.client("POST", "/v1/me/registration", guest["token"], json={"fields": {"nickname": "Ada"}}).json()
    assert done["user"]["registered"] and done["entry"] == {"device": "door 4"}
    assert [one["registered"] for one in at(kaimen, shop, made["entry_code"], "/scans")["items"]] == [True]
    assert scan(kaimen, shop, user, made["entry_code"])["entry"] == {"device": "door 4"}


def test_a_webhook_is_told_of_a_scan(kaimen, shop, user):
    hook = Hook()
    try:
        path = "/webhooks/" + kaimen.admin("POST", "/webhooks", json={"url": hook.url, "kinds": ["entry.scanned"]}).json()["id"]
        made = make(kaimen, shop, image=False)
        login = scan(kaimen, shop, user, made["entry_code"])
        (told,) = server.eventually(hook.bodies)
        assert told["kind"] == "entry.scanned" and told["data"] == {
            "user_id": login["user"]["id"], "session_id": login["session"]["id"], "app_id": shop,
            "detail": {"entry_code": made["entry_code"], "registered": False, "is_new_user": True}}
        assert kaimen.admin("DELETE", path).status == 204
    finally:
        hook.close()


def test_codes_are_listed_newest_first(kaimen):
    app = kaimen.add_app("wxentry00000000003")
    made = []
    for i in range(5):
        made.append(make(kaimen, app, payload=i, image=False)["entry_code"])
        time.sleep(0.002)  # those of one millisecond stand in any order
    listed, cursor = [], ""
    while cursor is not None:
        page = kaimen.admin("GET", f"/apps/{app}/entry-codes?limit=2{cursor and '&cursor=' + cursor}").json()
        listed += [one["payload"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert listed == [4, 3, 2, 1, 0] and len(set(made)) == 5


@pytest.mark.parametrize("fields", [{"payload": None}, {"page": "/pages/index"}, {"page": "pages/index?a=1"}, {"width": 279}, {"width": "430"}, {"env_version": "x"},
                                    {"uses": 0}, {"expires_in": 0}, {"expires_in": 60, "expires_at": "2099-01-01T00:00:00Z"}, {"expires_at": "soon"},
                                    {"policy": {"registered": "maybe"}}, {"policy": "only"}, {"image": 1}])
def test_a_code_with_a_bad_field_is_not_made(kaimen, shop, fields):
    wire.problem(kaimen.admin("POST", f"/apps/{shop}/entry-codes", json={"payload": 1, **fields}), 400, "invalid_request")


def test_a_payload_has_a_limit(kaimen, shop):
    assert make(kaimen, shop, payload="x" * 4094, image=False)
    wire.problem(kaimen.admin("POST", f"/apps/{shop}/entry-codes", json={"payload": "x" * 4095, "image": False}), 413, "payload_too_large")


def test_when_wechat_draws_nothing_there_is_no_code(kaimen):
    app = kaimen.add_app("wxentry00000000004")
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "pages": ["pages/index"]})
    path = f"/apps/{app}/entry-codes"
    refused = wire.problem(kaimen.admin("POST", path, json={"payload": 1, "page": "pages/none"}), 400, "invalid_request")
    assert refused["upstream"]["errcode"] == 41030
    try:
        for fault, status, code in (({"errcode": 45009}, 429, "rate_limited"), ({"body": '{"errcode":0}'}, 502, "upstream_error"), ({"garbage": True}, 502, "upstream_error"),
                                    ({"body": "\x89PNG\r\n\x1a\nshort"}, 502, "upstream_error")):
            kaimen.faults(path="/wxa/getwxacodeunlimit", **fault)
            wire.problem(kaimen.admin("POST", path, json={"payload": 1}), status, code)
        # A token that WeChat has dropped is replaced once.
        kaimen.faults(path="/wxa/getwxacodeunlimit", errcode=40001, times=1)
        wire.problem(kaimen.admin("POST", path, json={"payload": 1}), 502, "upstream_error")
    finally:
        kaimen.faults()
    assert kaimen.admin("GET", path).json()["items"] == []


def test_links_open_as_a_scan_does(kaimen, shop):
    made = make(kaimen, shop, page="pages/index", image=False)
    path = f"/apps/{shop}/entry-codes/{made['entry_code']}/links"
    scheme, link = kaimen.admin("POST", path, json={"kind": "scheme"}), kaimen.admin("POST", path, json={"kind": "url_link", "expires_in": 3600})
    assert scheme.status == 201 and scheme.json()["url"].startswith("weixin://dl/business/?t="), scheme
    assert link.status == 201 and link.json()["url"].startswith("https://wxaurl.cn/"), link
    wire.problem(kaimen.admin("POST", path, json={"kind": "scheme", "expires_in": 31 * 86400}), 400, "invalid_request")
    wire.problem(kaimen.admin("POST", path, json={"kind": "carrier pigeon"}), 400, "invalid_request")
    kaimen.control("POST", "/sandbox/apps", {"appid": shop, "links_per_day": 2})
    limited = wire.problem(kaimen.admin("POST", path, json={}), 429, "rate_limited")
    assert limited["upstream"]["errcode"] == 44993
    wire.problem(kaimen.admin("POST", path.replace(made["entry_code"], "none"), json={}), 404, "not_found")


def test_codes_and_scans_outlive_a_restart(own_kaimen):
    kaimen = own_kaimen()
    made = make(kaimen, kaimen.app_id)
    scan(kaimen, kaimen.app_id, "ada", made["entry_code"])
    kaimen.restart()
    assert scan(kaimen, kaimen.app_id, "ada", made["entry_code"])["entry"] == {"device": "door 4"}
    assert at(kaimen, kaimen.app_id, made["entry_code"])["counts"]["scans"] == 2
    picture = kaimen.client("GET", urllib.parse.urlsplit(made["image_url"]).path)
    assert hashlib.sha256(picture.body).hexdigest() in made["image_url"]
