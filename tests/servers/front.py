"""nginx or HAProxy before several Kaimen nodes: one address for clients, one for checks. What a node refuses to take, another gets."""
import os
import shutil
import socket

import process

NGINX = """daemon off; {user} worker_processes 1; pid {directory}/pid; error_log {directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  {paths}
  upstream clients {{ {clients} keepalive 64; keepalive_timeout 60s; }}
  upstream checks {{ {checks} keepalive 64; keepalive_timeout 60s; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_connect_timeout 1s; proxy_read_timeout {timeout}s; proxy_next_upstream_tries {count};
  server {{
    listen 127.0.0.1:{client_port} backlog=1024;
    # A POST is passed on to a second node only if the first never saw it: a code is spent by the first try.
    location / {{ proxy_pass http://clients; proxy_next_upstream error timeout; }}
  }}
  server {{
    listen 127.0.0.1:{check_port} backlog=1024;
    location = /verify {{ proxy_pass http://checks; proxy_next_upstream error timeout http_502 http_503 non_idempotent; }}
  }}
}}
"""

HAPROXY = """global
  maxconn 4096
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server {timeout}s
  timeout http-keep-alive 60s
  option redispatch 1
  retries {count}
  default-server check inter 500ms fastinter 100ms downinter 200ms fall 2 rise 1 observe layer7 error-limit 3 on-error mark-down
frontend clients_in
  bind 127.0.0.1:{client_port}
  default_backend clients
frontend checks_in
  bind 127.0.0.1:{check_port}
  default_backend checks
backend clients
  option httpchk GET /healthz
  # A POST is passed on to a second node only if the first never saw it: a code is spent by the first try.
  http-request disable-l7-retry if METH_POST
  retry-on conn-failure empty-response
{clients}
backend checks
  option httpchk GET /readyz
  retry-on all-retryable-errors
{checks}
"""


def bare(address):
    """host:port of http://host:port."""
    return address.removeprefix("http://")


class FrontServer:
    """`nodes`: what has .public and .private. `kind`: nginx or haproxy."""

    def __init__(self, kind, nodes, timeout=30):
        self.who = process.account("www-data")
        self.directory = process.new_directory(kind, self.who)
        client_port, check_port = process.free_ports(2)
        self.public, self.private = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{check_port}"
        config, self.log = self.directory / "config", self.directory / "log"
        text, line = (NGINX, "server {1} max_fails=1 fail_timeout=1s;") if kind == "nginx" else (HAPROXY, "  server node{0} {1}\n")
        paths = "".join(f"{name}_temp_path {self.directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(text.format(user="user root;" if os.geteuid() == 0 else "", directory=self.directory, paths=paths,
                                      count=len(nodes), timeout=timeout, client_port=client_port, check_port=check_port,
                                      clients="".join(line.format(number, bare(node.public)) for number, node in enumerate(nodes)),
                                      checks="".join(line.format(number, bare(node.private)) for number, node in enumerate(nodes))))
        binary = shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if not binary:
            raise RuntimeError(f"{kind} is not installed: script/setup")
        command = [binary, "-p", self.directory, "-c", config, "-e", self.directory / "error.log"] \
            if kind == "nginx" else [binary, "-db", "-f", config]
        process.give(self.directory, self.who)
        self.process = process.start(command, {} if kind == "nginx" else self.who, self.log)
        try:
            for port in (client_port, check_port):
                process.eventually(lambda: self._accepts(port), 20, 0.02, f"the start of {kind} ({self.log})")
        except BaseException:
            self.stop()
            raise

    def _accepts(self, port):
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}: {self.log.read_text()[-3000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        process.end(self.process)
        process.remove(self.directory)
