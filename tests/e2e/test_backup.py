"""A backup of a store that is at work, and its restore: the users are all there, and nothing that was given out before is good any more."""
import fcntl
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

import server
import wire

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "servers"))
import postgres

BALLAST_KEYS = 20000  # some 8 MB: a copy takes a while


def ballast(data):
    """Rows that nobody reads, so that the store is not copied in an instant. No server runs on it."""
    with sqlite3.connect(data / "kaimen.db") as database:
        database.executemany("INSERT INTO once_marks (mark, marked_at) VALUES (randomblob(32) || zeroblob(?), ?)",
                             ((300, int(time.time() * 1000)) for _ in range(BALLAST_KEYS)))


def backup(data, file, **options):
    return server.run("backup", "--data", data, file, **options)


def restore(data, file, *more, **options):
    return server.run("restore", "--data", data, file, *more, **options)


def succeeds(done, *words):
    assert done.returncode == 0 and not done.stderr, done
    for word in words:
        assert word in done.stdout, (word, done.stdout)
    return done.stdout


def refused(done, *words, code=1):
    assert done.returncode == code and done.stderr.startswith("kaimen: error: ") and not done.stdout, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def files_of(directory):
    return {entry.name: (entry.stat().st_ino, entry.stat().st_size) for entry in os.scandir(directory)}


def ask(file, sql):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return database.execute(sql).fetchone()[0]


