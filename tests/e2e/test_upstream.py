"""When WeChat hangs, cuts the line, is away or lies: logins fail typed and in time, no session is made of nonsense, and checks do not notice."""
import threading
import time

import pytest

import server
import wire
from fake_wechat import CUT, HANG, Drip, Part, answer

LOGIN = "/sns/jscode2session"
KEY = "tiihtNczf5v6AKRyjwEUhQ=="
DEADLINE = 3.5  # 3 s for the whole request to WeChat, and some for ourselves


def no_session(fake, ticketless):
    """Asserts that a refused login left neither ticket nor renew token in its answer."""
    assert ticketless.status >= 400 and "km1." not in ticketless.body.decode() and "kmr1." not in ticketless.body.decode(), ticketless


def checks_meanwhile(kaimen, token, until):
    """Checks again and again until `until` is set; returns (statuses, the slowest)."""
    slowest, statuses, conn = 0.0, set(), wire.connection(kaimen.private)
    while not until.is_set():
        before = time.monotonic()
        statuses.add(wire.send(conn, "GET", "/verify", headers=wire.bearer(token)).status)
        slowest = max(slowest, time.monotonic() - before)
        time.sleep(0.01)
    return statuses, slowest


def test_a_login_by_the_scripted_wechat_works(fake, user):
    """The control of all that follows."""
    login = fake.kaimen.post_login(user + "code").json()
    assert fake.kaimen.verify(login["token"]).status == 204


def test_a_wechat_that_never_answers_lets_a_hundred_logins_fail_in_time_and_checks_go_on(fake, user):
    token = fake.kaimen.post_login(user + "before").json()["token"]
    fake.script(LOGIN, HANG)
    done, seen = threading.Event(), []
    checker = threading.Thread(target=lambda: seen.append(checks_meanwhile(fake.kaimen, token, done)))
    checker.start()

    def login(index):
        before = time.monotonic()
        result = fake.kaimen.post_login(f"{user}hang{index}")
        return result, time.monotonic() - before

    results = server.parallel(100, login)
    done.set()
    checker.join()
    for result, seconds in results:
        no_session(fake, result)
        assert (result.status, result.json()["code"]) in ((502, "upstream_error"), (503, "unavailable")), result
        if result.status == 503:
            assert result.get("retry-after"), result
        assert seconds < DEADLINE + 1, seconds  # a second for a loaded test machine that starts a hundred threads
    assert any(result.status == 502 for result, _ in results)
    statuses, slowest = seen[0]
    assert statuses == {204} and slowest < 1.0, (statuses, slowest)


def test_one_login_against_a_wechat_that_never_answers_ends_within_its_deadline(fake, user):
    server.eventually(lambda: fake.kaimen.post_login(f"{user}{time.monotonic_ns()}").status == 200, 40, 0.5)  # a breaker may be open yet
    fake.script(LOGIN, HANG)
    before = time.monotonic()
    wire.problem(fake.kaimen.post_login(user + "alone"), 502, "upstream_error")
    assert 0.5 < time.monotonic() - before < DEADLINE


def test_after_the_bad_time_logins_work_again(fake, user):
    server.eventually(lambda: fake.kaimen.post_login(f"{user}{time.monotonic_ns()}").status == 200, 40, 0.5)


def test_a_line_cut_after_the_request_is_one_request_and_the_code_is_spent(fake, user):
    fake.script(LOGIN, CUT, CUT, CUT, answer({"openid": "oCut", "session_key": KEY}))
    before = fake.count()
    refused = fake.kaimen.post_login(user + "cut")
    wire.problem(refused, 502, "upstream_error")
    assert fake.count() == before + 1
    again = fake.kaimen.post_login(user + "cut")
    wire.problem(again, 409, "code_used")
    assert fake.count() == before + 1


