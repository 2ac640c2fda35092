"""Backup and restore on bad days: killed, a full disk, two at once."""
import fcntl
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

import server
from backups import ask, backup, ballast, refused, restore, succeeds


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
