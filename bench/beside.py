"""Checks beside logins that take long: their WeChat hangs, or a password is hashed for each."""
import json

import servers
from measure import CURL_HEADERS, Line, base_kaimen, middle, ratio
from servers import Kaimen, median


def checks_beside(bench, kaimen, request, rate, seconds, logins=None, warmup=0.5):
    """Checks at a rate, alone or beside a stream of logins: their figures, and how many logins were answered with each status."""
    streams = [{"name": "checks", "to": kaimen.address, "request": request, "connections": 64, "rate": rate, "expect": 204}]
    if logins:
        streams.append({"name": "logins", "to": kaimen.public, **logins})
    result = servers.load(bench.build, [kaimen], streams, seconds, warmup=warmup)["streams"]
    checks = result["checks"]
    figures = {key: checks[key] for key in ("p50_us", "p99_us", "p999_us", "errors")}
    return {**figures, "checks": checks["requests"]}, result["logins"]["statuses"] if logins else {}


def claims(what, measured, beside, about_logins=""):
    failed, all_checks = (sum(measured[beside][key]) for key in ("errors", "checks"))
    worse = ratio(measured, beside, "alone", "p99_us")
    return [Line(what, f"{failed} of {all_checks:,} failed", about_logins, "0 failed", failed == 0),
            Line("their p99", f"{median(measured[beside]['p99_us']):.0f} µs", f"checks alone: {median(measured['alone']['p99_us']):.0f} µs; ratio {worse:.2f}",
                 "≤ 1.20", worse <= 1.2, latency=True)]


def hang(bench):
    """Checks beside 1,000 logins a second whose WeChat accepts and never answers."""
    directory, kaimen, tickets = base_kaimen(bench, "hang")
    kaimen.stop()
    upstream = servers.upstream(bench.build, directory, "--hang")
    kaimen = Kaimen(bench.build, directory / "data", upstream=upstream.url)
    request, login_file = bench.request_file("hang", tickets, CURL_HEADERS), bench.login_file()
    rate = int(bench.closed(kaimen, request, 64, bench.seconds(1.5))["per_second"] * 0.4)
    seconds = 2 if bench.quick else 60 if bench.full else 10

    def run(with_logins):
        logins = {"request": login_file, "connections": 2000, "rate": 1000, "number": bench.numbers()} if with_logins else None
        # Logins time out after 3 s: from then on as many end as begin.
        figures, statuses = checks_beside(bench, kaimen, request, rate, seconds, logins, warmup=3.5 if with_logins else 0.5)
        return {**figures, "logins_answered": sum(statuses.values())}

    measured = bench.interleaved({"alone": lambda: run(False), "beside logins": lambda: run(True)}, 3 if bench.quick else 7)
    kaimen.stop()
    upstream.stop()
    return {**middle(measured), "rate": rate}, claims(f"checks while WeChat hangs and 1,000 logins a second arrive ({rate:,} checks a second)", measured, "beside logins")


def passwords(bench):
    """Checks beside 50 password logins a second: Argon2id of 19 MiB each, on the one thread that has them."""
    directory, kaimen, tickets = base_kaimen(bench, "passwords")
    kaimen.stop()
    servers.turn_on(bench.build, directory / "data", "passwords=on")
    kaimen = Kaimen(bench.build, directory / "data")
    names = [f"bench-{number}" for number in range(16)]
    for name in names:
        kaimen.register(name)
    file = bench.work / "passwords.requests"
    bodies = [json.dumps({"app_id": servers.APP_ID, "username": name, "password": servers.PASSWORD}) for name in names]
    file.write_bytes(b"\0".join(f"POST /v1/password/login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode() for body in bodies))
    request = bench.request_file("passwords-checks", tickets, CURL_HEADERS)
    rate = int(bench.closed(kaimen, request, 64, bench.seconds(1.5))["per_second"] * 0.4)
    seconds = 2 if bench.quick else 10

    def run(logins):
        figures, statuses = checks_beside(bench, kaimen, request, rate, seconds, logins)
        entered = statuses.get("200", 0)
        return {**figures, "logins_in": entered, "logins_refused": sum(statuses.values()) - entered}

    logins = {"request": file, "connections": 200, "rate": 50}
    measured = bench.interleaved({"alone": lambda: run(None), "beside passwords": lambda: run(logins)}, 3 if bench.quick else 7)
    kaimen.stop()
    entered, refused = (sum(measured["beside passwords"][name]) for name in ("logins_in", "logins_refused"))
    return {**middle(measured), "rate": rate}, claims(f"checks while 50 password logins a second arrive ({rate:,} checks a second)", measured, "beside passwords",
                                                      f"{entered} logins in, {refused} told to come again")
