"""What a login costs, and the acts of the store that it is made of, beside SQL written by hand."""
import json
import subprocess

import servers
from measure import Line, middle
from servers import Kaimen, median


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

    candidates = {name: (lambda kaimen=kaimen, connections=connections: bench.logins(kaimen, request, connections)) for name, (kaimen, _, connections) in running.items()}
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
