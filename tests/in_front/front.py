"""A server in front: a node of Kaimen with a state file, a business backend that shows what reached it, and between the client and both whatever
is under test. The node and the backend are those of tests/e2e."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(ROOT / "tests" / "servers"))

import process  # noqa: E402
import server  # noqa: E402
import wire  # noqa: E402
from backend import Backend, CountingLine as Line  # noqa: E402, F401

TICKET_HEADERS = "X-Own-Ticket,X-Second"
IDENTITY = ["User", "External-Id", "App", "Openid", "Unionid", "Session", "Registered", "Roles", "Env", "Expires"]


def free_port():
    return process.free_ports(1)[0]


class Site:
    """One node and one backend; fronts are started before them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.state, self.socket = self.directory / "run" / "check", self.directory / "run" / "private.sock"
        self.state.parent.mkdir()
        self.environment = {"KAIMEN_CHECK_STATE_FILE": str(self.state), "KAIMEN_PRIVATE_UNIX_SOCKET": str(self.socket), "KAIMEN_CHECK_REVOCATIONS": "1000",
                            "KAIMEN_SESSION_TICKET_HEADERS": TICKET_HEADERS}
        self.kaimen, self.backend = server.Kaimen(self.directory / "data", environment=self.environment), Backend()

    @property
    def public_address(self):
        return "%s:%d" % wire.address(self.kaimen.public)

    @property
    def private_address(self):
        return "%s:%d" % wire.address(self.kaimen.private)

    def stop(self):
        if self.kaimen.alive():
            self.kaimen.stop()
        self.backend.close()


