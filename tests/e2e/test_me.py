"""The user's own data: GET, POST and PATCH of /v1/me."""
import json

import pytest

import wire


def me(kaimen, login, method="GET", **request):
    return kaimen.client(method, "/v1/me", login["token"], **request)


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


@pytest.mark.parametrize("text", ["0.1", "1e-7", "123456789012345678", "18446744073709551615", "-9223372036854775808", "5e-324", "1.7976931348623157e308", '"\\u0000"', "[[[]]]", '""', "null"])
def test_a_value_in_attributes_keeps_its_meaning(kaimen, user, text):
    login = kaimen.login(user)
    answer = me(kaimen, login, "POST", body=('{"attributes":{"a":' + text + "}}").encode(), headers={"Content-Type": "application/json"})
    assert answer.status == 200, answer
    assert me(kaimen, login).json()["attributes"] == {"a": json.loads(text)}


@pytest.mark.parametrize("text", ["1e400", "NaN", "Infinity", "-", "01", ".5", "1.", "+1", "'x'", "undefined", "0x1", "1,", "tru"])
def test_a_value_in_attributes_that_is_no_json_is_refused(kaimen, user, text):
    body = ('{"attributes":{"a":' + text + "}}").encode()
    wire.problem(me(kaimen, kaimen.login(user), "POST", body=body, headers={"Content-Type": "application/json"}), 400, "invalid_request")


def test_markup_in_attributes_keys_comes_back_as_it_was(kaimen, user):
    login, attributes = kaimen.login(user), {"__proto__": {"a": 1}, "<b>": "x", "\u2028": "\u2029", "键": "值 🗝"}
    assert me(kaimen, login, "POST", json={"attributes": attributes}).status == 200
    assert me(kaimen, login).json()["attributes"] == attributes
