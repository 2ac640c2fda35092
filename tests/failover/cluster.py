"""Several Kaimen nodes on one database, as an operator would run them: the real binary in production mode, one master key, a data directory
each."""
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
for folder in ("servers", "e2e"):
    sys.path.insert(0, str(HERE.parent / folder))
import process
import wire

APP, SECRET = "wxfailover00000001", "0123456789abcdef0123456789abcdef"
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:).*")


def binary(variable="KAIMEN_BIN"):
    path = os.environ.get(variable)
    assert path and os.access(path, os.X_OK), f"{variable} must name the program"
    return path


class Node:
    """One node; it keeps its addresses over restarts, as proxies before it expect. `program`: the variable that names it."""

    program = "KAIMEN_BIN"

    def __init__(self, directory, number, store_url, key, upstream, grace):
        self.number, self.data, self.process = number, directory / f"node{number}", None
        self.data.mkdir(mode=0o700)
        self.log, self.config = directory / f"node{number}.log", self.data / "kaimen.toml"
        ports = process.free_ports(2)
        self.public, self.private = (f"http://127.0.0.1:{port}" for port in ports)
        self.config.write_text(f'threads = 1\n[public]\nlisten = "127.0.0.1:{ports[0]}"\n[private]\nlisten = "127.0.0.1:{ports[1]}"\n'
                               f'[store]\nurl = "{store_url}"\n'
                               f'revocation_grace_seconds = {grace}\n[outbound]\nallow_private = ["127.0.0.0/8"]\n[upstreams.wechat]\nbase_url = "http://127.0.0.1:{upstream}"\n')
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KAIMEN_")}
        self.environment = {**clean, "KAIMEN_MASTER_KEY": key}

    def spawn(self):
        self.process = process.start([binary(self.program), "serve", "--config", self.config, "--data", self.data], {}, self.log, env=self.environment)

    def is_ready(self):
        assert self.process.poll() is None, \
            f"node {self.number} ended with {self.process.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}"
        try:
            return wire.call(self.private, "GET", "/readyz", timeout=2).status == 200
        except OSError:
            return False

    def start(self, seconds=60):
        self.spawn()
        process.eventually(self.is_ready, seconds, 0.02, f"node {self.number}'s being ready")

    def kill(self):
        process.kill_all(self.process.pid)
        self.process.wait()

    def drain(self, seconds=60):
        """SIGTERM: it finishes what it has begun."""
        self.process.terminate()
        code = self.process.wait(seconds)
        assert code == 0, f"node {self.number} ended with {code}:\n{self.log.read_text(errors='replace')[-3000:]}"

    def stop(self):
        if self.process and self.process.poll() is None:
            process.end(self.process)
        found = SANITIZER.search(self.log.read_text(errors="replace")) if self.log.exists() else None
        assert not found, self.log.read_text(errors="replace")[found.start():found.start() + 4000]

    def run(self, *arguments, stdin=None):
        done = subprocess.run([binary(self.program), *arguments, "--config", self.config, "--data", self.data], env=self.environment, input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def verify(self, ticket):
        return wire.call(self.private, "GET", "/verify", headers=wire.bearer(ticket), timeout=10)

    def login(self, code):
        return wire.call(self.public, "POST", "/v1/login", json={"app_id": APP, "code": code}, timeout=30)

    def log_out(self, ticket):
        return wire.call(self.public, "DELETE", "/v1/session", headers=wire.bearer(ticket), timeout=30)


class Cluster:
    """`store_urls`: one for each node. The app has no limit of sessions for one user."""

    def __init__(self, directory, store_urls, grace=300):
        self.upstream, = process.free_ports(1)
        key = os.urandom(32).hex()
        self.nodes = [Node(directory, number, url, key, self.upstream, grace) for number, url in enumerate(store_urls)]
        try:
            self.nodes[0].start()
            self.nodes[0].run("app", "add", APP, "--set", "max_per_user=0", stdin=SECRET)
            for node in self.nodes[1:]:
                node.start()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for node in self.nodes:
            node.stop()


class Load:
    """The history driver against nodes, or against a front before them; faults are noted with their times as they are made."""

    def __init__(self, cluster, directory=None, front=None, seed=None, **numbers):
        self.directory = directory or pathlib.Path(tempfile.mkdtemp(prefix="kaimen-history-"))
        self.seed = int(os.environ.get("KAIMEN_TEST_SEED", 0)) or seed or time.time_ns() % 1_000_000
        self.history, self.faults, self.events, self.front = self.directory / "history", self.directory / "faults", [], front is not None
        nodes = [front] if front else cluster.nodes
        arguments = {"public": ",".join(node.public for node in nodes), "private": ",".join(node.private for node in nodes), "app": APP,
                     "upstream": cluster.upstream, "out": self.history, "seed": self.seed, **numbers}
        command = [binary("KAIMEN_HISTORY_DRIVER")]
        for name, value in arguments.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def note(self, what, node=None):
        self.events.append({"at": time.monotonic(), "node": node, "what": what})

    def is_loading(self):
        """Whether the load still goes on; it ends by itself if it was given a number of operations."""
        assert self.process.poll() is None, f"the driver ended with {self.process.returncode}"
        return not select.select([self.process.stdout], [], [], 0)[0]

    def pause(self, seconds):
        """Sleeps so long, or until the load ends."""
        select.select([self.process.stdout], [], [], seconds)

    def end(self):
        """Stops the load."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def loaded(self):
        """Waits until the load has ended."""
        line = self.process.stdout.readline()
        assert line, f"the driver ended with {self.process.wait()}"
        return json.loads(line)["loaded"]

    def look_at_all(self, timeout=600):
        """After all is healed: every ticket on every node. The driver's own summary."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert self.process.wait(timeout) == 0 and line
        self.faults.write_text("".join(json.dumps(event) + "\n" for event in self.events))
        return json.loads(line)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
