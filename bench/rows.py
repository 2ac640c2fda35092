"""What is measured: one function a row. Each takes the Bench and returns its figures; every claim becomes a line of the table.

Candidates take turns (A B C A B C …) in one run, a ratio is the median of the ratios of the rounds, and CPU time is what the scheduler
counted for the server's threads in exactly the measured seconds.
"""
import json
import socket
import subprocess
import time

import inside
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


def check(bench):
    directory, kaimen, tickets = base_kaimen(bench, "check")
    rivals = {"kaimen": kaimen, "nginx": servers.Nginx(directory), "raw": servers.raw_epoll(bench.build, directory), "constant": servers.constant(bench.build, directory)}
    requests = {"curl": bench.request_file("curl", tickets, CURL_HEADERS), "nginx": bench.request_file("nginx", tickets, NGINX_HEADERS)}
    figures, lines = {}, []
    for connections in (64, 256):
        for headers, request in requests.items():
            run = lambda server: bench.closed(server, request, connections, bench.seconds(1.5))
            measured = bench.interleaved({name: (lambda server=server: run(server)) for name, server in rivals.items()})
            figures[f"{connections} connections, {headers}-like headers"] = middle(measured)
            where = f"{connections} connections, {headers}-like headers"
            ours, theirs = (median(measured[name]["cpu_us"]) for name in ("kaimen", "nginx"))
            cost = ratio(measured, "kaimen", "nginx", "cpu_us")
            lines.append(Line(f"CPU a check, {where}", f"{ours:.2f} µs", f"nginx `return 204`: {theirs:.2f} µs; ratio {cost:.3f}", "≤ 0.95", cost <= 0.95))
            throughput = ratio(measured, "kaimen", "nginx", "per_second")
            lines.append(Line(f"checks a second, {where}", f"{median(measured['kaimen']['per_second']):,.0f}", f"nginx: {median(measured['nginx']['per_second']):,.0f}; ratio {throughput:.3f}"))
            over = median(a - b for a, b in zip(measured["kaimen"]["cpu_us"], measured["constant"]["cpu_us"]))
            lines.append(Line(f"the check itself, {where}", f"{over:.2f} µs", f"over our own constant answer, {median(measured['constant']['cpu_us']):.2f} µs", "≤ 0.40 µs", over <= 0.40))
            limit = ratio(measured, "raw", "kaimen", "cpu_us")
            lines.append(Line(f"the limit, {where}", f"{limit:.3f} of ours", f"raw epoll, parses nothing: {median(measured['raw']['cpu_us']):.2f} µs", "≥ 0.85", limit >= 0.85))
    rate = int(figures["64 connections, curl-like headers"]["nginx"]["per_second"] / 2)
    open_loop = lambda server: servers.load(bench.build, [server], [{"name": "s", "to": server.address, "request": requests["curl"], "connections": 64, "rate": rate, "expect": 204}],
                                            bench.seconds(3))["streams"]["s"]
    keep = lambda stream: {key: stream[key] for key in ("p50_us", "p99_us", "p999_us", "errors")}
    measured = bench.interleaved({name: (lambda server=rivals[name]: keep(open_loop(server))) for name in ("kaimen", "nginx")})
    figures[f"open loop, {rate} a second"] = middle(measured)
    p99 = ratio(measured, "kaimen", "nginx", "p99_us")
    lines.append(Line(f"p99 at {rate:,} checks a second (open loop)", f"{median(measured['kaimen']['p99_us']):.0f} µs",
                      f"nginx: {median(measured['nginx']['p99_us']):.0f} µs; ratio {p99:.2f}", "≤ 1.00", p99 <= 1.0, latency=True))
    for server in rivals.values():
        server.stop()
    return figures, lines