class Logins:
    """Logs in without end on some threads."""

    def __init__(self, kaimen, threads=3):
        self.kaimen, self.ends, self.made, self.slowest = kaimen, threading.Event(), [], 0.0
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        while not self.ends.is_set():
            began = time.monotonic()
            self.made.append(self.kaimen.login(f"load{number}-{len(self.made)}"))
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.01)  # the sandbox and this test share the machine with the server

    def stop(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()
        return self.made


def assert_gone(kaimen, login):
    """Neither its ticket nor its renew token is good for anything."""
    answer = kaimen.verify(login["token"])
    assert answer.status == 401, answer
    assert kaimen.client("GET", "/v1/session", login["token"]).status == 401
    assert kaimen.renew(login["renew_token"]).status == 401
    return answer.get("x-kaimen-reason")


def signing_keys(kaimen):
    return {key["kid"] for key in wire.call(kaimen.private, "GET", "/.well-known/jwks.json").json()["keys"]}


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


def damage(file):
    with open(file, "r+b") as opened:
        opened.seek(20 * 4096)
        opened.write(b"\xff" * 40960)


def of_the_future(file):
    with sqlite3.connect(file) as database:
        database.execute("INSERT INTO schema_migrations SELECT '9999_next', version, owner, lease_until, applied_at FROM schema_migrations LIMIT 1")


def of_another_program(file):
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE theirs (a)")


def of_later(file):
    with sqlite3.connect(file) as database:
        database.execute("UPDATE events SET id = CAST(x'ffff' || substr(id, 3) AS BLOB), at = at + 86400000 WHERE id = (SELECT max(id) FROM events)")


@pytest.mark.parametrize("make, words", [
    (damage, "damaged"), (of_the_future, "newer version"), (of_another_program, "another program"), (of_later, "clock"),
    (lambda file: file.write_text("no database"), "no database"), (lambda file: file.write_bytes(b""), "no store"), (lambda file: file.unlink(), "cannot read"),
    (lambda file: (file.parent / "backup.db-wal").write_text("x"), "backup.db-wal")],
    ids=["damaged", "newer", "foreign", "later", "text", "empty", "absent", "with-a-log"])
def test_what_is_no_backup_is_refused_before_anything_is_touched(own_kaimen, tmp_path, make, words):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.login("ada")
    succeeds(backup(one.data, file))
    one.stop()
    make(file)
    before = files_of(one.data)
    refused(restore(one.data, file, "--replace"), words)
    assert files_of(one.data) == before


def test_the_store_is_no_backup_of_itself(own_kaimen):
    one = own_kaimen()
    one.stop()
    refused(restore(one.data, one.data / "kaimen.db", "--replace"), "the store itself")


def test_a_log_that_was_left_beside_the_store_does_not_get_into_the_new_one(own_kaimen, tmp_path):
    """The server was killed, so that its last writes are in the write-ahead log alone; then somebody took the store away and left that behind."""
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.login("ada")
    succeeds(backup(one.data, file))
    one.login("bob")
    one.kill()
    os.rename(one.data / "kaimen.db", tmp_path / "away.db")
    assert (one.data / "kaimen.db-wal").stat().st_size > 0
    succeeds(restore(one.data, file))
    assert not (one.data / "kaimen.db-wal").exists()
    assert ask(one.data / "kaimen.db", "SELECT count(*) FROM users") == 1


def test_a_store_that_is_damaged_is_put_aside_as_it_is(own_kaimen, tmp_path):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.login("ada")
    succeeds(backup(one.data, file))
    one.stop()
    (one.data / "kaimen.db").write_bytes(b"no database" * 1000)
    (one.data / "kaimen.db-wal").write_bytes(b"its log")
    told = succeeds(restore(one.data, file, "--replace"), "kept as")
    aside = pathlib.Path(told.split("kept as ")[1].split("\n")[0])
    assert aside.read_bytes().startswith(b"no database") and not (one.data / "kaimen.db-wal").exists()
    assert ask(one.data / "kaimen.db", "SELECT count(*) FROM users") == 1


def test_a_store_that_another_program_has_open_is_left_as_it_is(own_kaimen, tmp_path):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.login("ada")
    succeeds(backup(one.data, file))
    one.kill()
    with sqlite3.connect(one.data / "kaimen.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        log = (one.data / "kaimen.db-wal").stat().st_ino
        refused(restore(one.data, file, "--replace"), "another pro")
        assert (one.data / "kaimen.db-wal").stat().st_ino == log and not list(one.data.glob("kaimen.db.before-*"))
    other.close()


def test_the_stores_own_names_are_no_names_for_a_backup(own_kaimen, tmp_path):
    one = own_kaimen()
    for ending in ("-wal", ".part", ".snapshot"):
        refused(backup(one.data, f"{one.data}/../{one.data.name}/kaimen.db{ending}"), "name of the store's own", code=2)
    one.stop()
    shutil.copy(one.data / "kaimen.db", one.data / "kaimen.db.part")
    refused(restore(one.data, one.data / "kaimen.db.part", "--replace"), "interrupted")


def killed_after(seconds, *arguments):
    """kill -9 after that time; whether it had ended by then."""
    process = subprocess.Popen([server.binary(), *map(str, arguments)], env=server.clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def test_a_restore_that_is_killed_leaves_the_old_store_or_the_new_one(own_kaimen, tmp_path):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.stop()
    ballast(one.data)
    one.start()
    one.login("ada")
    succeeds(backup(one.data, file))
    one.login("bob")
    one.kill()  # its log is not written back
    kept, seen = tmp_path / "kept", set()
    shutil.copytree(one.data, kept, ignore=shutil.ignore_patterns("*.sock"))
    began = time.monotonic()
    succeeds(restore(one.data, file, "--replace"))
    whole = time.monotonic() - began

    turns = 16
    for turn in range(turns):
        shutil.rmtree(one.data)
        shutil.copytree(kept, one.data)
        killed_after(whole * (turn + 1) / turns, "restore", "--data", one.data, file, "--replace")
        probe = tmp_path / f"probe{turn}"
        shutil.copytree(one.data, probe)  # what a node would find: file and log
        with sqlite3.connect(probe / "kaimen.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            users = database.execute("SELECT count(*) FROM users").fetchone()[0]
            restored = database.execute("SELECT count(*) FROM meta WHERE name = 'restored_at'").fetchone()[0]
        assert (users, restored) in ((2, 0), (1, 1)), (turn, users, restored)
        seen.add(restored)
        shutil.rmtree(probe)
        succeeds(restore(one.data, file, "--replace"))  # and the same command goes on
        assert ask(one.data / "kaimen.db", "SELECT count(*) FROM users") == 1
        assert not list(one.data.glob("*.part*"))
    assert 0 in seen
    one.start()
    one.login("ada")


def test_a_backup_that_is_killed_leaves_nothing_in_its_place(own_kaimen, tmp_path):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.stop()
    ballast(one.data)
    one.start()
    for turn in range(8):
        killed_after(0.01 * (turn + 1), "backup", "--data", one.data, file)
        assert not file.exists() or ask(file, "PRAGMA integrity_check") == "ok"
        file.unlink(missing_ok=True)
        one.login(f"user{turn}")
    succeeds(backup(one.data, file))
    assert ask(file, "SELECT count(*) FROM users") == 8 and not (tmp_path / "backup.db.part").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB; skipped where none may be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True).returncode != 0:
        pytest.skip("no right to mount a tmpfs here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_is_told_and_nothing_is_left_on_it(own_kaimen, tmp_path, small_disk):
    one, file = own_kaimen(), tmp_path / "backup.db"
    one.stop()
    ballast(one.data)
    one.start()
    one.login("ada")
    refused(backup(one.data, small_disk / "backup.db"), "MB free; the backup needs")
    assert not list(small_disk.iterdir())
    succeeds(backup(one.data, file))
    shutil.copy(one.data / "master.key", small_disk / "master.key")
    refused(restore(small_disk, file), "No space left")
    assert sorted(entry.name for entry in small_disk.iterdir()) == ["lock", "master.key"]


def test_a_copy_that_would_take_the_room_that_logins_need_is_not_begun(small_disk, tmp_path):
    one = server.Kaimen(small_disk / "data")
    try:
        refused(backup(one.data, tmp_path / "backup.db"), "MB free", "needs")
        assert not list(tmp_path.glob("backup*"))
        one.login("ada")
    finally:
        one.stop()


@pytest.mark.parametrize("held, words", [("data0", "under way"), ("backup.db.part", "another process")], ids=["of-the-store", "into-the-file"])
def test_another_backup_at_the_same_time_is_refused(own_kaimen, tmp_path, held, words):
    one = own_kaimen()
    opened = os.open(tmp_path / held, os.O_RDONLY | (0 if (tmp_path / held).is_dir() else os.O_CREAT), 0o600)
    fcntl.flock(opened, fcntl.LOCK_EX)
    refused(backup(one.data, tmp_path / "backup.db"), words)
    os.close(opened)


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
