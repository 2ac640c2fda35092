"""kaimen golive against real TLS servers on loopback: what phones would refuse is found, and what to put into WeChat's console is printed."""
import http.server
import json
import ssl
import subprocess
import threading

import pytest

import fake_wechat
import server
import wire

NAME = "api.example.com"


class Ca:
    """A root, an intermediate, and what they sign."""

    def __init__(self, directory):
        self.directory = directory
        self.root = self.make("root", None, "CA:TRUE")
        self.middle = self.make("middle", "root", "CA:TRUE")

    def make(self, name, signer, constraint="CA:FALSE", names=NAME, days="90"):
        path = self.directory / name
        run = lambda *arguments: subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
        extensions = path.with_suffix(".ext")
        extensions.write_text(f"basicConstraints=critical,{constraint}\nsubjectAltName=DNS:{names}\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path.with_suffix(".key"), "-out", path.with_suffix(".csr"), "-subj", f"/CN={name}")
        by = ["-signkey", path.with_suffix(".key")] if signer is None else ["-CA", self.directory / f"{signer}.pem", "-CAkey", self.directory / f"{signer}.key", "-CAcreateserial"]
        run("x509", "-req", "-in", path.with_suffix(".csr"), "-out", path.with_suffix(".pem"), "-days", days, "-extfile", extensions, *by)
        return path.with_suffix(".pem")

    def chain(self, *names):
        """A file with the certificates of these, the first one's key beside it."""
        path = self.directory / ("chain-" + "-".join(names) + ".pem")
        path.write_text("".join((self.directory / f"{name}.pem").read_text() for name in names))
        return path, self.directory / f"{names[0]}.key"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Ca(tmp_path_factory.mktemp("ca"))
    made.make("good", "middle")
    made.make("other", "middle", names="other.example.com")
    made.make("soon", "middle", days="5")
    made.make("expired", "middle", days="-1")
    made.make("selfsigned", None)
    return made


@pytest.fixture
def front(ca):
    """TLS in front of a server's public listener, as nginx would stand there."""
    made = []

    def make(base, certificate, only=None, redirect=None, to=None):
        class Pass(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if redirect:
                    self.send_response(301)
                    self.send_header("Location", redirect)
                    self.end_headers()
                    return
                answer = wire.call((to or {}).get(self.path, base), "GET", self.path)
                self.send_response(answer.status)
                for key, value in answer.headers:
                    if key.lower() not in ("connection", "transfer-encoding", "date", "server"):
                        self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if only:
            context.minimum_version = context.maximum_version = only
        one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        one.handle_error = lambda *_: None
        one.socket = context.wrap_socket(one.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=one.serve_forever, daemon=True).start()
        made.append(one)
        return f"127.0.0.1:{one.server_address[1]}"

    yield make
    for one in made:
        one.shutdown()
        one.server_close()


def golive(kaimen, ca, connect, *more, url=f"https://{NAME}"):
    done = server.run("golive", url, "--connect", connect, "--ca", ca.root, "--json", "--data", kaimen.data, *more, environment=kaimen.environment)
    return done, json.loads(done.stdout) if done.stdout else None


def failed(report):
    return [one["what"] for one in report["findings"] if one["state"] == "fail"]


def test_what_is_right_is_right(own_kaimen, ca, front, tmp_path):
    files = tmp_path / "root"
    files.mkdir()
    (files / "MP_verify_abc123.txt").write_text("abc123")
    kaimen = own_kaimen(environment={"KAIMEN_PUBLIC_URL": f"https://{NAME}", "KAIMEN_PUBLIC_ROOT_FILES": str(files)})
    done, report = golive(kaimen, ca, front(kaimen.public, ca.chain("good", "middle")))
    assert done.returncode == 0 and failed(report) == [] and not [one for one in report["findings"] if one["state"] == "warn"], report
    whats = {one["what"] for one in report["findings"]}
    assert {"TLS 1.2", "certificate chain", "verification file", f"AppSecret {kaimen.app_id}", "private routes", "public.url"} <= whats, whats
    assert report["console"] == {
        "request domain": f"https://{NAME}", "uploadFile domain": f"https://{NAME}", "downloadFile domain": f"https://{NAME}", "socket domain": f"wss://{NAME}",
        "web-view domain": f"https://{NAME}", f"push URL of {kaimen.app_id}": f"https://{NAME}/push/wechat/{kaimen.app_id}"}


@pytest.mark.parametrize("chain, words", [
    (["good"], "incomplete"), (["selfsigned"], "self"), (["expired", "middle"], "renew"), (["other", "middle"], "other.example.com")], ids=lambda value: value[0] if isinstance(value, list) else None)
def test_a_certificate_that_phones_refuse_is_found(kaimen, ca, front, chain, words):
    done, report = golive(kaimen, ca, front(kaimen.public, ca.chain(*chain)))
    assert done.returncode == 1 and set(failed(report)) & {"certificate", "certificate chain"}, report
    assert words in json.dumps(report), report


def test_one_that_ends_soon_is_a_warning(kaimen, ca, front):
    done, report = golive(kaimen, ca, front(kaimen.public, ca.chain("soon", "middle")))
    assert done.returncode == 0 and [one["what"] for one in report["findings"] if one["state"] == "warn"].count("expiry") == 1, report


def test_a_server_without_tls_1_2_is_found(kaimen, ca, front):
    done, report = golive(kaimen, ca, front(kaimen.public, ca.chain("good", "middle"), only=ssl.TLSVersion.TLSv1_3))
    assert done.returncode == 1 and failed(report) == ["TLS 1.2"], report


def test_a_redirect_and_another_server_are_found(kaimen, ca, front):
    chain = ca.chain("good", "middle")
    _, report = golive(kaimen, ca, front(kaimen.public, chain, redirect="https://www.example.com/"))
    assert "server" in failed(report) and "redirects to https://www.example.com/" in json.dumps(report), report
    _, report = golive(kaimen, ca, front(kaimen.sandbox, chain))
    assert "server" in failed(report) and "something else" in json.dumps(report), report


def test_private_routes_that_are_open_are_found(kaimen, ca, front):
    done, report = golive(kaimen, ca, front(kaimen.public, ca.chain("good", "middle"), to={"/metrics": kaimen.private}))
    assert done.returncode == 1 and failed(report) == ["private routes"], report


def test_nothing_listens(kaimen, ca):
    done, report = golive(kaimen, ca, "127.0.0.1:1")
    assert done.returncode == 1 and "connection" in failed(report), report


def test_a_wrong_secret_and_the_address_that_wechat_saw(own_kaimen, ca, front):
    kaimen = own_kaimen()
    chain = ca.chain("good", "middle")
    kaimen.add_app("wxgolive00000001", upstream_secret="another")
    _, report = golive(kaimen, ca, front(kaimen.public, chain))
    assert failed(report) == ["AppSecret wxgolive00000001"], report
    done, report = golive(kaimen, ca, front(kaimen.public, chain), "--app", kaimen.app_id)
    assert done.returncode == 0, report


def test_of_what_wechat_says_to_an_unlisted_address_the_address_is_kept_alone(fake):
    fake.script("/cgi-bin/stable_token", fake_wechat.answer({"errcode": 40164, "errmsg": "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, canary rid: 65a4-1"}))
    answer = fake.kaimen.admin("POST", f"/apps/{fake.kaimen.app_id}/check", {})
    assert answer.status == 200 and answer.json()["detail"].endswith(": 203.0.113.9") and answer.json()["upstream"] == {"errcode": 40164, "rid": "65a4-1"}, answer
    assert b"canary" not in answer.body and "canary" not in fake.kaimen.log()
    told = server.run("app", "check", fake.kaimen.app_id, "--data", fake.kaimen.data)
    assert told.returncode == 1 and "add 203.0.113.9 there" in told.stderr, told


@pytest.mark.parametrize("url", ["http://api.example.com", "https://192.0.2.1", "https://[2001:db8::1]", "https://localhost", "https://api.example.com/path", "https://API.example.com",
                                 "https://a_b.example.com", "https://api.weixin.qq.com", "api.example.com", "https://开门.example.com"])
def test_an_address_that_the_console_takes_not_is_refused(kaimen, url):
    done = server.run("golive", url, "--data", kaimen.data)
    assert done.returncode == 2 and done.stderr.startswith("kaimen: error: ") and not done.stdout, done


def test_it_speaks_chinese_and_names_an_exact_port(kaimen, ca, front):
    connect = front(kaimen.public, ca.chain("good", "middle"))
    done = server.run("golive", f"https://{NAME}:8443", "--connect", connect, "--ca", ca.root, "--lang", "zh", "--data", kaimen.data)
    for words in ("证书链", "request 合法域名", "业务域名", "消息推送 URL", f"wss://{NAME}:8443", "端口"):
        assert words in done.stdout, (words, done.stdout)
    assert server.run("golive", f"https://{NAME}", "--lang", "fr").returncode == 2


# Files at the root


def test_verification_files_are_served_and_nothing_else(own_kaimen, tmp_path):
    files = tmp_path / "root"
    files.mkdir()
    (files / "WW_verify_x-1.txt").write_text("x-1")
    (files / "big.txt").write_text("x" * 5000)
    (files / "page.html").write_text("<b>")
    (tmp_path / "outside.txt").write_text("secret")
    (files / "link.txt").symlink_to(tmp_path / "outside.txt")
    kaimen = own_kaimen(environment={"KAIMEN_PUBLIC_ROOT_FILES": str(files)})
    served = kaimen.client("GET", "/WW_verify_x-1.txt")
    assert served.status == 200 and served.body == b"x-1" and served.get("content-type").startswith("text/plain"), served
    for path in ("/big.txt", "/page.html", "/link.txt", "/nothing.txt", "/..%2foutside.txt", "/.txt", "/sub/x.txt"):
        wire.problem(kaimen.client("GET", path), 404, "not_found")
    (files / "later.txt").write_text("later")
    assert kaimen.client("GET", "/later.txt").body == b"later"
    assert kaimen.client("POST", "/later.txt").status == 404
    assert wire.call(kaimen.private, "GET", "/later.txt").status == 404