def unix(bench):
    directory, kaimen, tickets = base_kaimen(bench, "unix")
    nginx = servers.Nginx(directory)
    request = bench.request_file("unix", tickets, CURL_HEADERS)
    run = lambda server, to: (lambda: bench.closed(server, request, 64, bench.seconds(1.5), to=to))
    measured = bench.interleaved({"tcp": run(kaimen, kaimen.address), "unix": run(kaimen, kaimen.unix), "nginx unix": run(nginx, nginx.unix)})
    cost = ratio(measured, "unix", "tcp", "cpu_us")
    beside_nginx = ratio(measured, "unix", "nginx unix", "cpu_us")
    kaimen.stop()
    nginx.stop()
    return middle(measured), [
        Line("CPU a check over a unix socket", f"{median(measured['unix']['cpu_us']):.2f} µs", f"TCP: {median(measured['tcp']['cpu_us']):.2f} µs; ratio {cost:.3f}", "< 1", cost < 1),
        Line("the same beside nginx `return 204`, both over unix sockets", f"{median(measured['unix']['cpu_us']):.2f} µs",
             f"nginx: {median(measured['nginx unix']['cpu_us']):.2f} µs; ratio {beside_nginx:.3f}")]


def auth_request(bench):
    directory, kaimen, tickets = base_kaimen(bench, "auth_request")
    constant = servers.constant(bench.build, directory)
    nginx = servers.Nginx(directory, kaimen, constant)
    files = {name: bench.request_file(f"auth_{name}", tickets, CURL_HEADERS, f"/{name}/page") for name in ("plain", "tcp", "unix", "constant")}
    helper = {"plain": [], "tcp": [kaimen], "unix": [kaimen], "constant": [constant]}
    run = lambda name: (lambda: bench.closed(nginx, files[name], 64, bench.seconds(1.5), expect=200, also=helper[name]))
    measured = bench.interleaved({name: run(name) for name in files})
    lines = []
    # What a core can serve is one over the CPU a request takes, nginx' and the checking server's together.
    best = ratio(measured, "plain", "constant", "cpu_us")
    for name, what in (("tcp", "Kaimen over TCP"), ("unix", "Kaimen over a unix socket")):
        share = ratio(measured, "plain", name, "cpu_us")
        added = median(a - b for a, b in zip(measured[name]["cpu_us"], measured["plain"]["cpu_us"]))
        lines.append(Line(f"nginx `auth_request` → {what} → static file", f"{share:.3f} of what plain nginx serves; +{added:.1f} µs",
                          f"with a constant server: {best:.3f}", "≥ 0.95 of the constant server's", share >= 0.95 * best))
    for server in (nginx, kaimen, constant):
        server.stop()
    return middle(measured), lines


def in_process(bench):
    runs = [json.loads(subprocess.run(["taskset", "-c", servers.SERVER_CORE, bench.build / "bench/check_bench"], capture_output=True, text=True, check=True, timeout=120).stdout)
            for _ in range(1 if bench.quick else 3)]
    figures = {key: min(run[key] for run in runs) for key in runs[0]}
    es256, lines = figures["es256_verify_ns"], []
    for key, what, target in (("check_0", "no revocations", 270), ("check_10k", "10,000 revocations", 270), ("check_1m", "1,000,000 revocations", 450)):
        ns = figures[f"{key}_ns"]
        lines.append(Line(f"a check in process, {what}", f"{ns:.0f} ns", f"ES256 verify: {es256 / 1000:.1f} µs, {es256 / ns:.0f} times as much", f"≤ {target} ns; ≥ 100 times", ns <= target and es256 >= 100 * ns))
    for key, what, target in (("library_0", "no revocations", 270), ("library_10k", "10,000 revocations", 270), ("library_1m", "1,000,000 revocations", 450)):
        ns = figures[f"{key}_ns"]
        lines.append(Line(f"a check by libkaimen_check, {what}", f"{ns:.0f} ns", f"in the node: {figures[key.replace('library', 'check') + '_ns']:.0f} ns", f"≤ {target} ns", ns <= target))
    bad, good = figures["library_bad_ns"], figures["library_10k_ns"]
    lines.append(Line("a forged ticket by libkaimen_check", f"{bad:.0f} ns", f"a good one: {good:.0f} ns", "less than a good one", bad < good))
    return figures, lines


