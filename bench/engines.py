"""The database engines: what a login's acts cost on them, that checks do not notice them, and two nodes beside one.

The database servers are those of the tests (tests/servers), with their own defaults for durability: each commit is on disk before it is
answered. They run on the same two cores, so the shares of hand-written SQL mean more than the absolutes.
"""
import json
import pathlib
import shutil
import subprocess
import sys

import servers
from measure import CURL_HEADERS, Line, middle, ratio
from servers import Kaimen, median

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/servers"))
import front
import mariadb
import postgres

NAMES = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}


def engines(bench):
    databases = {}
    try:
        databases["postgres"] = postgres.Postgres(settings={"max_wal_size": "2GB"})
        databases["mariadb"] = mariadb.Mariadb()
        figures, lines = {}, []
        for name, database in databases.items():
            figures[name] = acts(bench, database)
            lines += act_lines(NAMES[name], figures[name])
        running = start_nodes(bench, databases)
        for part in (check_cost, two_nodes):
            part_figures, part_lines = part(bench, running)
            figures[part.__name__] = part_figures
            lines += part_lines
        return figures, lines
    finally:
        servers.stop_all()
        for database in databases.values():
            database.stop()


def acts(bench, database):
    urls = [database.create_database(name) for name in ("ours", "plain")]
    command = [bench.build / "bench/engine_bench", *urls, "1" if bench.quick else "5"]
    empty = size_of(database, "plain")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    figures = json.loads(done.stdout)
    figures["bytes_a_login"] = (size_of(database, "ours") - empty) / figures["logins"]
    return figures


def size_of(database, name):
    """Bytes of tables and indexes."""
    if isinstance(database, postgres.Postgres):
        database.query("CHECKPOINT")
        return int(database.query(f"SELECT pg_database_size('{name}')"))
    files = (database.data / name).glob("*.ibd")  # InnoDB's own figures are estimates
    return sum(file.stat().st_size for file in files)


def act_lines(engine, figures):
    lines = []
    for act in figures["acts"]:
        share = act["share"]
        how = "unbatched (1 under way)" if act["under_way"] == 1 else f"{act['under_way']} under way"
        lines.append(Line(f"record_login on {engine}, {how}", f"{act['login_per_second']:,.0f} a second",
                          f"hand-written SQL: {act['plain_login_per_second']:,.0f}; ratio {share:.2f}", "≥ 0.80", share >= 0.8))
    most, default = figures["acts"][-1], figures["default"]
    lines.append(Line(f"record_login on {engine}, {default['under_way']} under way, {default['connections']} connections",
                      f"{default['login_per_second']:,.0f} a second", "as it is by default"))
    lines.append(Line(f"room for a new user's login on {engine}", f"{figures['bytes_a_login']:,.0f} bytes",
                      f"user, identity, session, code, event and their indexes, on average of {figures['logins']:,}"))
    lines.append(Line(f"the claim on a login's code, {engine}, {most['under_way']} under way", f"{most['claim_per_second']:,.0f} a second",
                      f"hand-written SQL: {most['plain_claim_per_second']:,.0f}"))
    return lines


def start_nodes(bench, databases):
    """A node on each store, and a second one on PostgreSQL; with tickets that are good on all of a store's nodes."""
    directory = bench.directory("engines")
    upstream = servers.upstream(bench.build, directory)
    running = {}
    for name in ("sqlite", *databases):
        url = databases[name].create_database("nodes") if name in databases else None
        servers.prepare(bench.build, directory / name, url)
        running[name] = Kaimen(bench.build, directory / name, name=f"kaimen-{name}", upstream=upstream.url, store_url=url)
        if name == "postgres":
            second = directory / "second"
            second.mkdir(mode=0o700)
            shutil.copy2(directory / name / "master.key", second / "master.key")
            running["second"] = Kaimen(bench.build, second, name="kaimen-second", upstream=upstream.url, store_url=url, core=servers.LOAD_CORE)
    tickets = {name: bench.tickets(running[name]) for name in ("sqlite", *databases)}
    upstream.stop()
    return running, {name: bench.request_file(f"engines-{name}", given, CURL_HEADERS) for name, given in tickets.items()}


def check_cost(bench, started):
    running, requests = started
    names = list(requests)
    run = lambda name: (lambda: bench.closed(running[name], requests[name], 64, bench.seconds(1)))
    measured = bench.interleaved({name: run(name) for name in names})
    lines = []
    for name in names[1:]:
        cost = ratio(measured, name, "sqlite", "cpu_us")
        lines.append(Line(f"CPU a check, the store on {NAMES[name]}", f"{median(measured[name]['cpu_us']):.2f} µs",
                          f"on SQLite: {median(measured['sqlite']['cpu_us']):.2f} µs; ratio {cost:.3f}", "within 5 %", abs(cost - 1) <= 0.05))
    return middle(measured), lines


class Address:
    """What tests/servers/front.py wants to know of a node, and what a run of the load generator wants to know of a front."""

    def __init__(self, public, private, pids=()):
        self.name, self.public, self.private, self.pids = "front", public, private, list(pids)
        self.address = front.bare(private)


def two_nodes(bench, started):
    """Behind HAProxy. Proxy, nodes and load share the machine's cores, so a second node can show little."""
    running, requests = started
    nodes = [Address(node.public, node.address) for node in (running["postgres"], running["second"])]
    fronts, measured = [], {}
    try:
        for count in (1, 2):
            fronts.append(front.FrontServer("haproxy", nodes[:count]))
        candidates = {}
        for count, server in zip((1, 2), fronts):
            address = Address(server.public, server.private, [server.process.pid])
            also = [running["postgres"], running["second"]]
            candidates[f"{count} nodes"] = lambda address=address, also=also: bench.closed(address, requests["postgres"], 64, bench.seconds(1), also=also)
        measured = bench.interleaved(candidates)
    finally:
        for server in fronts:
            server.stop()
    gained = ratio(measured, "2 nodes", "1 nodes", "per_second")
    return middle(measured), [
        Line("checks a second, 2 nodes behind HAProxy", f"{median(measured['2 nodes']['per_second']):,.0f}",
             f"1 node behind HAProxy: {median(measured['1 nodes']['per_second']):,.0f}; ratio {gained:.2f}; HAProxy and the load share the two cores")]
