"""A backup of a store that is at work, and its restore: the users are all there, and nothing that was given out before is good any more."""
import pathlib
import shutil
import sys

import pytest

import server
from backups import Logins, ask, assert_gone, backup, ballast, files_of, refused, restore, signing_keys, succeeds

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "servers"))
import postgres


def test_what_was_given_out_ends_with_a_restore_and_nobody_is_lost(own_kaimen, tmp_path):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.stop()
    ballast(one.data)
    one.start()
    assert one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"logins_per_address_per_minute": 0}}).status == 200
    ada, bob = one.login("ada"), one.login("bob")
    key, leaked = (one.admin("POST", "/keys", json={"name": name, "scopes": ["admin"]}).json() for name in ("shop", "leaked"))
    prefetch = one.client("POST", "/v1/session/prefetch-token", ada["token"]).json()["token"]
    signing = signing_keys(one)
    load = Logins(one)
    server.eventually(lambda: len(load.made) > 20)
    acknowledged = len(load.made)
    succeeds(backup(one.data, file), "MB, checked", "master key is not in it")
    assert load.stop()[acknowledged:] and load.slowest < 5, load.slowest
    assert file.stat().st_mode & 0o777 == 0o600 and sorted(files_of(tmp_path)) == ["backup.db", "data0", "data0.stderr"]
    assert not (one.data / "kaimen.db.snapshot").exists()
    assert ask(file, "SELECT count(*) FROM sessions") >= acknowledged + 2

    # What happens afterwards is forgotten by the store, but not by those who hold something.
    assert one.client("DELETE", "/v1/session", ada["token"]).status == 204
    assert one.admin("POST", f"/users/{bob['user']['id']}/disable", json={}).status == 200
    assert one.admin("DELETE", f"/keys/{leaked['id']}").status == 204
    carol, later = one.login("carol"), one.admin("POST", "/keys", json={"name": "later", "scopes": ["admin"]}).json()["key"]
    refused(restore(one.data, file), "running kaimen", "systemctl stop")
    one.stop()
    refused(restore(one.data, file), "there is a store", "--replace")
    told = succeeds(restore(one.data, file, "--replace"), "kept as", "All sessions end", "key confirm --all")
    aside = told.split("kept as ")[1].split("\n")[0]
    assert ask(aside, "SELECT count(*) FROM users WHERE state = 1") == 1, "the old store is whole, with the user who was disabled"

    one.start()
    assert signing and not signing & signing_keys(one)
    for login in (ada, bob, *load.made):
        assert assert_gone(one, login) == "revoked"
    assert_gone(one, carol)
    assert one.client("GET", f"/v1/prefetch?appid={one.app_id}&token={prefetch}").status == 401
    for name in "ada", "bob":
        again = one.login(name)
        assert again["user"]["id"] == {"ada": ada, "bob": bob}[name]["user"]["id"]
        assert one.verify(again["token"]).status == 204 and one.renew(again["renew_token"]).status == 200

    # Keys: off, with the same answer as any that is no key; only somebody on the machine puts one on again.
    one.admin("GET", "/apps", key=key["key"])
    off, none = (one.admin("GET", "/apps", key=text) for text in (key["key"], "kmk_" + "A" * 54))
    assert off.status == none.status == 401 and off.json()["code"] == none.json()["code"] and off.json().get("reason") == none.json().get("reason")
    assert one.admin("GET", "/apps", key=later).status == 401
    assert one.admin("POST", f"/keys/{key['id']}/confirm").status == 404, "no key reaches it"
    assert "not confirmed" in succeeds(server.run("key", "list", "--data", one.data))
    succeeds(server.run("key", "confirm", "--data", one.data, key["id"]), key["id"])
    assert one.admin("GET", "/apps", key=key["key"]).status == 200 and one.admin("GET", "/apps", key=leaked["key"]).status == 401
    assert leaked["id"] in succeeds(server.run("key", "confirm", "--data", one.data, "--all", "--yes"))
    succeeds(server.run("key", "confirm", "--data", one.data, "--all", "--yes"), "nothing to do")
    one.stop()
    told = [line for line in one.log().splitlines() if "access_key_unconfirmed" in line]
    assert len(told) == 2 and key["id"] in told[0] and leaked["id"] in told[1], "each once a minute"


