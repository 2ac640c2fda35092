"""What the tests of backup and restore have in common."""
import os
import sqlite3
import threading
import time

import server
import wire

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
