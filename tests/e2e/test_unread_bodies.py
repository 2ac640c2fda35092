"""A check does not read its body: proxies announce one that they do not send, and what is there is no request."""
import time

import pytest

import server
import wire


UNREAD = {
    "announced": b"Content-Length: 5\r\n\r\n",
    "announced, and begun": b"Content-Length: 5\r\n\r\nab",
    "waiting to be asked for": b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    "in chunks, announced": b"Transfer-Encoding: chunked\r\n\r\n",
    "in chunks, whole": b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "in chunks that are none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "of 70 KB": b"Content-Length: 70000\r\n\r\n" + b"b" * 70000,
    "of more than there is": b"Content-Length: 18446744073709551615\r\n\r\n",
    "a request of its own": b"Content-Length: 500\r\n\r\nGET /verify HTTP/1.1\r\nHost: k\r\n\r\n",
    "in chunks, and a request behind": b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /verify HTTP/1.1\r\nHost: k\r\n\r\n",
}


@pytest.mark.parametrize("query", ["", "?jwt=orders"])
@pytest.mark.parametrize("body", UNREAD)
def test_a_body_is_not_waited_for_and_is_no_request(issuing, body, query):
    head = b"POST /verify%s HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer %s\r\n" % (query.encode(), issuing.ticket.encode())
    begun = time.monotonic()
    received, closed = wire.raw(issuing.private, head + UNREAD[body], timeout=10)
    assert closed and time.monotonic() - begun < 5
    assert wire.statuses(received) == [204] and b"Connection: close\r\n" in received, received


def test_a_body_that_is_there_keeps_the_connection(issuing):
    body = b"GET /smuggled HTTP/1.1\r\nHost: k\r\n\r\n"
    check = b"POST /verify HTTP/1.1\r\nHost: k\r\nContent-Length: %d\r\n\r\n" % len(body)
    received, closed = wire.raw(issuing.private, check + body + b"GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
    assert closed and wire.statuses(received) == [401, 200], received


@pytest.fixture(scope="module")
def issuing(tmp_path_factory):
    """With an issuer, so that a check may ask for a JWT; and one login's ticket."""
    one = server.Kaimen(tmp_path_factory.mktemp("issuing") / "data", environment={"KAIMEN_PUBLIC_URL": "https://login.example.cn"})
    one.ticket = one.login("somebody")["token"]
    yield one
    one.stop()
