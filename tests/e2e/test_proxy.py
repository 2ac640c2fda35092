"""WeChat's API for backends that know no token: the proxy, and the token for those that call WeChat themselves."""
import json

import pytest

import server
import wire

PNG = b"\x89PNG"
FORBIDDEN = ["sns/jscode2session", "sns/oauth2/access_token", "wxa/resetusersessionkey", "wxa/business/getuserencryptkey", "cgi-bin/token", "cgi-bin/stable_token",
             "cgi-bin/component/api_component_token", "cgi-bin%2Ftoken", "cgi-bin/%74oken", "CGI-BIN/token", "cgi-bin/Token", "cv/img/aicrop", "sandbox/calls"]
CROOKED = ["wxa/../cgi-bin/token", "wxa/%2e%2e/cgi-bin/token", "wxa//msg_sec_check", "wxa/msg_sec_check/", "cgi-bin/%2574oken", "cgi-bin/token;x", "cgi-bin%5Ctoken", "wxa/./x"]


def proxied(kaimen, method, path, app=None, key=None, **request):
    headers = wire.pairs(request.pop("headers", ())) + wire.pairs(wire.bearer(key or kaimen.admin_key))
    return wire.call(kaimen.private, method, f"/admin/v1/apps/{app or kaimen.app_id}/wechat/{path}", headers=headers, **request)


def key_with(kaimen, *scopes, project=None):
    body = {"name": "proxy", "scopes": scopes, **({"project": project} if project else {})}
    return kaimen.admin("POST", "/keys", json=body).json()["key"]


def openid_of(kaimen, user, app=None):
    answer = kaimen.control("POST", "/sandbox/login", {"appid": app or kaimen.app_id, "user": user})
    return answer["openid"]


def message(openid, **more):
    return {"touser": openid, "template_id": "tpl1", "page": "pages/order", "data": {"thing1": {"value": "咖啡"}}, **more}


def test_a_subscribe_message_is_one_call(kaimen, user):
    key = key_with(kaimen, "wechat")
    answer = proxied(kaimen, "POST", "cgi-bin/message/subscribe/send", key=key, json=message(openid_of(kaimen, user)))
    assert answer.status == 200 and answer.json()["errcode"] == 0, answer
    sent = kaimen.calls("/cgi-bin/message/subscribe/send")[-1]
    assert sent["query"] == {"access_token": "***"} and json.loads(sent["body"]["data"]) == {"thing1": {"value": "咖啡"}}


def test_what_wechat_refuses_comes_back_as_it_is(kaimen, user):
    answer = proxied(kaimen, "POST", "cgi-bin/message/subscribe/send", json=message("o-nobody"))
    assert answer.status == 200 and answer.json()["errcode"] == 40003 and "rid:" in answer.json()["errmsg"]
    kaimen.control("POST", "/sandbox/subscribe", {"appid": kaimen.app_id, "user": user, "template_id": "tpl1", "accept": False})
    assert proxied(kaimen, "POST", "cgi-bin/message/subscribe/send", json=message(openid_of(kaimen, user))).json()["errcode"] == 43101


def test_a_picture_comes_back_byte_for_byte(kaimen):
    answer = proxied(kaimen, "POST", "wxa/getwxacodeunlimit", json={"scene": "a=1", "width": 1280})
    assert answer.status == 200 and answer.get("content-type") == "image/png" and answer.body.startswith(PNG), answer
    again = proxied(kaimen, "POST", "wxa/getwxacodeunlimit", json={"scene": "a=1", "width": 1280})
    assert again.body == answer.body and len(answer.body) == int(answer.get("content-length"))


def announced(kaimen, key, length):
    """What comes back to a head alone that says how long the body will be."""
    head = f"POST /admin/v1/apps/{kaimen.app_id}/wechat/cgi-bin/media/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n"
    return wire.statuses(wire.raw(kaimen.private, head.encode(), timeout=2)[0])


def test_a_large_body_reaches_wechat_and_one_too_large_is_refused(kaimen):
    large = proxied(kaimen, "POST", "cgi-bin/media/upload", body=b"x" * (9 * 1024 * 1024), headers={"Content-Type": "application/octet-stream"})
    assert large.status == 200 and large.json()["errcode"] == 40066, large  # the sandbox has no such call, and has read it all
    assert announced(kaimen, kaimen.admin_key, 10 * 1024 * 1024 + 1) == [413]


