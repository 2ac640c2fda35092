"""Kaimen for Python: says who is calling before your application runs, for ASGI (Starlette, FastAPI, Quart) and WSGI (Django, Flask).

Copy this file; it needs Python 3.9 and nothing else. What it does and its options: ../README.md.
"""
import asyncio
import collections
import concurrent.futures
import http.client
import json
import re
import socket
import urllib.parse
from dataclasses import dataclass
from typing import Optional, Tuple

TICKETS = ("authorization", "cookie", "x-kaimen-ticket", "x-wx-skey", "x-request-id")
CLAIMED = re.compile(r"x-(kaimen-(?!ticket$).*|wx-(from-)?(openid|unionid|appid))")
TITLES = {401: "No valid ticket", 403: "Not allowed", 503: "The service is not available at present"}
CODES = {401: "unauthenticated", 403: "forbidden", 503: "unavailable"}
CHECKS_AT_ONCE = 32


def _claims(name):
    """Whether a header says who is calling. Many gateways make one of all that is neither a letter nor a digit."""
    return CLAIMED.fullmatch(re.sub("[^a-z0-9]", "-", name.lower()))


@dataclass(frozen=True)
class Identity:
    user: str
    session: Optional[str]
    app: Optional[str]
    openid: Optional[str]
    unionid: Optional[str]
    external_id: Optional[str]
    roles: Tuple[str, ...]
    env: Optional[str]
    registered: bool
    expires: int
    jwt: Optional[str]
    actor: Optional[str] = None  #: Who of your team looks on in the user's place; None: the user. Refuse them what only the user may do.


class _Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("kaimen", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Checker:
    """Asks /verify over kept connections. Threads may share it."""

    def __init__(self, url="http://127.0.0.1:8081", key=None, check=None, ticket_headers=(), timeout=2.0):
        self._url, self._unix = urllib.parse.urlsplit(url), url[5:] if url.startswith("unix:") else None
        if self._url.scheme not in ("http", "https", "unix"):
            raise ValueError(f"url must be http://…, https://… or unix:…, not {url}")
        self._key, self._timeout = key, timeout
        given = {name: "true" if value is True else value for name, value in (check or {}).items()}
        self._optional = given.get("optional") == "true"
        self._path = "/verify" + ("?" + urllib.parse.urlencode(given) if given else "")
        self._passed = {*TICKETS, *(name.lower() for name in ticket_headers)}
        self._idle = collections.deque()

    def _connect(self):
        if self._unix:
            return _Unix(self._unix, self._timeout)
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.hostname, self._url.port, timeout=self._timeout)

    def _exchange(self, connection, headers):
        connection.putrequest("GET", self._path, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() in self._passed:
                connection.putheader(name, value)
        if self._key:
            connection.putheader("X-Kaimen-Key", self._key)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def ask(self, headers):
        """(204, identity or None, {}) or (401, 403 or 503, None, headers of the refusal). `headers`: pairs, as the client sent them."""
        try:
            try:
                kept = self._idle.pop()
            except IndexError:
                kept = None
            try:
                answer = self._exchange(kept or self._connect(), headers)
            except (ConnectionError, http.client.BadStatusLine):
                if not kept:
                    raise
                kept.close()  # Kaimen closes what has been idle, and the request may not have reached it
                self._idle.clear()
                answer = self._exchange(self._connect(), headers)
        except (OSError, http.client.HTTPException, ValueError):
            return 503, None, {}
        told = answer.headers
        if answer.status == 204 and told["X-Kaimen-User"]:
            # http.client takes a head that breaks off for a whole one; the last line of Kaimen's says until when.
            return (204, self._identity(told), {}) if told["X-Kaimen-Expires"] else (503, None, {})
        if answer.status == 204 and self._optional:
            return 204, None, {}
        # A 204 that names nobody is not Kaimen's, and neither is anything but these.
        return (answer.status if answer.status in (401, 403) else 503), None, told

    @staticmethod
    def _identity(told):
        roles = tuple(role for role in (told["X-Kaimen-Roles"] or "").split(",") if role)
        return Identity(told["X-Kaimen-User"], told["X-Kaimen-Session"], told["X-Kaimen-App"], told["X-Kaimen-Openid"], told["X-Kaimen-Unionid"],
                        told["X-Kaimen-External-Id"], roles, told["X-Kaimen-Env"], told["X-Kaimen-Registered"] == "true",
                        int(told["X-Kaimen-Expires"]), told["X-Kaimen-Jwt"], told["X-Kaimen-Actor"])


def refusal(status, told):
    """Headers and body of the answer."""
    body = {"type": "about:blank", "title": TITLES[status], "status": status, "code": CODES[status]}
    headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    reason = told.get("X-Kaimen-Reason")
    if status == 401:
        headers.append(("WWW-Authenticate", told.get("WWW-Authenticate") or "Bearer"))
    if reason:
        body["reason"] = reason
        headers.append(("X-Kaimen-Reason", reason))
    if told.get("X-Request-Id"):
        body["request_id"] = told.get("X-Request-Id")
    if status == 503:
        headers.append(("Retry-After", "2"))
    text = json.dumps(body).encode()
    return [*headers, ("Content-Length", str(len(text)))], text


class WSGI:
    """application = kaimen.WSGI(application, check={"app_id": "wx…"}); then environ["kaimen"] and REMOTE_USER."""

    def __init__(self, application, **options):
        self._application, self._checker = application, Checker(**options)

    def __call__(self, environ, start_response):
        headers = []
        for name in [name for name in environ if name.startswith("HTTP_")]:
            header = name[5:].replace("_", "-").lower()
            if _claims(header):
                del environ[name]
            else:
                headers.append((header, environ[name]))
        for name in ("REMOTE_USER", "kaimen"):
            environ.pop(name, None)
        status, identity, told = self._checker.ask(headers)
        if status != 204:
            lines, body = refusal(status, told)
            start_response(f"{status} {http.client.responses[status]}", lines)
            return [body]
        environ["kaimen"] = identity
        if identity:
            environ["REMOTE_USER"] = identity.user
        return self._application(environ, start_response)


class ASGI:
    """application = kaimen.ASGI(application, check={"app_id": "wx…"}); then scope["kaimen"]."""

    def __init__(self, application, **options):
        self._application, self._checker = application, Checker(**options)
        self._timeout = options.get("timeout", 2.0)
        self._threads = concurrent.futures.ThreadPoolExecutor(CHECKS_AT_ONCE, "kaimen")

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self._application(scope, receive, send)
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        asking = asyncio.get_running_loop().run_in_executor(self._threads, self._checker.ask, given)
        try:
            status, identity, told = await asyncio.wait_for(asking, self._timeout)
        except asyncio.TimeoutError:
            status, identity, told = 503, None, {}
        if status != 204:
            return await self._refuse(scope, receive, send, status, told)
        honest = [(name, value) for name, value in scope["headers"] if not _claims(name.decode("latin-1"))]
        await self._application({**scope, "headers": honest, "kaimen": identity}, receive, send)

    @staticmethod
    async def _refuse(scope, receive, send, status, told):
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the client gets 403
        lines, body = refusal(status, told)
        await send({"type": "http.response.start", "status": status, "headers": [(name.lower().encode(), value.encode()) for name, value in lines]})
        await send({"type": "http.response.body", "body": body})
