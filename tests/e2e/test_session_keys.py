"""What the server does with session_keys for the team's backend and for WeChat's data pre-fetch; keys themselves never leave it."""
import urllib.parse

import pytest

import server
import wire
from backend import Backend


def control(kaimen, what, user, **more):
    return kaimen.control("POST", f"/sandbox/{what}", {"appid": more.pop("appid", kaimen.app_id), "user": user, **more})


def ask(kaimen, made, what, json=None, key=None):
    return kaimen.admin("POST", f"/sessions/{made['session']['id']}/{what}", json=json, key=key)


def encrypted(data):
    return {"encrypted_data": data["encryptedData"], "iv": data["iv"]}


@pytest.fixture
def user(request):
    return request.node.name


def test_open_data_of_any_kind_are_opened(kaimen, user):
    made = kaimen.login(user)
    steps = {"stepInfoList": [{"timestamp": 1, "step": 100}]}
    answer = ask(kaimen, made, "open-data", encrypted(control(kaimen, "open-data", user, data=steps)))
    assert answer.status == 200 and answer.json()["stepInfoList"] == steps["stepInfoList"], answer
    assert answer.json()["watermark"]["appid"] == kaimen.app_id


def test_open_data_with_another_watermark_or_none_are_refused(kaimen, user):
    made = kaimen.login(user)
    for data in ({"watermark": {"appid": "wxother", "timestamp": 1}}, {"watermark": {"appid": kaimen.app_id, "timestamp": 1}}, "no JSON at all"):
        wire.problem(ask(kaimen, made, "open-data", encrypted(control(kaimen, "open-data", user, data=data))), 409, "stale_session_key")
    wire.problem(ask(kaimen, made, "open-data", {"encrypted_data": "AAAA", "iv": "AAAA"}), 400, "decrypt_failed")


def test_whether_the_key_stands(kaimen, user):
    made = kaimen.login(user)
    assert ask(kaimen, made, "check-session-key").json() == {"valid": True}
    control(kaimen, "login", user, rotate=True)
    assert ask(kaimen, made, "check-session-key").json() == {"valid": False}


def test_a_key_runs_out_by_time_where_the_sandbox_is_told_so(kaimen, user):
    app = "wxshortkey00000001"
    kaimen.add_app(app)
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "session_key_seconds": 1})
    made = kaimen.login(user, app)
    server.eventually(lambda: ask(kaimen, made, "check-session-key").json() == {"valid": False})
    # The phone has another key by then, which no login has brought.
    data = control(kaimen, "user-info", user, appid=app)
    wire.problem(ask(kaimen, made, "open-data", encrypted(data)), 409, "stale_session_key")


def test_a_reset_key_is_the_newest_and_the_old_one_opens_what_was_under_way(kaimen, user):
    made = kaimen.login(user)
    before = control(kaimen, "user-info", user, nickName="before")
    assert ask(kaimen, made, "reset-session-key").status == 204
    assert ask(kaimen, made, "check-session-key").json() == {"valid": True}
    for data in (before, control(kaimen, "user-info", user, nickName="after")):
        assert ask(kaimen, made, "open-data", encrypted(data)).status == 200
    # Each call is signed with the newest key that stands.
    assert ask(kaimen, made, "reset-session-key").status == 204


def test_a_key_that_no_longer_stands_cannot_be_reset(kaimen, user):
    made = kaimen.login(user)
    control(kaimen, "login", user, rotate=True)
    for what in ("reset-session-key", "encrypt-key"):
        wire.problem(ask(kaimen, made, what), 409, "stale_session_key")


def test_encrypt_keys_are_handed_to_the_backend(kaimen, user):
    made = kaimen.login(user)
    keys = ask(kaimen, made, "encrypt-key").json()["items"]
    assert len(keys) == 1 and keys[0]["version"] == 1 and 3500 <= keys[0]["expires_in"] <= 3600, keys
    assert len(keys[0]["iv"]) == 16 and wire.TIME.fullmatch(keys[0]["created_at"])


def test_a_key_of_another_project_sees_nothing(own_kaimen, user):
    kaimen = own_kaimen()
    made = kaimen.login(user)
    kaimen.add_app("wxelsewhere0000001", project="elsewhere")
    narrow = kaimen.admin("POST", "/keys", json={"name": "narrow", "scopes": ["wechat"], "project": "elsewhere"}).json()["key"]
    for what in ("open-data", "check-session-key", "reset-session-key", "encrypt-key"):
        wire.problem(ask(kaimen, made, what, {"encrypted_data": "AAAA", "iv": "AAAA"}, key=narrow), 404, "not_found")


# The login state


@pytest.fixture(scope="module")
def following(kaimen):
    return kaimen.add_app("wxfollow0000000001", settings={"login_state": "wechat"})


def test_a_session_follows_the_key_where_the_app_says_so(kaimen, following, user):
    made, own = kaimen.login(user, following), kaimen.login(user)
    made = kaimen.renew(made["renew_token"]).json()
    for app in (following, kaimen.app_id):
        control(kaimen, "login", user, rotate=True, appid=app)
    wire.problem(kaimen.renew(made["renew_token"]), 401, "unauthenticated", "expired")
    assert kaimen.renew(own["renew_token"]).status == 200


def test_wechats_bad_days_end_nobodys_session(kaimen, following, user):
    made = kaimen.login(user, following)
    for fault in ({"errcode": -1}, {"drop": True}, {"errcode": 45009}, {"garbage": True}):
        kaimen.faults(path="/wxa/checksession", **fault)
        answer = kaimen.renew(made["renew_token"])
        assert answer.status == 200, (fault, answer)
        made = answer.json()


