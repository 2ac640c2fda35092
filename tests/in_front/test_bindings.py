"""The bindings of sdk/check: each answers the table of requests as /verify does, inside against the state file and, where there is none, by asking
/verify. One small program a language reads requests as JSON lines and writes answers."""
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import threading

import front
import process
import pytest

LIBRARY = pathlib.Path(os.environ["KAIMEN_CHECK_LIBRARY"]).resolve()
SDK = front.ROOT / "sdk/check"
FIELDS = ["user", "session", "app_id", "openid", "unionid", "external_id", "env", "registered", "expires"]

PYTHON = """
import json, sys
sys.path.insert(0, sys.argv[1])
from kaimen_check import Check
check = Check(sys.argv[2] or None, sys.argv[3] or None, ticket_headers=["X-Own-Ticket", "X-Second"])
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = check.request([tuple(pair) for pair in asked["headers"]], **asked["wanted"])
        print(json.dumps({name: getattr(answer, name) for name in answer.__slots__}), flush=True)
    except TypeError as error:
        print(json.dumps({"error": str(error)}), flush=True)
"""
NODE = """
const { Check } = require(process.argv[2] + '/kaimen_check.js');
const check = new Check({ state: process.argv[3] || undefined, verify: process.argv[4] || undefined, addon: process.argv[5], ticketHeaders: ['X-Own-Ticket', 'X-Second'] });
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(await check.request(asked.headers.flat(), asked.wanted).catch((error) => ({ error: String(error) }))));
});
"""
PHP = """<?php
require $argv[1] . '/kaimen_check.php';
$check = new KaimenCheck($argv[2] ?: null, $argv[3] ?: null, null, ['X-Own-Ticket', 'X-Second']);
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, true);
    try {
        echo json_encode($check->request($asked['headers'], $asked['wanted'])), "\\n";
    } catch (InvalidArgumentException $error) {
        echo json_encode(['error' => $error->getMessage()]), "\\n";
    }
}
"""
GO = """package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"kaimen.test/kaimen"
)

func main() {
	check, err := kaimen.Open(os.Args[1], os.Args[2])
	if err != nil {
		panic(err)
	}
	check.TicketHeaders = []string{"X-Own-Ticket", "X-Second"}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked struct {
			Headers [][2]string
			Wanted  struct {
				AppID      string `json:"app_id"`
				Role, Env  string
				Registered bool
				Optional   bool
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		headers := http.Header{}
		for _, pair := range asked.Headers {
			headers.Add(pair[0], pair[1])
		}
		w := asked.Wanted
		a := check.Request(headers, kaimen.Wanted{AppID: w.AppID, Role: w.Role, Env: w.Env, Registered: w.Registered, Optional: w.Optional})
		text, _ := json.Marshal(map[string]any{"status": a.Status, "reason": a.Reason, "unsure": a.Unsure, "user": a.User, "session": a.Session, "app_id": a.AppID,
			"openid": a.OpenID, "unionid": a.UnionID, "external_id": a.ExternalID, "roles": a.Roles, "env": a.Env, "registered": a.Registered, "expires": a.Expires})
		fmt.Println(string(text))
	}
}
"""


def python(directory):
    (directory / "a.py").write_text(PYTHON)
    return lambda state, verify: ["/usr/bin/python3", directory / "a.py", SDK / "python", state, verify]


def node(directory):
    include = subprocess.run(["node", "-p", "require('path').join(process.execPath, '..', '..', 'include', 'node')"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type", "-shared", "-fPIC", "-O2", f"-I{include}", f"-I{front.ROOT / 'src/check'}", SDK / "node/kaimen_check.c", LIBRARY,
                    f"-Wl,-rpath,{LIBRARY.parent}", "-o", directory / "kaimen_check.node"], check=True, timeout=120)
    (directory / "a.js").write_text(NODE)
    return lambda state, verify: ["node", directory / "a.js", SDK / "node", state, verify, directory / "kaimen_check.node"]


def php(directory):
    (directory / "a.php").write_text(PHP)
    return lambda state, verify: [front.program("php"), "-d", "ffi.enable=1", directory / "a.php", SDK / "php", state, verify]


