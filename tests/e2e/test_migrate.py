"""Moving up: logins on SQLite, `kaimen migrate --to` PostgreSQL, and everybody is as logged in, or out, as before."""
import os
import pathlib
import pty
import subprocess
import sys

import pytest

import server

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "servers"))
import postgres

ATTEMPT = {"attempt": "tried-before-and-after"}
WHO = "x-kaimen-user", "x-kaimen-openid"


class Production(server.Kaimen):
    """A server without dev mode on data that dev mode has made; the store may be elsewhere."""

    def command(self):
        return [server.binary(), "serve", "--json", "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", "--data", str(self.data)]


@pytest.fixture
def production():
    """Starts such servers; all that still run are stopped after the test."""
    made = []

    def start(data, **environment):
        made.append(Production(data, environment=environment))
        return made[-1]

    yield start
    for one in made:
        if one.alive():
            one.stop()


@pytest.fixture(scope="module")
def databases():
    one = postgres.Postgres()
    yield one
    one.stop()


@pytest.fixture
def move(tmp_path):
    """kaimen migrate --to; the password is in a file, as an operator should have it."""
    password = tmp_path / "password"
    password.write_text(postgres.PASSWORD + "\n")
    password.chmod(0o600)
    return lambda data, url: server.run("migrate", "--data", data, "--to", url.replace(f":{postgres.PASSWORD}@", "@"), "--password-file", password)


def refused(done, *words):
    assert done.returncode == 1 and done.stderr.startswith("kaimen: error: ") and not done.stdout, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_moving_up_logs_nobody_out_and_nobody_in(own_kaimen, production, databases, move):
    here, url = own_kaimen(), databases.create_database("moving")
    stays, leaves, left = (here.login(name) for name in ("stays", "leaves", "left"))
    code = here.code("retries")
    retries = here.post_login(code, **ATTEMPT).json()
    assert here.client("DELETE", "/v1/session", left["token"]).status == 204
    before = here.verify(stays["token"])
    refused(move(here.data, url), "running kaimen", "systemctl stop kaimen")
    here.stop()

    done = move(here.data, url)
    assert done.returncode == 0, done
    assert "each compared" in done.stdout and f'url = "{url.replace(":" + postgres.PASSWORD, "")}"' in done.stdout, done
    assert "100 %" in done.stderr and "\r" not in done.stderr, done
    assert postgres.PASSWORD not in done.stdout + done.stderr
    refused(move(here.data, url), "was moved", "--take-back")
    refused(server.run("serve", "--data", here.data, "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", timeout=30), "was moved", "store.url")

    there = production(here.data, KAIMEN_STORE_URL=url)
    there.app_id = here.app_id
    after = there.verify(stays["token"])
    assert after.status == before.status == 204
    assert [after.get(name) for name in WHO] == [before.get(name) for name in WHO] and after.get(WHO[0]), after
    server.assert_reason(there.verify(left["token"]), "logged_out")
    assert there.renew(left["renew_token"]).status == 401
    renewed = there.renew(stays["renew_token"])
    assert renewed.status == 200 and there.verify(renewed.json()["token"]).status == 204, renewed
    again = there.post_login(code, **ATTEMPT)
    assert again.status == 200 and again.json()["session"]["id"] == retries["session"]["id"], again
    assert there.client("DELETE", "/v1/session", leaves["token"]).status == 204
    server.assert_reason(there.verify(leaves["token"]), "logged_out")


def test_a_copy_can_be_taken_back_and_shows_a_bar_on_a_terminal(own_kaimen, production, databases, move):
    here = own_kaimen()
    token = here.login("user")["token"]
    here.stop()
    assert move(here.data, databases.create_database("first")).returncode == 0
    taken = server.run("migrate", "--data", here.data, "--take-back")
    assert taken.returncode == 0 and "again" in taken.stdout, taken
    back = production(here.data)
    assert back.verify(token).status == 204
    back.stop()

    terminal, theirs = pty.openpty()
    done = subprocess.run([server.binary(), "migrate", "--data", str(here.data), "--to", databases.create_database("second")], stdout=subprocess.PIPE,
                          stderr=theirs, env=server.clean_environment(), timeout=60)
    os.close(theirs)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert done.returncode == 0 and "\rcomparing [########################] 100 %" in shown, shown


def test_a_database_in_use_is_left_alone(own_kaimen, production, databases, move):
    here, url = own_kaimen(), databases.create_database("in-use")
    here.login("user")
    here.stop()
    production(here.data.parent / "other", KAIMEN_STORE_URL=url, KAIMEN_MASTER_KEY="ab" * 16 + "cd" * 16).stop()
    refused(move(here.data, url), "nodes of Kaimen")
    assert databases.query("SELECT count(*) FROM users", database="in-use") == "0"
    production(here.data)  # the file has no mark


@pytest.mark.parametrize("seconds", [45, -45])
def test_a_database_with_another_time_is_refused(own_kaimen, databases, move, seconds):
    here, name = own_kaimen(), f"skewed{seconds}"
    here.stop()
    url = databases.create_database(name)
    databases.query("CREATE SCHEMA fake", f"CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
                    f"$$SELECT pg_catalog.clock_timestamp() + INTERVAL '{seconds} s'$$",
                    f'ALTER DATABASE "{name}" SET search_path = fake, pg_catalog, public', database=name)
    refused(move(here.data, url), "clock", "behind" if seconds < 0 else "ahead", "NTP")


@pytest.mark.parametrize("arguments, words", [
    (["--to", "sqlite:///tmp/x.db"], "postgres://"), (["--to", "postgres://a b/c"], "percent-encoded"), (["--password-file", "x"], "--to"),
    (["--take-back", "--to", "postgres://h/d"], "--to")], ids=lambda value: value[0] if isinstance(value, list) else None)
def test_a_wrong_use_is_refused(tmp_path, arguments, words):
    done = server.run("migrate", "--data", tmp_path, *arguments)
    assert done.returncode == 2 and words in done.stderr, done


def test_where_there_is_no_store_none_is_made(tmp_path):
    refused(server.run("migrate", "--data", tmp_path / "none", "--to", "postgres://127.0.0.1:1/x"), "no store")
    assert not (tmp_path / "none").exists()