def test_what_has_ended_says_why_without_asking_wechat(kaimen, following, user):
    made = kaimen.login(user, following)
    kaimen.client("DELETE", "/v1/session", made["token"])
    asked = len(kaimen.calls("/wxa/checksession"))
    wire.problem(kaimen.renew(made["renew_token"]), 401, "unauthenticated", "logged_out")
    assert len(kaimen.calls("/wxa/checksession")) == asked


# Data pre-fetch


def prefetch(kaimen, **query):
    return wire.call(kaimen.public, "GET", "/v1/prefetch?" + urllib.parse.urlencode({"timestamp": 1, "path": "pages/index", "query": "a=1", "scene": 1001, **query}))


def token_of(kaimen, made):
    answer = kaimen.client("POST", "/v1/session/prefetch-token", made["token"])
    assert answer.status == 200 and len(answer.json()["token"]) <= 1024 and answer.json()["expires_in"] > 86400, answer
    return answer.json()["token"]


def test_a_prefetch_by_token_gets_session_and_user(kaimen, user):
    made = kaimen.login(user)
    answer = prefetch(kaimen, appid=kaimen.app_id, token=token_of(kaimen, made))
    assert answer.status == 200 and answer.json()["user"]["id"] == made["user"]["id"] and answer.json()["session"]["id"] == made["session"]["id"], answer
    assert "token" not in answer.json() and answer.get("cache-control") == "no-store"


def test_a_prefetch_token_opens_nothing_else_and_nothing_else_opens_it(kaimen, user):
    made = kaimen.login(user)
    token = token_of(kaimen, made)
    server.assert_reason(kaimen.verify(token), "malformed")
    wire.problem(kaimen.client("GET", "/v1/me", token), 401, "unauthenticated", "malformed")
    wire.problem(kaimen.renew(token), 401, "unauthenticated", "malformed")
    wire.problem(kaimen.renew(token.replace("kmp1.", "kmr1.")), 401, "unauthenticated", "malformed")
    for other in (made["renew_token"].replace("kmr1.", "kmp1."), made["token"].replace("km1.", "kmp1."), token[:-1], "kmp1.", "x"):
        wire.problem(prefetch(kaimen, appid=kaimen.app_id, token=other), 401, "unauthenticated", "malformed")


def test_a_prefetch_token_ends_with_its_session_and_app(kaimen, following, user):
    made = kaimen.login(user)
    token = token_of(kaimen, made)
    wire.problem(prefetch(kaimen, appid=following, token=token), 401, "unauthenticated", "malformed")
    kaimen.client("DELETE", "/v1/session", made["token"])
    wire.problem(prefetch(kaimen, appid=kaimen.app_id, token=token), 401, "unauthenticated", "logged_out")


def test_a_prefetch_by_code_logs_in(kaimen, user):
    answer = prefetch(kaimen, appid=kaimen.app_id, code=kaimen.code(user))
    assert answer.status == 200 and answer.get("cache-control") == "no-store", answer
    assert kaimen.verify(answer.json()["token"]).status == 204


def test_codes_of_prefetch_can_be_shut_out_and_are_limited(kaimen, user):
    shut = kaimen.add_app("wxprefetch00000003", settings={"prefetch_code": "off"})
    wire.problem(prefetch(kaimen, appid=shut, code=kaimen.code(user, shut)), 403, "forbidden")
    few = kaimen.add_app("wxprefetch00000004", settings={"prefetch_logins_per_minute": 1})
    assert prefetch(kaimen, appid=few, code=kaimen.code(user, few)).status == 200
    wire.problem(prefetch(kaimen, appid=few, code=kaimen.code(user, few)), 429, "rate_limited")


def test_a_prefetch_says_who_comes_once(kaimen):
    wire.problem(prefetch(kaimen, appid=kaimen.app_id), 400, "invalid_request")
    wire.problem(prefetch(kaimen, appid=kaimen.app_id, code="a", token="b"), 400, "invalid_request")
    wire.problem(prefetch(kaimen, appid="wxnowhere", code="a"), 404, "not_found")


def test_the_teams_backend_answers_where_it_is_named(kaimen):
    backend = Backend()
    app = kaimen.add_app("wxprefetch00000001", settings={"prefetch_url": f"http://{backend.address}/first-screen?v=2"})
    made = kaimen.login("ada", app)
    answer = prefetch(kaimen, appid=app, token=token_of(kaimen, made))
    assert answer.status == 200, answer
    seen = answer.json()
    assert seen["path"] == "/first-screen?v=2&path=pages%2Findex&query=a%3D1&scene=1001&timestamp=1"
    ticket = dict(seen["headers"])["Authorization"].removeprefix("Bearer ")
    assert kaimen.verify(ticket, query=f"app_id={app}").get("x-kaimen-user") == made["user"]["id"]
    backend.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:9"])
def test_a_backend_that_is_not_there_is_said_so(kaimen, user, url):
    app = kaimen.add_app("wxprefetchgone" + str(len(url)), settings={"prefetch_url": url})
    wire.problem(prefetch(kaimen, appid=app, token=token_of(kaimen, kaimen.login("ada", app))), 502, "upstream_error")


def test_metadata_addresses_are_never_asked(kaimen, user):
    app = kaimen.add_app("wxprefetch00000002", settings={"prefetch_url": "http://169.254.169.254/latest/meta-data/"})
    made = kaimen.login(user, app)
    wire.problem(prefetch(kaimen, appid=app, token=token_of(kaimen, made)), 502, "upstream_error")
