"""WeChat's message push against the real binary: the sandbox sends it as WeChat does, and what it says about users is done."""
import base64
import hashlib
import json
import struct
import time
import xml.etree.ElementTree

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import server
import wire

TOKEN, KEY = "pushtoken", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SECRET = {"app": "wxpush000000000001", "other": "wxpush000000000002"}


@pytest.fixture(scope="module")
def pushed(kaimen):
    """Two apps with pushes set up at both ends; the module's server knows their ids."""
    for app in SECRET.values():
        kaimen.add_app(app, push={"token": TOKEN, "encoding_aes_key": KEY})
        kaimen.control("POST", "/sandbox/apps", {"appid": app, "push_url": f"{kaimen.public}/push/wechat/{app}", "push_token": TOKEN, "push_key": KEY})
    return kaimen


def push(kaimen, event, user=None, app=SECRET["app"], **more):
    order = {"appid": app, "event": event, **more}
    if user:
        order["user"] = user
    return kaimen.control("POST", "/sandbox/push", order)


def acknowledged(answer):
    return answer["status"] == 200 and answer["body"] == "success"


def login(kaimen, user, app=SECRET["app"]):
    made = kaimen.login(user, app)
    named = kaimen.client("POST", "/v1/me", made["token"], json={"nickname": "Ada", "avatar_url": "https://example.com/a.png", "city": "Wuhan"})
    assert named.status == 200, named
    return made


def me(kaimen, made):
    return kaimen.client("GET", "/v1/me", made["token"]).json()


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("revoked, gone", [("19", {"nickname"}), ("20", {"avatar_url"}), ("6", {"nickname", "avatar_url"}), ("8", {"phone_number"}), ("2,301", set())])
def test_what_the_user_takes_back_goes(pushed, form, revoked, gone):
    user = f"{form}{revoked}".replace(",", "")
    made = login(pushed, user)
    phone = pushed.control("POST", "/sandbox/phone", {"appid": SECRET["app"], "user": user})
    assert pushed.client("POST", "/v1/me/phone", made["token"], json={"code": phone["code"]}).status == 200
    before = me(pushed, made)
    assert acknowledged(push(pushed, "user_authorization_revoke", user, fields={"RevokeInfo": revoked}, format=form))
    after = me(pushed, made)
    assert {name for name in before if before[name] and not after[name]} == gone
    assert {name for name in before if before[name] != after[name]} == gone


def test_a_profile_that_wechat_has_cleared_goes(pushed):
    made = login(pushed, "cleared")
    assert acknowledged(push(pushed, "user_info_modified", "cleared"))
    now = me(pushed, made)
    assert (now["nickname"], now["avatar_url"], now["city"]) == ("", "", "Wuhan")


def test_three_times_the_same_push_is_one_effect(pushed):
    made = login(pushed, "thrice")
    sent = push(pushed, "user_authorization_revoke", "thrice", fields={"RevokeInfo": "19"})
    assert acknowledged(sent)
    pushed.client("POST", "/v1/me", made["token"], json={"nickname": "Ada II"})
    for _ in range(2):
        again = wire.call(pushed.public, "POST", f"/push/wechat/{SECRET['app']}?{sent['query']}", body=sent["request_body"].encode())
        assert again.status == 200 and again.body == b"success", again
    assert me(pushed, made)["nickname"] == "Ada II"


def test_a_closed_account_is_deleted_and_its_sessions_end(pushed):
    made = login(pushed, "closed")
    assert acknowledged(push(pushed, "user_authorization_cancellation", "closed"))
    server.assert_reason(pushed.verify(made["token"], query=f"app_id={SECRET['app']}"), "deleted")
    assert pushed.admin("GET", f"/users/{made['user']['id']}").status == 404
    again = pushed.login("closed", SECRET["app"])
    assert again["is_new_user"] and again["user"]["id"] != made["user"]["id"] and again["user"]["nickname"] == ""


def test_a_closed_account_is_deleted_even_when_the_server_is_killed(own_kaimen):
    kaimen = own_kaimen()
    kaimen.add_app(SECRET["app"], push={"token": TOKEN, "encoding_aes_key": KEY})
    kaimen.control("POST", "/sandbox/apps", {"appid": SECRET["app"], "push_token": TOKEN, "push_key": KEY})
    made = login(kaimen, "ada")
    assert acknowledged(push(kaimen, "user_authorization_cancellation", "ada", url=f"{kaimen.public}/push/wechat/{SECRET['app']}"))
    kaimen.kill()
    kaimen.start()
    server.assert_reason(kaimen.verify(made["token"]), "deleted")
    assert kaimen.admin("GET", f"/users/{made['user']['id']}").status == 404


