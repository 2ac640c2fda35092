"""The way in: POST /v1/login with a code of wx.login, as docs/api.md has it. WeChat is the sandbox here."""
import calendar
import re
import time

import pytest

import server
import wire

USER_FIELDS = {"id": str, "registered": bool, "nickname": str, "avatar_url": str, "gender": int, "language": str, "country": str, "province": str,
               "city": str, "phone_number": (str, type(None)), "roles": list, "attributes": dict, "created_at": str}


def assert_user(user):
    for name, kind in USER_FIELDS.items():
        assert isinstance(user[name], kind), (name, user)
    assert not isinstance(user["gender"], bool)
    assert wire.ID.fullmatch(user["id"]) and wire.TIME.fullmatch(user["created_at"]), user
    assert set(user) <= set(USER_FIELDS) | {"external_id", "token"}, user


def assert_login(login):
    assert set(login) == {"token", "token_type", "expires_in", "renew_token", "session", "user", "is_new_user", "missing", "entry", "warnings"}, login
    assert re.fullmatch(r"km1\.[A-Za-z0-9_-]+", login["token"]) and re.fullmatch(r"kmr1\.[A-Za-z0-9_-]+", login["renew_token"])
    assert login["token_type"] == "Bearer" and login["expires_in"] == 7200 and type(login["expires_in"]) is int
    assert set(login["session"]) == {"id", "created_at", "idle_expires_at", "absolute_expires_at"}
    assert wire.ID.fullmatch(login["session"]["id"])
    for name in ("created_at", "idle_expires_at", "absolute_expires_at"):
        assert wire.TIME.fullmatch(login["session"][name]), login["session"]
    assert type(login["is_new_user"]) is bool and login["entry"] is None and isinstance(login["warnings"], list)
    assert_user(login["user"])


# Who comes in


def test_first_login_makes_a_user_and_says_so(kaimen, user):
    login = kaimen.login(user)
    assert_login(login)
    assert login["is_new_user"] is True and login["warnings"] == []
    for created in (login["session"]["created_at"], login["user"]["created_at"]):
        assert abs(time.time() - calendar.timegm(time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S"))) < 10  # UTC, whatever the server's zone


def test_second_login_is_the_same_user_and_not_new(kaimen, user):
    first, second = kaimen.login(user), kaimen.login(user)
    assert_login(second)
    assert second["user"]["id"] == first["user"]["id"] and second["is_new_user"] is False
    assert second["session"]["id"] != first["session"]["id"] and second["token"] != first["token"]


def test_two_people_are_two_users(kaimen, user):
    assert kaimen.login(user)["user"]["id"] != kaimen.login(user + "b")["user"]["id"]


def test_a_login_answer_is_not_stored_by_caches(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user))
    assert answer.get("cache-control") == "no-store" and answer.get("x-request-id")
    assert answer.get("content-type").split(";")[0] == "application/json"


def test_an_app_may_name_its_defaults(kaimen, user):
    app = kaimen.add_app("wxdefaults00000001", settings={"default_nickname": "开门 👋", "ticket_seconds": 600})
    login = kaimen.login(user, app)
    assert login["user"]["nickname"] == "开门 👋" and login["expires_in"] == 600


@pytest.mark.parametrize("env", ["develop", "trial", "release"])
def test_the_environment_of_the_mini_program_is_kept_in_the_ticket(kaimen, user, env):
    assert kaimen.verify(kaimen.login(user, env_version=env)["token"]).get("x-kaimen-env") == env


def test_an_environment_that_wechat_has_not_is_refused(kaimen, user):
    wire.problem(kaimen.post_login(kaimen.code(user), env_version="production"), 400, "invalid_request")


# One code, one session


def test_the_same_code_again_gives_the_same_session_without_a_second_upstream_call(kaimen, user):
    code = kaimen.code(user)
    before = len(kaimen.calls())
    first, second = kaimen.post_login(code).json(), kaimen.post_login(code).json()
    assert second["session"]["id"] == first["session"]["id"]
    assert len(kaimen.calls()) == before + 1
    assert kaimen.verify(first["token"]).status == kaimen.verify(second["token"]).status == 204


def test_who_lost_the_answer_gets_the_same_answer_again(kaimen, user):
    code = kaimen.code(user)
    first, second = (kaimen.post_login(code, attempt="a-1").json() for _ in range(2))
    for name in ("is_new_user", "user", "session", "warnings"):
        assert first[name] == second[name], name


def test_a_code_is_used_up_once_its_session_was_logged_out(kaimen, user):
    code = kaimen.code(user)
    token = kaimen.post_login(code).json()["token"]
    before = len(kaimen.calls())
    assert kaimen.client("DELETE", "/v1/session", token).status == 204
    wire.problem(kaimen.post_login(code), 409, "code_used")
    assert len(kaimen.calls()) == before


def test_a_code_is_used_up_once_its_session_was_renewed(kaimen, user):
    code = kaimen.code(user)
    assert kaimen.renew(kaimen.post_login(code).json()["renew_token"]).status == 200
    wire.problem(kaimen.post_login(code), 409, "code_used")


def test_a_code_that_wechat_does_not_know_is_refused(kaimen):
    error = wire.problem(kaimen.post_login("0" * 32), 401, "code_invalid")
    assert error["upstream"]["errcode"] == 40029


def test_a_code_of_another_app_is_refused(kaimen, user):
    kaimen.add_app("wxothercode0000001")
    answer = kaimen.post_login(kaimen.code(user), app_id="wxothercode0000001")
    wire.problem(answer, 401, "code_invalid")


def test_a_hundred_posts_of_one_code_are_one_call_and_one_session(kaimen, user):
    code = kaimen.code(user)
    before = len(kaimen.calls())
    answers = server.parallel(100, lambda _: kaimen.post_login(code))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["session"]["id"] for answer in answers}) == 1
    assert len(kaimen.calls()) == before + 1
    assert len(kaimen.client("GET", "/v1/me/sessions", answers[0].json()["token"]).json()["items"]) == 1


