"""The sample configuration of deploy/nginx in a real nginx, with a Kaimen and a backend that shows what reached it."""
import pathlib
import re
import shutil
import socket
import subprocess

import server
import wire
from backend import Backend, CountingLine

SAMPLE = pathlib.Path(__file__).parents[2] / "deploy" / "nginx" / "kaimen.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def adapted(text, listen, replacements):
    """The sample with its addresses changed and nothing else. Each place that must be changed has to be there."""
    for old, new in replacements.items():
        assert old in text, f"{old} is not in {SAMPLE}"
        text = text.replace(old, new)
    text, count = re.subn(r"(?m)^(\s*)listen\s+[^;]+;", rf"\g<1>listen {listen};", text)
    assert count >= 1
    return text


class Site:
    """nginx with the sample, a Kaimen and a backend behind it. `replacements`: further changes of the sample."""

    def __init__(self, directory, replacements=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.kaimen, self.backend = server.Kaimen(directory / "data", environment={"KAIMEN_PUBLIC_URL": self.url}), Backend()
        self.checks = CountingLine(self.kaimen.private)
        text = adapted(SAMPLE.read_text(), f"127.0.0.1:{self.port}", {"127.0.0.1:8080": wire_address(self.kaimen.public), "127.0.0.1:8081": self.checks.address,
                                                                     "127.0.0.1:9000": self.backend.address, **(replacements or {})})
        main = directory / "nginx.conf"
        paths = "".join(f"{name}_temp_path {directory}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main.write_text(f"daemon off;\nuser root;\nworker_processes 1;\npid {directory}/nginx.pid;\nerror_log {directory}/error.log warn;\nevents {{}}\n"
                        f"http {{\naccess_log off;\n{paths}{text}\n}}\n")
        self.error_log = directory / "error.log"
        self.process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(main)], stderr=subprocess.PIPE)
        server.eventually(self.accepts, 10)

    def accepts(self):
        assert self.process.poll() is None, self.process.stderr.read().decode()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def get(self, path, token=None, headers=(), method="GET", **more):
        return wire.call(self.url, method, path, headers=wire.pairs(headers) + (wire.pairs(wire.bearer(token)) if token else []), **more)

    def seen(self, path, token=None, headers=(), **more):
        """What the backend got, as a list of (name, value) with names in lower case."""
        answer = self.get(path, token, headers, **more)
        assert answer.status == 200, answer
        return [(name.lower(), value) for name, value in answer.json()["headers"]]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        if self.kaimen.alive():
            self.kaimen.stop()
        self.checks.close(), self.backend.close()


def wire_address(base):
    return "%s:%d" % wire.address(base)