def test_whoever_may_not_call_wechat_may_not_send_much_either(kaimen):
    for key in ("kmk_nobody", key_with(kaimen, "read", "write", "verify")):
        assert announced(kaimen, key, 64 * 1024 + 1) == [413]
        assert proxied(kaimen, "POST", "wxa/getwxacodeunlimit", key=key, json={"scene": "a"}).status in (401, 403)


@pytest.mark.parametrize("path", FORBIDDEN)
def test_no_key_comes_through(kaimen, path):
    before = len(kaimen.control("GET", "/sandbox/calls")["items"])
    for method in ("GET", "POST"):
        wire.problem(proxied(kaimen, method, path, json={"grant_type": "client_credential"} if method == "POST" else None), 403, "forbidden")
    assert len(kaimen.control("GET", "/sandbox/calls")["items"]) == before


@pytest.mark.parametrize("path", CROOKED)
def test_a_path_that_is_not_plain_is_refused(kaimen, path):
    assert proxied(kaimen, "GET", path).status in (400, 403, 404)
    assert not [call for call in kaimen.control("GET", "/sandbox/calls")["items"] if call["path"] in ("/cgi-bin/token", "/wxa/msg_sec_check/")]


@pytest.mark.parametrize("name", ["access_token", "ACCESS_TOKEN", "access%5Ftoken", "appid", "secret", "component_access_token", "access_token[]"])
def test_the_caller_does_not_choose_what_is_put_in(kaimen, name):
    wire.problem(proxied(kaimen, "POST", f"cgi-bin/message/subscribe/send?{name}=mine", json={}), 400, "invalid_request")


def test_identity_and_connection_headers_stay_behind(fake):
    fake.script("/wxa/echo", b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\nServer: wx\r\nX-Kaimen-User: forged\r\nConnection: close\r\n'
                b'Content-Length: 13\r\n\r\n{"errcode":0}')
    answer = proxied(fake.kaimen, "POST", "wxa/echo", body=b"{}", headers={"Content-Type": "application/json", "Cookie": "kaimen=km1.x", "X-Forwarded-For": "203.0.113.9",
                                                                        "X-WX-OPENID": "o1", "X-Kaimen-User": "u1", "TE": "trailers", "User-Agent": "backend"})
    assert answer.status == 200 and answer.body == b'{"errcode":0}'
    for name in ("set-cookie", "server", "x-kaimen-user"):
        assert not answer.all(name), name
    assert answer.get("cache-control") == "no-store" and answer.get("x-content-type-options") == "nosniff"
    sent = fake.requests("/wxa/echo")[-1].headers
    for name in ("authorization", "cookie", "x-forwarded-for", "x-wx-openid", "x-kaimen-user", "te", "user-agent"):
        assert name not in sent, sent
    assert sent["content-type"] == "application/json"


def test_a_token_that_wechat_no_longer_takes_is_replaced_by_itself(own_kaimen):
    kaimen, app, secret = own_kaimen(), "wxtoken0000000001", "secret-of-the-other-server"
    kaimen.add_app(app, secret=secret)
    first = kaimen.admin("GET", f"/apps/{app}/access-token").json()
    assert 7000 < first["expires_in"] <= 7200
    # Somebody else has WeChat end it before its time.
    forced = {"grant_type": "client_credential", "appid": app, "secret": secret, "force_refresh": True}
    second = wire.call(kaimen.sandbox, "POST", "/cgi-bin/stable_token", json=forced).json()["access_token"]
    kaimen.control("DELETE", "/sandbox/calls")
    answer = proxied(kaimen, "POST", "wxa/getwxacodeunlimit", app=app, json={"scene": "a"})
    assert answer.body.startswith(PNG), answer
    assert [call["errcode"] for call in kaimen.calls("/wxa/getwxacodeunlimit")] == [40001, 0]
    assert kaimen.admin("GET", f"/apps/{app}/access-token").json()["access_token"] == second != first["access_token"]


def test_a_reported_token_is_compared_before_another_is_fetched(own_kaimen):
    kaimen = own_kaimen()
    path = f"/apps/{kaimen.app_id}/access-token"
    token = kaimen.admin("GET", path).json()["access_token"]
    assert kaimen.admin("POST", path + "/rejected", json={"access_token": "an older one"}).json()["access_token"] == token
    assert len(kaimen.calls("/cgi-bin/stable_token")) == 1
    # WeChat's stable_token gives the same one for as long as it is good.
    results = server.parallel(20, lambda index: kaimen.admin("POST", path + "/rejected", json={"access_token": token}))
    for result in results:
        wire.problem(result, 502, "upstream_error")
    assert len(kaimen.calls("/cgi-bin/stable_token")) == 2
    assert kaimen.admin("GET", path).json()["access_token"] == token
    assert all(call["body"]["force_refresh"] is False for call in kaimen.calls("/cgi-bin/stable_token"))


