"""resty/kaimen.lua in nginx with Debian's Lua module: the sample of deploy/openresty, and the plugins for APISIX and Kong with what they use of
those stood in for, since neither is in Debian."""
import os
import pathlib
import subprocess

import front
import pytest

LIBRARY = pathlib.Path(os.environ["KAIMEN_CHECK_LIBRARY"]).resolve()
LUA = front.ROOT / "sdk/check/lua"

MAIN = """load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
env KAIMEN_CHECK_LIBRARY;
daemon off; user root; worker_processes 2; pid {directory}/pid; error_log {directory}/error.log info;
events {{}}
http {{ access_log off; {paths} {text} }}
"""


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
    fronts = []
    yield lambda *arguments: fronts.append(run(*arguments)) or fronts[-1]
    for one in fronts:
        one.stop()


def run(directory, port, text):
    paths = "".join(f"{name}_temp_path {directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(MAIN.format(directory=directory, paths=paths, text=text))
    return front.Front(["/usr/sbin/nginx", "-p", directory, "-c", directory / "nginx.conf", "-e", directory / "error.log"], port, directory / "log",
                       environment={"KAIMEN_CHECK_LIBRARY": str(LIBRARY)})


def test_openresty(site, tickets, started, tmp_path):
    port = front.free_port()
    text = front.adapted(front.ROOT / "deploy/openresty/kaimen.conf", {"/usr/local/share/kaimen/lua": LUA, "/run/kaimen/check": site.state, "listen 80;": f"listen 127.0.0.1:{port};",
                                                                        "127.0.0.1:8080": site.public_address, "127.0.0.1:9000": site.backend.address})
    one = started(tmp_path, port, text)
    front.assert_same_answers(site, one, tickets)
    assert one.get("/v1/session", tickets.good).status == 200
    assert one.get("/api/", tickets.ended).get("x-kaimen-reason") == "logged_out"
    token = site.kaimen.login("lua")["token"]
    assert one.get("/api/", token).status == 200
    assert site.kaimen.client("DELETE", "/v1/session", token).status == 204
    assert one.get("/api/", token).status == 401
    site.kaimen.stop()
    front.until(lambda: one.get("/api/", tickets.good).status == 503)
    site.kaimen.start()
    front.until(lambda: one.get("/api/", tickets.good).status == 200)


PLUGIN = """
lua_package_path "{lua}/?.lua;{kong}/?.lua;{apisix}/?.lua;;";
init_by_lua_block {{
  package.loaded["apisix.core"] = {{ schema = {{ check = function() return true end }} }}
  apisix, kong_plugin = require("kaimen"), require("kong.plugins.kaimen.handler")
  kong_schema = require("kong.plugins.kaimen.schema")
}}
server {{
  listen 127.0.0.1:{port};
  location /apisix/ {{ access_by_lua_block {{ apisix.rewrite({{ state = "{state}", registered = false, optional = false }}, {{}}) }} proxy_pass http://{backend}/; }}
  location /kong/ {{ access_by_lua_block {{ kong_plugin:access({{ state = "{state}" }}) }} proxy_pass http://{backend}/; }}
}}
"""


def test_with_any_names_let_in_no_claim_passes_either(site, tickets, started, tmp_path):
    port = front.free_port()
    text = front.adapted(front.ROOT / "deploy/openresty/kaimen.conf", {"/usr/local/share/kaimen/lua": LUA, "/run/kaimen/check": site.state, "listen 80;": f"listen 127.0.0.1:{port};",
                                                                        "127.0.0.1:8080": site.public_address, "127.0.0.1:9000": site.backend.address})
    one = started(tmp_path, port, "underscores_in_headers on; ignore_invalid_headers off; " + text)
    front.assert_same_answers(site, one, tickets)


def test_the_plugins_of_apisix_and_kong(site, tickets, started, tmp_path):
    port = front.free_port()
    text = PLUGIN.format(lua=LUA, kong=front.ROOT / "deploy/kong", apisix=front.ROOT / "deploy/apisix", port=port, state=site.state, backend=site.backend.address)
    one = started(tmp_path, port, text)
    for path in ("/apisix/", "/kong/"):
        front.assert_same_answers(site, one, tickets, path=path + "orders?id=7")


FLAGS = """
lua_package_path "{lua}/?.lua;;";
init_by_lua_block {{
  Kaimen = require("resty.kaimen")
  kaimen = Kaimen.open("{state}")
  somebody = Kaimen.open("{none}", function() return 204, {{ headers = {{}} }} end)
  acting = Kaimen.open("{none}", function() return 204, {{ headers = {{ ["X-Kaimen-User"] = "1", ["X-Kaimen-Actor"] = "ann" }} }} end)
  acting_lower = Kaimen.open("{none}", function() return 204, {{ headers = {{ ["X-Kaimen-User"] = "1", ["x-kaimen-actor"] = "ann" }} }} end)
  telling = Kaimen.open("{none}", function() return 204, {{ headers = {{ ["X-Kaimen-User"] = "7", ["X-Kaimen-Roles"] = "a", ["X-Kaimen-Env"] = "", ["Server"] = "x" }} }} end)
  acting_field = Kaimen.open("{none}", function() return 204, {{ actor = "ann", headers = {{ ["X-Kaimen-User"] = "1" }} }} end)
}}
server {{
  listen 127.0.0.1:{port};
  location /false {{ content_by_lua_block {{ ngx.print((kaimen:request({{}}, {{ optional = "false", registered = "false" }}))) }} }}
  location /true {{ content_by_lua_block {{ ngx.print((kaimen:request({{}}, {{ optional = "true" }}))) }} }}
  location /neither {{ content_by_lua_block {{ ngx.print((kaimen:request({{}}, {{ optional = "perhaps" }}))) }} }}
  location /nobody {{ content_by_lua_block {{ ngx.print((somebody:request({{}}, {{}}))) }} }}
  location /acting {{ content_by_lua_block {{
    local optional = {{ optional = true }}
    ngx.print((acting:request({{}}, {{}})), (acting_lower:request({{}}, optional)), (acting_field:request({{}}, {{}})))
  }} }}
  location /protected {{ access_by_lua_block {{ acting:protect({{}}) }} content_by_lua_block {{ ngx.print("passed") }} }}
  location /told {{ access_by_lua_block {{ telling:protect({{}}) }} proxy_pass http://{backend}/; }}
  location /nobody-may-come {{ content_by_lua_block {{ ngx.print((somebody:request({{}}, {{ optional = true }}))) }} }}
}}
"""


def test_false_as_a_text_is_no_and_a_204_that_names_nobody_is_no_pass(site, started, tmp_path):
    port = front.free_port()
    one = started(tmp_path, port, FLAGS.format(lua=LUA, state=site.state, none=tmp_path / "none", port=port, backend=site.backend.address))
    assert [one.get(path).body for path in ("/false", "/true", "/nobody", "/nobody-may-come")] == [b"401", b"204", b"503", b"204"]
    assert one.get("/neither").status == 500
    assert one.get("/acting").body == b"403403403", "a support view is refused over /verify as it is inside"
    assert one.get("/protected").status == 403
    claims = [("X-Kaimen-User", "forged"), ("x-kaimen-user", "forged"), ("X-KAIMEN-ROLES", "admin"), ("X-Kaimen-Env", "forged"), ("X-WX-OPENID", "forged")]
    reached = one.get("/told", headers=claims).json()["headers"]
    assert front.identity_of(reached) == [("x-kaimen-roles", "a"), ("x-kaimen-user", "7")], "what `unsure` has found, once, and nothing of the client's"
    assert ("server", "x") not in [(name.lower(), value) for name, value in reached]


def test_its_structs_are_those_of_the_header(tmp_path):
    """FFI reads no header: sizes and places are compared with what a C compiler says."""
    fields = ["status", "generation", "issued_ms", "expires", "user", "session", "app_id", "project", "env", "openid", "roles", "text"]
    source = tmp_path / "a.c"
    lines = "".join(f'printf("%zu\\n", offsetof(kaimen_identity, {name}));' for name in fields)
    source.write_text(f'#include <stdio.h>\n#include "kaimen_check.h"\nint main(void) {{ printf("%zu\\n%zu\\n%zu\\n", sizeof(kaimen_identity), sizeof(kaimen_presented), sizeof(kaimen_wanted)); {lines} return 0; }}\n')
    subprocess.run(["cc", f"-I{front.ROOT}/src/check", source, "-o", tmp_path / "a"], check=True)
    in_c = subprocess.run([tmp_path / "a"], capture_output=True, text=True, check=True).stdout.split()
    declared = (LUA / "resty/kaimen.lua").read_text().split("ffi.cdef([[")[1].split("]])")[0]
    source.write_text("#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n" + declared +
                      f'int main(void) {{ printf("%zu\\n%zu\\n%zu\\n", sizeof(kaimen_identity), sizeof(kaimen_presented), sizeof(kaimen_wanted)); {lines} return 0; }}\n')
    subprocess.run(["cc", source, "-o", tmp_path / "b"], check=True)
    assert subprocess.run([tmp_path / "b"], capture_output=True, text=True, check=True).stdout.split() == in_c