def test_a_hundred_posts_of_a_bad_code_are_one_call(kaimen):
    before = len(kaimen.calls())
    answers = server.parallel(100, lambda _: kaimen.post_login("f" * 32))
    assert {answer.status for answer in answers} == {401}
    assert len(kaimen.calls()) <= before + 2  # who comes after the first has been answered may ask again


# WeChat's own words for "no"


@pytest.mark.parametrize("errcode, status, code", [
    (-1, 503, "upstream_busy"), (40029, 401, "code_invalid"), (40163, 409, "code_used"), (40226, 403, "risk_blocked"),
    (45011, 429, "rate_limited"), (45009, 429, "rate_limited"), (40013, 503, "app_misconfigured"), (40125, 503, "app_misconfigured"),
    (40243, 503, "app_misconfigured"), (40164, 503, "app_misconfigured"), (41002, 503, "app_misconfigured"), (41004, 503, "app_misconfigured"),
    (40002, 503, "app_misconfigured"), (99999, 502, "upstream_error"),
])
def test_each_errcode_of_wechat_has_its_answer(kaimen, user, errcode, status, code):
    login_code = kaimen.code(user)
    kaimen.faults(path="/sns/jscode2session", errcode=errcode)
    answer = kaimen.post_login(login_code)
    error = wire.problem(answer, status, code)
    assert error["upstream"]["errcode"] == errcode and error["upstream"]["rid"], error
    assert set(error["upstream"]) == {"errcode", "rid"}
    assert "errmsg" not in answer.body.decode() and "hints" not in answer.body.decode()
    if code in ("upstream_busy", "rate_limited"):
        assert int(answer.get("retry-after")) >= 1 and error["retry_after"] == int(answer.get("retry-after"))


def test_after_wechat_was_busy_the_same_code_still_works(kaimen, user):
    code = kaimen.code(user)
    kaimen.faults(path="/sns/jscode2session", errcode=-1)
    wire.problem(kaimen.post_login(code), 503, "upstream_busy")
    kaimen.faults()
    assert kaimen.post_login(code).status == 200


# The request's form


def test_wechats_own_field_names_are_taken(kaimen, user):
    info = kaimen.control("POST", "/sandbox/user-info", {"appid": kaimen.app_id, "user": user, "nickName": "阿开"})
    profile = {"rawData": info["rawData"], "signature": info["signature"], "encryptedData": info["encryptedData"], "iv": info["iv"]}
    answer = wire.call(kaimen.public, "POST", "/v1/login", json={"appid": kaimen.app_id, "code": kaimen.code(user), "profile": profile})
    assert answer.status == 200 and answer.json()["warnings"] == [] and answer.json()["user"]["nickname"] == "阿开", answer


def test_one_field_under_two_names_with_one_value_is_taken(kaimen, user):
    assert kaimen.post_login(kaimen.code(user), appid=kaimen.app_id).status == 200


