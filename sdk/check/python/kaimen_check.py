"""Checks Kaimen's tickets in this process, over libkaimen_check by ctypes; asks a node's /verify where nothing can be said.

    from kaimen_check import Check
    check = Check("/run/kaimen/check", verify="http://127.0.0.1:8081/verify")
    answer = check.request({"Authorization": "Bearer km1.…"}, app_id="wx…")
    if answer.status == 204 and answer.user: ...

Without the library or the file every check asks `verify`; without that too it is 503. One file, nothing but the standard library; any thread.
Who can read the state file can also make tickets.
"""
import ctypes
import http.client
import os
import threading
import urllib.parse

TICKET_HEADERS = ("authorization", "x-kaimen-ticket", "cookie", "x-wx-skey")
TIMEOUT_SECONDS = 2
_LINES = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class _Identity(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in ("status", "reason", "unsure", "identified", "registered")] + [
        ("generation", ctypes.c_uint32), ("issued_ms", ctypes.c_uint64), ("expires", ctypes.c_uint64),
        ("user", ctypes.c_char * 40), ("session", ctypes.c_char * 40), ("app_id", ctypes.c_char * 72), ("project", ctypes.c_char * 72), ("env", ctypes.c_char * 16),
        ("openid", ctypes.c_char_p), ("unionid", ctypes.c_char_p), ("external_id", ctypes.c_char_p), ("roles", ctypes.c_char_p), ("text", ctypes.c_char * 1040)]


class _Presented(ctypes.Structure):
    _fields_ = [("ticket", ctypes.c_void_p), ("size", ctypes.c_size_t), ("kind", ctypes.c_int32), ("seen", ctypes.c_int32)]


class _Wanted(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("app_id", "project", "role", "env")] + [("registered", ctypes.c_int32), ("optional", ctypes.c_int32)]


def _load(name):
    library = ctypes.CDLL(name)
    library.kaimen_check_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    library.kaimen_check_close.argtypes = [ctypes.c_void_p]
    library.kaimen_check_close.restype = None
    library.kaimen_presented_header.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Presented), ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
                                                ctypes.c_char_p]
    library.kaimen_presented_header.restype = None
    library.kaimen_check_request.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Presented), ctypes.POINTER(_Wanted), ctypes.POINTER(_Identity)]
    library.kaimen_reason_name.argtypes = library.kaimen_unsure_text.argtypes = [ctypes.c_int]
    library.kaimen_reason_name.restype = library.kaimen_unsure_text.restype = ctypes.c_char_p
    if library.kaimen_check_abi() != 1:
        raise OSError("another version of libkaimen_check")
    return library


class Answer:
    """status: 204, 401 (reason says why), 403, 503 (unsure says why). user is "" where nobody is identified."""

    __slots__ = ("status", "reason", "unsure", "user", "session", "app_id", "openid", "unionid", "external_id", "roles", "env", "registered", "expires")

    def __init__(self, status, **known):
        self.status = status
        for name in self.__slots__[1:]:
            setattr(self, name, known.get(name, ""))
        self.roles = [role for role in (self.roles or "").split(",") if role]
        self.registered, self.expires = self.registered is True or self.registered == "true", int(self.expires or 0)

    def __repr__(self):
        return f"<kaimen {self.status} {self.reason or self.unsure or self.user}>"


