"""Runs the benchmarks, prints the table and writes docs/performance.json, the plots and the table of docs/performance.md.

  script/bench [--quick] [--full] [--only NAME]…

--only measures some rows and leaves the others as they were. Standard library only.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import beside
import checks
import engines
import growth
import inside
import logins
import report
import servers
from measure import Bench

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = {"check": checks.check, "unix": checks.unix, "auth_request": checks.auth_request, "inside": inside.inside, "in_process": checks.in_process,
        "login": logins.login, "store": logins.store, "growth": growth.growth, "connections": checks.connections, "memory": growth.memory,
        "hang": beside.hang, "passwords": beside.passwords, "engines": engines.engines}


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "nginx": first_line("nginx", "-v").removeprefix("nginx version: "), "openssl": first_line("openssl", "version"), "compiler": first_line("g++", "--version")}


def main():
    parser = argparse.ArgumentParser(description="Kaimen's benchmarks")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--quick", action="store_true", help="short runs, small stores: to see that all works, not to quote; writes nothing to docs/")
    parser.add_argument("--full", action="store_true", help="10M sessions and one minute of a hanging WeChat as well")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="only this row; may be repeated")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > report.BUSY:
        print(f"bench: hint: the machine is busy (load average {load:.1f}); figures will be off", file=sys.stderr)

    servers.raise_file_limit()
    path = ROOT / "docs/performance.json"
    results = json.loads(path.read_text()) if path.exists() and options.only else {"rows": {}}
    results["machine"] = machine()
    with tempfile.TemporaryDirectory(prefix="kaimen-bench-") as work:
        bench = Bench(options.build.resolve(), pathlib.Path(work), options.quick, options.full)
        for name in options.only or ROWS:
            print(f"bench: {name}", file=sys.stderr, flush=True)
            figures, lines = ROWS[name](bench)
            results["rows"][name] = {"measured_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "load_average": round(load, 2),
                                     "figures": figures, "lines": [line.fields for line in lines]}
            print(report.table(lines, load > report.BUSY), flush=True)
            servers.stop_all()
    if not options.quick:
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        report.write(ROOT / "docs", results, list(ROWS))


if __name__ == "__main__":
    main()
