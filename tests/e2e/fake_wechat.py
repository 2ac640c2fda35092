"""A WeChat that a test scripts answer by answer: it can hang, cut the line, lie and shout.

It is not the sandbox on purpose: what it sends is written here byte by byte, and it shows each request exactly as it came.
"""
import json
import socket
import threading
import time
import urllib.parse

HANG = object()   # reads the request and never answers
CUT = object()    # reads the request and closes without a byte


class Part:
    """Sends its bytes and closes, though more was promised."""

    def __init__(self, data):
        self.data = data


class Drip:
    """Sends its bytes one by one, with a pause before each."""

    def __init__(self, data, pause):
        self.data, self.pause = data, pause


def answer(body, content_type="text/plain; charset=utf-8", status="200 OK"):
    """A whole HTTP answer; WeChat's own come as text/plain."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Seen:
    """One request as it came."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, self.query_text = target.partition("?")
        self.query = urllib.parse.parse_qsl(self.query_text, keep_blank_values=True)


class FakeWechat:
    def __init__(self):
        self.seen, self.scripts, self.open, self.lock = [], {}, set(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.closing = threading.Event()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def script(self, path, *answers):
        """What `path` answers next; the last one stays. Each is bytes, HANG, CUT, a Part, a Drip or a function of Seen that gives one of those."""
        with self.lock:
            self.scripts[path] = list(answers)

    def count(self, path="/sns/jscode2session"):
        with self.lock:
            return sum(one.path == path for one in self.seen)

    def requests(self, path="/sns/jscode2session"):
        with self.lock:
            return [one for one in self.seen if one.path == path]

    def refuse(self):
        """From now on connections are refused, and those that are open end."""
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts, which close alone does not
        self.listener.close()
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def listen_again(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        self.closing.set()
        self.refuse()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            left = b""
            while True:
                request, left = self._read(sock, left)
                if request is None:
                    return
                reply = self._reply(request)
                if reply is HANG:
                    self.closing.wait(60)
                    return
                if reply is CUT:
                    return
                if isinstance(reply, Drip):
                    for byte in reply.data:
                        time.sleep(reply.pause)
                        sock.sendall(bytes([byte]))
                elif isinstance(reply, Part):
                    sock.sendall(reply.data)
                    return
                else:
                    sock.sendall(reply)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    @staticmethod
    def _read(sock, left):
        while b"\r\n\r\n" not in left:
            chunk = sock.recv(65536)
            if not chunk:
                return None, b""
            left += chunk
        head, left = left.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(left) < length:
            chunk = sock.recv(65536)
            if not chunk:
                return None, b""
            left += chunk
        return Seen(method, target, headers, left[:length]), left[length:]

    def _reply(self, request):
        with self.lock:
            self.seen.append(request)
            answers = self.scripts.get(request.path)
            reply = (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else self.usual(request)
        return reply(request) if callable(reply) else reply

    def usual(self, request):
        """An honest answer where nothing was scripted: every code is good and names its user."""
        if request.path == "/sns/jscode2session":
            code = dict(request.query)["js_code"]
            return answer({"openid": f"oFake_{abs(hash(code)) % 10**20:020d}", "session_key": "tiihtNczf5v6AKRyjwEUhQ=="})
        if request.path == "/cgi-bin/stable_token":
            return answer({"access_token": "fake-access-token", "expires_in": 7200}, "application/json")
        return answer({"errcode": 0, "errmsg": "ok"})
