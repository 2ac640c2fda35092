"""How a row is measured. A row is a function that takes the Bench and returns its figures; every claim becomes a line of the table.

Candidates take turns (A B C A B C …) in one run, a ratio is the median of the ratios of the rounds, and CPU time is what the scheduler
counted for the server's threads in exactly the measured seconds.
"""
import json

import servers
from servers import Kaimen, median

CURL_HEADERS = ["User-Agent: curl/7.88.1", "Accept: */*"]
NGINX_HEADERS = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Request-Id: 0123456789abcdef0123456789abcdef",
                 "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 MicroMessenger/8.0.49 MiniProgramEnv/android",
                 "Accept: */*", "Accept-Encoding: gzip, compress, br, deflate", "Accept-Language: zh-CN,zh;q=0.9", "Charset: utf-8",
                 "Content-Type: application/json", "Referer: https://servicewechat.com/wxbench0000000001/12/page-frame.html"]
TICKETS = 64


class Line:
    """One claim of the table: `value` beside `beside`, and whether a target was met (None: there is none). A `latency` is not judged where
    the machine was busy with something else."""

    def __init__(self, what, value, beside="", target="", met=None, latency=False):
        self.fields = {"what": what, "value": value, "beside": beside, "target": target, "met": met, "latency": latency}


class Bench:
    def __init__(self, build, work, quick, full):
        self.build, self.work, self.quick, self.full = build, work, quick, full
        self.rounds = 3 if quick else 7
        self.number = 1 << 40  # login codes: none is used twice in a run

    def seconds(self, wanted):
        return min(wanted, 0.5) if self.quick else wanted

    def directory(self, name):
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def request_file(self, name, tickets, headers, path="/verify"):
        file = self.work / f"{name}.requests"
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1:8081", *headers]
        file.write_bytes(b"\0".join("\r\n".join([*lines, f"Authorization: Bearer {ticket}", "", ""]).encode() for ticket in tickets))
        return file

    def login_file(self):
        file = self.work / "login.requests"
        body = json.dumps({"app_id": servers.APP_ID, "code": "bench-" + "@" * 16})
        file.write_text(f"POST /v1/login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        return file

    def numbers(self, count=1 << 24):
        self.number += count
        return self.number

    def tickets(self, kaimen):
        return [kaimen.login(self.numbers(1)) for _ in range(TICKETS)]

    def closed(self, server, request, connections, seconds, to=None, expect=204, also=()):
        """Throughput: requests a second and CPU microseconds a request, of the server and those it works with."""
        result = servers.load(self.build, [server, *also], [{"name": "s", "to": to or server.address, "request": request, "connections": connections, "expect": expect}], seconds)
        stream = result["streams"]["s"]
        if stream["errors"] or not stream["requests"]:
            raise RuntimeError(f"{server.name}: {stream}")
        return {"cpu_us": result["cpu_us"] / stream["requests"], "per_second": stream["per_second"], "p50_us": stream["p50_us"], "p99_us": stream["p99_us"],
                "load_busy": result["load_cpu_us"] / result["seconds"] / 1e6}

    def logins(self, kaimen, request, connections):
        """The same of logins, each with a code of its own."""
        stream = {"name": "s", "to": kaimen.public, "request": request, "connections": connections, "expect": 200, "number": self.numbers()}
        result = servers.load(self.build, [kaimen], [stream], self.seconds(2), warmup=0.6)
        answers = result["streams"]["s"]
        if answers["errors"]:
            raise RuntimeError(f"login: {answers}")
        return {"cpu_us": result["cpu_us"] / answers["requests"], "per_second": answers["per_second"], "p50_us": answers["p50_us"], "p99_us": answers["p99_us"]}

    def interleaved(self, candidates, rounds=None):
        """candidates: name → function giving a dict of numbers. Returns name → key → list, one value a round."""
        measured = {name: {} for name in candidates}
        for _ in range(rounds or self.rounds):
            for name, run in candidates.items():
                for key, value in run().items():
                    measured[name].setdefault(key, []).append(value)
        return measured


def ratio(measured, a, b, key):
    return median(x / y for x, y in zip(measured[a][key], measured[b][key]))


def middle(measured):
    return {name: {key: round(median(values), 3) for key, values in figures.items()} for name, figures in measured.items()}


def base_kaimen(bench, row, **options):
    """A server with one app whose users come from an upstream that answers at once; its tickets."""
    directory = bench.directory(row)
    data = directory / "data"
    servers.prepare(bench.build, data)
    upstream = servers.upstream(bench.build, directory)
    kaimen = Kaimen(bench.build, data, upstream=upstream.url, **options)
    tickets = bench.tickets(kaimen)
    upstream.stop()
    return directory, kaimen, tickets
