"""A team's own backend, as resolve_url asks it: a real HTTP server that checks the signature and answers what a test tells it."""
import hashlib
import hmac
import http.server
import json
import threading
import time


class Backend:
    def __init__(self, secret):
        self.secret, self.asked, self.users, self.lock = secret, [], {}, threading.Lock()
        self.status, self.body, self.pause = None, None, 0
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                question = json.loads(body)
                with backend.lock:
                    backend.asked.append(question)
                    status, answer, pause = backend.status, backend.body, backend.pause
                time.sleep(pause)
                if not backend.signed(self.headers["X-Kaimen-Signature"], body):
                    status, answer = 401, b"{}"
                if status is None:
                    user = backend.users.get(question["openid"])
                    status, answer = (200, json.dumps(user).encode()) if user else (404, b"{}")
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/who"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def signed(self, header, body):
        parts = dict(part.split("=", 1) for part in header.split(","))
        fresh = abs(time.time() - int(parts["t"])) < 300
        wanted = hmac.new(self.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        return fresh and hmac.compare_digest(wanted, parts["v1"])

    def answer(self, status, body=b"{}", pause=0):
        with self.lock:
            self.status, self.body, self.pause = status, body, pause

    def close(self):
        self.server.shutdown()
        self.server.server_close()
