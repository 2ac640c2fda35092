"""The samples of deploy/ in the real servers, between a client that forges and a backend that shows what reached it. Each answers the table of
requests as /verify does."""
import os
import pathlib
import subprocess

import front
import pytest

DEPLOY = front.ROOT / "deploy"
LIBRARY = pathlib.Path(os.environ["KAIMEN_CHECK_LIBRARY"]).resolve()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = front.Site(tmp_path_factory.mktemp("site"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def tickets(site):
    return front.Tickets(site)


@pytest.fixture
def started():
    """Starts a front that is stopped after the test, whatever its outcome."""
    fronts = []

    def start(*arguments, **more):
        fronts.append(front.Front(*arguments, **more))
        return fronts[-1]

    yield start
    for one in fronts:
        one.stop()


def lua_module(directory, version):
    """sdk/check/lua's C module for this Lua, in `directory`."""
    flags = subprocess.run(["pkg-config", "--cflags", f"lua{version}"], capture_output=True, text=True, check=True).stdout.split()
    (directory / "include").mkdir()
    (directory / "include" / "kaimen_check.h").symlink_to(front.ROOT / "src/check/kaimen_check.h")
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", *flags, f"-I{directory / 'include'}",
                    front.ROOT / "sdk/check/lua/kaimen_check.c", LIBRARY, "-o", directory / "kaimen_check.so"], check=True, timeout=120)
    return {"LUA_CPATH": f"{directory}/?.so", "LUA_CPATH_5_4": f"{directory}/?.so", "LUA_CPATH_5_3": f"{directory}/?.so", "LD_LIBRARY_PATH": str(LIBRARY.parent)}


def test_the_c_module_takes_false_as_a_text_for_no(site, tmp_path):
    environment = lua_module(tmp_path, "5.4")
    script = f"""
      local check = require("kaimen_check").open("{site.state}")
      local function ask(wanted) return (check:request({{}}, wanted)) end
      print(ask({{ optional = "false", registered = "false" }}), ask({{ optional = "true" }}), (pcall(ask, {{ optional = "no" }})))
    """
    assert front.lua(tmp_path, script, environment).split() == ["401", "204", "false"]


def goes_and_comes_back(site, one, tickets):
    """The node stops: 503 and the backend is not asked. It comes back: as before."""
    site.kaimen.stop()
    front.until(lambda: one.get("/api/", tickets.good).status == 503)
    served = site.backend.served
    assert one.get("/api/", tickets.good).status == 503 and site.backend.served == served
    site.kaimen.start()
    front.until(lambda: one.get("/api/", tickets.good).status == 200)


