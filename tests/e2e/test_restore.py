"""What restore refuses, and what it does with the store that is there."""
import os
import pathlib
import shutil
import sqlite3

import pytest

from backups import ask, backup, files_of, refused, restore, succeeds


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
