"""kaimen import wafer: users of both versions of wafer's tables, in a real MariaDB, become users here and find themselves at their next login."""
import base64
import json
import pathlib
import sys

import pytest

import server

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "servers"))
import mariadb

SECRET = "a-skey-or-a-session_key"
SECOND = """CREATE TABLE cSessionInfo (open_id varchar(100) NOT NULL, uuid varchar(100) NOT NULL, skey varchar(100) NOT NULL,
  create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, last_visit_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  session_key varchar(100) NOT NULL, user_info varchar(2048) NOT NULL, PRIMARY KEY (open_id), KEY openid (open_id), KEY skey (skey))
  ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"""
FIRST = """CREATE TABLE cSessionInfo (id int(11) NOT NULL AUTO_INCREMENT, uuid varchar(100) COLLATE utf8_unicode_ci NOT NULL,
  skey varchar(100) COLLATE utf8_unicode_ci NOT NULL, create_time datetime NOT NULL, last_visit_time datetime NOT NULL,
  open_id varchar(100) COLLATE utf8_unicode_ci NOT NULL, session_key varchar(100) COLLATE utf8_unicode_ci NOT NULL,
  user_info varchar(2048) COLLATE utf8_unicode_ci DEFAULT NULL, PRIMARY KEY (id), KEY auth (uuid,skey), KEY weixin (open_id,session_key))
  ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci"""
APPINFO = """CREATE TABLE cAppinfo (appid varchar(200) NOT NULL, secret varchar(300) NOT NULL, login_duration int(11) DEFAULT '30',
  session_duration int(11) DEFAULT '2592000', qcloud_appid varchar(300) NOT NULL, ip varchar(50) NOT NULL, PRIMARY KEY (appid)) ENGINE=InnoDB"""


@pytest.fixture(scope="module")
def database():
    one = mariadb.Mariadb()
    yield one
    one.stop()


class CAuth:
    """One database of wafer's, under a name of its own."""

    def __init__(self, database, name, *tables):
        self.database, self.name = database, name
        self.url = database.create_database(name)
        self.query(*tables)

    def query(self, *statements):
        return self.database.query(*statements, database=self.name)

    def add(self, openid, info, created="2018-03-01 12:00:00", encode=lambda text: text):
        text = encode(info if isinstance(info, str) else json.dumps(info, ensure_ascii=False))
        self.query(f"SET NAMES utf8mb4; SET time_zone='+00:00'; INSERT INTO cSessionInfo (open_id,uuid,skey,create_time,last_visit_time,session_key,user_info) "
                   f"VALUES (CONVERT(x'{openid.encode().hex()}' USING utf8mb4),'u','{SECRET}','{created}','{created}','{SECRET}',CONVERT(x'{text.encode().hex()}' USING utf8mb4))")


@pytest.fixture
def cauth(database):
    made = []

    def make(name, *tables):
        made.append(name)
        return CAuth(database, name, *tables)

    yield make
    for name in made:
        database.drop_database(name)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def run(kaimen, url, *arguments, app=True):
    return server.run("import", "wafer", url, "--data", kaimen.data, *(["--app", kaimen.app_id] if app else []), *arguments)


def sums(kaimen, url, *arguments, **more):
    done = run(kaimen, url, "--json", *arguments, **more)
    assert done.returncode == 0, done.stderr
    sum_ = json.loads(done.stdout)
    return {name: sum_[name] for name in ("created", "updated", "unchanged", "refused")}, sum_["rows"]


def openid_of(kaimen, user):
    """The openid that WeChat has for that user, who has not been here."""
    return kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user})["openid"]


def user_of(kaimen, openid):
    items = kaimen.admin("GET", f"/users?app_id={kaimen.app_id}&openid={openid}").json()["items"]
    return items[0] if items else None


def counts(created=0, updated=0, unchanged=0, refused=0):
    return {"created": created, "updated": updated, "unchanged": unchanged, "refused": refused}


def test_users_of_wafer2_come_over_once(kaimen, cauth, user):
    source, openid = cauth("cAuth2", SECOND), openid_of(kaimen, user)
    source.add(openid, {"openId": openid, "nickName": "安娜 🐱", "gender": 2, "avatarUrl": "https://wx.qlogo.cn/a/0", "unionId": "forged", "watermark": {}})
    for number in range(95):
        source.add(f"oUser-{number:04}", {"openId": "x", "nickName": f"User {number}"})
    source.add("oNameless", {"nickName": "微信用户", "avatarUrl": "https://thirdwx.qlogo.cn/grey"})
    source.add("oUnreadable", "not json at all")
    assert sums(kaimen, source.url, "--dry-run") == (counts(created=98), 98)
    assert user_of(kaimen, openid) is None
    assert sums(kaimen, source.url) == (counts(created=98), 98)
    anna = user_of(kaimen, openid)
    assert (anna["nickname"], anna["avatar_url"], anna["created_at"]) == ("安娜 🐱", "https://wx.qlogo.cn/a/0", "2018-03-01T12:00:00Z")
    assert not anna["identities"][0]["unionid"]
    assert user_of(kaimen, "oUser-0094")["nickname"] == "User 94"
    assert user_of(kaimen, "oNameless")["nickname"] == "" and user_of(kaimen, "oUnreadable")
    assert sums(kaimen, source.url) == (counts(unchanged=98), 98)

    login = kaimen.login(user)
    assert login["user"]["id"] == anna["id"] and not login["is_new_user"] and login["user"]["nickname"] == "安娜 🐱"
    # What somebody says of themselves here stays, however often the old table is read.
    assert kaimen.client("POST", "/v1/me", login["token"], json={"nickname": "Anna"}).status == 200
    assert sums(kaimen, source.url)[0]["refused"] == 0
    assert user_of(kaimen, openid)["nickname"] == "Anna"