def go(directory):
    compiler = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    assert compiler, "script/setup installs Go"
    (directory / "kaimen").mkdir()
    shutil.copy(SDK / "go/kaimen.go", directory / "kaimen")
    (directory / "main.go").write_text(GO)
    (directory / "go.mod").write_text("module kaimen.test\n\ngo 1.18\n")
    environment = {**os.environ, "CGO_ENABLED": "1", "CGO_CFLAGS": f"-I{front.ROOT / 'src/check'}", "CGO_LDFLAGS": f"-L{LIBRARY.parent} -Wl,-rpath,{LIBRARY.parent}",
                   "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    subprocess.run([compiler, "build", "-o", directory / "a", "."], cwd=directory, env=environment, check=True, timeout=280)
    return lambda state, verify: [directory / "a", state, verify]


LANGUAGES = {"python": python, "node": node, "php": php, "go": go}


class Program:
    def __init__(self, command, **environment):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "KAIMEN_CHECK_LIBRARY": str(LIBRARY), **environment})

    def ask(self, headers, **wanted):
        self.process.stdin.write(json.dumps({"headers": headers, "wanted": wanted}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait(10)}"
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = front.Site(tmp_path_factory.mktemp("site"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def tickets(site):
    return front.Tickets(site)


@pytest.fixture(scope="module", params=LANGUAGES)
def command(request, tmp_path_factory):
    return LANGUAGES[request.param](tmp_path_factory.mktemp(request.param))


def expected_of(site, headers, query=""):
    answer = site.kaimen.verify(headers=headers, query=query)
    names = {"user": "User", "session": "Session", "app_id": "App", "openid": "Openid", "unionid": "Unionid", "external_id": "External-Id", "env": "Env"}
    known = {field: answer.get(f"x-kaimen-{name}") or "" for field, name in names.items()}
    known.update(registered=answer.get("x-kaimen-registered") == "true", expires=int(answer.get("x-kaimen-expires") or 0))
    return {"status": answer.status, "reason": answer.get("x-kaimen-reason") or "", **known}


def assert_same(site, program, tickets):
    for name, headers in front.requests_of(tickets).items():
        found, expected = program.ask(headers), expected_of(site, headers)
        assert {field: found[field] for field in ["status", "reason", *FIELDS]} == expected, name
    bearer = [("Authorization", f"Bearer {tickets.good}")]
    for wanted, query in (({"app_id": site.kaimen.app_id}, f"app_id={site.kaimen.app_id}"), ({"app_id": "wxother"}, "app_id=wxother"), ({"role": "staff"}, "role=staff"),
                          ({"env": "trial"}, "env=trial"), ({"registered": True}, "registered=true"), ({"env": "nowhere"}, "env=nowhere")):
        assert program.ask(bearer, **wanted)["status"] == site.kaimen.verify(headers=bearer, query=query).status, wanted
    assert program.ask([], optional=True)["status"] == 204 and program.ask([], optional=True)["user"] == ""


def test_inside(site, tickets, command):
    program = Program(command(site.state, ""))
    assert_same(site, program, tickets)
    token = site.kaimen.login("binding")["token"]
    assert program.ask([("Authorization", f"Bearer {token}")])["status"] == 204
    assert site.kaimen.client("DELETE", "/v1/session", token).status == 204
    assert program.ask([("Authorization", f"Bearer {token}")])["reason"] == "logged_out"
    program.stop()


def test_without_a_state_file_it_asks_verify(site, tickets, command, tmp_path):
    program = Program(command(tmp_path / "none", f"{site.kaimen.private}/verify"))
    assert_same(site, program, tickets)
    program.stop()


class Somebody:
    """An HTTP server that answers 204 to everything: something else than Kaimen at the address of its /verify. `certificate`, `key`: it speaks TLS."""

    def __init__(self, headers=(), certificate=None, key=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(204)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate, key)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_address[1]}/verify"

    def stop(self):
        self.server.shutdown(), self.server.server_close()


def test_a_204_that_names_nobody_is_no_pass(tickets, command, tmp_path):
    bearer = [("Authorization", f"Bearer {tickets.good}")]
    other, named = Somebody(), Somebody([("X-Kaimen-User", "0" * 32), ("X-Kaimen-Registered", "false")])
    try:
        program = Program(command(tmp_path / "none", other.url))
        answer = program.ask(bearer)
        assert answer["status"] == 503 and answer["unsure"] and not answer["user"]
        answer = program.ask([], optional=True)
        assert answer["status"] == 204 and not answer["user"], "nobody, where nobody may come"
        program.stop()
        program = Program(command(tmp_path / "none", named.url))
        answer = program.ask(bearer)
        assert (answer["status"], answer["user"], answer["registered"]) == (204, "0" * 32, False)
        program.stop()
    finally:
        other.stop(), named.stop()


def test_a_support_view_is_refused_over_verify_as_well(tickets, command, tmp_path):
    acting = Somebody([("X-Kaimen-User", "0" * 32), ("X-Kaimen-Registered", "false"), ("X-Kaimen-Actor", "ann@help")])
    try:
        program = Program(command(tmp_path / "none", acting.url))
        for wanted in ({}, {"optional": True}):
            answer = program.ask([("Authorization", f"Bearer {tickets.good}")], **wanted)
            assert (answer["status"], answer["user"]) == (403, ""), wanted
        program.stop()
    finally:
        acting.stop()


def test_verify_over_tls_of_an_authority_that_is_trusted(tickets, command, tmp_path):
    ca, certificate, key = process.certificates(tmp_path, None)
    told = [("X-Kaimen-User", "0" * 32), ("X-Kaimen-Registered", "false")]
    secret = Somebody(told, certificate, key)
    bearer = [("Authorization", f"Bearer {tickets.good}")]
    try:
        trusting = Program(command(tmp_path / "none", secret.url), SSL_CERT_FILE=str(ca), NODE_EXTRA_CA_CERTS=str(ca))
        answer = trusting.ask(bearer)
        assert (answer["status"], answer["user"]) == (204, "0" * 32), answer
        trusting.stop()
        doubting = Program(command(tmp_path / "none", secret.url))
        assert doubting.ask(bearer)["status"] == 503
        doubting.stop()
    finally:
        secret.stop()


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/verify", "127.0.0.1:8081/verify", "/verify"])
def test_an_address_of_verify_that_is_not_http_is_refused_at_once(command, tmp_path, address):
    program = Program(command(tmp_path / "none", address))
    program.process.stdin.close()
    assert program.process.wait(20) != 0


def test_a_header_that_cannot_be_sent_is_no_pass_and_no_crash(site, command, tmp_path):
    program = Program(command(tmp_path / "none", f"{site.kaimen.private}/verify"))
    assert program.ask([("X-Kaimen-Ticket", "km1.\u4eba\n")])["status"] in (401, 503)
    program.stop()


@pytest.mark.parametrize("language", ["python", "node", "php"])  # Go has a type for it
def test_false_as_a_text_is_no(site, language, tmp_path):
    command = LANGUAGES[language](tmp_path)
    for where in ((site.state, ""), (tmp_path / "none", f"{site.kaimen.private}/verify")):
        program = Program(command(*where))
        assert program.ask([], optional="false")["status"] == 401
        assert program.ask([], optional="true")["status"] == 204
        assert "error" in program.ask([], optional="perhaps") and "error" in program.ask([], registered="no")
        program.stop()


def test_a_getter_that_throws_among_the_headers_is_an_exception(site, tmp_path):
    command = LANGUAGES["node"](tmp_path)(site.state, "")
    addon, state = command[5], command[3]
    script = """
      const [addon, state] = process.argv.slice(1), native = require(addon), handle = native.open(state);
      for (const bad of [0, 1, 2]) {
        const headers = ['Host', 'k', 'X-Kaimen-Ticket', 'km1.any'];
        Object.defineProperty(headers, bad, { get() { throw new RangeError('no value'); } });
        try { console.log(native.request(handle, headers, ['', '', '', ''], false, false)); } catch (error) { console.log(error.name); }
      }
    """
    done = subprocess.run(["node", "-e", script, addon, str(state)], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["RangeError"] * 3, done


def test_without_both_it_is_503(tickets, command, tmp_path):
    program = Program(command(tmp_path / "none", f"http://127.0.0.1:{front.free_port()}/verify"))
    answer = program.ask([("Authorization", f"Bearer {tickets.good}")])
    assert answer["status"] == 503 and answer["unsure"] and not answer["user"]
    program.stop()
    program = Program(command(tmp_path / "none", ""))
    assert program.ask([("Authorization", f"Bearer {tickets.good}")])["status"] == 503 and program.ask([], optional=True)["status"] == 503
    program.stop()