def login(bench):
    directory = bench.directory("login")
    certificate, ca = servers.certificate(directory)
    plain = json.loads(subprocess.run([bench.build / "bench/store_bench", "acts", bench.directory("login/rows"), "1"], capture_output=True, text=True, check=True, timeout=300).stdout)
    # The same number of rows a commit as 64 callers make.
    sql_us = next(act["plain_cpu_us"] for act in plain["acts"] if act["act"] == "login" and act["under_way"] == 64)
    request, running = bench.login_file(), {}
    kinds = {"at once": ([], None, 64), "after 50 ms": (["--delay", "50"], None, 512), "at once, TLS": ([], certificate, 64), "at once, known users": (["--users", "2000"], None, 64)}
    for number, (name, (arguments, tls, connections)) in enumerate(kinds.items()):
        data = directory / f"data{number}"
        servers.prepare(bench.build, data)
        upstream = servers.upstream(bench.build, directory, *arguments, tls=tls)
        running[name] = (Kaimen(bench.build, data, name=f"kaimen{number}", upstream=upstream.url, environment={"SSL_CERT_FILE": str(ca)}), upstream, connections)

    def run(kaimen, connections):
        stream = {"name": "s", "to": kaimen.public, "request": request, "connections": connections, "expect": 200, "number": bench.numbers()}
        result = servers.load(bench.build, [kaimen], [stream], bench.seconds(2), warmup=0.6)
        answer = result["streams"]["s"]
        if answer["errors"]:
            raise RuntimeError(f"login: {answer}")
        return {"cpu_us": result["cpu_us"] / answer["requests"], "per_second": answer["per_second"], "p50_us": answer["p50_us"], "p99_us": answer["p99_us"]}

    candidates = {name: (lambda kaimen=kaimen, connections=connections: run(kaimen, connections)) for name, (kaimen, _, connections) in running.items()}
    measured = bench.interleaved(candidates, 3 if bench.quick else 5)
    lines = []
    for name in kinds:
        cpu, rate, p50, p99 = (median(measured[name][key]) for key in ("cpu_us", "per_second", "p50_us", "p99_us"))
        beyond = cpu - sql_us
        known = name == "at once, known users"
        lines.append(Line(f"CPU a login, upstream answers {name}", f"{cpu:.0f} µs" + ("" if known else f", of it {beyond:.0f} µs beyond the SQL"),
                          "earlier measurements: wafer-node-sdk 577 µs, wafer-node-session 255 µs" if known else f"bare SQLite, the same rows: {sql_us:.0f} µs",
                          "" if known else "≤ 60 µs beyond", None if known else beyond <= 60))
        lines.append(Line(f"durable logins a second, upstream answers {name}", f"{rate:,.0f}; p50 {p50 / 1000:.1f} ms, p99 {p99 / 1000:.1f} ms", "server on one core, load and upstream on the other"))
    for kaimen, upstream, _ in running.values():
        kaimen.stop()
        upstream.stop()

    data = directory / "both"
    servers.prepare(bench.build, data)
    upstream = servers.upstream(bench.build, directory, core=None)
    kaimen = Kaimen(bench.build, data, name="kaimen-both", upstream=upstream.url, core=None)
    stream = {"name": "s", "to": kaimen.public, "request": request, "connections": 256, "expect": 200}
    runs = [servers.load(bench.build, [kaimen], [{**stream, "number": bench.numbers()}], bench.seconds(3), warmup=0.6, core=None)["streams"]["s"] for _ in range(3)]
    lines.append(Line("durable logins a second on both cores, with load and upstream", f"{median(run['per_second'] for run in runs):,.0f}", f"p99 {median(run['p99_us'] for run in runs) / 1000:.1f} ms"))
    kaimen.stop()
    upstream.stop()
    return {**middle(measured), "sql_us": sql_us, "both cores": {key: median(run[key] for run in runs) for key in ("per_second", "p50_us", "p99_us")}}, lines


