"""A team's own users taken over: `kaimen import users`, its admin route, and resolve_url asked at an identity's first login."""
import json
import time

import pytest

import server
from resolver import Backend
from test_record import Hook

SECRET = "resolve-secret-of-32-characters!"


@pytest.fixture
def backend(kaimen):
    one = Backend(SECRET)
    answer = kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"resolve_secret": SECRET, "settings": {"resolve_url": one.url}})
    assert answer.status == 200 and answer.json()["resolve_secret"] is True and SECRET not in answer.body.decode(), answer
    yield one
    kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"resolve_secret": None, "settings": {"resolve_url": None}})
    one.close()


def openid_of(kaimen, login):
    return kaimen.verify(login["token"]).get("x-kaimen-openid")


def import_lines(kaimen, tmp_path, lines, *flags, code=0):
    path = tmp_path / "users.ndjson"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    done = server.run("import", "users", path, "--data", kaimen.data, *flags)
    assert done.returncode == code, done
    return done


def sums(done):
    return {name: count for name, count in json.loads(done.stdout).items() if name in ("created", "updated", "unchanged", "refused")}


def test_an_import_says_what_came_of_each_line_and_can_be_run_again(kaimen, user, tmp_path):
    lines = [{"external_id": f"{user}-1", "nickname": "Ada", "roles": ["editor"], "attributes": {"level": 3}, "created_at": "2020-02-03T04:05:06Z"},
             "",
             "{broken",
             {"external_id": "has a blank"},
             {"external_id": f"{user}-2", "openid": "o-without-app"},
             {"external_id": f"{user}-2", "app_id": kaimen.app_id, "openid": f"o-{user}", "unionid": f"u-{user}", "phone": "+8613900000001", "registered": False},
             {"external_id": f"{user}-3", "misspelt": 1}]
    dry = import_lines(kaimen, tmp_path, lines, "--dry-run", "--json", code=1)
    assert sums(dry) == {"created": 2, "updated": 0, "unchanged": 0, "refused": 4}, dry
    assert kaimen.admin("GET", f"/users?external_id={user}-1").json()["items"] == []

    done = import_lines(kaimen, tmp_path, lines, "--verbose", code=1)
    for text in ("line 1: created ", "line 3: refused: invalid_request: ", "line 4: refused: invalid_request: external_id", "line 5: refused: invalid_request: openid needs the app_id",
                 "line 6: created ", "line 7: refused: invalid_request: there is no member misspelt", "2 created, 0 updated, 0 unchanged, 4 refused of 7 lines"):
        assert text in done.stdout, (text, done.stdout)
    ada = kaimen.admin("GET", f"/users?external_id={user}-1").json()["items"][0]
    assert ada["nickname"] == "Ada" and ada["roles"] == ["editor"] and ada["attributes"] == {"level": 3} and ada["created_at"].startswith("2020-02-03T04:05:06"), ada
    other = kaimen.admin("GET", "/users?phone=%2B8613900000001").json()["items"][0]
    assert other["external_id"] == f"{user}-2" and other["registered"] is False and other["identities"][0]["openid"] == f"o-{user}", other

    again = import_lines(kaimen, tmp_path, [lines[0], lines[5]], "--json")
    assert sums(again) == {"created": 0, "updated": 0, "unchanged": 2, "refused": 0}
    lines[0]["nickname"] = "Ada L."
    assert sums(import_lines(kaimen, tmp_path, [lines[0]], "--json"))["updated"] == 1
    kinds = [event["kind"] for event in kaimen.admin("GET", f"/audit?user_id={ada['id']}").json()["items"]]
    assert kinds == ["user_import_changed", "user_imported"], kinds


def test_the_imported_user_is_found_by_its_first_login(kaimen, user, tmp_path):
    before = kaimen.login(user)
    openid = openid_of(kaimen, before)
    kaimen.admin("DELETE", f"/users/{before['user']['id']}")
    import_lines(kaimen, tmp_path, [{"external_id": f"c-{user}", "app_id": kaimen.app_id, "openid": openid, "roles": ["old"]}])
    first = kaimen.login(user)
    assert first["is_new_user"] is False and first["user"]["external_id"] == f"c-{user}"
    assert kaimen.verify(first["token"], "role=old").get("x-kaimen-external-id") == f"c-{user}"