class Front:
    """A process that listens on `port`, stopped at the end."""

    def __init__(self, command, port, log, environment=None, seconds=20):
        self.port, self.log_path = port, pathlib.Path(log)
        self.url = f"http://127.0.0.1:{port}"
        with open(log, "ab") as output:
            self.process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})})
        process.eventually(self.accepts, seconds, what=f"{command[0]} to listen")

    def accepts(self):
        import socket
        assert self.process.poll() is None, self.log_path.read_text(errors="replace")[-4000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def get(self, path, token=None, headers=(), method="GET", **more):
        return wire.call(self.url, method, path, headers=wire.pairs(headers) + (wire.pairs(wire.bearer(token)) if token else []), **more)

    def stop(self):
        process.end(self.process)


def adapted(path, replacements):
    """A sample with its addresses changed and nothing else. Each place that must be changed has to be there."""
    text = pathlib.Path(path).read_text()
    for old, new in replacements.items():
        assert old in text, f"{old} is not in {path}"
        text = text.replace(old, str(new))
    return text


def program(*names):
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    raise AssertionError(f"{names[0]} is not installed; script/setup installs it")


def lua(directory, script, environment=None):
    """What a script prints in Lua 5.4."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "lua5.4"], capture_output=True, text=True, check=True).stdout.split()
    (directory / "run.c").write_text("#include <lauxlib.h>\n#include <lualib.h>\n#include <stdio.h>\nint main(int count, char **texts) { lua_State *lua = luaL_newstate(); "
                                     "luaL_openlibs(lua); if (count == 2 && luaL_dostring(lua, texts[1]) == 0) return 0; "
                                     "fprintf(stderr, \"%s\\n\", lua_tostring(lua, -1)); return 1; }\n")
    subprocess.run(["cc", directory / "run.c", *flags, "-Wl,--export-dynamic", "-o", directory / "run"], check=True, timeout=120)
    done = subprocess.run([directory / "run", script], capture_output=True, text=True, env={**os.environ, **(environment or {})}, timeout=30)
    assert done.returncode == 0, done
    return done.stdout


def identity_of(pairs):
    """The X-Kaimen-* headers of a list, as an application behind CGI would read them: what is neither a letter nor a digit is all the same."""
    read = [(re.sub("[^a-z0-9]", "-", name.lower()), value) for name, value in pairs]
    return sorted((name, value) for name, value in read
                  if name.startswith(("x-kaimen-", "x-wx-")) and name not in ("x-kaimen-ticket", "x-kaimen-reason", "x-wx-skey") and value != "")


class Tickets:
    """One of each kind that a check tells apart."""

    def __init__(self, site):
        kaimen = site.kaimen
        self.good, self.other = kaimen.login("good")["token"], kaimen.login("other")["token"]
        self.ended = kaimen.login("ended")["token"]
        assert kaimen.client("DELETE", "/v1/session", self.ended).status == 204
        self.forged = self.good[:-3] + ("AAA" if not self.good.endswith("AAA") else "BBB")


def requests_of(t):
    """What clients send: a name, and headers. Everything in front must answer each as /verify does."""
    return {
        "nothing": [],
        "bearer": [("Authorization", f"Bearer {t.good}")],
        "bearer in lower case": [("authorization", f"bearer {t.good}")],
        "bearer with more blanks": [("Authorization", f"Bearer   {t.good}  ")],
        "bearer without a token": [("Authorization", "Bearer")],
        "another scheme": [("Authorization", "Basic YTpi")],
        "another scheme and the header": [("Authorization", "Basic YTpi"), ("X-Kaimen-Ticket", t.good)],
        "the header": [("X-Kaimen-Ticket", t.good)],
        "the cookie": [("Cookie", f"a=b; kaimen={t.good}; c=d")],
        "the cookie in quotes": [("Cookie", f'kaimen="{t.good}"')],
        "another cookie": [("Cookie", f"xkaimen={t.good}; kaimenx={t.good}")],
        "all three the same": [("Authorization", f"Bearer {t.good}"), ("X-Kaimen-Ticket", t.good), ("Cookie", f"kaimen={t.good}")],
        "bearer and another header": [("Authorization", f"Bearer {t.good}"), ("X-Kaimen-Ticket", t.other)],
        "bearer and another cookie's": [("Authorization", f"Bearer {t.good}"), ("Cookie", f"kaimen={t.other}")],
        "a malformed bearer beside a cookie": [("Authorization", "Bearer nonsense"), ("Cookie", f"kaimen={t.good}")],
        "two cookies that differ": [("Cookie", f"kaimen={t.good}; kaimen={t.other}")],
        "a header of the node's own": [("X-Own-Ticket", t.good)],
        "another of its own in another case": [("x-SECOND", t.good)],
        "its own and bearer differ": [("X-Own-Ticket", t.other), ("Authorization", f"Bearer {t.good}")],
        "ended in a header of its own": [("X-Second", t.ended)],
        "wafer's header where no app is wafer's": [("X-WX-Skey", t.good)],
        "ended": [("Authorization", f"Bearer {t.ended}")],
        "forged": [("Authorization", f"Bearer {t.forged}")],
        "nonsense": [("Authorization", "Bearer km1.nonsense")],
        "a long nonsense": [("Authorization", "Bearer km1." + "A" * 5000)],
        "claims beside a good ticket": [("Authorization", f"Bearer {t.good}"), ("X-Kaimen-User", "forged"), ("x-kaimen-roles", "admin"), ("X-KAIMEN-ANYTHING", "forged"),
                                        ("X-WX-OPENID", "forged")],
        "claims doubled": [("X-Kaimen-User", "forged"), ("X-Kaimen-User", "forged"), ("Authorization", f"Bearer {t.good}")],
        "claims without a ticket": [("X-Kaimen-User", "forged"), ("X-Kaimen-Session", "forged")],
        "claims with underscores": [("X_Kaimen_User", "forged"), ("X-Kaimen_Roles", "forged"), ("Authorization", f"Bearer {t.good}")],
        "claims with dots and the like": [(name.replace("-", mark), "forged") for mark in ".!#$%&'*+^`|~" for name in ("X-Kaimen-User", "X-WX-From-Openid")]
        + [("X-Kaimen.Roles", "forged"), ("X-Kaimen-External.Id", "forged"), ("X-WX.OPENID", "forged"), ("X-WX-From.Appid", "forged"), ("Authorization", f"Bearer {t.good}")],
    }


DOUBLED_AUTHORIZATION = "two of Authorization"


def answer_of_verify(site, headers, query=""):
    answer = site.kaimen.verify(headers=headers, query=query)
    return answer.status, answer.get("x-kaimen-reason") or "", identity_of(answer.headers) if answer.status == 204 else []


def answer_of_front(front, headers, path="/api/orders?id=7"):
    answer = front.get(path, headers=headers)
    if answer.status == 200:
        reached = answer.json()
        assert reached["path"].endswith("/orders?id=7"), reached
        return 204, "", identity_of(reached["headers"])
    challenge = re.search(r'error_description="([a-z_]*)"', answer.get("www-authenticate") or "")
    return answer.status, challenge.group(1) if challenge else "", []


def assert_same_answers(site, front, tickets, but=(), path="/api/orders?id=7", query=""):
    """The front answers every request of the table as /verify does, and the backend learns the same of the user, and nothing else."""
    differ = {}
    for name, headers in requests_of(tickets).items():
        if name in but:
            continue
        served = site.backend.served
        expected, found = answer_of_verify(site, headers, query), answer_of_front(front, headers, path)
        reached = site.backend.served - served
        if found != expected or reached != (1 if expected[0] == 204 else 0):
            differ[name] = {"verify": expected, "front": found, "reached": reached}
    assert not differ, "\n".join(f"{name}: {both}" for name, both in differ.items())


def in_threads(count, work):
    """Runs work(index) in that many threads; the first failure is raised."""
    failures = []

    def one(index):
        try:
            work(index)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    return threads, failures


def until(check, seconds=20):
    return process.eventually(check, seconds, 0.05)


def pause(seconds):
    time.sleep(seconds)
