"""HTTP as attackers speak it: framing, limits, slowness; and how a server goes."""
import json
import signal
import socket
import statistics
import threading
import time

import pytest

import server
import wire

HOST = b"Host: kaimen\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: kaimen\r\n\r\n"


def post(headers, body=b"", line=b"POST /v1/login HTTP/1.1\r\n"):
    return line + HOST + headers + b"\r\n" + body


# Framing that two parsers could read in two ways

AMBIGUOUS = {
    "length and chunks": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunks and length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: 41\r\n", SMUGGLED),
    "two equal lengths": post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}" + SMUGGLED),
    "a list of lengths": post(b"Content-Length: 2, 2\r\n", b"{}" + SMUGGLED),
    "a signed length": post(b"Content-Length: +2\r\n", b"{}" + SMUGGLED),
    "a negative length": post(b"Content-Length: -1\r\n", b"{}" + SMUGGLED),
    "a hex length": post(b"Content-Length: 0x2\r\n", b"{}" + SMUGGLED),
    "a length with a blank": post(b"Content-Length: 1 1\r\n", b"{}" + SMUGGLED),
    "an empty length": post(b"Content-Length: \r\n", b"{}" + SMUGGLED),
    "a length beyond 64 bits": post(b"Content-Length: 18446744073709551618\r\n", b"{}" + SMUGGLED),
    "a folded header": post(b"X-A: b\r\n c: d\r\nContent-Length: 0\r\n", SMUGGLED),
    "a folded length": post(b"Content-Length:\r\n 0\r\n", SMUGGLED),
    "a bare CR": post(b"X-A: b\rContent-Length: 41\r\nContent-Length: 0\r\n", SMUGGLED),
    "a bare CR in a value": post(b"X-A: b\rc\r\nContent-Length: 0\r\n"),
    "a bare LF": post(b"X-A: b\nContent-Length: 0\r\n", SMUGGLED),
    "bare LFs throughout": b"GET /healthz HTTP/1.1\nHost: kaimen\n\n",
    "a NUL in a value": post(b"X-A: b\0c\r\nContent-Length: 0\r\n"),
    "a NUL in a name": post(b"X\0A: b\r\nContent-Length: 0\r\n"),
    "a NUL in the target": b"GET /health\0z HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank before the colon": post(b"Content-Length : 2\r\n", b"{}" + SMUGGLED),
    "a tab before the colon": post(b"Content-Length\t: 2\r\n", b"{}" + SMUGGLED),
    "a blank before the first name": b"POST /v1/login HTTP/1.1\r\n Host: kaimen\r\nContent-Length: 0\r\n\r\n",
    "no colon": post(b"nonsense\r\nContent-Length: 0\r\n"),
    "an empty name": post(b": x\r\nContent-Length: 0\r\n"),
    "a name with an odd character": post(b"X(A): b\r\nContent-Length: 0\r\n"),
    "a coding that is none": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two codings": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunked not last": post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a quoted coding": post(b"Transfer-Encoding: \"chunked\"\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a coding behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunks in HTTP/1.0": post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED, b"POST /v1/login HTTP/1.0\r\n"),
    "a chunk size that overflows": post(b"Transfer-Encoding: chunked\r\n", b"10000000000000002\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk size that is none": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a signed chunk size": post(b"Transfer-Encoding: chunked\r\n", b"+2\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk size with 0x": post(b"Transfer-Encoding: chunked\r\n", b"0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk longer than it says": post(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}x\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk ended by LF": post(b"Transfer-Encoding: chunked\r\n", b"2\n{}\n0\n\n" + SMUGGLED),
    "a chunk extension with LF": post(b"Transfer-Encoding: chunked\r\n", b"2;a\nb\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two blanks in the line": b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank in the target": b"GET /health z HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the line": b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /healthz\r\n" + HOST + b"\r\n",
    "a version that is none": b"GET /healthz HTTP/1.10\r\n" + HOST + b"\r\n",
    "HTTP/3.7": b"GET /healthz HTTP/3.7\r\n" + HOST + b"\r\n",
    "a method that is none": b"G@T /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS on a plain port": bytes.fromhex("16030100c8010000c40303") + b"\x11" * 100,
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("listener", ["public", "private"])
@pytest.mark.parametrize("attack", AMBIGUOUS)
def test_ambiguous_framing_is_refused_and_the_line_closed(kaimen, listener, attack):
    received, closed = wire.raw(getattr(kaimen, listener), AMBIGUOUS[attack], timeout=4)
    assert closed, received
    codes = wire.statuses(received)
    assert len(codes) <= 1 and all(code in (400, 413, 431, 501, 505) for code in codes), received
    assert b"smuggled" not in received


def test_what_is_not_ambiguous_is_served_on_one_line(kaimen):
    """The control of the above: pipelined requests with honest framing are all answered."""
    honest = (b"POST /v1/login HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=\"x\"\r\n{}\r\n0\r\n\r\n" +
              b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    received, closed = wire.raw(kaimen.public, honest)
    assert closed and wire.statuses(received) == [400, 200, 200], received
    assert received.count(b"invalid_request") == 1


def test_pipelined_answers_come_in_the_order_of_their_requests(kaimen, user):
    body = json.dumps({"app_id": kaimen.app_id, "code": kaimen.code(user)}).encode()
    kaimen.faults(path="/sns/jscode2session", delay_ms=500)
    slow = post(b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), body)
    received, _ = wire.raw(kaimen.public, slow + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\nGET /v1/nowhere HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert wire.statuses(received) == [200, 200, 404] and received.index(b"km1.") < received.index(b"not_found"), received


def test_a_client_that_goes_during_its_login_disturbs_nobody(kaimen, user):
    kaimen.faults(path="/sns/jscode2session", delay_ms=300)
    for code in [kaimen.code(user) for _ in range(30)]:
        body = json.dumps({"app_id": kaimen.app_id, "code": code}).encode()
        with socket.create_connection(wire.address(kaimen.public)) as sock:
            sock.sendall(post(b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), body))
    time.sleep(1)
    kaimen.faults()
    assert kaimen.verify(kaimen.login(user)["token"]).status == 204


def test_http_1_0_is_answered_and_closed(kaimen):
    received, closed = wire.raw(kaimen.public, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert closed and wire.statuses(received) == [200]


def test_head_has_no_body(kaimen):
    received, closed = wire.raw(kaimen.public, b"HEAD /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert closed and wire.statuses(received) == [200] and received.endswith(b"\r\n\r\n")


def test_expect_100_continue_is_answered(kaimen):
    with socket.create_connection(wire.address(kaimen.public), timeout=5) as sock:
        sock.sendall(post(b"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"))
        first = sock.recv(4096)
        if first.startswith(b"HTTP/1.1 100"):
            sock.sendall(b"{}")
            first = sock.recv(4096)
        assert wire.statuses(first) in ([400], [417]), first


def test_the_body_of_a_check_is_no_second_request(kaimen, user):
    """A proxy may forward Content-Length without the body it names, or with it; either way the next request is read from its start."""
    token = kaimen.login(user)["token"].encode()
    check = b"GET /verify HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer " + token + b"\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    received, _ = wire.raw(kaimen.private, check + SMUGGLED + b"GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n", timeout=3)
    assert wire.statuses(received) in ([204], [204, 200]), received


# Limits


def test_a_request_line_beyond_8_kib_is_refused(kaimen):
    received, closed = wire.raw(kaimen.public, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert closed and wire.statuses(received)[0] in (400, 414, 431), received[:200]


def test_headers_beyond_32_kib_are_refused(kaimen):
    received, closed = wire.raw(kaimen.public, b"GET /healthz HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(40)) + b"\r\n")
    assert closed and wire.statuses(received)[0] in (400, 431), received[:200]


def test_ten_thousand_headers_are_refused(kaimen):
    received, closed = wire.raw(kaimen.public, b"GET /healthz HTTP/1.1\r\n" + HOST + b"a:\r\n" * 10000 + b"\r\n")
    assert closed and wire.statuses(received)[0] in (400, 431), received[:200]


def test_headers_of_20_kib_are_taken(kaimen):
    headers = [(f"X-{i}", "a" * 1000) for i in range(20)]
    assert wire.call(kaimen.public, "GET", "/healthz", headers=headers).status == 200


def test_a_body_beyond_64_kib_is_413_before_it_was_sent(kaimen):
    received, _ = wire.raw(kaimen.public, post(b"Content-Type: application/json\r\nContent-Length: 70000\r\n"), timeout=3)
    assert wire.statuses(received) == [413] and b"payload_too_large" in received, received


def test_a_chunked_body_beyond_64_kib_is_413(kaimen):
    received, closed = wire.raw(kaimen.public, post(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n" + b"".join(
        b"1000\r\n" + b" " * 4096 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"))
    assert wire.statuses(received) == [413], received[:300]


def test_a_length_of_terabytes_is_413_at_once(kaimen):
    before = time.monotonic()
    received, _ = wire.raw(kaimen.public, post(b"Content-Length: 9223372036854775807\r\n"), timeout=3)
    assert wire.statuses(received)[0] in (400, 413) and time.monotonic() - before < 3.5, received


def deep(levels):
    return "{\"x\":" * (levels - 1) + "{}" + "}" * (levels - 1)


def test_json_of_depth_32_is_read(kaimen, user):
    answer = wire.call(kaimen.public, "POST", "/v1/login", body=f'{{"app_id":"{kaimen.app_id}","code":"{kaimen.code(user)}","x":{deep(31)}}}'.encode(),
                       headers={"Content-Type": "application/json"})
    assert answer.status == 200, answer


def test_json_of_depth_33_is_refused_and_costs_no_code(kaimen, user):
    code = kaimen.code(user)
    answer = wire.call(kaimen.public, "POST", "/v1/login", body=f'{{"app_id":"{kaimen.app_id}","code":"{code}","x":{deep(32)}}}'.encode(),
                       headers={"Content-Type": "application/json"})
    wire.problem(answer, 400, "invalid_request")
    assert kaimen.post_login(code).status == 200


@pytest.mark.parametrize("text", ["[" * 60000, "{\"a\":" * 12000, "[" * 100000, "\"" + "\\u0000" * 10000, "1" * 60000, "-" * 60000, "[1" + ",1" * 30000])
def test_json_made_to_hurt_is_refused_fast(kaimen, text):
    before = time.monotonic()
    answer = wire.call(kaimen.public, "POST", "/v1/login", body=text.encode(), headers={"Content-Type": "application/json"})
    assert answer.status in (400, 413) and time.monotonic() - before < 1.0, answer


NUMBERS = ["-1", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
           "18446744073709551615", "18446744073709551616", "1e308", "1e309", "-1e309", "1e-400", "0.1", "1.0", "NaN", "Infinity", "01", "0x10", "1" + "0" * 400]
FIELDS = [("POST", "/v1/me", '{{"gender":{}}}'), ("PUT", "/admin/v1/apps/{app}", '{{"settings":{{"ticket_seconds":{}}}}}'),
          ("PUT", "/admin/v1/apps/{app}", '{{"settings":{{"idle_seconds":{}}}}}'), ("PUT", "/admin/v1/apps/{app}", '{{"settings":{{"absolute_seconds":{}}}}}'),
          ("PUT", "/admin/v1/apps/{app}", '{{"settings":{{"max_per_user":{}}}}}'), ("POST", "/admin/v1/apps/{app}/secret", '{{"secret":"s","overlap_seconds":{}}}')]


@pytest.mark.parametrize("method, path, template", FIELDS, ids=lambda value: str(value)[-30:])
def test_no_extreme_number_is_taken_for_a_sane_one(kaimen, user, method, path, template):
    login, app = kaimen.login(user), kaimen.add_app(f"wxnumber{abs(hash(template)) % 10**10:010d}")
    base = kaimen.private if path.startswith("/admin") else kaimen.public
    token = kaimen.admin_key if path.startswith("/admin") else login["token"]
    for number in NUMBERS:
        answer = wire.call(base, method, path.format(app=app), body=template.format(number).encode(), headers={"Content-Type": "application/json", **wire.bearer(token)})
        if number == "1.0" and answer.status == 200:
            continue  # a whole number may be written so
        assert answer.status == 400, (number, answer)
    assert kaimen.login(user, app)["expires_in"] == 7200


# Slowness


def latencies(kaimen, token, count):
    conn, taken = wire.connection(kaimen.private), []
    for _ in range(count):
        before = time.monotonic()
        assert wire.send(conn, "GET", "/verify", headers=wire.bearer(token)).status == 204
        taken.append(time.monotonic() - before)
    return taken


def test_five_hundred_slow_connections_do_not_stall_checks(kaimen, user):
    token = kaimen.login(user)["token"]
    socks = []
    try:
        for number in range(500):
            sock = socket.create_connection(wire.address(kaimen.private if number % 2 else kaimen.public), timeout=5)
            sock.sendall(b"POST /v1/login HTTP/1.1\r\nHost: k\r\nX-")
            socks.append(sock)
        for turn in range(5):
            for sock in socks:
                sock.sendall(b"a")
            taken = latencies(kaimen, token, 100)
            assert statistics.median(taken) < 0.1 and max(taken) < 1.5, (statistics.median(taken), max(taken))
    finally:
        for sock in socks:
            sock.close()


def test_a_head_that_never_ends_is_cut_off(kaimen):
    with socket.create_connection(wire.address(kaimen.public), timeout=20) as sock:
        before = time.monotonic()
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: k\r\n")
        dripping = threading.Event()

        def drip():
            while not dripping.wait(1):
                try:
                    sock.sendall(b"X: y\r\n")
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        received = b""
        try:
            while chunk := sock.recv(4096):
                received += chunk
        except ConnectionResetError:
            pass
        dripping.set()
        assert wire.statuses(received) in ([], [408]) and 8 < time.monotonic() - before < 16, received


# Going


def test_at_sigterm_what_is_under_way_is_answered_and_nothing_new_is_taken(own_kaimen):
    one = own_kaimen()
    code, answers = one.code("ada"), []
    one.faults(path="/sns/jscode2session", delay_ms=1500)
    thread = threading.Thread(target=lambda: answers.append(one.post_login(code)))
    thread.start()
    time.sleep(0.5)
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    refused = False
    try:
        received, _ = wire.raw(one.public, b"GET /healthz HTTP/1.1\r\nHost: k\r\n\r\n", timeout=1)
        refused = b"200 OK" not in received
    except OSError:
        refused = True
    thread.join()
    assert refused and answers and answers[0].status == 200, answers
    assert one.process.wait(20) == 0
    one.check_log()


def test_an_idle_connection_does_not_hold_up_the_end(own_kaimen):
    one = own_kaimen()
    conn = wire.connection(one.public)
    assert wire.send(conn, "GET", "/healthz").status == 200
    half = socket.create_connection(wire.address(one.private))
    half.sendall(b"GET /heal")
    before = time.monotonic()
    one.stop()
    assert time.monotonic() - before < 15  # the drain's own deadline is 10 s
    conn.close(), half.close()


def test_a_second_sigterm_ends_what_the_first_still_waits_for(own_kaimen):
    one = own_kaimen()
    code = one.code("ada")
    one.faults(path="/sns/jscode2session", delay_ms=2500)
    threading.Thread(target=lambda: pytest.raises(Exception, one.post_login, code), daemon=True).start()
    time.sleep(0.3)
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    before = time.monotonic()
    one.process.send_signal(signal.SIGTERM)
    one.process.wait(20)
    assert time.monotonic() - before < 3
    one.check_log()


def test_ctrl_c_ends_it_the_same_way(own_kaimen):
    one = own_kaimen()
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(20) == 0
    one.check_log()


# Proxies and carriers by configuration


def test_a_trusted_proxy_names_the_request(own_kaimen):
    one = own_kaimen(environment={"KAIMEN_TRUSTED_PROXIES": "127.0.0.1"})
    assert wire.call(one.public, "GET", "/healthz", headers={"X-Request-Id": "abc-123"}).get("x-request-id") == "abc-123"
    for bad in ("a" * 500, "a\"b", "a b", "", "{}", "a<b"):
        assert wire.call(one.public, "GET", "/healthz", headers={"X-Request-Id": bad}).get("x-request-id") != bad


def test_configured_headers_carry_tickets(own_kaimen):
    one = own_kaimen(environment={"KAIMEN_SESSION_TICKET_HEADERS": "X-My-Ticket,X-WX-Skey"})
    token, other = one.login("ada")["token"], one.login("bob")["token"]
    assert one.verify(headers={"X-My-Ticket": token}).status == one.verify(headers={"x-wx-skey": token}).status == 204
    assert one.client("GET", "/v1/session", headers={"X-My-Ticket": token}).status == 200
    server.assert_reason(one.verify(headers={"X-My-Ticket": token, "X-WX-Skey": other}), "malformed")


# The unix socket


def test_the_private_listener_serves_a_unix_socket_too(own_kaimen, tmp_path):
    path = tmp_path / "kaimen.sock"
    one = own_kaimen(environment={"KAIMEN_PRIVATE_UNIX_SOCKET": str(path)})
    login = one.login("ada")
    answer = wire.call(f"unix:{path}", "GET", "/verify", headers=wire.bearer(login["token"]))
    assert answer.status == 204 and answer.get("x-kaimen-user") == login["user"]["id"]
    assert wire.call(f"unix:{path}", "GET", "/admin/v1/apps").status == 401
    assert wire.call(f"unix:{path}", "POST", "/v1/login", json={}).status == 404
    one.stop()
    assert not path.exists()


def test_the_admin_socket_is_the_users_own(own_kaimen):
    one = own_kaimen()
    path = one.data / "admin.sock"
    assert path.stat().st_mode & 0o077 == 0
    answer = wire.call(f"unix:{path}", "GET", "/admin/v1/apps")
    assert answer.status == 200 and json.loads(answer.body)["items"]
