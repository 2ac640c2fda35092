"""The user's own data: /v1/me, WeChat's profile, the phone number."""
import json
import time

import pytest

import server
import wire


def me(kaimen, login, method="GET", **request):
    return kaimen.client(method, "/v1/me", login["token"], **request)


def control(kaimen, what, user, **more):
    return kaimen.control("POST", f"/sandbox/{what}", {"appid": kaimen.app_id, "user": user, **more})


def encrypted(data):
    return {"encrypted_data": data["encryptedData"], "iv": data["iv"]}


def profile(kaimen, login, proof):
    return kaimen.client("POST", "/v1/me/wechat-profile", login["token"], json=proof)


def phone(kaimen, login, proof):
    return kaimen.client("POST", "/v1/me/phone", login["token"], json=proof)


def same_refusal(first, second):
    """Two refusals that tell a stranger nothing about which of them it was."""
    one, two = (answer.json() for answer in (first, second))
    one.pop("request_id"), two.pop("request_id")
    return first.status == second.status and one == two


# /v1/me


def test_me_is_the_user_of_the_login(kaimen, user):
    login = kaimen.login(user)
    answer = me(kaimen, login)
    assert answer.status == 200 and answer.json() == login["user"]


def test_me_without_a_ticket_is_refused(kaimen):
    wire.problem(kaimen.client("GET", "/v1/me"), 401, "unauthenticated", "missing")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_change_is_answered_and_kept(kaimen, user, method):
    login = kaimen.login(user)
    change = {"nickname": "老王 🐈", "avatar_url": "https://example.com/a.png", "gender": 1, "language": "zh_CN", "country": "中国", "province": "广东", "city": "深圳",
              "attributes": {"size": "M", "list": [1, 2.5, None, True], "nested": {"a": "b"}}}
    answer = me(kaimen, login, method, json=change)
    assert answer.status == 200, answer
    for source in (answer.json(), me(kaimen, login).json(), kaimen.login(user)["user"]):
        assert {name: source[name] for name in change} == change


def test_a_change_of_one_field_leaves_the_others(kaimen, user):
    login = kaimen.login(user)
    me(kaimen, login, "POST", json={"nickname": "first", "city": "Wuhan"})
    changed = me(kaimen, login, "POST", json={"city": "Hefei"}).json()
    assert changed["nickname"] == "first" and changed["city"] == "Hefei"


def test_wechats_own_names_are_taken(kaimen, user):
    changed = me(kaimen, kaimen.login(user), "POST", json={"nickName": "n", "avatarUrl": "https://example.com/b.png"}).json()
    assert changed["nickname"] == "n" and changed["avatar_url"] == "https://example.com/b.png"


def test_two_names_with_two_values_are_refused(kaimen, user):
    wire.problem(me(kaimen, kaimen.login(user), "POST", json={"nickName": "a", "nickname": "b"}), 400, "invalid_request")


@pytest.mark.parametrize("name", ["id", "roles", "registered", "phone_number", "external_id", "created_at", "openid", "unionid"])
def test_what_is_not_the_users_to_change_stays(kaimen, user, name):
    login = kaimen.login(user)
    value = {"roles": ["admin"], "registered": False}.get(name, "0" * 32)
    answer = me(kaimen, login, "POST", json={name: value, "city": "x"})
    assert answer.status in (200, 400), answer
    now = me(kaimen, login).json()
    now.pop("city"), login["user"].pop("city")
    assert now == login["user"]


@pytest.mark.parametrize("nickname", ["x" * 64, "🐈" * 64, "é" * 64, "", "\"\\/", "a\u200db", "😀👨‍👩‍👧‍👦", "ﷺ", "<script>alert(1)</script>", "'; DROP TABLE users;--",
                                      "\u00e9", "e\u0301", "𐍈"])
def test_a_nickname_comes_back_byte_for_byte(kaimen, user, nickname):
    login = kaimen.login(user)
    answer = me(kaimen, login, "POST", json={"nickname": nickname})
    assert answer.status == 200, answer
    assert me(kaimen, login).json()["nickname"].encode() == nickname.encode()


