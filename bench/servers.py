"""The processes of a benchmark: each server pinned to core 0, loopback only, all ended when the run ends."""
import atexit
import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import time

SERVER_CORE, LOAD_CORE = "0", "1"
APP_ID, SECRET = "wxbench0000000001", "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse battery"
STARTED = []


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(address, seconds=10):
    end = time.monotonic() + seconds
    while True:
        family = socket.AF_UNIX if address.startswith("unix:") else socket.AF_INET
        to = address[5:] if family == socket.AF_UNIX else ("127.0.0.1", int(address.rsplit(":", 1)[1]))
        with socket.socket(family) as sock:
            try:
                sock.connect(to)
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError(f"nothing listens at {address}")
        time.sleep(0.01)


class Server:
    """A process, and the process ids whose CPU time is its own."""

    def __init__(self, name, command, directory, core=SERVER_CORE, environment=None, stdout=None):
        self.name, self.log = name, directory / f"{name}.log"
        pinned = ["taskset", "-c", core, *map(str, command)] if core else list(map(str, command))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(pinned, stdout=stdout or log, stderr=log, env={**os.environ, **(environment or {})})
        STARTED.append(self)
        self.address = self.unix = None

    @property
    def pids(self):
        return [self.process.pid]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in STARTED:
            STARTED.remove(self)

    def rss(self):
        """Resident memory in bytes, without pages shared with others' files."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")


@atexit.register
def stop_all():
    for server in list(STARTED):
        server.stop()


class Kaimen(Server):
    """The real binary with a real configuration; `prepare` has made its data directory."""

    def __init__(self, build, data, name="kaimen", threads=1, core=SERVER_CORE, environment=None, upstream="http://127.0.0.1:9", store_url=None, state=None):
        config = data / "kaimen.toml"
        config.write_text(f'threads = {threads}\n[public]\nlisten = "127.0.0.1:0"\n[private]\nlisten = "127.0.0.1:0"\n'
                          f'unix_socket = "{data}/private.sock"\n[upstreams.wechat]\nbase_url = "{upstream}"\n' + store_table(store_url) +
                          (f'[check]\nstate_file = "{state}"\n' if state else ""))
        self.build, self.data, self.config = build, data, config
        begun = time.monotonic()
        super().__init__(name, [build / "kaimen", "serve", "--config", config, "--data", data, "--json"], data.parent, core, environment, subprocess.PIPE)
        line = self.process.stdout.readline()
        self.ready_ms = (time.monotonic() - begun) * 1000
        if not line:
            raise RuntimeError(f"kaimen did not start: {self.log.read_text()[-2000:]}")
        ready = json.loads(line)
        self.public = ready["public"].removeprefix("http://")
        self.address = ready["private"].removeprefix("http://")
        self.unix = f"unix:{data}/private.sock"

    def post(self, path, body, status):
        connection = http.client.HTTPConnection(self.public, timeout=10)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        if answer.status != status:
            raise RuntimeError(f"{path}: {answer.status} {found}")
        return found

    def login(self, number):
        return self.post("/v1/login", {"app_id": APP_ID, "code": f"bench-{number:016x}"}, 200)["token"]

    def register(self, username):
        self.post("/v1/password/register", {"app_id": APP_ID, "username": username, "password": PASSWORD}, 201)


def store_table(url):
    return f'[store]\nurl = "{url}"\n' if url else ""


def turn_on(build, data, setting):
    """Sets a setting of the app of a server that does not run."""
    subprocess.run([build / "kaimen", "app", "set", APP_ID, "--set", setting, "--config", data / "kaimen.toml", "--data", data], check=True, capture_output=True)


def prepare(build, data, store_url=None):
    """A data directory with a master key and one app; returns the app's number where the store is in the directory."""
    data.mkdir(parents=True)
    data.chmod(0o700)
    key = data / "master.key"
    key.write_bytes(os.urandom(32).hex().encode())
    key.chmod(0o600)
    (data / "kaimen.toml").write_text(store_table(store_url))
    (data / "kaimen.toml").chmod(0o600)
    subprocess.run([build / "kaimen", "app", "add", APP_ID, "--config", data / "kaimen.toml", "--data", data], input=SECRET, text=True, check=True, capture_output=True)
    if store_url:
        return None
    import sqlite3  # read once, while no server has the file open
    with sqlite3.connect(data / "kaimen.db") as database:
        number = database.execute("SELECT number FROM apps").fetchone()[0]
    return number