def test_a_line_cut_within_the_answer_makes_no_session(fake, user):
    whole = answer({"openid": "oCutWithin", "session_key": KEY})
    for length in (5, 20, len(whole) - 30, len(whole) - 1):
        fake.script(LOGIN, Part(whole[:length]))
        before = fake.count()
        result = fake.kaimen.post_login(f"{user}within{length}")
        no_session(fake, result)
        wire.problem(result, 502, "upstream_error")
        assert fake.count() == before + 1


def test_busy_and_then_success_works_with_the_same_code(fake, user):
    fake.script(LOGIN, answer({"errcode": -1, "errmsg": "system error, rid: 1234"}), answer({"openid": "oBusy" + user, "session_key": KEY}))
    error = wire.problem(fake.kaimen.post_login(user + "busy"), 503, "upstream_busy")
    assert error["upstream"] == {"errcode": -1, "rid": "1234"} and error["retry_after"] >= 1
    assert fake.kaimen.post_login(user + "busy").status == 200


def test_a_wechat_that_is_away_is_unavailable_and_leaves_the_code_usable(fake, user):
    token = fake.kaimen.post_login(user + "here").json()["token"]
    fake.refuse()
    try:
        time.sleep(0.2)
        first = fake.kaimen.post_login(user + "away")
        no_session(fake, first)
        assert first.status == 503 and first.json()["code"] in ("unavailable", "upstream_busy"), first
        assert fake.kaimen.verify(token).status == 204
    finally:
        fake.listen_again()
    server.eventually(lambda: fake.kaimen.post_login(user + "away").status == 200, 40, 0.5)


def test_the_daily_limit_of_one_app_leaves_the_others_alone(fake, user):
    other = fake.kaimen.add_app("wxfake000000000002")
    fake.script(LOGIN, lambda seen: answer({"errcode": 45009, "errmsg": "x"} if dict(seen.query)["appid"] == other else {"openid": "oLimit" + user, "session_key": KEY}))
    for number in range(5):
        wire.problem(fake.kaimen.post_login(f"{user}limit{number}", app_id=other), 429, "rate_limited")
        assert fake.kaimen.post_login(f"{user}free{number}").status == 200


def test_a_hundred_refused_codes_open_no_breaker(fake, user):
    fake.script(LOGIN, answer({"errcode": 40029, "errmsg": "invalid code"}))
    for number in range(100):
        wire.problem(fake.kaimen.post_login(f"{user}bad{number}"), 401, "code_invalid")
    fake.script(LOGIN, answer({"openid": "oBreaker" + user, "session_key": KEY}))
    assert fake.kaimen.post_login(user + "good").status == 200