@pytest.mark.parametrize("change", [
    {"nickname": "x" * 65}, {"nickname": "🐈" * 65}, {"nickname": 5}, {"nickname": ["a"]}, {"gender": 3}, {"gender": -1}, {"gender": "1"}, {"gender": 1.5},
    {"gender": True}, {"gender": 2**31}, {"gender": 2**63}, {"gender": 2**64}, {"city": 7}, {"city": "x" * 100000}, {"country": {}}, {"attributes": []},
    {"attributes": "x"}, {"attributes": 1}, {"attributes": {"a": "x" * 8192}}, {"avatar_url": 1}, {"avatar_url": "https://e.com/" + "x" * 5000}, {"language": False},
], ids=lambda change: json.dumps(change)[:40])
def test_a_value_beyond_its_limit_or_type_is_refused_and_changes_nothing(kaimen, user, change):
    login = kaimen.login(user)
    answer = me(kaimen, login, "POST", json={"province": "changed", **change})
    assert answer.status in (400, 413), answer
    wire.problem(answer, answer.status, "invalid_request" if answer.status == 400 else "payload_too_large")
    assert me(kaimen, login).json() == login["user"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "x", "//evil", "https://a b/", "https://e.com/\r\nX: 1"])
def test_an_avatar_that_is_no_web_address_is_refused(kaimen, user, url):
    wire.problem(me(kaimen, kaimen.login(user), "POST", json={"avatar_url": url}), 400, "invalid_request")


def test_attributes_of_eight_kibibytes_are_taken(kaimen, user):
    login = kaimen.login(user)
    attributes = {"a": "x" * (8192 - len('{"a":""}'))}
    assert me(kaimen, login, "POST", json={"attributes": attributes}).status == 200
    assert me(kaimen, login).json()["attributes"] == attributes


