"""Checks inside nginx: the module as its package brings it, and Lua over the library, beside nginx alone and beside auth_request."""
import os
import pathlib
import subprocess

import servers
from measure import CURL_HEADERS, Line, base_kaimen, middle, ratio
from servers import median

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = {
    "plain": "",
    "module": "kaimen_state STATE; kaimen on;",
    "lua": "access_by_lua_block { kaimen:protect({}) }",
    "empty": "access_by_lua_block { local nothing = 1 }",
    "auth": "auth_request /_check; auth_request_set $user $upstream_http_x_kaimen_user; proxy_set_header X-Kaimen-User $user;",
}


class Nginx(servers.Server):
    """One worker with all these ways, for files (/plain/, …) and for a backend (/plain_proxied/, …)."""

    def __init__(self, directory, build, packages, state, kaimen, backend):
        self.directory = directory / "inside"
        (self.directory / "files").mkdir(parents=True)
        (self.directory / "files" / "page").write_bytes(b"x" * 1024)
        port = servers.free_port()
        # The state file is named where it is used: wherever the module knows one, it looks for claims, which plain nginx does not.
        kinds = {kind: check.replace("STATE", str(state)) for kind, check in KINDS.items()}
        locations = "".join(f"location /{kind}/ {{ {check} alias {self.directory}/files/; }}\n"
                            f'location /{kind}_proxied/ {{ {check} proxy_pass http://business/; proxy_http_version 1.1; proxy_set_header Connection ""; }}\n'
                            for kind, check in kinds.items())
        user = "user root;" if os.getuid() == 0 else ""
        config = self.directory / "nginx.conf"
        config.write_text(f"""load_module /usr/lib/nginx/modules/ndk_http_module.so; load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
load_module {packages}/usr/lib/nginx/modules/ngx_http_kaimen_module.so; env KAIMEN_CHECK_LIBRARY;
daemon off; {user} worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/error.log; worker_rlimit_nofile 40000;
events {{ worker_connections 16384; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600; open_file_cache max=100;
  client_body_temp_path {self.directory}/body; proxy_temp_path {self.directory}/proxy; fastcgi_temp_path {self.directory}/fastcgi;
  uwsgi_temp_path {self.directory}/uwsgi; scgi_temp_path {self.directory}/scgi;
  lua_package_path "{ROOT}/sdk/check/lua/?.lua;;";
  init_by_lua_block {{ kaimen = require("resty.kaimen").open("{state}") }}
  upstream business {{ server {backend.address}; keepalive 64; keepalive_requests 1000000000; }}
  upstream checks {{ server {kaimen.unix}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /_check {{ internal; proxy_pass http://checks/verify; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Content-Length "";
      proxy_pass_request_body off; }}
    {locations}
  }}
}}
""")
        super().__init__("inside", ["nginx", "-p", self.directory, "-c", config, "-e", self.directory / "error.log"], directory,
                         environment={"KAIMEN_CHECK_LIBRARY": str(build / "libkaimen_check.so.1")})
        self.address = f"127.0.0.1:{port}"
        servers.wait_for(self.address)

    @property
    def pids(self):
        return [int(pid) for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]


def module(bench):
    """The package's files, unpacked."""
    made, unpacked = bench.directory("package"), bench.directory("module")
    subprocess.run([ROOT / "script/package-nginx", made], check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "-x", next(made.glob("*.deb")), unpacked], check=True)
    return unpacked


def inside(bench):
    packages = module(bench)
    state = bench.directory("inside") / "check"
    directory, kaimen, tickets = base_kaimen(bench, "inside", state=state)
    backend = servers.constant(bench.build, directory)
    nginx = Nginx(directory, bench.build, packages, state, kaimen, backend)
    figures, lines = {}, []
    also = {"auth": [kaimen]}
    for served, suffix, expect, targets in (("a file of 1 KiB", "", 200, {"module": 0.93, "lua": 0.85}), ("passed on", "_proxied", 204, {"module": 0.90})):
        files = {kind: bench.request_file(f"inside_{kind}{suffix}", tickets, CURL_HEADERS, f"/{kind}{suffix}/page" if not suffix else f"/{kind}{suffix}/verify") for kind in KINDS}
        run = lambda kind: (lambda: bench.closed(nginx, files[kind], 64, bench.seconds(1.5), expect=expect, also=also.get(kind, ())))
        measured = bench.interleaved({kind: run(kind) for kind in KINDS})
        figures[served] = middle(measured)
        for kind, what in (("module", "our module"), ("lua", "Lua over libkaimen_check"), ("empty", "Lua that does nothing"), ("auth", "`auth_request` over a unix socket")):
            share, added = ratio(measured, "plain", kind, "cpu_us"), median(a - b for a, b in zip(measured[kind]["cpu_us"], measured["plain"]["cpu_us"]))
            target = targets.get(kind)
            lines.append(Line(f"{what}, {served}", f"{share:.3f} of what plain nginx serves; +{added:.1f} µs", f"plain: {median(measured['plain']['cpu_us']):.1f} µs",
                              f"≥ {target:.2f}" if target else "", share >= target if target else None))
    # A wrong tag is the dearest of bad tickets.
    forged = [ticket[:-9] + ("A" if ticket[-9] != "A" else "B") + ticket[-8:] for ticket in tickets]
    requests = {"good": (bench.request_file("flood_good", tickets, CURL_HEADERS, "/module_proxied/verify"), 204),
                "forged": (bench.request_file("flood_forged", forged, CURL_HEADERS, "/module_proxied/verify"), 401)}
    measured = bench.interleaved({name: (lambda request=request, expect=expect: bench.closed(nginx, request, 64, bench.seconds(1.5), expect=expect)) for name, (request, expect) in requests.items()})
    figures["flood"] = middle(measured)
    cost = ratio(measured, "forged", "good", "cpu_us")
    lines.append(Line("a flood of forged tickets, our module", f"{median(measured['forged']['cpu_us']):.1f} µs a request", f"good ones, passed on: {median(measured['good']['cpu_us']):.1f} µs; ratio {cost:.2f}",
                      "< 1.00", cost < 1.0))
    for server in (nginx, kaimen, backend):
        server.stop()
    return figures, lines