def store(bench):
    done = subprocess.run([bench.build / "bench/store_bench", "acts", bench.directory("store"), "1" if bench.quick else "5"], capture_output=True, text=True, check=True, timeout=900)
    figures, lines = json.loads(done.stdout), []
    for act in figures["acts"]:
        share = act["per_second"] / act["plain_per_second"]
        if act["under_way"] in (1, 64, 1024):
            lines.append(Line(f"{act['act']}, {act['under_way']} under way", f"{act['per_second']:,.0f} a second, {act['cpu_us']:.1f} µs CPU",
                              f"hand-written SQL: {act['plain_per_second']:,.0f}, {act['plain_cpu_us']:.1f} µs; ratio {share:.2f}", "≥ 0.80", share >= 0.8))
    return figures, lines


def growth(bench):
    counts = [10_000, 100_000] if bench.quick else [10_000, 100_000, 1_000_000] + ([10_000_000] if bench.full else [])
    directory, figures, lines, running = bench.directory("growth"), {}, [], {}
    request = bench.login_file()
    for count in counts:
        data = directory / f"data{count}"
        number = servers.prepare(bench.build, data)
        subprocess.run([bench.build / "bench/store_bench", "fill", data / "kaimen.db", str(count), str(number), servers.APP_ID], check=True, timeout=1800)
        upstream = servers.upstream(bench.build, directory, "--users", str(count))
        starts = []
        for _ in range(3):
            if starts:
                kaimen.stop()
            kaimen = Kaimen(bench.build, data, name=f"kaimen{count}", upstream=upstream.url)
            starts.append(kaimen.ready_ms)
        figures[f"{count} sessions"] = {"ready_ms": median(starts), "rss": kaimen.rss()}
        running[count] = (kaimen, upstream, bench.request_file(f"growth{count}", bench.tickets(kaimen), CURL_HEADERS))

    def login_run(kaimen):
        stream = {"name": "s", "to": kaimen.public, "request": request, "connections": 64, "expect": 200, "number": bench.numbers()}
        result = servers.load(bench.build, [kaimen], [stream], bench.seconds(2), warmup=0.6)
        return {"cpu_us": result["cpu_us"] / result["streams"]["s"]["requests"], "per_second": result["streams"]["s"]["per_second"], "p99_us": result["streams"]["s"]["p99_us"]}

    checks = bench.interleaved({count: (lambda kaimen=kaimen, file=file: bench.closed(kaimen, file, 64, bench.seconds(1.5))) for count, (kaimen, _, file) in running.items()})
    logins = bench.interleaved({count: (lambda kaimen=kaimen: login_run(kaimen)) for count, (kaimen, _, _) in running.items()}, 3 if bench.quick else 5)
    figures["checks"], figures["logins"] = middle(checks), middle(logins)
    least, most = counts[0], counts[-1]
    flat = ratio(checks, most, least, "cpu_us")
    lines.append(Line(f"CPU a check with {most:,} sessions in the store", f"{median(checks[most]['cpu_us']):.2f} µs", f"with {least:,}: {median(checks[least]['cpu_us']):.2f} µs; ratio {flat:.3f}", "within 5 %", abs(flat - 1) <= 0.05))
    grown = ratio(logins, most, least, "cpu_us")
    lines.append(Line(f"CPU a login with {most:,} users and sessions", f"{median(logins[most]['cpu_us']):.0f} µs", f"with {least:,}: {median(logins[least]['cpu_us']):.0f} µs; ratio {grown:.2f}", "≤ 1.50", grown <= 1.5))
    ready = figures[f"{most} sessions"]["ready_ms"]
    lines.append(Line(f"ready after start with {most:,} users and sessions", f"{ready:.0f} ms", "from exec to the ready line", "≤ 150 ms", ready <= 150))
    each = (figures[f"{most} sessions"]["rss"] - figures[f"{least} sessions"]["rss"]) / (most - least)
    lines.append(Line("memory a session", f"{each:.2f} bytes", f"idle after start, {most:,} sessions beside {least:,}", "0 (< 1)", each < 1))
    for kaimen, upstream, _ in running.values():
        kaimen.stop()
        upstream.stop()
    return figures, lines


