"""The master key is replaced on a running server (K3): under load, with kills, and afterwards the old one is good for nothing.

KAIMEN_TEST_ROWS=100000 for the whole of it; the figures are printed.
"""
import json
import os
import sqlite3
import subprocess
import threading
import time

import server
from test_component import Provider
from test_migrate import production  # noqa: F401 (a fixture)


def rotate(kaimen, **more):
    return server.run("master-key", "rotate", "--data", kaimen.data, environment=kaimen.environment, **more)


def swap_keys(data):
    """What an operator does between stopping and starting: the new key seals, the old one opens. The old one's file."""
    old, current = data / "old.key", data / "master.key"
    current.rename(old)
    made = server.run("master-key", "generate", current)
    assert made.returncode == 0 and current.stat().st_mode & 0o777 == 0o600, made
    again = server.run("master-key", "generate", current)
    assert again.returncode == 1 and "cannot write" in again.stderr, again
    return old


def state(kaimen):
    return kaimen.admin("GET", "/master-key").json()


def sealed_under(kaimen, key_id):
    """How many values in the file are under that master key; the server is down."""
    head, count = bytes([1]) + bytes.fromhex(key_id), 0
    with sqlite3.connect(kaimen.data / "kaimen.db") as database:
        for table, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                count += sum(isinstance(value, bytes) and value.startswith(head) for value in row)
    return count


def import_people(kaimen, count):
    """With a phone number each: a value to be sealed anew, and the keyed hash by which it is found."""
    path = kaimen.data.parent / "people.ndjson"
    path.write_text("".join(json.dumps({"external_id": f"person-{one}", "phone": f"+86139{one:08}"}) + "\n" for one in range(count)))
    done = server.run("import", "users", path, "--data", kaimen.data, timeout=3600)
    assert done.returncode == 0 and f"{count} created" in done.stdout, done


def test_it_is_replaced_under_load_and_with_kills(own_kaimen, production, capsys):
    rows = int(os.environ.get("KAIMEN_TEST_ROWS", 300))
    dev = kaimen = own_kaimen()  # makes the data, with the sandbox
    import_people(kaimen, rows)
    people = [kaimen.login(f"person{number}") for number in range(30)]
    for person in people[:5]:
        phone = kaimen.control("POST", "/sandbox/phone", {"appid": kaimen.app_id, "user": f"person{people.index(person)}"})
        assert kaimen.client("POST", "/v1/me/phone", person["token"], json={"code": phone["code"]}).status == 200
    provider = Provider(kaimen)
    provider.ticket()
    provider.authorized("wxauthrotated00001")
    number = kaimen.client("GET", "/v1/me", people[0]["token"]).json()["phone_number"].replace("+", "%2B")
    before = state(kaimen)["settled"]
    kaimen.stop()
    kaimen = production(dev.data, KAIMEN_MASTER_KEY_OTHER_FILE=str(swap_keys(dev.data)))
    kaimen.admin_key = dev.admin_key
    after = state(kaimen)["next"]
    assert state(kaimen)["settled"] == before and after not in (None, before)
    assert len(kaimen.admin("GET", f"/users?phone={number}").json()["items"]) == 1

    # Killed at it, again and again: the same command goes on.
    for pause in [0.0, 0.01, 0.02, 0.05] + [1.0, 3.0] * (rows > 10_000):
        running = subprocess.Popen([server.binary(), "master-key", "rotate", "--data", str(kaimen.data)],
                                   env=server.clean_environment(kaimen.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        kaimen.kill()
        running.wait(60)
        kaimen.start()

    stop, failed, checks = threading.Event(), [], []

    def load():
        while not stop.is_set():
            for person in people:
                began = time.monotonic()
                answer = kaimen.verify(person["token"])
                checks.append(time.monotonic() - began)
                if answer.status != 204:
                    failed.append(answer)
    worker = threading.Thread(target=load)
    worker.start()
    began = time.monotonic()
    done = rotate(kaimen, timeout=3600)
    took = time.monotonic() - began
    stop.set()
    worker.join()
    with capsys.disabled():
        print(json.dumps({"rows": rows, "seconds": round(took, 2), "checks": len(checks), "slowest_check_ms": round(1000 * max(checks), 1), "said": done.stdout.splitlines()[:1]}))
    assert done.returncode == 0 and after in done.stdout and "master_key_other_file can go" in done.stdout, done
    assert not failed and checks
    assert state(kaimen)["settled"] == after and state(kaimen)["next"] is None
    kaimen.stop()
    assert sealed_under(kaimen, before) == 0 and sealed_under(kaimen, after) > 30 + rows

    del kaimen.environment["KAIMEN_MASTER_KEY_OTHER_FILE"]
    kaimen.start()
    assert kaimen.renew(people[0]["renew_token"]).status == 200
    assert kaimen.admin("GET", "/apps/wxauthrotated00001").json()["authorization"]["state"] == "authorized"
    for one in (number, f"%2B86139{rows - 1:08}"):
        assert len(kaimen.admin("GET", f"/users?phone={one}").json()["items"]) == 1
    assert rotate(kaimen, timeout=3600).returncode == 0, "again is nothing"
    kaimen.stop()
    # The old key alone opens nothing, and says so.
    (kaimen.data / "master.key").unlink()
    (kaimen.data / "old.key").rename(kaimen.data / "master.key")
    refused = server.run("serve", "--data", kaimen.data, "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", timeout=30)
    assert refused.returncode == 1 and after in refused.stderr and "master_key" in refused.stderr, refused


def test_a_bound_key_has_no_say_in_it(kaimen):
    key = kaimen.admin("POST", "/keys", {"name": "k", "scopes": ["admin"], "project": "default"}).json()["key"]
    assert kaimen.admin("GET", "/master-key", key=key).status == 403
    assert kaimen.admin("POST", "/master-key/reseal", {}, key=key).status == 403
    assert kaimen.admin("POST", "/master-key/reseal", {"cursor": "0.5.00"}).status == 400


def test_a_new_key_is_printed_where_no_file_is_named():
    done = server.run("master-key", "generate")
    other = server.run("master-key", "generate")
    assert done.returncode == 0 and len(done.stdout.strip()) == 44 and done.stdout != other.stdout, done