def test_one_field_under_two_names_with_two_values_is_refused(kaimen, user):
    wire.problem(kaimen.post_login(kaimen.code(user), appid="wxother00000000001"), 400, "invalid_request")


def test_an_unknown_app_is_refused(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user), app_id="wxunknown000000001")
    assert answer.status in (400, 404) and answer.json()["code"] in ("invalid_request", "not_found"), answer


@pytest.mark.parametrize("missing", ["app_id", "code"])
def test_a_missing_field_is_refused(kaimen, user, missing):
    body = {"app_id": kaimen.app_id, "code": kaimen.code(user)}
    del body[missing]
    wire.problem(wire.call(kaimen.public, "POST", "/v1/login", json=body), 400, "invalid_request")


@pytest.mark.parametrize("field, value", [("code", 1), ("code", ["a"]), ("code", None), ("code", {}), ("app_id", 7), ("profile", "x"), ("phone", []),
                                          ("device", 3), ("cookie", "yes"), ("attempt", 5), ("env_version", 0), ("device", {"id": 5})])
def test_a_field_of_the_wrong_type_is_refused(kaimen, user, field, value):
    body = {"app_id": kaimen.app_id, "code": kaimen.code(user), field: value}
    wire.problem(wire.call(kaimen.public, "POST", "/v1/login", json=body), 400, "invalid_request")


def test_unknown_fields_are_ignored_and_named_in_dev_mode(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user), colour="red")
    assert answer.status == 200 and "colour" in answer.get("x-kaimen-ignored")


@pytest.mark.parametrize("code", ["", "a" * 513, "with space", "line\r\nX-Evil: 1", "nul\0", "tab\t", "编码", "\x7f", "x" * 60000],
                         ids=["empty", "513", "space", "crlf", "nul", "tab", "utf8", "del", "60000"])
def test_a_code_that_is_not_printable_ascii_of_512_is_refused(kaimen, code):
    before = len(kaimen.calls())
    answer = kaimen.post_login(code)
    if code == "with space" and answer.status == 401:
        return  # a blank may pass for printable; WeChat then refuses it
    wire.problem(answer, 400, "invalid_request")
    assert len(kaimen.calls()) == before


def test_a_code_of_a_mebibyte_is_too_large(kaimen):
    wire.problem(kaimen.post_login("a" * 1024 * 1024), 413, "payload_too_large")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"1", b"\"x\"", b"{", b"{}x", b"{\"code\":\"\xff\"}", b"{'code':1}", b"\xef\xbb\xbf{}"])
def test_a_body_that_is_no_json_object_is_refused(kaimen, body):
    answer = wire.call(kaimen.public, "POST", "/v1/login", body=body, headers={"Content-Type": "application/json"})
    wire.problem(answer, 400, "invalid_request")


def test_an_ignored_field_cannot_write_headers(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user), **{"a\r\nSet-Cookie: evil=1": 1, "nul\0": 1, "é": 1})
    assert answer.status == 200 and not answer.all("set-cookie"), answer


def test_the_list_of_ignored_fields_stays_short(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user), **{"z" * 60000: 1})
    assert answer.status == 200 and len(answer.get("x-kaimen-ignored")) <= 4096


# Profile and phone in the same step


def test_profile_and_phone_come_with_the_login_in_one_step(kaimen, user):
    info = kaimen.control("POST", "/sandbox/user-info", {"appid": kaimen.app_id, "user": user, "nickName": "小门"})
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": kaimen.app_id, "user": user, "phone": "13912345678"})
    login = kaimen.login(user, profile={"raw_data": info["rawData"], "signature": info["signature"]}, phone={"code": phone["code"]})
    assert login["warnings"] == [] and login["user"]["nickname"] == "小门" and "13912345678" in login["user"]["phone_number"]


def test_a_profile_that_fails_is_a_warning_and_not_the_end_of_the_login(kaimen, user):
    login = kaimen.login(user, profile={"raw_data": "{\"nickName\":\"forged\"}", "signature": "0" * 40})
    assert_login(login)
    assert [(w["part"], w["code"]) for w in login["warnings"]] == [("profile", "signature_invalid")]
    assert login["user"]["nickname"] != "forged"


def test_a_phone_that_fails_is_a_warning_with_wechats_errcode(kaimen, user):
    login = kaimen.login(user, phone={"code": "0" * 64})
    assert_login(login)
    assert len(login["warnings"]) == 1 and login["warnings"][0]["part"] == "phone", login["warnings"]
    assert login["warnings"][0]["upstream"]["errcode"] == 40029 and not login["user"]["phone_number"]


