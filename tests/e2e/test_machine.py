"""Bad days of the machine: no file descriptors left, a full disk, a log that nobody reads; and what must hold on every day."""
import json
import os
import resource
import subprocess
import time

import pytest

import server
import wire


def limit(process, which, soft):
    """Sets a limit of a running process; returns what it was."""
    before, hard = resource.prlimit(process.pid, which)
    resource.prlimit(process.pid, which, (soft, hard))
    return before


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def cpu_seconds(process):
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# File descriptors


def test_with_no_descriptors_left_it_neither_spins_nor_dies_and_recovers(own_kaimen):
    one = own_kaimen()
    token = one.login("ada")["token"]
    kept = wire.connection(one.private)
    assert wire.send(kept, "GET", "/verify", headers=wire.bearer(token)).status == 204
    usual = limit(one.process, resource.RLIMIT_NOFILE, descriptors_of(one.process) + 20)
    held = []
    try:
        for _ in range(120):
            conn = wire.connection(one.public, timeout=3)
            conn.connect()
            held.append(conn)
        time.sleep(0.5)
        before = cpu_seconds(one.process)
        assert wire.send(kept, "GET", "/verify", headers=wire.bearer(token)).status == 204  # who has a line goes on
        time.sleep(2)
        assert cpu_seconds(one.process) - before < 1.0, "it spins"
    finally:
        for conn in held:
            conn.close()
    server.eventually(lambda: one.verify(token).status == 204, 20, 0.3)
    limit(one.process, resource.RLIMIT_NOFILE, usual)
    assert one.login("ada")["token"]


# Disk


def fill(place):
    try:
        with open(place / "ballast", "wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
    except OSError:
        return


def bad_disk_day(one, make_full, make_free):
    """Acknowledged acts before, while and after the disk is full; returns what must hold afterwards."""
    kept, ended = one.login("kept"), one.login("ended")
    assert one.client("DELETE", "/v1/session", ended["token"]).status == 204
    make_full()
    acknowledged, refused = [], 0
    for number in range(60):
        answer = one.post_login(one.code(f"full{number}"))
        if answer.status == 200:
            acknowledged.append(answer.json()["token"])
        else:
            assert answer.status == 503 and answer.json()["code"] == "unavailable", answer
            refused += 1
        if refused >= 5:
            break
    assert refused >= 5, "the disk was never full"
    assert one.verify(kept["token"]).status == 204
    server.assert_reason(one.verify(ended["token"]), "logged_out")
    late = one.client("DELETE", "/v1/session", kept["token"])
    assert late.status in (204, 503), late
    if late.status == 503:
        assert one.verify(kept["token"]).status == 204  # what was not done is not shown as done
    make_free()
    again = server.eventually(lambda: (answer := one.post_login(one.code("after"))).status == 200 and answer, 20, 0.3)
    acknowledged.append(again.json()["token"])
    if late.status == 204:
        ended = kept
    else:
        acknowledged.append(kept["token"])
    return acknowledged, ended["token"]


def test_a_full_disk_refuses_logins_and_lets_checks_go_on_and_heals(small_disk):
    one = server.Kaimen(small_disk / "data")
    one.log_path.unlink()  # the log is not what is tested here: it goes on in a file without a name
    one.log_path = small_disk.parent / "log"
    one.log_path.touch()
    try:
        acknowledged, ended = bad_disk_day(one, lambda: fill(small_disk), lambda: (small_disk / "ballast").unlink())
        one.kill()
        one.start()
        assert [token for token in acknowledged if one.verify(token).status != 204] == []
        server.assert_reason(one.verify(ended), "logged_out")
    finally:
        if one.alive():
            one.stop()


# The log


@pytest.fixture
def unread(tmp_path):
    """A server whose log goes into a pipe that nobody reads, with a user's ticket."""
    reading, writing = os.pipe()
    process = subprocess.Popen([server.binary(), "serve", "--dev", "--json", "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", "--sandbox", "127.0.0.1:0",
                                "--data", str(tmp_path / "data")], env=server.clean_environment(), stdout=subprocess.PIPE, stderr=writing, text=True)
    os.close(writing)
    process.ready = json.loads(process.stdout.readline())
    code = wire.call(process.ready["sandbox"], "POST", "/sandbox/login", json={"appid": process.ready["app_id"], "user": "ada"}).json()["code"]
    process.token = wire.call(process.ready["public"], "POST", "/v1/login", json={"app_id": process.ready["app_id"], "code": code}).json()["token"]
    yield process
    process.kill()
    process.wait()
    os.close(reading)


def flood(process, count):
    """Requests of a log line each; returns the slowest check meanwhile."""
    line, checks, slowest = wire.KeptLine(process.ready["public"]), wire.connection(process.ready["private"], timeout=5), 0.0
    for number in range(count):
        assert line.status(b"GET /v1/session HTTP/1.1\r\nHost: k\r\n\r\n") == 401
        if number % 100 == 0:
            before = time.monotonic()
            assert wire.send(checks, "GET", "/verify", headers=wire.bearer(process.token)).status == 204
            slowest = max(slowest, time.monotonic() - before)
    return slowest


def test_a_log_that_nobody_reads_stalls_nothing(unread):
    assert flood(unread, 18_000) < 1.0  # more lines than the pipe and the queue hold together


def test_a_log_that_nobody_reads_does_not_hold_up_the_end(unread):
    flood(unread, 1_000)
    unread.terminate()
    assert unread.wait(20) == 0


def test_every_line_of_the_log_is_json_whatever_the_requests(own_kaimen):
    one = own_kaimen(environment={"KAIMEN_LOG_LEVEL": "debug"})
    token = one.login("ada\"\\\n{}")["token"]
    hostile = ["/v1/\"}{\"x\":\"", "/v1/%0a%0d%00", "/v1/%22%5c", "/" + "a" * 4000, "/v1/session?a=\"\\", "/v1/%ff%fe", "/v1/\\n"]
    for path in hostile:
        wire.call(one.public, "GET", path, headers={"User-Agent": "\"}\\", "X-Forwarded-For": "\"evil\\", "X-Request-Id": "\"\\evil"})
    one.post_login("\"code\\", app_id="\"app\\\x01")
    one.post_login(one.code("x"), env_version="\"\\\n", device={"id": "\"\\", "model": "\n{\"ts\":1}"})
    wire.raw(one.public, b"GET /\xff\xfe\"\\ HTTP/1.1\r\nHost: \"\r\n\r\n", timeout=1)
    one.stop()
    lines = [json.loads(line) for line in one.log().splitlines()]
    requests = [line for line in lines if line.get("event", "request") == "request"]
    assert len(requests) >= 5
    for line in requests:
        assert {"ts", "request_id", "route", "status", "ip", "total_ms"} <= set(line), line
        assert wire.TIME.fullmatch(line["ts"])
    assert token not in one.log() and "evil" not in {line.get("ip") for line in lines}


# What must hold on every day


def test_nothing_that_is_kept_is_open_to_others(own_kaimen):
    one = own_kaimen()
    one.login("ada")
    assert one.data.stat().st_mode & 0o077 == 0 or all(path.stat().st_mode & 0o077 == 0 for path in one.data.iterdir())


def test_no_core_is_dumped(own_kaimen):
    one = own_kaimen()
    limits = open(f"/proc/{one.process.pid}/limits").read()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4] == "0", line


def test_no_secret_is_in_the_command_line_of_the_process(own_kaimen):
    one = own_kaimen()
    shown = open(f"/proc/{one.process.pid}/cmdline", "rb").read()
    assert one.admin_key.encode() not in shown
