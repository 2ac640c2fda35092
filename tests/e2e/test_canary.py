"""Secrets stay where they belong: a scripted WeChat hands out unique markers, and afterwards everything that leaves the server is searched
for them, in every spelling."""
import base64
import hashlib
import json
import os
import secrets
import subprocess
import time
import urllib.parse

import pytest

import server
import wire
from fake_wechat import FakeWechat, answer

APP = "wxcanary0000000001"


def spellings(marker):
    """The ways in which bytes tend to leak."""
    found = {marker, marker.hex().encode(), marker.hex().upper().encode(), urllib.parse.quote_from_bytes(marker, safe="").encode()}
    for shift in range(3):  # base64 within a longer text: three alignments, without the ends that depend on the neighbours
        whole = base64.b64encode(b"\0" * shift + marker)
        inner = whole[(0, 4, 4)[shift]:len(whole) - (4 if (shift + len(marker)) % 3 else 0)]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    for digest in (hashlib.sha1(marker).digest(), hashlib.sha256(marker).digest(), hashlib.md5(marker).digest()):
        found |= {digest, digest.hex().encode(), base64.b64encode(digest), base64.urlsafe_b64encode(digest).rstrip(b"=")}
    return {one for one in found if len(one) >= 8}


def leaks(data, markers):
    return [(name, one) for name, marker in markers.items() for one in spellings(marker) if one in data]


def encrypt(session_key, payload):
    """As WeChat's client does; with the openssl command, because Python's library has no AES."""
    iv = os.urandom(16)
    done = subprocess.run(["openssl", "enc", "-aes-128-cbc", "-K", base64.b64decode(session_key).hex(), "-iv", iv.hex()], input=json.dumps(payload).encode(),
                          capture_output=True, check=True)
    return {"encrypted_data": base64.b64encode(done.stdout).decode(), "iv": base64.b64encode(iv).decode()}


