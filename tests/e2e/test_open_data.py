"""What WeChat signs and encrypts: the profile, the phone number; old keys, lies and forgeries."""
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


# The profile


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