class Check:
    def __init__(self, state=None, verify=None, library=None, ticket_headers=()):
        """state: the state file; verify: the address of a node's /verify, http://… or https://… (ValueError for others). Either may be None.
        library: a path, else as ld.so finds it. ticket_headers: session.ticket_headers, for `verify`; the state file knows them."""
        self._library = self._handle = None
        self._sent = {*TICKET_HEADERS, *(name.lower() for name in ticket_headers)}
        self._verify = urllib.parse.urlsplit(verify) if verify else None
        if self._verify and not (self._verify.scheme in _LINES and self._verify.hostname):
            raise ValueError(f"verify must be http://… or https://…, not {verify}")
        self._local = threading.local()
        if not state:
            return
        try:
            self._library = _load(library or os.environ.get("KAIMEN_CHECK_LIBRARY") or "libkaimen_check.so.1")
        except OSError:
            if not verify:
                raise
            return
        handle = ctypes.c_void_p()
        failed = self._library.kaimen_check_open(os.fsencode(state), ctypes.byref(handle))
        if failed:
            raise OSError(failed, os.strerror(failed), state)
        self._handle = handle

    def close(self):
        """No check may be under way."""
        if self._handle:
            self._library.kaimen_check_close(self._handle)
            self._handle = None

    def ticket(self, ticket, **wanted):
        return self.request([("X-Kaimen-Ticket", ticket)], **wanted)

    def request(self, headers, **wanted):
        """headers: a mapping, or pairs (for names that come twice); bytes or str. wanted: app_id, project, role, env, registered, optional: the
        options of /verify. Raises TypeError for others, and for a yes or no that is neither."""
        unknown = set(wanted) - {"app_id", "project", "role", "env", "registered", "optional"}
        if unknown:
            raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
        wanted = {**wanted, "registered": _is("registered", wanted), "optional": _is("optional", wanted)}
        pairs = [(_bytes(name), _bytes(value)) for name, value in (headers.items() if hasattr(headers, "items") else headers)]
        answer = self._inside(pairs, wanted) if self._handle else Answer(503, unsure="no library or no state file")
        return self._ask(pairs, wanted) if answer.status == 503 and self._verify else answer

    def _inside(self, pairs, wanted):
        presented, who = _Presented(), _Identity()
        for name, value in pairs:
            self._library.kaimen_presented_header(self._handle, presented, name, len(name), value, len(value), None)
        texts = [_bytes(wanted.get(name) or "") for name in ("app_id", "project", "role", "env")]
        asked = _Wanted(*texts, wanted["registered"], wanted["optional"])
        status = self._library.kaimen_check_request(self._handle, presented, asked, who)
        if status == 401:
            return Answer(401, reason=self._library.kaimen_reason_name(who.reason).decode())
        if status == 503:
            return Answer(503, unsure=self._library.kaimen_unsure_text(who.unsure).decode())
        if not who.identified:
            return Answer(status)
        known = {name: getattr(who, name).decode() for name in ("user", "session", "app_id", "openid", "unionid", "external_id", "roles", "env")}
        return Answer(status, registered=bool(who.registered), expires=who.expires, **known)

    def _ask(self, pairs, wanted):
        options = {name: "true" if value is True else value for name, value in wanted.items() if value}
        path = (self._verify.path or "/verify") + ("?" + urllib.parse.urlencode(options) if options else "")
        for fresh in (False, True):
            line = None if fresh else getattr(self._local, "line", None)
            kept = line is not None
            try:
                if not kept:
                    kind = _LINES[self._verify.scheme]
                    line = kind(self._verify.hostname, self._verify.port or kind.default_port, timeout=TIMEOUT_SECONDS)
                line.putrequest("GET", path)
                for name, value in pairs:
                    if name.decode("latin-1").lower() in self._sent:
                        line.putheader(name, value)
                line.endheaders()
                response = line.getresponse()
                response.read()
                self._local.line = line
                return self._answer_of(response, wanted["optional"])
            except (OSError, http.client.HTTPException, ValueError):
                self._local.line = None
                if not kept:
                    break
        return Answer(503, unsure="/verify cannot be reached")

    @staticmethod
    def _answer_of(response, optional):
        def given(name):
            return (response.getheader(f"X-Kaimen-{name}") or "").encode("latin-1").decode("utf-8", "replace")
        if response.status == 401:
            return Answer(401, reason=given("Reason"))
        if response.status != 204:
            return Answer(403) if response.status == 403 else Answer(503, unsure=f"/verify answers {response.status}")
        if not given("User") and not optional:
            return Answer(503, unsure="/verify names nobody")  # somebody else's 204
        if given("Actor"):
            return Answer(403)  # a support view, refused as inside
        return Answer(204, user=given("User"), session=given("Session"), app_id=given("App"), openid=given("Openid"), unionid=given("Unionid"),
                      external_id=given("External-Id"), roles=given("Roles"), env=given("Env"), registered=given("Registered"), expires=given("Expires"))


def _is(name, wanted):
    """Configuration often has its yes and no as texts, and "false" is not yes."""
    value = wanted.get(name) or False
    if value not in (True, False, "true", "false"):
        raise TypeError(f"{name} must be True or False")
    return value in (True, "true")


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")
