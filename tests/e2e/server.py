"""One Kaimen process under test: started with the real binary, talked to over real sockets, stopped as an operator would.

Every stop looks at the exit code and at what the sanitizers wrote.
"""
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import wire

START_SECONDS = 60  # an ASan binary on a loaded machine
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:).*")


def binary():
    path = os.environ.get("KAIMEN_BIN")
    assert path and os.access(path, os.X_OK), "KAIMEN_BIN must name the kaimen binary"
    return path


def clean_environment(extra=None):
    """The caller's environment without KAIMEN_*, which the server would read as configuration."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KAIMEN_")}
    environment.update({"TZ": "Asia/Shanghai"})  # a time zone that is not UTC shows local time in answers
    environment.update(extra or {})
    return environment


def run(*arguments, environment=None, stdin=None, timeout=60):
    """A command of the CLI to its end."""
    done = subprocess.run([binary(), *map(str, arguments)], env=clean_environment(environment), input=stdin, capture_output=True, text=True,
                          timeout=timeout)
    assert not SANITIZER.search(done.stderr), done.stderr[:4000]
    return done


class Kaimen:
    def __init__(self, data, *arguments, environment=None):
        self.data, self.arguments, self.environment = data, arguments, environment or {}
        self.process, self.log_path = None, data.parent / f"{data.name}.stderr"
        self.app_id, self.admin_key = None, None
        self.start()

    # Process

    def command(self):
        return [binary(), "serve", "--dev", "--json", "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", "--sandbox", "127.0.0.1:0",
                "--data", str(self.data), *map(str, self.arguments)]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), env=clean_environment(self.environment), stdout=subprocess.PIPE, stderr=log, text=True)
        lines = queue.Queue()
        threading.Thread(target=self._pump, args=(self.process.stdout, lines), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            line = ""
        if not line:
            self.process.kill()
            raise AssertionError(f"no ready line; exit {self.process.wait()}; stderr:\n{self.log()[-4000:]}")
        self.ready = json.loads(line)
        self.public, self.private = self.ready["public"], self.ready["private"]
        self.sandbox = self.ready.get("sandbox")
        self.app_id = self.ready.get("app_id") or self.app_id
        self.admin_key = self.ready.get("admin_key") or self.admin_key

    @staticmethod
    def _pump(stream, lines):
        for line in stream:
            lines.put(line)
        lines.put("")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, timeout=40):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.check_log()
        assert code == 0, f"exit {code}; stderr:\n{self.log()[-3000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.check_log()

    def restart(self):
        self.stop()
        self.start()

    def check_log(self):
        found = SANITIZER.search(self.log())
        assert not found, self.log()[found.start():found.start() + 4000]

    def alive(self):
        return self.process.poll() is None

    # The phone and WeChat's control side

    def control(self, method, path, json=None):
        answer = wire.call(self.sandbox, method, path, json=json)
        assert answer.status in (200, 201, 204), answer
        return answer.json() if answer.body else None

    def code(self, user, app_id=None, **extra):
        return self.control("POST", "/sandbox/login", {"appid": app_id or self.app_id, "user": user, **extra})["code"]

    def faults(self, **fault):
        self.control("PUT", "/sandbox/faults", fault)

    def calls(self, path="/sns/jscode2session"):
        answer = self.control("GET", "/sandbox/calls")
        return [one for one in answer.get("calls", answer.get("items")) if one["path"] == path]

    # The client

    def client(self, method, path, ticket=None, **request):
        headers = wire.pairs(request.pop("headers", ()))
        if ticket:
            headers += wire.pairs(wire.bearer(ticket))
        return wire.call(self.public, method, path, headers=headers, **request)

    def post_login(self, code, headers=(), **fields):
        body = {"app_id": self.app_id, "code": code, **fields}
        return wire.call(self.public, "POST", "/v1/login", json=body, headers=headers)

    def login(self, user, app_id=None, headers=(), **fields):
        app_id = app_id or self.app_id
        answer = self.post_login(self.code(user, app_id), headers, app_id=app_id, **fields)
        assert answer.status == 200, answer
        return answer.json()

    def renew(self, token):
        return self.client("POST", "/v1/session/renew", json={"renew_token": token})

    # The backend

    def verify(self, ticket=None, query="", headers=(), method="GET"):
        headers = wire.pairs(headers) + (wire.pairs(wire.bearer(ticket)) if ticket else [])
        return wire.call(self.private, method, "/verify" + (f"?{query}" if query else ""), headers=headers)

    def introspect(self, token):
        return wire.call(self.private, "POST", "/introspect", body=urllib.parse.urlencode({"token": token}).encode(),
                         headers={"Content-Type": "application/x-www-form-urlencoded"})

    # The operator

    def admin(self, method, path, json=None, key=None):
        return wire.call(self.private, method, "/admin/v1" + path, json=json, headers=wire.bearer(key or self.admin_key))

    def add_app(self, app_id, project="default", secret=None, settings=None, upstream_secret=None, **more):
        """An app in Kaimen and, where there is one, in the sandbox."""
        secret = secret or f"secret-of-{app_id}-0123456789"
        if self.sandbox:
            self.control("POST", "/sandbox/apps", {"appid": app_id, "secret": upstream_secret or secret})
        body = {"project": project, "app_id": app_id, "platform": "wechat", "secret": secret, "name": app_id, **more}
        if settings is not None:
            body["settings"] = settings
        answer = self.admin("POST", "/apps", json=body)
        assert answer.status in (200, 201), answer
        return app_id


def assert_reason(answer, reason):
    """A refused check: 401, the reason, and the one header that nginx passes on."""
    assert answer.status == 401, answer
    assert answer.get("x-kaimen-reason") == reason, answer
    assert f'error="invalid_token", error_description="{reason}"' in answer.get("www-authenticate"), answer
    assert not answer.all("x-kaimen-user") and not answer.all("x-kaimen-openid"), answer


def eventually(check, seconds=5.0, pause=0.02):
    """Polls until `check` is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(pause)


def parallel(count, work):
    """Runs work(index) on `count` threads that start together; returns the results, or raises the first exception."""
    barrier, results = threading.Barrier(count), [None] * count

    def one(index):
        try:
            barrier.wait(30)
            results[index] = work(index)
        except BaseException as error:  # handed to the caller's thread
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