@pytest.mark.parametrize("bytes_", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"])
def test_invalid_utf8_is_refused(kaimen, user, bytes_):
    body = b'{"nickname":"a' + bytes_ + b'"}'
    wire.problem(me(kaimen, kaimen.login(user), "POST", body=body, headers={"Content-Type": "application/json"}), 400, "invalid_request")


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\u12", "\\x41", "\t"])
def test_a_string_that_is_no_text_is_refused(kaimen, user, text):
    body = ('{"nickname":"' + text + '"}').encode()
    wire.problem(me(kaimen, kaimen.login(user), "POST", body=body, headers={"Content-Type": "application/json"}), 400, "invalid_request")


def test_a_key_that_comes_twice_does_not_give_two_meanings(kaimen, user):
    login = kaimen.login(user)
    answer = me(kaimen, login, "POST", body=b'{"nickname":"a","nickname":"b"}', headers={"Content-Type": "application/json"})
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert me(kaimen, login).json()["nickname"] == answer.json()["nickname"]


# WeChat's profile


def test_a_signed_profile_is_taken(kaimen, user):
    login, info = kaimen.login(user), control(kaimen, "user-info", user, nickName="签名")
    answer = profile(kaimen, login, {"raw_data": info["rawData"], "signature": info["signature"]})
    assert answer.status == 200 and answer.json()["nickname"] == "签名", answer


def test_an_encrypted_profile_is_taken(kaimen, user):
    login, info = kaimen.login(user), control(kaimen, "user-info", user, nickName="加密")
    answer = profile(kaimen, login, encrypted(info))
    assert answer.status == 200 and answer.json()["nickname"] == "加密", answer


def test_both_together_are_taken(kaimen, user):
    login, info = kaimen.login(user), control(kaimen, "user-info", user, nickName="都有")
    answer = profile(kaimen, login, {"rawData": info["rawData"], "signature": info["signature"], "encryptedData": info["encryptedData"], "iv": info["iv"]})
    assert answer.status == 200 and answer.json()["nickname"] == "都有", answer


def test_wechats_stand_in_counts_as_no_name(kaimen, user):
    login = kaimen.login(user)
    me(kaimen, login, "POST", json={"nickname": "mine"})
    assert profile(kaimen, login, encrypted(control(kaimen, "user-info", user))).json()["nickname"] == "mine"


@pytest.mark.parametrize("wound", ["other text", "other signature", "empty signature", "short signature", "longer text"])
def test_a_signature_that_does_not_match_is_refused(kaimen, user, wound):
    login, info = kaimen.login(user), control(kaimen, "user-info", user, nickName="real")
    raw, signature = info["rawData"], info["signature"]
    raw, signature = {"other text": (raw.replace("real", "fake"), signature), "other signature": (raw, "0" * 40), "empty signature": (raw, ""),
                      "short signature": (raw, signature[:20]), "longer text": (raw + " ", signature)}[wound]
    wire.problem(profile(kaimen, login, {"raw_data": raw, "signature": signature}), 400, "signature_invalid")
    assert me(kaimen, login).json()["nickname"] != "fake"


def test_somebody_elses_signed_profile_is_refused(kaimen, user):
    login = kaimen.login(user)
    kaimen.login(user + "other")
    info = control(kaimen, "user-info", user + "other", nickName="theirs")
    wire.problem(profile(kaimen, login, {"raw_data": info["rawData"], "signature": info["signature"]}), 400, "signature_invalid")


@pytest.mark.parametrize("proof", [{}, {"raw_data": "{}"}, {"signature": "0" * 40}, {"encrypted_data": "AAAA"}, {"iv": "AAAA"}, {"encrypted_data": 5, "iv": "AAAA"}])
def test_half_a_proof_is_refused(kaimen, user, proof):
    wire.problem(profile(kaimen, kaimen.login(user), proof), 400, "invalid_request")


# Keys: what was encrypted under an earlier session_key still opens


def test_what_was_encrypted_under_the_previous_key_still_opens(kaimen, user):
    login = kaimen.login(user)
    info = control(kaimen, "user-info", user, nickName="before")
    second = kaimen.post_login(control(kaimen, "login", user, rotate=True)["code"]).json()
    for one in (login, second):
        answer = profile(kaimen, one, encrypted(info))
        assert answer.status == 200 and answer.json()["nickname"] == "before", answer


def test_what_was_encrypted_two_keys_ago_still_opens(kaimen, user):
    login = kaimen.login(user)
    info = control(kaimen, "user-info", user, nickName="long ago")
    for _ in range(2):
        kaimen.post_login(control(kaimen, "login", user, rotate=True)["code"])
    assert profile(kaimen, login, encrypted(info)).status == 200


def test_what_was_encrypted_under_a_key_never_seen_is_stale(kaimen, user):
    login = kaimen.login(user)
    control(kaimen, "login", user, rotate=True)  # a login whose code never reached Kaimen
    wire.problem(profile(kaimen, login, encrypted(control(kaimen, "user-info", user))), 409, "stale_session_key")


def test_what_was_encrypted_many_keys_ago_is_stale(kaimen, user):
    login = kaimen.login(user)
    info = control(kaimen, "user-info", user)
    for _ in range(8):
        kaimen.post_login(control(kaimen, "login", user, rotate=True)["code"])
    wire.problem(profile(kaimen, login, encrypted(info)), 409, "stale_session_key")


# Open data that lies


def open_data(kaimen, user, data):
    return encrypted(control(kaimen, "open-data", user, data=data))


def user_info_payload(openid, appid, timestamp, **more):
    return {"openId": openid, "nickName": "lie", "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "", "avatarUrl": "https://e.com/a",
            "watermark": {"timestamp": timestamp, "appid": appid}, **more}


def now():
    return int(time.time())


def test_a_payload_made_by_hand_with_everything_right_is_taken(kaimen, user):
    """The control of the refusals below: they fail for the one thing that each of them changes."""
    login, mine = kaimen.login(user), control(kaimen, "login", user)
    assert profile(kaimen, login, open_data(kaimen, user, user_info_payload(mine["openid"], kaimen.app_id, now()))).status == 200


LIES = {
    "foreign watermark": lambda openid, app: user_info_payload(openid, "wxother00000000001", now()),
    "old watermark": lambda openid, app: user_info_payload(openid, app, now() - 700),
    "future watermark": lambda openid, app: user_info_payload(openid, app, now() + 700),
    "someone else's openid": lambda openid, app: user_info_payload("oSomebodyElse", app, now()),
    "no watermark appid": lambda openid, app: {**user_info_payload(openid, app, now()), "watermark": {"timestamp": now()}},
    "watermark of a wrong type": lambda openid, app: {**user_info_payload(openid, app, now()), "watermark": "x"},
    "timestamp as text": lambda openid, app: {**user_info_payload(openid, app, now()), "watermark": {"timestamp": "x", "appid": app}},
    "timestamp beyond numbers": lambda openid, app: {**user_info_payload(openid, app, now()), "watermark": {"timestamp": 2**63 - 1, "appid": app}},
    "a phone payload": lambda openid, app: {"phoneNumber": "+8613800000000", "purePhoneNumber": "13800000000", "countryCode": "86",
                                            "watermark": {"timestamp": now(), "appid": app}},
    "both kinds in one": lambda openid, app: user_info_payload(openid, app, now(), phoneNumber="13800000000", purePhoneNumber="13800000000", countryCode="86"),
    "no JSON": lambda openid, app: "not json at all",
    "an array": lambda openid, app: "[1,2,3]",
    "nothing": lambda openid, app: "",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_payload_that_lies_is_refused_and_all_lies_alike(kaimen, user, lie):
    login, mine = kaimen.login(user), control(kaimen, "login", user)
    refused = profile(kaimen, login, open_data(kaimen, user, LIES[lie](mine["openid"], kaimen.app_id)))
    wire.problem(refused, 409, "stale_session_key")
    assert me(kaimen, login).json()["nickname"] != "lie"
    garbage = profile(kaimen, login, {"encrypted_data": "A" * 64, "iv": "A" * 22 + "=="})
    assert same_refusal(refused, garbage), (refused, garbage)


PHONE_LIES = {
    "a user info payload": lambda openid, app: user_info_payload(openid, app, now()),
    "a user info with phone keys": lambda openid, app: user_info_payload(openid, app, now(), phoneNumber="+8613800000000", purePhoneNumber="13800000000",
                                                                         countryCode="86"),
    "no pure number": lambda openid, app: {"phoneNumber": "+8613800000000", "countryCode": "86", "watermark": {"timestamp": now(), "appid": app}},
    "no country": lambda openid, app: {"phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "watermark": {"timestamp": now(), "appid": app}},
    "two numbers": lambda openid, app: {"phoneNumber": "13800000001", "purePhoneNumber": "13800000000", "countryCode": "86", "watermark": {"timestamp": now(), "appid": app}},
    "foreign watermark": lambda openid, app: {"phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": "86",
                                              "watermark": {"timestamp": now(), "appid": "wxother00000000001"}},
    "old watermark": lambda openid, app: {"phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": "86",
                                          "watermark": {"timestamp": now() - 700, "appid": app}},
    "letters": lambda openid, app: {"phoneNumber": "1380000000x", "purePhoneNumber": "1380000000x", "countryCode": "86", "watermark": {"timestamp": now(), "appid": app}},
    "no watermark": lambda openid, app: '{"phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":"86"}',
}


@pytest.mark.parametrize("lie", PHONE_LIES)
def test_a_forged_phone_payload_is_refused_and_all_alike(kaimen, user, lie):
    login, mine = kaimen.login(user), control(kaimen, "login", user)
    refused = phone(kaimen, login, open_data(kaimen, user, PHONE_LIES[lie](mine["openid"], kaimen.app_id)))
    wire.problem(refused, 409, "stale_session_key")
    assert not me(kaimen, login).json()["phone_number"]
    garbage = phone(kaimen, login, {"encrypted_data": "A" * 64, "iv": "A" * 22 + "=="})
    assert same_refusal(refused, garbage), (refused, garbage)


@pytest.mark.parametrize("data, iv", [("!", "A" * 22 + "=="), ("A" * 64, "!"), ("A" * 64, ""), ("", "A" * 22 + "=="), ("AAAA", "A" * 22 + "=="),
                                      ("A" * 64, "AAAA"), ("A" * 63, "A" * 22 + "=="), ("A" * 60000, "A" * 22 + "=="), ("A" * 64, "A" * 43 + "=")])
@pytest.mark.parametrize("route", ["wechat-profile", "phone"])
def test_what_has_not_the_form_of_open_data_is_decrypt_failed(kaimen, user, route, data, iv):
    answer = kaimen.client("POST", f"/v1/me/{route}", kaimen.login(user)["token"], json={"encrypted_data": data, "iv": iv})
    if not data and answer.json()["code"] == "invalid_request":
        return  # an empty field may be told as a missing one
    wire.problem(answer, 400, "decrypt_failed")


# The phone number


def test_a_phone_by_code_is_taken(kaimen, user):
    login = kaimen.login(user)
    answer = phone(kaimen, login, {"code": control(kaimen, "phone", user, phone="13811112222")["code"]})
    assert answer.status == 200 and "13811112222" in answer.json()["phone_number"], answer
    assert me(kaimen, login).json()["phone_number"] == answer.json()["phone_number"]


def test_an_encrypted_phone_is_taken(kaimen, user):
    login = kaimen.login(user)
    answer = phone(kaimen, login, encrypted(control(kaimen, "phone", user, phone="13811113333")))
    assert answer.status == 200 and "13811113333" in answer.json()["phone_number"], answer


def test_the_same_phone_ciphertext_counts_once(kaimen, user):
    login, data = kaimen.login(user), encrypted(control(kaimen, "phone", user))
    assert phone(kaimen, login, data).status == 200
    wire.problem(phone(kaimen, login, data), 409, "conflict")


def test_the_same_phone_ciphertext_counts_once_in_parallel_too(kaimen, user):
    login, data = kaimen.login(user), encrypted(control(kaimen, "phone", user))
    answers = server.parallel(10, lambda _: phone(kaimen, login, data).status)
    assert answers.count(200) == 1 and answers.count(409) == 9, answers


def test_a_phone_code_counts_once(kaimen, user):
    login, code = kaimen.login(user), control(kaimen, "phone", user)["code"]
    assert phone(kaimen, login, {"code": code}).status == 200
    assert phone(kaimen, login, {"code": code}).status in (401, 409)


def test_a_phone_code_of_somebody_else_is_refused(kaimen, user):
    login = kaimen.login(user)
    kaimen.login(user + "other")
    answer = phone(kaimen, login, {"code": control(kaimen, "phone", user + "other", phone="13899990000")["code"]})
    assert answer.status >= 400 and not me(kaimen, login).json()["phone_number"], answer


def test_a_login_code_is_no_phone_code(kaimen, user):
    login = kaimen.login(user)
    wire.problem(phone(kaimen, login, {"code": kaimen.code(user)}), 401, "code_invalid")


def test_somebody_elses_encrypted_phone_is_refused(kaimen, user):
    login = kaimen.login(user)
    kaimen.login(user + "other")
    wire.problem(phone(kaimen, login, encrypted(control(kaimen, "phone", user + "other"))), 409, "stale_session_key")


@pytest.mark.parametrize("proof", [{}, {"code": ""}, {"code": 5}, {"code": None}, {"encrypted_data": "AAAA"}, {"iv": "AAAA"}])
def test_half_a_phone_proof_is_refused(kaimen, user, proof):
    wire.problem(phone(kaimen, kaimen.login(user), proof), 400, "invalid_request")


@pytest.mark.parametrize("errcode, status, code", [(-1, 503, "upstream_busy"), (40029, 401, "code_invalid"), (45011, 429, "rate_limited")])
def test_wechats_refusal_of_a_phone_code_is_told(kaimen, user, errcode, status, code):
    login, given = kaimen.login(user), control(kaimen, "phone", user)["code"]
    kaimen.faults(path="/wxa/business/getuserphonenumber", errcode=errcode)
    assert wire.problem(phone(kaimen, login, {"code": given}), status, code)["upstream"]["errcode"] == errcode


def test_an_access_token_that_wechat_dropped_is_replaced_once(kaimen, user):
    login, given = kaimen.login(user), control(kaimen, "phone", user, phone="13855556666")["code"]
    kaimen.faults(path="/wxa/business/getuserphonenumber", errcode=40001, times=1)
    answer = phone(kaimen, login, {"code": given})
    assert answer.status in (200, 502), answer  # the same token from WeChat again is a pause; a new one is a success
