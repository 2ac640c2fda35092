"""A small HTTP client that hides nothing: raw status, every header as it came, the body as bytes.

http.client for ordinary requests, plain sockets where the test is about bytes that no honest client sends.
"""
import http.client
import json as json_module
import re
import socket
import urllib.parse

ID = re.compile(r"[0-9a-f]{32}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is doubled: {values}"
        return values[0] if values else None

    def json(self):
        return json_module.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:600]!r}>"


def pairs(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connection(base, timeout=30):
    if base.startswith("unix:"):
        return UnixConnection(base[5:], timeout)
    url = urllib.parse.urlsplit(base)
    return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)


def send(conn, method, path, json=None, body=None, headers=()):
    """One request over an open connection; the connection stays usable."""
    headers = pairs(headers)
    if json is not None:
        body = json_module.dumps(json, ensure_ascii=False).encode()
        if not any(key.lower() == "content-type" for key, _ in headers):
            headers.append(("Content-Type", "application/json"))
    conn.putrequest(method, path, skip_accept_encoding=True)
    for key, value in headers:
        conn.putheader(key, value)
    if body is not None:
        conn.putheader("Content-Length", str(len(body)))
    elif method in ("POST", "PUT", "PATCH"):
        conn.putheader("Content-Length", "0")
    conn.endheaders(body)
    response = conn.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


def call(base, method, path, timeout=30, **request):
    conn = connection(base, timeout)
    try:
        return send(conn, method, path, **request)
    finally:
        conn.close()


def address(base):
    url = urllib.parse.urlsplit(base)
    return url.hostname, url.port


def raw(base, data, timeout=5, half_close=False):
    """Sends bytes as they are and returns all that comes until the peer closes, and whether it did close."""
    with socket.create_connection(address(base), timeout=timeout) as sock:
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the answer may come, and the line close, before all was sent
        received = b""
        while True:
            try:
                chunk = sock.recv(65536)
            except socket.timeout:
                return received, False
            except ConnectionResetError:
                return received, True
            if not chunk:
                return received, True
            received += chunk


def statuses(received):
    """The status codes of all answers in a byte stream."""
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n", received)]


class KeptLine:
    """One kept-alive connection for many small requests of which only the status matters; opens anew when the server closes."""

    def __init__(self, base):
        self.base, self.sock, self.left = base, None, b""

    def status(self, data):
        for _ in range(3):
            if self.sock is None:
                self.sock, self.left = socket.create_connection(address(self.base), timeout=10), b""
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.sock.sendall(data)
                return self._read()
            except (ConnectionError, EOFError):
                self.close()
        raise AssertionError("the server closes without an answer")

    def _read(self):
        while b"\r\n\r\n" not in self.left:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError
            self.left += chunk
        head, self.left = self.left.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        need = int(length[1]) if length else 0
        while len(self.left) < need:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError
            self.left += chunk
        self.left = self.left[need:]
        if re.search(rb"(?i)\r\nconnection: close", head):
            self.close()
        return int(head[9:12])

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock = None


def problem(answer, status, code, reason=None):
    """Asserts the one error shape of the contract and returns the document."""
    assert answer.status == status, answer
    assert answer.get("content-type").split(";")[0] == "application/problem+json", answer
    document = answer.json()
    assert document["status"] == status and document["code"] == code, answer
    assert document["type"] == "about:blank" and document["title"], answer
    assert document["request_id"] == answer.get("x-request-id"), answer
    assert document.get("reason") == reason or reason is None, answer
    return document


def bearer(ticket):
    return {"Authorization": f"Bearer {ticket}"}
