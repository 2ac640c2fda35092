"""libnginx-mod-http-kaimen in Debian's nginx, as its package brings it (KAIMEN_NGINX_PACKAGE names the .deb)."""
import glob
import os
import signal
import subprocess

import front
import process
import pytest
import wire

NGINX = "/usr/sbin/nginx"

SERVER = """
server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    kaimen_state {state};
    large_client_header_buffers 4 16k;
    location /api/ {{ kaimen on; proxy_pass http://{backend}/; }}
    location /optional/ {{ kaimen optional; proxy_pass http://{backend}/; }}
    location /off/ {{ proxy_pass http://{backend}/; }}
    location /app/ {{ kaimen on; kaimen_app {app_id}; proxy_pass http://{backend}/; }}
    location /other-app/ {{ kaimen on; kaimen_app wxother; proxy_pass http://{backend}/; }}
    location /registered/ {{ kaimen on; kaimen_registered on; proxy_pass http://{backend}/; }}
    location /role/ {{ kaimen on; kaimen_role staff; proxy_pass http://{backend}/; }}
    location /cookie/ {{ kaimen on; kaimen_cookie own; proxy_pass http://{backend}/; }}
    location /any/ {{ satisfy any; allow 127.0.0.1; deny all; kaimen on; proxy_pass http://{backend}/; }}
    location /any-denied/ {{ satisfy any; deny all; kaimen on; proxy_pass http://{backend}/; }}
    location /all-denied/ {{ deny all; kaimen on; proxy_pass http://{backend}/; }}
    location /static/ {{ kaimen on; alias {directory}/; }}
    location /who {{ kaimen optional; default_type text/plain; try_files /nothing @who; }}
    location @who {{ return 200 "$kaimen_status|$kaimen_user|$kaimen_openid|$kaimen_session|$kaimen_app|$kaimen_registered|$kaimen_env|$kaimen_reason"; }}
    location /json/ {{ kaimen on; error_page 401 = @json; proxy_pass http://{backend}/; }}
    location @json {{ default_type application/problem+json; return 401 '{{"status":401,"code":"unauthenticated","reason":"$kaimen_reason"}}'; }}
    location /mirrored/ {{ kaimen on; mirror /copy; proxy_pass http://{backend}/; }}
    location = /copy {{ internal; proxy_set_header X-Copy yes; proxy_pass http://{backend}/copy; }}
    location /asked/ {{ kaimen on; auth_request /ask; proxy_pass http://{backend}/; }}
    location = /ask {{ internal; proxy_pass http://{backend}/ask; proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
    set $of_server $http_x_kaimen_user;
    location /set/ {{ set $of_location $http_x_kaimen_user; if ($http_x_kaimen_user) {{ return 200 "a claim"; }} return 200 "[$of_server$of_location]"; }}
    location /captured/ {{ rewrite_by_lua_block {{ ngx.print(ngx.location.capture("/off/").body) ngx.exit(200) }} }}
    location /captured-later/ {{ kaimen on; content_by_lua_block {{ ngx.print(ngx.location.capture("/off/").body) }} }}
    location /scripted/ {{ kaimen on; rewrite_by_lua_block {{ ngx.req.set_header("X-Kaimen-User", ngx.var.arg_user) }} proxy_pass http://{backend}/; }}
    location /redirected/ {{ kaimen on; error_page 418 = /api/orders?id=7; if ($arg_go) {{ return 418; }} proxy_pass http://{backend}/; }}
}}
server {{
    listen 127.0.0.1:{bare_port};
    location /set/ {{ kaimen_state {state}; set $claim $http_x_kaimen_user; return 200 "[$claim]"; }}
    location /captured/ {{ rewrite_by_lua_block {{ ngx.print(ngx.location.capture("/inner/").body) ngx.exit(200) }} }}
    location /inner/ {{ kaimen_state {state}; proxy_pass http://{backend}/; }}
    location /moved/ {{ rewrite ^ /inner/; }}
}}
"""
LUA = "load_module /usr/lib/nginx/modules/ndk_http_module.so;\nload_module /usr/lib/nginx/modules/ngx_http_lua_module.so;\n"