def test_a_store_without_a_server_is_backed_up_and_restored_elsewhere(own_kaimen, tmp_path):
    one, file, other = own_kaimen(), tmp_path / "backup.db", tmp_path / "other"
    user = one.login("ada")["user"]["id"]
    key = one.admin("POST", "/keys", json={"name": "shop", "scopes": ["read"]}).json()
    one.kill()
    succeeds(backup(one.data, file))
    refused(backup(one.data, file), "is there already")

    other.mkdir(mode=0o700)
    refused(restore(other, file), "master key", code=2)
    (other / "master.key").write_text("ab" * 16 + "cd" * 16)
    (other / "master.key").chmod(0o600)
    before = files_of(other)
    refused(restore(other, file), "under master key", "not configured", "of its time")
    assert files_of(other).keys() - before.keys() <= {"lock"}, "nothing was touched"
    shutil.copy(one.data / "master.key", other / "master.key")
    succeeds(restore(other, file))
    succeeds(server.run("key", "confirm", "--data", other, key["id"]))  # without a server, too
    there = server.Kaimen(other)
    try:
        assert there.login("ada")["user"]["id"] == user
        assert there.admin("GET", "/apps", key=key["key"]).status == 200
    finally:
        there.stop()


# Databases on a server


class Node(server.Kaimen):
    """A server without dev mode; the store is elsewhere."""

    def command(self):
        return [server.binary(), "serve", "--json", "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", "--data", str(self.data)]


@pytest.fixture(scope="module")
def databases():
    one = postgres.Postgres()
    yield one
    one.stop()


def test_a_database_that_was_put_back_by_its_own_tools(own_kaimen, databases, tmp_path):
    here, url = own_kaimen(), databases.create_database("restored")
    key = here.admin("POST", "/keys", json={"name": "shop", "scopes": ["verify"]}).json()
    ada = here.login("ada")
    here.stop()
    assert server.run("migrate", "--data", here.data, "--to", url).returncode == 0
    environment = {"KAIMEN_STORE_URL": url}
    refused(backup(here.data, tmp_path / "backup.db", environment=environment), "pg_dump", code=2)
    refused(server.run("restore", "--data", here.data, "backup.db", environment=environment), "--database", code=2)
    assert postgres.PASSWORD not in backup(here.data, tmp_path / "backup.db", environment=environment).stderr

    elsewhere = Node(tmp_path / "elsewhere", environment={**environment, "KAIMEN_MASTER_KEY": (here.data / "master.key").read_text().strip()})
    again = ("restore", "--database", "--yes", "--data", here.data)
    try:
        assert elsewhere.verify(ada["token"]).status == 204
        refused(server.run(*again, environment=environment), "nodes are at work")
        assert elsewhere.verify(ada["token"]).status == 204
    finally:
        elsewhere.stop()
    refused(server.run("restore", "--database", "--data", here.data, environment=environment), "--yes", code=2)
    succeeds(server.run(*again, environment=environment), "taken as restored", "key confirm")
    succeeds(server.run(*again, environment=environment), "taken as restored")
    elsewhere.start()
    try:
        assert assert_gone(elsewhere, ada) == "revoked"
        assert elsewhere.admin("GET", "/apps", key=key["key"]).status == 401
        succeeds(server.run("key", "confirm", "--data", elsewhere.data, "--all", "--yes", environment=environment), key["id"])
        assert elsewhere.admin("GET", "/apps", key=key["key"]).status == 403  # of scope verify
    finally:
        elsewhere.stop()


def test_which_file_must_be_said(tmp_path):
    refused(server.run("restore", "--data", tmp_path), "which file", code=2)
    refused(server.run("key", "confirm", "--data", tmp_path), "which key", code=2)
    assert server.run("restore", "--database", "x.db", "--data", tmp_path).returncode == 2
