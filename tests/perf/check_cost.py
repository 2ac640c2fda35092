"""Holds the instructions of a check under a ceiling. What a run costs besides (start, first use) goes out by the difference of two runs.

A ceiling is what was measured when it was set, plus a tenth. Where a change brings more, either it is worth that (raise the ceiling, and say
why in the commit), or it does not belong on the check path.
"""
import re
import subprocess
import sys

CEILINGS = {"ticket": 3_700, "request": 11_000, "many_apps": 11_000, "library": 5_600, "forged": 5_200}
FEW, MANY = 200, 1200


def instructions(valgrind, program, what, count):
    done = subprocess.run([valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", program, what, str(count)], capture_output=True, text=True, timeout=240)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"check_cost {what}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return int(found.group(1))


def main(valgrind, program, *names):
    over = []
    for what in names:
        ceiling = CEILINGS[what]
        each = (instructions(valgrind, program, what, MANY) - instructions(valgrind, program, what, FEW)) / (MANY - FEW)
        print(f"{what}: {each:.0f} instructions, ceiling {ceiling}")
        if each > ceiling:
            over.append(what)
    if over:
        sys.exit(f"dearer than the ceiling: {', '.join(over)}")


main(*sys.argv[1:])