# Devices


def test_the_same_device_again_supersedes_its_session_quietly(kaimen, user):
    device = {"id": "phone-1", "model": "P40", "system": "Android 12", "platform": "android"}
    first, second = kaimen.login(user, device=device), kaimen.login(user, device=device)
    assert kaimen.verify(first["token"]).status == 401 and kaimen.verify(second["token"]).status == 204
    sessions = kaimen.client("GET", "/v1/me/sessions", second["token"]).json()["items"]
    assert [one["id"] for one in sessions] == [second["session"]["id"]]


def test_another_device_supersedes_nothing(kaimen, user):
    first, second = (kaimen.login(user, device={"id": name}) for name in ("one", "two"))
    assert kaimen.verify(first["token"]).status == kaimen.verify(second["token"]).status == 204


def test_a_login_with_its_own_old_ticket_supersedes_that_session(kaimen, user):
    first = kaimen.login(user)
    second = kaimen.login(user, headers=wire.bearer(first["token"]))
    assert kaimen.verify(first["token"]).status == 401 and kaimen.verify(second["token"]).status == 204


def test_a_login_with_somebody_elses_ticket_ends_nothing_of_theirs(kaimen, user):
    other = kaimen.login(user + "other")
    kaimen.login(user, headers=wire.bearer(other["token"]))
    assert kaimen.verify(other["token"]).status == 204


def test_the_same_device_of_another_user_supersedes_nothing(kaimen, user):
    other = kaimen.login(user + "other", device={"id": "shared"})
    kaimen.login(user, device={"id": "shared"})
    assert kaimen.verify(other["token"]).status == 204


# Who somebody is comes from WeChat alone


@pytest.mark.parametrize("place", ["body", "headers", "query", "profile", "phone", "device"])
def test_an_identity_that_the_client_names_itself_has_no_effect(kaimen, user, place):
    victim, victim_openid = kaimen.login(user + "victim"), kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user + "victim"})["openid"]
    claims = {"openid": victim_openid, "openId": victim_openid, "unionid": "oVictim", "unionId": "oVictim", "user_id": victim["user"]["id"],
              "phone_number": "13800000000", "phoneNumber": "13800000000", "id": victim["user"]["id"], "roles": ["admin"], "external_id": "1"}
    mine = kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user})
    body, headers, query = {"app_id": kaimen.app_id, "code": mine["code"]}, {}, ""
    if place == "headers":
        headers = {"X-WX-OPENID": victim_openid, "X-WX-UNIONID": "oVictim", "X-WX-APPID": "wxother00000000001", "X-Kaimen-User": victim["user"]["id"],
                   "X-Kaimen-Openid": victim_openid, "x_kaimen_user": victim["user"]["id"], "X-Kaimen-Roles": "admin"}
    elif place == "query":
        query = f"?openid={victim_openid}&unionid=oVictim&user={victim['user']['id']}"
    elif place == "body":
        body.update(claims)
    else:
        body[place] = claims
    answer = wire.call(kaimen.public, "POST", "/v1/login" + query, json=body, headers=headers)
    if answer.status == 400:
        return  # refused altogether is no effect either
    login = answer.json()
    assert login["user"]["id"] != victim["user"]["id"] and not login["user"]["phone_number"] and login["user"]["roles"] == []
    check = kaimen.verify(login["token"])
    assert check.get("x-kaimen-openid") == mine["openid"] and check.get("x-kaimen-app") == kaimen.app_id
    assert "oVictim" not in repr(check.headers)


def test_the_client_sees_neither_openid_nor_session_key(kaimen, user):
    mine = kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user})
    answer = kaimen.post_login(mine["code"])
    assert mine["openid"] not in repr(answer) and "session_key" not in repr(answer)


# Cookie mode


def test_with_cookie_true_the_ticket_comes_as_a_cookie_too(kaimen, user):
    answer = kaimen.post_login(kaimen.code(user), cookie=True)
    cookies = {one.split("=")[0]: one for one in answer.all("set-cookie")}
    assert "HttpOnly" in cookies["kaimen"] and "SameSite" in cookies["kaimen"]
    ticket = cookies["kaimen"].split(";")[0]
    assert ticket == "kaimen=" + answer.json()["token"]
    assert kaimen.verify(headers={"Cookie": f"other=1; {ticket}"}).status == 204


def test_without_it_no_cookie_is_set(kaimen, user):
    assert kaimen.post_login(kaimen.code(user)).all("set-cookie") == []