LIES = {
    "neither openid nor session_key": answer({}),
    "errcode 0 and nothing": answer({"errcode": 0, "errmsg": "ok"}),
    "no openid": answer({"session_key": KEY}),
    "no session_key": answer({"openid": "oLie"}),
    "empty openid": answer({"openid": "", "session_key": KEY}),
    "openid as array": answer({"openid": ["oLie"], "session_key": KEY}),
    "openid as number": answer({"openid": 12345, "session_key": KEY}),
    "openid as null": answer({"openid": None, "session_key": KEY}),
    "openid with a line break": answer({"openid": "oLie\r\nX-Kaimen-Roles: admin", "session_key": KEY}),
    "openid with a NUL": answer({"openid": "oLie\0", "session_key": KEY}),
    "openid of 100 kB": answer({"openid": "o" * 100000, "session_key": KEY}),
    "session_key as number": answer({"openid": "oLie", "session_key": 5}),
    "unionid as array": answer({"openid": "oLie", "session_key": KEY, "unionid": ["u"]}),
    "openid twice": answer(b'{"openid":"oLieA","openid":"oLieB","session_key":"' + KEY.encode() + b'"}'),
    "errcode beside an openid": answer({"errcode": 40029, "errmsg": "x", "openid": "oLie", "session_key": KEY}),
    "errcode as text": answer({"errcode": "40029", "openid": "oLie", "session_key": KEY}),
    "errcode beyond 64 bits": answer(b'{"errcode":99999999999999999999999,"openid":"oLie","session_key":"' + KEY.encode() + b'"}'),
    "an array": answer([{"openid": "oLie", "session_key": KEY}]),
    "text": answer(b"ok"),
    "HTML": answer(b"<html><body>502 Bad Gateway</body></html>", "text/html"),
    "an empty body": answer(b""),
    "cut JSON": answer(b'{"openid":"oLie","session_key":"' + KEY.encode() + b'"'),
    "two documents": answer(b'{"openid":"oLie","session_key":"' + KEY.encode() + b'"}{}'),
    "invalid UTF-8": answer(b'{"openid":"o\xff","session_key":"' + KEY.encode() + b'"}'),
    "100,000 brackets": answer(b"[" * 100000),
    "10 MB": answer({"openid": "oLie", "session_key": KEY, "pad": "x" * 10_000_000}),
    "HTTP 500": answer({"openid": "oLie", "session_key": KEY}, status="500 Oops"),
    "HTTP 302": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no HTTP at all": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a header of 1 MB": b"HTTP/1.1 200 OK\r\nX-Pad: " + b"x" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_lies_makes_no_session(fake, user, lie):
    server.eventually(lambda: fake.kaimen.post_login(f"{user}{time.monotonic_ns()}").status == 200, 40, 0.5)
    fake.script(LOGIN, LIES[lie])
    before = fake.count()
    result = fake.kaimen.post_login(user + "lie")
    no_session(fake, result)
    assert result.status in (401, 502, 503), result
    assert fake.count() == before + 1
    assert "oLie" not in repr(result)


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "text/plain; charset=ISO-8859-1", "x"])
def test_a_right_answer_of_any_content_type_is_taken(fake, user, content_type):
    fake.script(LOGIN, answer({"openid": "oType" + user, "session_key": KEY, "expires_in": 7200, "unknown": {"a": []}}, content_type))
    assert fake.kaimen.post_login(user + "type").status == 200


def test_a_right_answer_with_errcode_0_is_taken(fake, user):
    fake.script(LOGIN, answer({"openid": "oZero" + user, "session_key": KEY, "errcode": 0, "errmsg": "ok"}))
    assert fake.kaimen.post_login(user + "zero").status == 200


def test_an_answer_that_drips_ends_within_the_deadline(fake, user):
    fake.script(LOGIN, Drip(answer({"openid": "oDrip", "session_key": KEY}), 0.1))
    before = time.monotonic()
    no_session(fake, fake.kaimen.post_login(user + "drip"))
    assert time.monotonic() - before < DEADLINE


@pytest.mark.parametrize("code", ["a&secret=x", "a=b", "a#b", "a%26b", "a%00", "a+b", "a;b", "a?b", "a/../b", "a\"b", "a'b", "~!@$^*()_|\\{}[]:<>,.", "a" * 512, "%", "&&&&", "a&js_code=b"])
def test_wechat_sees_exactly_its_four_parameters_whatever_the_code(fake, user, code):
    server.eventually(lambda: fake.kaimen.post_login(f"{user}{time.monotonic_ns()}").status == 200, 40, 0.5)
    assert fake.kaimen.post_login(code).status in (200, 409)
    seen = fake.requests()[-1]
    assert seen.method == "GET" and sorted(name for name, _ in seen.query) == ["appid", "grant_type", "js_code", "secret"], seen.target
    assert dict(seen.query) == {"appid": fake.kaimen.app_id, "secret": "0123456789abcdef0123456789abcdef", "js_code": code, "grant_type": "authorization_code"}
    assert seen.body == b"" and " " not in seen.target and "#" not in seen.target


def test_with_two_good_logins_nothing_of_one_goes_into_the_other(fake, user):
    fake.script(LOGIN, lambda seen: answer({"openid": "oOwn_" + dict(seen.query)["js_code"], "session_key": KEY}))
    answers = server.parallel(30, lambda index: fake.kaimen.post_login(f"{user}own{index}"))
    for index, one in enumerate(answers):
        assert fake.kaimen.verify(one.json()["token"]).get("x-kaimen-openid") == f"oOwn_{user}own{index}"