def test_nginx_over_the_unix_socket(site, tickets, started, tmp_path):
    """deploy/nginx/kaimen.conf with the one line changed that its comment names; tests/e2e/test_nginx.py has it over TCP."""
    port = front.free_port()
    text = front.adapted(DEPLOY / "nginx/kaimen.conf", {"listen 80;": f"listen 127.0.0.1:{port};", "server 127.0.0.1:8080;": f"server {site.public_address};",
                                                        "server 127.0.0.1:8081;": f"server unix:{site.socket};", "server 127.0.0.1:9000;": f"server {site.backend.address};"})
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(f"daemon off; user root; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ access_log off; {paths} {text} }}")
    one = started([front.program("nginx"), "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "early.log"], port, tmp_path / "log")
    # It sets the headers that it knows; what else begins with X-Kaimen- is no identity, and passes.
    front.assert_same_answers(site, one, tickets, but=["claims beside a good ticket"])
    goes_and_comes_back(site, one, tickets)


def caddy(site, directory, started):
    port = front.free_port()
    text = front.adapted(DEPLOY / "caddy/Caddyfile", {"example.cn {": f"http://127.0.0.1:{port} {{", "127.0.0.1:8080": site.public_address,
                                                      "unix//run/kaimen/private.sock": f"unix/{site.socket}", "127.0.0.1:9000": site.backend.address})
    (directory / "Caddyfile").write_text(text)
    environment = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    return started([front.program("caddy"), "run", "--config", directory / "Caddyfile", "--adapter", "caddyfile"], port, directory / "log", environment=environment)


def test_caddy(site, tickets, started, tmp_path):
    one = caddy(site, tmp_path, started)
    front.assert_same_answers(site, one, tickets, but=["claims beside a good ticket"])
    claims = [(f"X-Kaimen-{name}", "forged") for name in front.IDENTITY] + [("X-WX-OPENID", "forged"), ("x-wx-from-appid", "forged"), ("X-KAIMEN-JWT", "forged")]
    seen = one.get("/api/", tickets.good, headers=claims).json()["headers"]
    assert "forged" not in repr(seen)
    assert one.get("/v1/session", tickets.good).status == 200
    assert one.get("/verify", tickets.good).body == b""
    goes_and_comes_back(site, one, tickets)


def test_haproxy(site, tickets, started, tmp_path):
    port = front.free_port()
    text = front.adapted(DEPLOY / "haproxy/kaimen-check.cfg", {"/etc/haproxy/kaimen.lua": DEPLOY / "haproxy/kaimen.lua", "bind :80\n": f"bind 127.0.0.1:{port}\n",
                                                               "127.0.0.1:8080": site.public_address, "127.0.0.1:9000": site.backend.address})
    (tmp_path / "kaimen.cfg").write_text(text)
    line = front.Line(site.kaimen.private)
    try:
        one = started([front.program("haproxy"), "-db", "-f", tmp_path / "kaimen.cfg"], port, tmp_path / "log",
                      environment={"KAIMEN_VERIFY": f"http://{line.address}/verify", "KAIMEN_TICKET_HEADERS": front.TICKET_HEADERS})
        front.assert_same_answers(site, one, tickets)
        assert one.get("/v1/session", tickets.good).status == 200 and one.get("/verify", tickets.good).status == 404
        site.kaimen.stop()
        assert one.get("/api/", tickets.good).status == 503
        site.kaimen.start()
        line.target = front.wire.address(site.kaimen.private)
        front.until(lambda: one.get("/api/", tickets.good).status == 200)
    finally:
        line.close()


def test_lighttpd(site, tickets, started, tmp_path):
    environment = {**lua_module(tmp_path, "5.4"), "KAIMEN_STATE": str(site.state)}
    port = front.free_port()
    host, backend_port = site.backend.address.split(":")
    text = front.adapted(DEPLOY / "lighttpd/kaimen.conf", {"/etc/kaimen/kaimen.lua": DEPLOY / "lighttpd/kaimen.lua", '"port" => 8080': f'"port" => {site.public_address.split(":")[1]}',
                                                           '"port" => 9000': f'"port" => {backend_port}'})
    (tmp_path / "lighttpd.conf").write_text(f'server.bind = "127.0.0.1"\nserver.port = {port}\nserver.document-root = "{tmp_path}"\nserver.errorlog = "{tmp_path}/error.log"\n' + text)
    one = started([front.program("lighttpd"), "-D", "-f", tmp_path / "lighttpd.conf"], port, tmp_path / "log", environment=environment)
    front.assert_same_answers(site, one, tickets)
    assert one.get("/v1/session", tickets.good).status == 200
    token = site.kaimen.login("lighttpd")["token"]
    assert one.get("/api/", token).status == 200
    assert site.kaimen.client("DELETE", "/v1/session", token).status == 204
    assert one.get("/api/", token).status == 401
    goes_and_comes_back(site, one, tickets)


APACHE = """
ServerRoot {directory}
PidFile {directory}/pid
Listen 127.0.0.1:{port}
ErrorLog {directory}/error.log
LogLevel warn
{modules}
"""


def test_apache(site, tickets, started, tmp_path):
    environment = {**lua_module(tmp_path, "5.3"), "KAIMEN_STATE": str(site.state)}
    port = front.free_port()
    text = front.adapted(DEPLOY / "apache/kaimen.conf", {"/etc/kaimen/kaimen.lua": DEPLOY / "apache/kaimen.lua", "<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{port}>",
                                                         "127.0.0.1:8080": site.public_address, "127.0.0.1:9000": site.backend.address})
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in ("mpm_event", "authz_core", "lua", "proxy", "proxy_http"))
    (tmp_path / "httpd.conf").write_text(APACHE.format(directory=tmp_path, port=port, modules=modules) + text)
    one = started([front.program("apache2"), "-DFOREGROUND", "-f", tmp_path / "httpd.conf"], port, tmp_path / "log", environment=environment)
    front.assert_same_answers(site, one, tickets)
    assert one.get("/v1/session", tickets.good).status == 200
    assert one.get("/api/", tickets.ended).get("www-authenticate") == 'Bearer error="invalid_token", error_description="logged_out"'
    goes_and_comes_back(site, one, tickets)