class Nginx(front.Front):
    def __init__(self, site, directory, workers=2, any_names=False, user="root"):
        self.directory, self.tls_port, self.bare_port = directory, front.free_port(), front.free_port()
        module, = glob.glob(f"{module_directory()}/usr/lib/nginx/modules/ngx_http_kaimen_module.so")
        _, certificate, key = process.certificates(directory, None)
        port = front.free_port()
        names = "underscores_in_headers on;\nignore_invalid_headers off;\n" if any_names else ""
        paths = "".join(f"{name}_temp_path {directory}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        body = SERVER.format(port=port, tls_port=self.tls_port, bare_port=self.bare_port, certificate=certificate, key=key, state=site.state, backend=site.backend.address,
                             app_id=site.kaimen.app_id, directory=directory)
        self.config = directory / "nginx.conf"
        self.config.write_text(f"load_module {module};\n{LUA}daemon off;\nuser {user};\nworker_processes {workers};\npid {directory}/nginx.pid;\n"
                               f"error_log {directory}/error.log info;\nevents {{}}\nhttp {{\naccess_log off;\n{names}{paths}{body}}}\n")
        super().__init__([NGINX, "-p", directory, "-c", self.config, "-e", directory / "early.log"], port, directory / "output")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


_unpacked = None


def module_directory():
    """What the package installs, unpacked beside the system."""
    global _unpacked
    if _unpacked is None:
        import tempfile
        packages = sorted(glob.glob(os.environ.get("KAIMEN_NGINX_PACKAGE", "")))
        assert packages, "KAIMEN_NGINX_PACKAGE must name the package that script/package-nginx builds"
        _unpacked = tempfile.TemporaryDirectory(prefix="kaimen-nginx-")
        subprocess.run(["dpkg-deb", "-x", packages[-1], _unpacked.name], check=True)
    return _unpacked.name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = front.Site(tmp_path_factory.mktemp("site"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def nginx(site, tmp_path_factory):
    one = Nginx(site, tmp_path_factory.mktemp("nginx"))
    yield one
    one.stop()
    log = (one.directory / "error.log").read_text()
    assert "exited on signal" not in log and "worker process" not in [line for line in log.splitlines() if "[alert]" in line], log[-2000:]


@pytest.fixture(scope="module")
def tickets(site):
    return front.Tickets(site)


def test_it_answers_as_verify_does(site, nginx, tickets):
    front.assert_same_answers(site, nginx, tickets)


def test_two_authorization_headers_are_malformed_or_a_bad_request(site, nginx, tickets):
    request = f"GET /api/orders HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {tickets.good}\r\nAuthorization: Bearer {tickets.good}\r\nConnection: close\r\n\r\n"
    received, _ = wire.raw(nginx.url, request.encode())
    assert wire.statuses(received)[0] in (400, 401), received


def test_with_any_names_let_in_no_claim_passes_either(site, tickets, tmp_path):
    nginx = Nginx(site, tmp_path, any_names=True)
    try:
        front.assert_same_answers(site, nginx, tickets)
    finally:
        nginx.stop()


OPTIONS = {"/app/": "app_id={app}", "/other-app/": "app_id=wxother", "/registered/": "registered=true", "/role/": "role=staff", "/optional/": "optional=true"}


@pytest.mark.parametrize("path", OPTIONS)
def test_its_directives_are_the_options_of_verify(site, nginx, tickets, path):
    front.assert_same_answers(site, nginx, tickets, path=path + "orders?id=7", query=OPTIONS[path].format(app=site.kaimen.app_id))


def test_claims_are_dropped_where_it_is_off(site, nginx, tickets):
    answer = nginx.get("/off/", tickets.good, headers=[("X-Kaimen-User", "forged"), ("x-wx-openid", "forged")])
    assert answer.status == 200 and front.identity_of(answer.json()["headers"]) == []


@pytest.mark.parametrize("headers", [[("X-Kaimen-User", "forged")], [("X-Kaimen-User", "forged"), ("x-kaimen-user", "forged")]], ids=["one", "two"])
def test_what_is_decided_before_the_check_sees_no_claim(nginx, headers):
    """nginx's own `set` and `if`, at the server and in a location."""
    assert nginx.get("/set/", headers=headers).body == b"[]"
    assert wire.call(f"http://127.0.0.1:{nginx.bare_port}", "GET", "/set/", headers=wire.pairs(headers)).body == b"[]"


def test_a_subrequest_before_the_check_takes_no_claim_along(site, nginx, tickets):
    """A script's question to another location goes out with a copy of the client's headers, and its answer is believed."""
    forged = [("X-Kaimen-User", "forged"), ("X-WX-Openid", "forged")]
    bare = f"http://127.0.0.1:{nginx.bare_port}"
    for answer in (nginx.get("/captured/", headers=forged), wire.call(bare, "GET", "/captured/", headers=wire.pairs(forged)),
                   wire.call(bare, "GET", "/moved/", headers=wire.pairs(forged))):
        assert answer.status == 200 and answer.json()["headers"] and front.identity_of(answer.json()["headers"]) == [], answer
    answer = nginx.get("/captured-later/", tickets.good, headers=forged)
    identity = dict(front.identity_of(answer.json()["headers"]))
    assert "forged" not in repr(identity) and identity["x-kaimen-user"], "it is who the main request was found to be"


def test_who_a_script_says_it_is_does_not_count_beside_the_ticket(nginx, tickets):
    identity = front.identity_of(nginx.get("/scripted/?user=forged", tickets.good).json()["headers"])
    assert len([name for name, _ in identity if name == "x-kaimen-user"]) == 1 and "forged" not in repr(identity)


def test_a_cookie_of_another_name(nginx, tickets):
    assert nginx.get("/cookie/", headers=[("Cookie", f"own={tickets.good}")]).status == 200
    assert nginx.get("/cookie/", headers=[("Cookie", f"kaimen={tickets.good}")]).status == 401


def test_wafers_header_is_for_its_apps_alone(tmp_path):
    (tmp_path / "site").mkdir(), (tmp_path / "nginx").mkdir()
    site = front.Site(tmp_path / "site")
    try:
        wafer = site.kaimen.add_app("wxwafer00000000001", settings={"wafer": "v2"})
        of_wafer, of_other = site.kaimen.login("ada", wafer)["token"], site.kaimen.login("ada")["token"]
        nginx = Nginx(site, tmp_path / "nginx")
        try:
            for headers, status in (([("X-WX-Skey", of_wafer)], 204), ([("X-WX-Skey", of_other)], 401), ([("X-WX-Skey", of_other), ("Authorization", f"Bearer {of_other}")], 204)):
                expected = front.answer_of_verify(site, headers)
                assert expected[0] == status and front.answer_of_front(nginx, headers) == expected, headers
        finally:
            nginx.stop()
    finally:
        site.stop()


def test_a_project_without_apps_counts_as_for_verify(site, nginx, tickets):
    assert site.kaimen.admin("POST", "/projects", json={"name": "empty"}).status == 201
    try:
        front.assert_same_answers(site, nginx, tickets)
        assert nginx.get("/api/", tickets.good).status == 403 and nginx.get("/app/", tickets.good).status == 200
    finally:
        assert site.kaimen.admin("DELETE", "/projects/empty").status == 204
    assert nginx.get("/api/", tickets.good).status == 200


def test_a_refusal_says_why(site, nginx, tickets):
    answer = nginx.get("/api/", tickets.ended)
    assert answer.status == 401 and answer.get("x-kaimen-reason") == "logged_out"
    assert answer.get("www-authenticate") == 'Bearer error="invalid_token", error_description="logged_out"'
    answer = nginx.get("/json/", tickets.ended)
    assert answer.status == 401 and answer.json()["reason"] == "logged_out" and answer.all("www-authenticate") == ['Bearer error="invalid_token", error_description="logged_out"']
    assert answer.all("x-kaimen-reason") == ["logged_out"]


def test_its_variables(site, nginx):
    login = site.kaimen.login("variables")
    status, user, openid, session, app, registered, env, reason = nginx.get("/who", login["token"]).body.decode().split("|")
    assert (status, user, session, app, env, reason) == ("204", login["user"]["id"], login["session"]["id"], site.kaimen.app_id, "release", "")
    assert openid and registered in ("true", "false")
    assert nginx.get("/who").body == b"204|||||||"


def test_satisfy_any(site, nginx, tickets):
    passed = nginx.get("/any/", headers=[("X-Kaimen-User", "forged")])
    assert passed.status == 200 and front.identity_of(passed.json()["headers"]) == [] and not passed.all("www-authenticate")
    assert nginx.get("/any-denied/", tickets.good).status == 200
    assert nginx.get("/any-denied/").status in (401, 403) and nginx.get("/any-denied/", tickets.ended).status in (401, 403)
    assert nginx.get("/all-denied/", tickets.good).status == 403


def test_static_files_and_ranges(nginx, tickets):
    (nginx.directory / "file").write_text("0123456789")
    assert nginx.get("/static/file", tickets.good).body == b"0123456789"
    assert nginx.get("/static/file", tickets.good, headers=[("Range", "bytes=2-4")]).body == b"234"
    assert nginx.get("/static/file").status == 401


def test_subrequests_see_what_the_main_request_was_found_to_be(site, nginx, tickets):
    served = site.backend.served
    assert nginx.get("/mirrored/", tickets.good, headers=[("X-Kaimen-User", "forged")]).status == 200
    front.until(lambda: site.backend.served == served + 2)
    answer = nginx.get("/asked/", tickets.good)
    assert answer.status == 200 and dict(front.identity_of(answer.json()["headers"]))["x-kaimen-user"]
    assert nginx.get("/mirrored/").status == 401 and nginx.get("/asked/").status == 401


def test_after_an_internal_redirect_there_is_one_identity(site, nginx, tickets):
    answer = nginx.get("/redirected/?go=1", tickets.good)
    assert answer.status == 200
    names = [name for name, _ in front.identity_of(answer.json()["headers"])]
    assert len(names) == len(set(names)) and "x-kaimen-user" in names


def test_over_tls_and_http2(site, nginx, tickets):
    def curl(*arguments):
        done = subprocess.run(["curl", "-sk", "-o", "/dev/stdout", "-w", "\n%{http_version} %{http_code}", *arguments, f"https://127.0.0.1:{nginx.tls_port}/api/"],
                              capture_output=True, text=True, timeout=30)
        return done.stdout.rsplit("\n", 1)
    import json
    body, status = curl("--http2", "-H", f"Authorization: Bearer {tickets.good}", "-H", "x-kaimen-user: forged")
    assert status == "2 200" and "forged" not in body and dict(front.identity_of(json.loads(body)["headers"]))["x-kaimen-user"]
    body, status = curl("--http2", "-H", "Cookie: a=b", "-H", f"Cookie: kaimen={tickets.good}")
    assert status == "2 200", body
    assert curl("--http2", "-H", f"Authorization: Bearer {tickets.ended}")[1] == "2 401"
    assert curl("--http1.1", "-H", f"Authorization: Bearer {tickets.good}")[1] == "1.1 200"


def test_a_logout_holds_at_the_next_request_in_every_worker(site, nginx):
    for number in range(10):
        token = site.kaimen.login(f"leaver{number}")["token"]
        connections = [wire.connection(nginx.url) for _ in range(6)]
        for one in connections:
            assert wire.send(one, "GET", "/api/", headers=wire.bearer(token)).status == 200
        assert site.kaimen.client("DELETE", "/v1/session", token).status == 204
        for one in connections:
            assert wire.send(one, "GET", "/api/", headers=wire.bearer(token)).status == 401


def test_reload_under_load_loses_no_request(site, nginx, tickets):
    stop = []

    def ask(index):
        good = index % 2 == 0
        asked = 0
        while not stop:
            answer = nginx.get("/api/", tickets.good if good else tickets.ended)
            assert answer.status == (200 if good else 401), answer
            asked += 1
        assert asked > 10

    threads, failures = front.in_threads(4, ask)
    for _ in range(5):
        front.pause(0.4)
        nginx.reload()
    front.pause(0.5)
    stop.append(True)
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def test_on_without_a_state_file_is_a_mistake(nginx, tmp_path):
    module, = glob.glob(f"{module_directory()}/usr/lib/nginx/modules/*.so")
    config = tmp_path / "nginx.conf"
    for body, fine in (("kaimen_state /tmp/none; kaimen on;", True), ("kaimen on;", False), ("kaimen maybe;", False), ("kaimen_env nowhere;", False)):
        config.write_text(f"load_module {module}; pid {tmp_path}/pid; events {{}} http {{ access_log off; server {{ {body} }} }}")
        done = subprocess.run([NGINX, "-t", "-p", tmp_path, "-c", config, "-e", tmp_path / "e"], capture_output=True, text=True, timeout=30)
        assert (done.returncode == 0) == fine, (body, done.stderr)


def test_it_survives_a_restart_of_the_node_and_fails_closed_without_it(site, nginx, tickets):
    """Last but one: the node stops and comes back."""
    site.kaimen.stop()
    front.until(lambda: nginx.get("/api/", tickets.good).status == 503, 10)
    assert nginx.get("/api/").status == 503 and nginx.get("/optional/").status == 503
    served = site.backend.served
    nginx.get("/api/", tickets.good)
    assert site.backend.served == served
    site.kaimen.start()
    assert nginx.get("/api/", tickets.good).status == 200, "the ready line comes after the first beat"
    assert nginx.get("/api/", tickets.ended).status == 401


def test_a_fast_restart_of_the_node_is_not_noticed(site, nginx, tickets):
    seen = set()
    stop = []

    def ask(_):
        while not stop:
            seen.add(nginx.get("/api/", tickets.good).status)

    threads, failures = front.in_threads(1, ask)
    site.kaimen.kill()
    site.kaimen.start()
    stop.append(True)
    threads[0].join()
    assert not failures
    assert nginx.get("/api/", tickets.good).status == 200
    assert seen <= {200, 503}