def connections(bench):
    directory, kaimen, tickets = base_kaimen(bench, "connections")
    raw = servers.raw_epoll(bench.build, directory)
    nginx = servers.Nginx(directory)
    request = bench.request_file("connections", tickets, CURL_HEADERS)
    figures, lines = {}, []
    for count in (10, 100, 1000) if bench.quick else (10, 100, 1000, 10_000):
        run = lambda server: (lambda: bench.closed(server, request, count, bench.seconds(1.5)))
        measured = bench.interleaved({"kaimen": run(kaimen), "nginx": run(nginx), "raw": run(raw)}, 3)
        figures[f"{count} connections"] = middle(measured)
        lines.append(Line(f"CPU a check, {count:,} connections", f"{median(measured['kaimen']['cpu_us']):.2f} µs",
                          f"nginx: {median(measured['nginx']['cpu_us']):.2f} µs, raw epoll: {median(measured['raw']['cpu_us']):.2f} µs"))
    kaimen.stop()
    # Two loops on both cores, where the load generator takes its share as well.
    directory, two, tickets = base_kaimen(bench, "threads2", name="two", threads=2, core=None)
    request = bench.request_file("threads2", tickets, CURL_HEADERS)
    runs = [bench.closed(two, request, 64, bench.seconds(1.5)) for _ in range(3)]
    figures["2 threads"] = {key: median(run[key] for run in runs) for key in runs[0]}
    lines.append(Line("CPU a check, 2 threads, 64 connections", f"{figures['2 threads']['cpu_us']:.2f} µs", "the load generator shares the second core"))
    for server in (two, raw, nginx):
        server.stop()
    return figures, lines


def memory(bench):
    directory, kaimen, tickets = base_kaimen(bench, "memory")
    kaimen.stop()
    kaimen = Kaimen(bench.build, directory / "data")
    time.sleep(0.5)
    idle, count = kaimen.rss(), 2_000 if bench.quick else 10_000
    host, port = kaimen.address.rsplit(":", 1)
    message = f"GET /verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tickets[0]}\r\n\r\n".encode()
    open_sockets = []
    for _ in range(count):
        sock = socket.create_connection((host, int(port)))
        sock.sendall(message)
        if not sock.recv(4096).startswith(b"HTTP/1.1 204"):
            raise RuntimeError("a check failed")
        open_sockets.append(sock)
    each = (kaimen.rss() - idle) / count
    for sock in open_sockets:
        sock.close()
    kaimen.stop()
    return {"idle": idle, "connection": each}, [
        Line("memory, idle", f"{idle / 2**20:.1f} MiB", "resident, after start", "≤ 30 MB", idle <= 30e6),
        Line("memory an idle connection", f"{each / 1024:.2f} KiB", f"{count:,} kept connections that have each been answered once; without the kernel's share", "≤ 6 KiB", each <= 6 * 1024)]