def test_nothing_wrong_is_let_through_and_all_is_refused_alike(pushed):
    made = login(pushed, "hostile")
    sent = push(pushed, "user_info_modified", "nobody-here")
    path, answers = f"/push/wechat/{SECRET['app']}", []
    query, body = sent["query"], sent["request_body"]
    attempts = [(query.replace("msg_signature=", "msg_signature=0"), body), (query.replace("nonce=", "nonce=0"), body), (query, body.replace('"Encrypt":"', '"Encrypt":"A')),
                (query, "{}"), (query, "<xml/>"), (query, ""), ("", body), (query.replace("timestamp=", "timestamp=1"), body)]
    for asked, text in attempts:
        answers.append(wire.call(pushed.public, "POST", f"{path}?{asked}", body=text.encode()))
    # Signed with the app's own Token, but not encrypted; and encrypted for another app with the same keys.
    plain = push(pushed, "user_info_modified", "hostile", encrypted=False)
    stranger = push(pushed, "user_info_modified", "hostile", app=SECRET["other"], url=pushed.public + path)
    for answer in answers:
        wire.problem(answer, 400, "signature_invalid")
        assert "detail" not in answer.json()
    assert plain["status"] == 400 and stranger["status"] == 400
    assert me(pushed, made)["nickname"] == "Ada"


def wechat_opens(body, form, app):
    """An encrypted answer as WeChat's own samples open it (WXBizMsgCrypt), in Python and with nothing of Kaimen's."""
    if form == "json":
        envelope = json.loads(body)
        assert isinstance(envelope["TimeStamp"], int)
    else:
        envelope = {element.tag: element.text for element in xml.etree.ElementTree.fromstring(body)}
    assert sorted(envelope) == ["Encrypt", "MsgSignature", "Nonce", "TimeStamp"]
    parts = [TOKEN, str(envelope["TimeStamp"]), envelope["Nonce"], envelope["Encrypt"]]
    assert hashlib.sha1("".join(sorted(parts)).encode()).hexdigest() == envelope["MsgSignature"]
    key = base64.b64decode(KEY + "=")
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = opener.update(base64.b64decode(envelope["Encrypt"])) + opener.finalize()
    assert len(padded) % 32 == 0 and 1 <= padded[-1] <= 32 and padded.endswith(bytes([padded[-1]]) * padded[-1])
    plain = padded[16:-padded[-1]]
    length = struct.unpack(">I", plain[:4])[0]
    assert plain[4 + length:].decode() == app
    return plain[4:4 + length].decode()


def test_the_answer_is_encrypted_where_the_app_asks_for_it(kaimen):
    app = kaimen.add_app("wxpush000000000003", push={"token": TOKEN, "encoding_aes_key": KEY}, settings={"push_reply": "encrypted"})
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "push_url": f"{kaimen.public}/push/wechat/{app}", "push_token": TOKEN, "push_key": KEY})
    made = login(kaimen, "sealed", app)
    for form in ("json", "xml"):
        kaimen.client("POST", "/v1/me", made["token"], json={"nickname": "Ada"})
        answer = push(kaimen, "user_authorization_revoke", "sealed", app, fields={"RevokeInfo": "19", "CreateTime": 1795000000 + len(form)}, format=form)
        assert answer["status"] == 200 and answer["reply"] == {"encrypted": True, "text": "success"}, answer
        assert wechat_opens(answer["body"], form, app) == "success"
        assert me(kaimen, made)["nickname"] == ""
    refused = push(kaimen, "user_info_modified", "sealed", app, encrypted=False)
    assert refused["status"] == 400 and not refused["reply"]["encrypted"], "what is refused is no message, and answered as all errors are"
    kaimen.admin("PUT", f"/apps/{app}", json={"settings": {"push_reply": "plain"}})
    assert push(kaimen, "user_info_modified", "sealed", app)["reply"] == {"encrypted": False, "text": "success"}


def test_a_push_from_another_time_is_refused(pushed):
    for seconds, status in ((-299 + 10, 200), (-330, 400), (330, 400)):
        then = str(int(time.time()) + seconds)
        signature = hashlib.sha1("".join(sorted([TOKEN, then, "n"])).encode()).hexdigest()
        answer = wire.call(pushed.public, "GET", f"/push/wechat/{SECRET['app']}?signature={signature}&timestamp={then}&nonce=n&echostr=41")
        assert answer.status == status, (seconds, answer)


def test_the_check_of_the_url_is_echoed_as_text(pushed):
    now = str(int(time.time()))
    signature = hashlib.sha1("".join(sorted([TOKEN, now, "n"])).encode()).hexdigest()
    path = f"/push/wechat/{SECRET['app']}?timestamp={now}&nonce=n&echostr="
    good = wire.call(pushed.public, "GET", path + f"5123456789012345&signature={signature}")
    assert good.status == 200 and good.body == b"5123456789012345" and good.get("content-type") == "text/plain", good
    wire.problem(wire.call(pushed.public, "GET", path + f"1&signature={signature[:-1]}0" if signature[-1] != "0" else path + f"1&signature={signature[:-1]}1"), 400, "signature_invalid")
    wire.problem(wire.call(pushed.public, "GET", path + f"%3Cscript%3E&signature={signature}"), 400, "invalid_request")


def test_an_app_without_push_keys_takes_none(pushed):
    wire.problem(wire.call(pushed.public, "POST", f"/push/wechat/{pushed.app_id}?timestamp={int(time.time())}&nonce=n&msg_signature=0", body=b"{}"), 400, "signature_invalid")
    wire.problem(wire.call(pushed.public, "POST", "/push/wechat/wxnowhere0000000001", body=b"{}"), 404, "not_found")