class Nginx(Server):
    """One worker. `return 204` at /verify; a static file alone and behind auth_request."""

    def __init__(self, directory, kaimen=None, constant=None):
        self.directory = directory / "nginx"
        (self.directory / "files").mkdir(parents=True, exist_ok=True)
        (self.directory / "files" / "page").write_bytes(b"x" * 1024)
        port, local = free_port(), self.directory / "nginx.sock"
        checks = {"tcp": kaimen and kaimen.address, "unix": kaimen and kaimen.unix, "constant": constant and constant.address}
        upstreams, locations = "", ""
        for name, address in checks.items():
            if not address:
                continue
            upstreams += f"upstream check_{name} {{ server {address}; keepalive 64; keepalive_requests 1000000000; }}\n"
            locations += f"""
    location /{name}/ {{ auth_request /_{name}; auth_request_set $kaimen_user $upstream_http_x_kaimen_user; alias {self.directory}/files/; }}
    location = /_{name} {{ internal; proxy_pass http://check_{name}/verify; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Kaimen-Key ""; proxy_set_header Content-Length "";
      proxy_pass_request_body off; }}"""
        config = self.directory / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(f"""daemon off; {user} worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/error.log;
events {{ worker_connections 16384; }}
worker_rlimit_nofile 40000;
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600; open_file_cache max=100;
  client_body_temp_path {self.directory}/body; proxy_temp_path {self.directory}/proxy; fastcgi_temp_path {self.directory}/fastcgi;
  uwsgi_temp_path {self.directory}/uwsgi; scgi_temp_path {self.directory}/scgi;
  {upstreams}
  server {{
    listen 127.0.0.1:{port} backlog=4096; listen unix:{local};
    location = /verify {{ return 204; }}
    location /plain/ {{ alias {self.directory}/files/; }}{locations}
  }}
}}
""")
        super().__init__("nginx", ["nginx", "-p", self.directory, "-c", config, "-e", self.directory / "error.log"], directory)
        self.address, self.unix = f"127.0.0.1:{port}", f"unix:{local}"
        wait_for(self.address)

    @property
    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]


def raw_epoll(build, directory):
    port = free_port()
    server = Server("raw_epoll", [build / "bench/raw_epoll", f"127.0.0.1:{port}"], directory)
    server.address = f"127.0.0.1:{port}"
    wait_for(server.address)
    return server


def constant(build, directory):
    port, local = free_port(), directory / "constant.sock"
    server = Server("constant", [build / "bench/constant", f"127.0.0.1:{port}", local], directory)
    server.address, server.unix = f"127.0.0.1:{port}", f"unix:{local}"
    wait_for(server.address)
    return server


def upstream(build, directory, *arguments, core=LOAD_CORE, tls=None):
    port = free_port()
    extra = ["--tls", *tls] if tls else []
    server = Server(f"upstream-{port}", [build / "bench/upstream", "--listen", f"127.0.0.1:{port}", *arguments, *extra], directory, core)
    server.address = f"127.0.0.1:{port}"
    server.url = f"https://localhost:{port}" if tls else f"http://{server.address}"
    wait_for(server.address)
    return server


def certificate(directory):
    """A test CA and a certificate of localhost: (certificate file, key file), CA file."""
    ca, key, request, leaf = (directory / name for name in ("ca.pem", "leaf.key", "leaf.csr", "leaf.pem"))
    run = lambda *command: subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", directory / "ca.key", "-out", ca, "-days", "2", "-subj", "/CN=bench CA")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    extensions = directory / "leaf.ext"
    extensions.write_text("subjectAltName = DNS:localhost\n")
    run("x509", "-req", "-in", request, "-CA", ca, "-CAkey", directory / "ca.key", "-out", leaf, "-days", "2", "-extfile", extensions)
    return (leaf, key), ca


def load(build, servers, streams, seconds, warmup=0.3, core=LOAD_CORE):
    """One run of the load generator: its JSON, with the streams by name and the CPU time of each server by its name."""
    command = [build / "bench/load", "--warmup", warmup, "--seconds", seconds]
    if core:
        command += ["--cpu", core]
    for server in servers:
        for pid in server.pids:
            command += ["--watch", pid]
    for stream in streams:
        command.append(",".join(f"{key}={value}" for key, value in stream.items()))
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=warmup + seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"load: {done.stderr}")
    result = json.loads(done.stdout)
    result["streams"] = {stream["name"]: stream for stream in result["streams"]}
    return result


def raise_file_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def median(values):
    return statistics.median(values)


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