def test_webhooks_hear_of_an_import_that_says_so(kaimen, user, tmp_path):
    hook = Hook()
    path = "/webhooks/" + kaimen.admin("POST", "/webhooks", json={"url": hook.url, "kinds": ["user.created", "user.updated"]}).json()["id"]
    line = {"external_id": f"{user}-1"}
    import_lines(kaimen, tmp_path, [line])
    import_lines(kaimen, tmp_path, [{"external_id": f"{user}-2"}, {**line, "roles": ["editor"]}, line], "--webhooks", "--dry-run")
    import_lines(kaimen, tmp_path, [{"external_id": f"{user}-2"}, {**line, "roles": ["editor"]}, {**line, "roles": ["editor"]}], "--webhooks")
    server.eventually(lambda: len(hook.seen) >= 2, 15)
    ids = {number: kaimen.admin("GET", f"/users?external_id={user}-{number}").json()["items"][0]["id"] for number in (1, 2)}
    assert sorted((body["kind"], body["data"]["user_id"]) for body in hook.bodies()) == [("user.created", ids[2]), ("user.updated", ids[1])]
    assert len(kaimen.admin("GET", path + "/deliveries").json()["items"]) == 2, "nothing of the import that did not say so, nor of the dry run"
    kaimen.admin("DELETE", path)
    hook.close()


def test_many_lines_stream_in_batches(kaimen, user, tmp_path):
    lines = [{"external_id": f"{user}-{number}", "nickname": "名" * 30} for number in range(1500)]
    assert sums(import_lines(kaimen, tmp_path, lines, "--json"))["created"] == 1500
    assert sums(import_lines(kaimen, tmp_path, lines + [{"external_id": f"{user}-more"}], "--json")) == {"created": 1, "updated": 0, "unchanged": 1500, "refused": 0}


def test_two_users_are_not_made_one(kaimen, user, tmp_path):
    one, two = kaimen.login(f"{user}-a"), kaimen.login(f"{user}-b")
    import_lines(kaimen, tmp_path, [{"external_id": f"x-{user}", "app_id": kaimen.app_id, "openid": openid_of(kaimen, one)}])
    done = import_lines(kaimen, tmp_path, [{"external_id": f"x-{user}", "app_id": kaimen.app_id, "openid": openid_of(kaimen, two)}], code=1)
    assert "line 1: refused: conflict: names two users" in done.stdout and one["user"]["id"] in done.stdout, done.stdout


def test_the_import_route_keeps_to_its_limits(kaimen):
    assert kaimen.admin("POST", "/users/import", json={"users": [{}] * 201}).status == 400
    assert kaimen.admin("POST", "/users/import", json={"users": [], "project": "nowhere"}).status == 400
    assert kaimen.admin("POST", "/users/import", json={}).status == 400
    answer = kaimen.admin("POST", "/users/import", json={"users": [7, {"external_id": ""}]}).json()
    assert answer["refused"] == 2 and [one["code"] for one in answer["results"]] == ["invalid_request"] * 2, answer


def test_the_backend_is_asked_once_and_its_word_is_in_the_first_ticket(kaimen, user, backend):
    backend.answer(200, json.dumps({"external_id": f"r-{user}", "roles": ["vip"], "nickname": "Old name", "attributes": {"since": 2019}}).encode())
    first = kaimen.login(user)
    assert first["warnings"] == [] and first["user"]["external_id"] == f"r-{user}" and first["user"]["nickname"] == "Old name", first
    assert first["user"]["attributes"] == {"since": 2019}
    checked = kaimen.verify(first["token"], "role=vip")
    assert checked.status == 204 and checked.get("x-kaimen-external-id") == f"r-{user}", checked
    assert kaimen.renew(first["renew_token"]).status == 200
    kaimen.login(user)
    assert len(backend.asked) == 1, "at the first login only"
    asked = backend.asked[0]
    assert asked["app_id"] == kaimen.app_id and asked["openid"] == checked.get("x-kaimen-openid") and asked["user_id"] == first["user"]["id"] and asked["is_new_user"] is True, asked


def test_whom_the_backend_does_not_know_logs_in_as_anybody(kaimen, user, backend):
    first = kaimen.login(user)
    assert len(backend.asked) == 1 and first["warnings"] == [] and "external_id" not in first["user"]


@pytest.mark.parametrize("status,body,pause", [(500, b"{}", 0), (200, b"<html>", 0), (200, b"[]", 0), (200, b'{"external_id":7}', 0), (200, b'{"external_id":"a b"}', 0),
                                               (200, b'{"roles":["No Such"]}', 0), (200, b'{"roles":"vip"}', 0), (200, b'{"nickname":"' + b"x" * 65 + b'"}', 0),
                                               (200, b'{"x":"' + b"y" * 20000 + b'"}', 0), (302, b"", 0), (200, b'{"external_id":"late"}', 3)])
