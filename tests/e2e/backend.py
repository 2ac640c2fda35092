"""What stands beside Kaimen behind a proxy: a business backend that shows what reached it, and a line that counts connections."""
import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import wire


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.served += 1
        reply = json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do

    def log_message(self, *_):
        pass


class Backend:
    """Answers every request with its method, path, headers and body as JSON."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.server.daemon_threads, self.server.served = True, 0
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def served(self):
        return self.server.served

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Line(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 128  # many may come at once


class CountingLine:
    """Forwards TCP connections to `base` and counts them. The target may be changed while it runs."""

    def __init__(self, base):
        self.target, self.connections, self.open, line = wire.address(base), 0, set(), self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                line.connections += 1
                try:
                    other = socket.create_connection(line.target, timeout=10)
                except OSError:
                    return
                other.settimeout(None)
                line.open |= {self.request, other}
                back = threading.Thread(target=line.pump, args=(other, self.request), daemon=True)
                back.start()
                line.pump(self.request, other)
                back.join()
                line.open -= {self.request, other}
                other.close()

        self.server = Line(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cut(self):
        """Closes what is open now, as a server does with connections that were idle."""
        for sock in list(self.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def pump(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        except OSError:
            pass
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()