def test_users_of_the_first_version_come_over_once(kaimen, cauth):
    source = cauth("cAuth1", FIRST, APPINFO, f"INSERT INTO cAppinfo VALUES ('{kaimen.app_id}','{SECRET}',30,2592000,'1','127.0.0.1')")
    source.add("oFirst-bob", {"openId": "oFirst-bob", "nickName": "Bob before"}, encode=encoded)
    source.add("oFirst-eve", {"openId": "oFirst-eve", "nickName": "Eve"}, encode=encoded)
    source.add("oFirst-bob", {"openId": "oFirst-bob", "nickName": "Bob"}, created="2019-03-01 12:00:00", encode=encoded)
    for number in range(60):
        source.add(f"oFirst-{number:04}", {"nickName": f"User {number}"}, encode=encoded)
    assert sums(kaimen, source.url, app=False) == (counts(created=62), 62)
    assert user_of(kaimen, "oFirst-bob")["nickname"] == "Bob" and user_of(kaimen, "oFirst-eve")["nickname"] == "Eve"
    assert sums(kaimen, source.url, app=False) == (counts(unchanged=62), 62)


def test_a_stopped_server_is_no_hindrance(own_kaimen, cauth):
    kaimen, source = own_kaimen(), cauth("cAuthOffline", SECOND)
    source.add("oOffline", {"nickName": "Off"})
    kaimen.stop()
    done = run(kaimen, source.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 created, 0 updated, 0 unchanged, 0 refused, of 1 rows of wafer's second version\n"
    kaimen.start()
    assert user_of(kaimen, "oOffline")["nickname"] == "Off"


def test_what_is_refused_is_named_and_the_others_come(kaimen, cauth):
    source = cauth("cAuthBad", SECOND)
    source.add("o with blanks", {"nickName": "A"})
    source.add("", {"nickName": "B"})
    source.add("oGood", {"nickName": "C"})
    done = run(kaimen, source.url)
    assert done.returncode == 1 and "refused o with blanks: " in done.stderr and "refused a row: the row has no open_id" in done.stderr, done.stderr
    assert done.stdout.startswith("1 created, 0 updated, 0 unchanged, 2 refused")
    assert user_of(kaimen, "oGood")


def test_nothing_of_skey_and_session_key_is_taken(own_kaimen, cauth):
    kaimen, source = own_kaimen(), cauth("cAuthSecret", SECOND)
    source.add("oSecret", {"nickName": "S"})
    sums(kaimen, source.url)
    kaimen.stop()
    for file in kaimen.data.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file
    assert SECRET not in kaimen.log()


def refused(done, status, *words):
    assert done.returncode == status and all(word in done.stderr for word in words), done.stderr
    assert mariadb.PASSWORD not in done.stderr + done.stdout


def test_what_is_wrong_is_said_and_no_password_shown(kaimen, cauth, tmp_path):
    source = cauth("cAuthEmpty", "CREATE TABLE other (id int)")
    refused(run(kaimen, source.url), 1, "there is no table cSessionInfo")
    refused(run(kaimen, source.url.replace("cAuthEmpty", "nowhere")), 1, "nowhere")
    refused(run(kaimen, "postgres://kaimen@127.0.0.1/x"), 2, "mysql://")
    good = cauth("cAuthGood", SECOND)
    refused(run(kaimen, good.url, app=False), 2, "which mini program", "--app")
    refused(server.run("import", "wafer", good.url, "--data", kaimen.data, "--app", "wxnothere"), 1, "no such app")
    password = tmp_path / "password"
    password.write_text(mariadb.PASSWORD)
    password.chmod(0o600)
    refused(run(kaimen, good.url, "--password-file", password), 2, "has a password already")
    assert sums(kaimen, good.url.replace(f":{mariadb.PASSWORD}@", "@"), "--password-file", str(password)) == (counts(), 0)
    first = cauth("cAuthOther", FIRST, APPINFO, "INSERT INTO cAppinfo VALUES ('wxother','s',30,2592000,'1','127.0.0.1')")
    refused(run(kaimen, first.url), 2, "cAppinfo is of wxother")