def test_a_slow_or_lying_backend_costs_a_warning_and_no_login(kaimen, user, backend, status, body, pause):
    backend.answer(status, body, pause)
    begun = time.monotonic()
    first = kaimen.login(f"lie-{user}")
    took = time.monotonic() - begun
    assert first["warnings"] == [{"part": "resolve", "code": "upstream_error"}], first
    assert "external_id" not in first["user"] and first["user"]["roles"] == [] and kaimen.verify(first["token"]).status == 204
    assert took < 2.5, took


def test_a_dead_backend_and_one_that_may_not_be_reached(kaimen, user, backend):
    for url, code in (("http://127.0.0.1:1/who", "upstream_error"), ("http://10.0.0.1/who", "app_misconfigured"), ("http://169.254.169.254/who", "app_misconfigured"),
                      ("http://[::ffff:10.0.0.1]/who", "app_misconfigured")):
        kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"settings": {"resolve_url": url}})
        first = kaimen.login(f"dead-{user}-{abs(hash(url))}")
        assert first["warnings"] == [{"part": "resolve", "code": code}], (url, first)
    assert backend.asked == []


def test_a_backend_that_was_away_is_asked_at_the_next_login(kaimen, user, backend):
    backend.answer(200, json.dumps({"external_id": f"away-{user}"}).encode(), 3)
    assert kaimen.login(user)["warnings"] == [{"part": "resolve", "code": "upstream_error"}]
    backend.answer(503)
    assert kaimen.login(user)["warnings"] == [{"part": "resolve", "code": "upstream_error"}]
    backend.answer(200, json.dumps({"external_id": f"away-{user}", "roles": ["vip"]}).encode())
    # It has been away for some seconds, so it may be asked after as many more.
    server.eventually(lambda: kaimen.login(user)["user"].get("external_id") == f"away-{user}", 15, 0.5)
    assert kaimen.verify(kaimen.login(user)["token"], "role=vip").get("x-kaimen-external-id") == f"away-{user}"
    asked = len(backend.asked)
    assert 3 <= asked <= 4, "and none of those in between waited"
    kaimen.login(user)
    assert len(backend.asked) == asked


def test_a_dead_backend_holds_up_few_of_many_who_come(own_kaimen):
    kaimen, backend = own_kaimen(), Backend(SECRET)
    kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"resolve_secret": SECRET, "settings": {"resolve_url": backend.url}})
    backend.answer(200, b"{}", 30)
    server.parallel(10, lambda number: kaimen.login(f"first-{number}"))
    begun = time.monotonic()
    logins = [kaimen.login(f"then-{number}") for number in range(30)]
    took = time.monotonic() - begun
    assert all(one["warnings"] == [{"part": "resolve", "code": "upstream_error"}] for one in logins)
    assert took < 30 * 0.8 / 3, "one a second waits, at most"
    backend.close()


def test_without_a_secret_nobody_is_asked(kaimen, user, backend):
    kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"resolve_secret": None})
    assert kaimen.login(user)["warnings"] == [{"part": "resolve", "code": "app_misconfigured"}]
    assert backend.asked == []
    assert kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"resolve_secret": "short"}).status == 400


def test_a_name_that_another_user_has_is_not_taken_over(kaimen, user, backend):
    backend.answer(200, json.dumps({"external_id": f"same-{user}", "roles": ["admin"]}).encode())
    one, two = kaimen.login(f"{user}-1"), kaimen.login(f"{user}-2")
    assert one["warnings"] == [] and two["warnings"] == [{"part": "resolve", "code": "conflict"}]
    assert one["user"]["id"] != two["user"]["id"] and two["user"]["roles"] == []


def test_why_by_openid(kaimen, user):
    first = kaimen.login(user)
    openid = openid_of(kaimen, first)
    answer = kaimen.admin("GET", f"/why/{openid}?app_id={kaimen.app_id}")
    assert answer.status == 200 and answer.json()["about"] == "user" and first["user"]["id"] in answer.json()["lines"][0], answer
    assert any("logged in for the first time" in line for line in answer.json()["lines"])
    said = server.run("why", f"{kaimen.app_id}/{openid}", "--data", kaimen.data)
    assert said.returncode == 0 and openid in said.stdout and first["user"]["id"] in said.stdout, said
    assert kaimen.admin("GET", f"/why/nobody?app_id={kaimen.app_id}").status == 404
    assert kaimen.admin("GET", f"/why/{openid}?app_id=wxnone").status == 404
    assert kaimen.admin("GET", f"/why/{openid}?app=x").status == 400
