"""wafer's published client packages, unmodified, in Node: they log in, ask a backend behind nginx and the check, and come back from an end."""
import json
import pathlib
import subprocess

import pytest

import npm
import server
import wire
from nginx import Site

MODULES = pathlib.Path(__file__).parent / "wafer"
MAGIC = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A"
OURS = "return 401 $kaimen_refusal"
STOCK = "return 200 $kaimen_refusal"  # wafer's own servers said everything with 200


class Phone:
    """A process with one of the packages and one user's WeChat."""

    def __init__(self, site, package, user, app_id=None):
        app_id = app_id or site.kaimen.app_id
        self.process = subprocess.Popen([npm.node(), str(MODULES / "phone.js"), str(npm.install(MODULES)), package, site.kaimen.sandbox, app_id, user],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.site = site
        self.act("setLoginUrl", url=f"{site.url}/weapp/login")

    def act(self, name, **given):
        self.process.stdin.write(json.dumps({"act": name, **given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the phone has died"
        return json.loads(line)

    def get(self, path="/api/orders", **options):
        return self.act("request", options={"url": self.site.url + path, **options})

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Shop(Site):
    def __init__(self, directory, version, replacements=None):
        super().__init__(directory, replacements)
        self.set(wafer=version)

    def set(self, **settings):
        answer = self.kaimen.admin("PUT", f"/apps/{self.kaimen.app_id}", json={"settings": settings})
        assert answer.status == 200, answer

    def end_sessions(self, skey):
        user = self.kaimen.introspect(skey).json()["sub"]
        assert self.kaimen.admin("DELETE", f"/users/{user}/sessions").status == 204


def shop(tmp_path_factory, *arguments):
    one = Shop(tmp_path_factory.mktemp("shop"), *arguments)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def shop2(tmp_path_factory):
    yield from shop(tmp_path_factory, "v2")


@pytest.fixture(scope="module")
def stock2(tmp_path_factory):
    yield from shop(tmp_path_factory, "v2", {OURS: STOCK})


@pytest.fixture(scope="module")
def shop1(tmp_path_factory):
    yield from shop(tmp_path_factory, "v1")


@pytest.fixture
def phone():
    made = []

    def make(*arguments):
        made.append(Phone(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def v2(phone, site, user):
    return phone(site, "wafer2-client-sdk", user)


def backend_headers(answer):
    assert answer["ok"]["status"] == 200, answer
    return {name.lower(): value for name, value in answer["ok"]["data"]["headers"]}


def test_v2_logs_in_and_the_backend_learns_who_it_is(shop2, phone, user):
    one = v2(phone, shop2, user)
    info = one.act("login")["ok"]
    assert info["watermark"]["appid"] == shop2.kaimen.app_id and info["language"] == "zh_CN", info  # of the encrypted profile
    session = one.act("session")
    assert session["skey"].startswith("km1.") and 7000 < session["expires_in"] <= 7200
    headers = backend_headers(one.get())
    assert headers["x-kaimen-user"] == shop2.kaimen.introspect(session["skey"]).json()["sub"]
    told = one.get("/weapp/user")["ok"]["data"]
    assert told["code"] == 0 and {**told["data"], "watermark": None} == {**info, "watermark": None}


def test_v2_registers_by_code_alone_at_the_first_request(shop2, phone, user):
    one = v2(phone, shop2, user)
    assert backend_headers(one.get(login=True))["x-kaimen-user"]
    assert one.act("loginWithCode")["ok"]["gender"] == 0


def test_v2_without_a_session_is_let_in_by_one_login(shop2, phone, user):
    one = v2(phone, shop2, user)
    assert backend_headers(one.get())["x-kaimen-user"]
    assert one.act("counts") == {"login": 1, "request": 3}


@pytest.mark.parametrize("site", ["shop2", "stock2"])
def test_v2_comes_back_from_an_ended_session(request, site, phone, user):
    site = request.getfixturevalue(site)
    one = v2(phone, site, user)
    one.act("login")
    first = one.act("session")["skey"]
    site.end_sessions(first)
    headers = backend_headers(one.get(method="POST", data={"order": 7}))
    assert headers["x-kaimen-session"] and one.act("session")["skey"] != first
    assert one.act("counts")["login"] == 2


@pytest.mark.parametrize("site", ["shop2", "stock2"])
def test_v2_comes_back_from_what_wafers_own_server_gave_it(request, site, phone, user):
    """The day the address is switched, phones hold skeys that are no tickets."""
    site = request.getfixturevalue(site)
    one = v2(phone, site, user)
    one.act("login")
    one.act("keep", session={**one.act("session"), "skey": "da39a3ee5e6b4b0d3255bfef95601890afd80709"})
    assert backend_headers(one.get())["x-kaimen-user"]


@pytest.mark.parametrize("site", ["shop2", "stock2"])
def test_v2_with_many_requests_at_once_after_an_end(request, site, phone, user):
    """Its package logs in once for each of them: none of these logins may put another out, whatever the limit."""
    site = request.getfixturevalue(site)
    site.set(max_per_user=3)
    one = v2(phone, site, user)
    one.act("login")
    skey = one.act("session")["skey"]
    site.end_sessions(skey)
    answers = one.act("together", count=12, options={"url": site.url + "/api/orders"})
    assert len({backend_headers(answer)["x-kaimen-user"] for answer in answers}) == 1
    assert one.act("counts")["login"] == 13
    assert backend_headers(one.get())["x-kaimen-user"] and one.act("counts")["login"] == 13, "what it kept is good"


def test_v2_tells_a_disabled_user_so_and_does_not_go_on_trying(shop2, phone, user):
    one = v2(phone, shop2, user)
    one.act("login")
    who = shop2.kaimen.introspect(one.act("session")["skey"]).json()["sub"]
    assert shop2.kaimen.admin("POST", f"/users/{who}/disable", json={"message": "call us"}).status == 200
    assert one.get()["failed"]
    assert "call us" in one.act("login")["failed"]["message"]
    assert one.act("counts")["login"] == 3


def test_two_phones_of_one_user_stay_logged_in(shop2, phone, user):
    first, second = v2(phone, shop2, user), v2(phone, shop2, user)
    first.act("login"), second.act("login"), first.act("loginWithCode"), second.act("loginWithCode")
    assert backend_headers(first.get())["x-kaimen-user"] == backend_headers(second.get())["x-kaimen-user"]
    assert first.act("counts")["login"] == second.act("counts")["login"] == 2


def test_a_large_profile_passes_in_its_header(shop2):
    headers = {"X-WX-Code": shop2.kaimen.code("large"), "X-WX-Encrypted-Data": "A" * 16384, "X-WX-IV": "A" * 24}
    answer = wire.call(shop2.url, "GET", "/weapp/login", headers=headers)
    assert answer.status == 200 and answer.json()["code"] == 0, answer


def test_neither_key_nor_openid_is_in_what_the_phone_gets(shop2, user):
    answer = wire.call(shop2.url, "GET", "/weapp/login", headers={"X-WX-Code": shop2.kaimen.code(user)})
    openid = shop2.kaimen.introspect(answer.json()["data"]["skey"]).json()["openid"]
    assert openid.encode() not in answer.body and b"session_key" not in answer.body


def test_v1_logs_in_asks_and_comes_back(shop1, phone, user):
    one = phone(shop1, "wafer-client-sdk", user)
    assert one.act("login")["ok"]["nickName"]
    session = one.act("session")
    assert set(session) == {"id", "skey", "userInfo"}
    assert backend_headers(one.get())["x-kaimen-session"] == session["id"]
    assert one.get("/weapp/user")["ok"]["data"]["data"]["userInfo"]["watermark"]["appid"] == shop1.kaimen.app_id
    shop1.end_sessions(session["skey"])
    assert backend_headers(one.get())["x-kaimen-session"] == one.act("session")["id"] != session["id"]
    assert one.act("counts")["login"] == 2


def test_v1_with_many_requests_at_once_after_an_end(shop1, phone, user):
    one = phone(shop1, "wafer-client-sdk", user)
    one.act("login")
    shop1.end_sessions(one.act("session")["skey"])
    answers = one.act("together", count=8, options={"url": shop1.url + "/api/orders"})
    assert len({backend_headers(answer)["x-kaimen-user"] for answer in answers}) == 1


def test_v1_hears_of_a_refused_login(shop1, phone, user):
    shop1.kaimen.faults(path="/sns/jscode2session", errcode=40226)
    try:
        failed = phone(shop1, "wafer-client-sdk", user).act("login")["failed"]
    finally:
        shop1.kaimen.faults()
    assert failed["type"] == "ERR_LOGIN_MISSING_SESSION" and "ERR_LOGIN_FAILED" in failed["message"], failed


def mina(site, name, **para):
    body = {"version": 1, "componentName": "MA", "interface": {"interfaceName": name, "para": para}}
    answer = wire.call(site.kaimen.private, "POST", "/mina_auth/", json=body)
    assert answer.status == 200, answer
    return answer.json()


def test_a_backend_of_v1_asks_its_session_server(shop1, user):
    """What wafer's server kits for v1 do for a client's login and for each of its requests."""
    data = shop1.kaimen.control("POST", "/sandbox/user-info", {"appid": shop1.kaimen.app_id, "user": user})
    login = mina(shop1, "qcloud.cam.id_skey", code=shop1.kaimen.code(user), encrypt_data=data["encryptedData"], iv=data["iv"])
    assert login["returnCode"] == 0, login
    session = login["returnData"]
    who = mina(shop1, "qcloud.cam.auth", id=session["id"], skey=session["skey"])
    assert who["returnCode"] == 0 and who["returnData"]["user_info"]["openId"] == session["user_info"]["openId"]
    shop1.end_sessions(session["skey"])
    assert mina(shop1, "qcloud.cam.auth", id=session["id"], skey=session["skey"])["returnCode"] == 60012
    assert mina(shop1, "qcloud.cam.initdata", appid="wx", secret="x")["returnCode"] == 1013