def test_the_token_is_for_those_who_may_have_it(kaimen):
    kaimen.add_app("wxproxyother00001", project="other")
    for key, status in ((key_with(kaimen, "read", "write", "verify"), 403), (key_with(kaimen, "wechat", project="default"), 404), (key_with(kaimen, "wechat", project="other"), 200)):
        answer = kaimen.admin("GET", "/apps/wxproxyother00001/access-token", key=key)
        assert answer.status == status, answer
        assert status != 200 or answer.get("cache-control") == "no-store"
        assert proxied(kaimen, "POST", "wxa/getwxacodeunlimit", app="wxproxyother00001", key=key, json={"scene": "a"}).status == status


def test_calls_are_counted_and_limited_by_app(kaimen):
    app = kaimen.add_app("wxproxylimit00001", settings={"wechat_calls_per_minute": 2})
    statuses = [proxied(kaimen, "POST", "wxa/getwxacodeunlimit", app=app, json={"scene": "a"}).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(proxied(kaimen, "POST", "wxa/getwxacodeunlimit", app=app, json={"scene": "a"}).get("retry-after")) > 0
    metrics = wire.call(kaimen.private, "GET", "/metrics").body.decode()
    assert f'kaimen_wechat_calls_total{{app_id="{app}",path="wxa/getwxacodeunlimit",outcome="ok"}} 2' in metrics


def test_logins_of_an_address_are_limited_where_the_app_says_so(kaimen, user):
    app = kaimen.add_app("wxlogins000000001", settings={"logins_per_address_per_minute": 2})
    answers = [kaimen.post_login(kaimen.code(user, app), app_id=app) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert wire.problem(answers[2], 429, "rate_limited")["retry_after"] >= 1 and int(answers[2].get("retry-after")) >= 1
    assert kaimen.login(user)["token"], "another app is not touched"


def test_an_app_with_signing_keys_signs_its_calls_and_its_backends(kaimen, user):
    app = kaimen.add_app("wxsigned000000001")
    signing = kaimen.control("POST", "/sandbox/signing", {"appid": app})
    refused = proxied(kaimen, "POST", "wxa/business/getuserphonenumber", app=app, json={"code": "x"})
    assert refused.json()["errcode"] == 40231, "without its keys WeChat takes no call"
    shown = kaimen.admin("PUT", f"/apps/{app}", json={"signing": signing}).json()
    assert shown["signing"] is True and signing["private_key"][60:120] not in json.dumps(shown)
    token = kaimen.login(user, app)["token"]
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": app, "user": user, "phone": "13800001234"})
    assert kaimen.client("POST", "/v1/me/phone", token, json={"code": phone["code"]}).json()["phone_number"] == "+8613800001234"
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": app, "user": user})
    answer = proxied(kaimen, "POST", "wxa/business/getuserphonenumber", app=app, json={"code": phone["code"]})
    assert answer.json()["phone_info"]["purePhoneNumber"] == "13800001234", answer
    assert proxied(kaimen, "POST", "wxa/business/getuserphonenumber", app=app, json={"code": "x"}).json()["errcode"] == 40029
    assert proxied(kaimen, "POST", "wxa/getwxacodeunlimit", app=app, json={"scene": "a"}).body.startswith(PNG)
    session = kaimen.login(user, app)["session"]["id"]
    keys = kaimen.admin("POST", f"/sessions/{session}/encrypt-key")
    assert keys.status == 200 and keys.json()["items"], keys
    assert kaimen.admin("PUT", f"/apps/{app}", json={"signing": None}).json()["signing"] is False
    assert proxied(kaimen, "POST", "wxa/business/getuserphonenumber", app=app, json={"code": "x"}).json()["errcode"] == 40231


def test_keys_that_are_not_keys_are_refused_in_words(kaimen):
    app = kaimen.add_app("wxsigned000000002")
    good = kaimen.control("POST", "/sandbox/signing", {"appid": app})
    for member, value in (("symmetric_key", "AAAA"), ("private_key", "nonsense"), ("platform_key", good["private_key"]), ("platform_key_sn", "")):
        problem = wire.problem(kaimen.admin("PUT", f"/apps/{app}", json={"signing": {**good, member: value}}), 400, "invalid_request")
        assert member in problem["detail"], problem
        assert good["private_key"][60:120] not in json.dumps(problem)