def hang(bench):
    """Checks beside 1,000 logins a second whose WeChat accepts and never answers."""
    directory, kaimen, tickets = base_kaimen(bench, "hang")
    kaimen.stop()
    upstream = servers.upstream(bench.build, directory, "--hang")
    kaimen = Kaimen(bench.build, directory / "data", upstream=upstream.url)
    request, logins = bench.request_file("hang", tickets, CURL_HEADERS), bench.login_file()
    rate = int(bench.closed(kaimen, request, 64, bench.seconds(1.5))["per_second"] * 0.4)
    seconds = 2 if bench.quick else 60 if bench.full else 10

    def run(with_logins):
        streams = [{"name": "checks", "to": kaimen.address, "request": request, "connections": 64, "rate": rate, "expect": 204}]
        if with_logins:
            streams.append({"name": "logins", "to": kaimen.public, "request": logins, "connections": 2000, "rate": 1000, "number": bench.numbers()})
        # Logins time out after 3 s: from then on as many end as begin.
        result = servers.load(bench.build, [kaimen], streams, seconds, warmup=3.5 if with_logins else 0.5)
        checks = result["streams"]["checks"]
        return {"p50_us": checks["p50_us"], "p99_us": checks["p99_us"], "p999_us": checks["p999_us"], "errors": checks["errors"], "checks": checks["requests"],
                "logins_answered": sum(result["streams"]["logins"]["statuses"].values()) if with_logins else 0}

    measured = bench.interleaved({"alone": lambda: run(False), "beside logins": lambda: run(True)}, 3 if bench.quick else 7)
    worse = ratio(measured, "beside logins", "alone", "p99_us")
    failed = sum(measured["beside logins"]["errors"])
    kaimen.stop()
    upstream.stop()
    return {**middle(measured), "rate": rate}, [
        Line(f"checks while WeChat hangs and 1,000 logins a second arrive ({rate:,} checks a second)", f"{failed} of {sum(measured['beside logins']['checks']):,} failed", "", "0 failed", failed == 0),
        Line("their p99", f"{median(measured['beside logins']['p99_us']):.0f} µs", f"checks alone: {median(measured['alone']['p99_us']):.0f} µs; ratio {worse:.2f}", "≤ 1.20", worse <= 1.2, latency=True)]


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

    def run(with_logins):
        streams = [{"name": "checks", "to": kaimen.address, "request": request, "connections": 64, "rate": rate, "expect": 204}]
        if with_logins:
            streams.append({"name": "logins", "to": kaimen.public, "request": file, "connections": 200, "rate": 50})
        result = servers.load(bench.build, [kaimen], streams, seconds, warmup=0.5)
        checks = result["streams"]["checks"]
        statuses = result["streams"]["logins"]["statuses"] if with_logins else {}
        return {"p50_us": checks["p50_us"], "p99_us": checks["p99_us"], "p999_us": checks["p999_us"], "errors": checks["errors"], "checks": checks["requests"],
                "logins_in": statuses.get("200", 0), "logins_refused": sum(statuses.values()) - statuses.get("200", 0)}

    measured = bench.interleaved({"alone": lambda: run(False), "beside passwords": lambda: run(True)}, 3 if bench.quick else 7)
    kaimen.stop()
    beside = measured["beside passwords"]
    worse, failed = ratio(measured, "beside passwords", "alone", "p99_us"), sum(beside["errors"])
    entered, refused = (sum(beside[name]) for name in ("logins_in", "logins_refused"))
    return {**middle(measured), "rate": rate}, [
        Line(f"checks while 50 password logins a second arrive ({rate:,} checks a second)", f"{failed} of {sum(beside['checks']):,} failed", f"{entered} logins in, {refused} told to come again", "0 failed", failed == 0),
        Line("their p99", f"{median(beside['p99_us']):.0f} µs", f"checks alone: {median(measured['alone']['p99_us']):.0f} µs; ratio {worse:.2f}", "≤ 1.20", worse <= 1.2, latency=True)]


ROWS = {"check": check, "unix": unix, "auth_request": auth_request, "inside": inside.inside, "in_process": in_process, "login": login, "store": store, "growth": growth,
        "connections": connections, "memory": memory, "hang": hang, "passwords": passwords}