class World:
    """A server at debug level that has lived: logins, profiles, phones, errors, checks. Keeps every answer that it gave."""

    def __init__(self, directory):
        self.session_key = base64.b64encode(os.urandom(16)).decode()
        self.secret, self.old_secret = "CANARY" + secrets.token_hex(13), "CANARY" + secrets.token_hex(13)
        self.token = "CANARYTOKEN" + secrets.token_hex(40)
        self.openid, self.unionid = "oCanary" + secrets.token_hex(10), "uCanary" + secrets.token_hex(10)
        self.phones = [f"19{secrets.randbelow(10**9):09d}" for _ in range(2)]
        self.answers, original = [], wire.send
        self.upstream = FakeWechat()
        self.kaimen = server.Kaimen(directory / "data", "--wechat", self.upstream.url, environment={"KAIMEN_LOG_LEVEL": "debug"})
        self.kaimen.app_id, self.kaimen.sandbox = APP, None

        def recording(*arguments, **more):
            self.answers.append(original(*arguments, **more))
            return self.answers[-1]

        wire.send = recording
        try:
            self._live()
        finally:
            wire.send = original

    def _script(self):
        script = self.upstream.script
        script("/sns/jscode2session", answer({"openid": self.openid, "unionid": self.unionid, "session_key": self.session_key}))
        script("/cgi-bin/stable_token", answer({"access_token": self.token, "expires_in": 7200}))
        script("/wxa/business/getuserphonenumber", lambda _: answer({"errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": self.phones[0], "purePhoneNumber": self.phones[0], "countryCode": "86", "watermark": {"timestamp": int(time.time()), "appid": APP}}}))

    def _live(self):
        kaimen, watermark = self.kaimen, {"timestamp": int(time.time()), "appid": APP}
        kaimen.add_app(APP, secret=self.old_secret)
        kaimen.admin("POST", f"/apps/{APP}/secret", json={"secret": self.secret})
        self._script()
        login = kaimen.post_login("good-code", device={"id": "d", "model": "m"}).json()
        self.tickets = [login["token"], login["renew_token"]]
        me = lambda method, path, **body: kaimen.client(method, "/v1/me" + path, login["token"], **body)
        raw = json.dumps({"nickName": "canary", "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "", "avatarUrl": ""})
        signature = hashlib.sha1((raw + self.session_key).encode()).hexdigest()
        self.profile = me("POST", "/wechat-profile", json={"raw_data": raw, "signature": signature})
        self.opened = me("POST", "/wechat-profile", json=encrypt(self.session_key, {"openId": self.openid, "nickName": "opened", "gender": 0, "language": "", "city": "",
                                                                                   "province": "", "country": "", "avatarUrl": "", "watermark": watermark}))
        me("POST", "/wechat-profile", json={"raw_data": raw + " ", "signature": signature})
        self.phone_by_code = me("POST", "/phone", json={"code": "phone-code"})
        self.phone_opened = me("POST", "/phone", json=encrypt(self.session_key, {"phoneNumber": self.phones[1], "purePhoneNumber": self.phones[1], "countryCode": "86",
                                                                                 "watermark": watermark}))
        me("POST", "/phone", json={"encrypted_data": "A" * 64, "iv": "A" * 22 + "=="})
        self.own = [me("GET", ""), kaimen.client("GET", "/v1/session", login["token"])]
        me("GET", "/sessions")
        echo = f"invalid secret {self.secret} {self.old_secret} {self.session_key} {self.token} {self.openid}, rid: 1234-5678"
        for number, reply in enumerate([answer({"errcode": 40125, "errmsg": echo}), answer({"errcode": 99999, "errmsg": echo}), answer(echo.encode()), b"HTTP/1.1 " + echo.encode(),
                                        answer({"openid": [self.openid], "session_key": self.session_key, "errmsg": echo})]):
            self.upstream.script("/sns/jscode2session", reply)
            kaimen.post_login(f"bad-code-{number}")
        self.upstream.script("/wxa/business/getuserphonenumber", answer({"errcode": 40001, "errmsg": echo}))
        me("POST", "/phone", json={"code": "refused"})
        self._script()
        kaimen.admin("POST", f"/apps/{APP}/check", json={})
        self.check, self.introspection = kaimen.verify(login["token"]), kaimen.introspect(login["token"])
        kaimen.verify(login["token"] + "x"), kaimen.verify(headers={"Authorization": f"Bearer {self.session_key}"})
        kaimen.admin("GET", "/apps"), kaimen.admin("GET", f"/users/{login['user']['id']}/sessions")
        self.seen_by_admin = kaimen.admin("GET", f"/users/{login['user']['id']}")
        kaimen.client("GET", f"/v1/session?ticket={login['token']}"), kaimen.verify(query=f"ticket={login['token']}")
        kaimen.client("GET", f"/v1/{login['token']}"), kaimen.client("GET", f"/v1/me/sessions/{login['renew_token']}")
        renewed = kaimen.renew(login["renew_token"]).json()
        self.tickets += [renewed["token"], renewed["renew_token"]]
        kaimen.client("DELETE", "/v1/session", renewed["token"])
        for base, path in ((kaimen.private, "/metrics"), (kaimen.private, "/openapi.json"), (kaimen.public, "/healthz"), (kaimen.public, "/nowhere")):
            wire.call(base, "GET", path)
        self.stored_live = self.stored()
        backup = kaimen.data.parent / "backup.db"
        assert server.run("backup", "--data", kaimen.data, backup).returncode == 0
        self.backed_up = backup.read_bytes()
        kaimen.stop()
        self.upstream.close()

    def stored(self):
        return b"\n".join(path.read_bytes() for path in sorted(self.kaimen.data.rglob("*")) if path.is_file())

    def logged(self):
        return self.kaimen.log_path.read_bytes()

    def answered(self, without=()):
        """What all answers say, but for those that may."""
        return b"\n".join(repr(one.headers).encode() + one.body for one in self.answers if all(one is not other for other in without))

    def never(self):
        return {"secret": self.secret.encode(), "old secret": self.old_secret.encode(), "session_key": self.session_key.encode(),
                "session_key bytes": base64.b64decode(self.session_key), "access_token": self.token.encode()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("canary"))


def test_the_search_finds_what_is_there(world):
    """The control: the markers were really handed out and used, and the search finds them where they belong."""
    assert world.profile.json()["nickname"] == "canary" and world.opened.json()["nickname"] == "opened", (world.profile, world.opened)
    assert world.phones[0] in world.phone_by_code.json()["phone_number"] and world.phones[1] in world.phone_opened.json()["phone_number"]
    upstream = "\n".join(one.target for one in world.upstream.seen).encode()
    assert leaks(upstream, {"secret": world.secret.encode()}) and leaks(upstream, {"token": world.token.encode()})
    assert leaks(b"x" + base64.b64encode(b"ab" + world.secret.encode() + b"c"), {"secret": world.secret.encode()})
    assert leaks(world.stored(), {"openid": world.openid.encode()}) and len(world.logged()) > 1000


def test_no_secret_session_key_or_access_token_is_in_an_answer(world):
    assert leaks(world.answered(), world.never()) == []


def test_no_secret_session_key_or_access_token_is_in_the_log(world):
    assert leaks(world.logged(), world.never()) == []


def test_no_secret_session_key_or_access_token_is_stored_in_clear(world):
    assert leaks(world.stored_live, world.never()) == [] and leaks(world.stored(), world.never()) == []


def test_neither_they_nor_the_master_key_are_in_a_backup(world):
    key = base64.b64decode((world.kaimen.data / "master.key").read_text())
    assert len(key) == 32 and leaks(world.backed_up, {"openid": world.openid.encode()})
    assert leaks(world.backed_up, {**world.never(), "master key": key}) == []


def test_no_phone_is_stored_in_clear(world):
    markers = {"by code": world.phones[0].encode(), "opened": world.phones[1].encode(), "with country": b"+86" + world.phones[1].encode()}
    assert leaks(world.stored_live, markers) == [] and leaks(world.stored(), markers) == []


def test_no_phone_is_in_the_log(world):
    assert leaks(world.logged(), {"by code": world.phones[0].encode(), "opened": world.phones[1].encode()}) == []


def test_a_phone_is_in_the_users_own_answers_only(world):
    markers = {"by code": world.phones[0].encode(), "opened": world.phones[1].encode()}
    own = [one for one in world.answers if b'"phone_number"' in one.body]
    assert leaks(world.answered(without=own), markers) == []
    assert leaks(repr(world.check.headers).encode() + world.introspection.body, markers) == []


def test_openid_and_unionid_are_in_checks_and_introspection_only(world):
    markers = {"openid": world.openid.encode(), "unionid": world.unionid.encode()}
    assert world.check.get("x-kaimen-openid") == world.openid and world.check.get("x-kaimen-unionid") == world.unionid
    assert world.introspection.json()["openid"] == world.openid
    assert leaks(world.answered(without=(world.check, world.introspection, world.seen_by_admin)), markers) == []


def test_openid_and_unionid_are_not_in_the_log(world):
    assert leaks(world.logged(), {"openid": world.openid.encode(), "unionid": world.unionid.encode()}) == []


def test_no_ticket_renew_token_or_key_is_logged_or_stored(world):
    markers = {f"ticket {number}": ticket.encode() for number, ticket in enumerate(world.tickets)}
    markers["admin key"] = world.kaimen.admin_key.encode()
    for place in (world.logged(), world.stored_live, world.stored()):
        assert [one for one in leaks(place, markers) if one[1] == markers[one[0]]] == []


def test_wechats_errmsg_is_in_no_answer(world):
    assert b"invalid secret" not in world.answered() and b"1234-5678" in world.answered()  # its rid is


def test_no_code_of_a_login_is_stored_or_logged_in_clear(world):
    assert b"good-code" not in world.stored() and b"phone-code" not in world.stored()
    assert b"good-code" not in world.logged() and b"phone-code" not in world.logged()
