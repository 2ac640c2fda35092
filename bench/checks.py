"""What a check costs: beside nginx and the least that a server can do, over a unix socket, behind nginx, in process, with many connections."""
import json
import subprocess

import servers
from measure import CURL_HEADERS, NGINX_HEADERS, Line, base_kaimen, middle, ratio
from servers import median


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
