"""Servers for tests that are not written in Python: started in the background, found by their URL in a file, stopped by the same file.

    serve.py start postgres|mariadb|galera --state DIR     writes DIR/url; ends what an earlier run left behind
    serve.py stop --state DIR
"""
import argparse
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import galera
import mariadb
import postgres
import process

# Contract tests open a store a test, hundreds of times; what they show does not depend on the disk. Failover tests start their own servers.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def start(kind, state):
    stop(state)
    state.mkdir(parents=True, exist_ok=True)
    if kind == "postgres":
        server = postgres.Postgres(settings=FAST)
        servers = [server]
    elif kind == "mariadb":
        server = mariadb.Mariadb(arguments=["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"])
        servers = [server]
    else:
        cluster = galera.Galera()
        server, servers = cluster.nodes[0], cluster.nodes
    # The start time tells our process from a later one of the same number.
    known = [{"pid": one.process.pid, "started": process.stat_of(one.process.pid)[2], "directory": str(one.directory)} for one in servers]
    (state / "pids").write_text(json.dumps(known))
    (state / "url").write_text(server.url())


def stop(state):
    try:
        known = json.loads((state / "pids").read_text())
    except (OSError, ValueError):
        return
    for one in known:
        found = process.stat_of(one["pid"])
        if found and found[2] == one["started"] and found[0] not in "ZX":
            pids = [one["pid"], *process.descendants(one["pid"])]
            os.kill(one["pid"], signal.SIGQUIT if "postgres" in one["directory"] else signal.SIGKILL)
            try:
                process.wait_gone(pids)
            except TimeoutError:
                for pid in filter(process.is_alive, pids):
                    process.kill_all(pid)
        process.remove(one["directory"])
    for name in ("url", "pids"):
        (state / name).unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    start_parser, stop_parser = commands.add_parser("start"), commands.add_parser("stop")
    start_parser.add_argument("kind", choices=["postgres", "mariadb", "galera"])
    for one in (start_parser, stop_parser):
        one.add_argument("--state", type=pathlib.Path, required=True)
    given = parser.parse_args()
    if given.command == "start":
        start(given.kind, given.state)
    else:
        stop(given.state)


if __name__ == "__main__":
    main()
