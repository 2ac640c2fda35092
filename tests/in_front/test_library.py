"""libkaimen_check as it is linked: what it needs of the system, what it shows of itself."""
import os
import pathlib
import re
import subprocess

import front

LIBRARY = pathlib.Path(os.environ["KAIMEN_CHECK_LIBRARY"]).resolve()
HEADER = front.ROOT / "src/check/kaimen_check.h"
DECLARED = set(re.findall(r"KAIMEN_CHECK_API [^;(]*?(kaimen_\w+)\(", HEADER.read_text()))


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, timeout=120).stdout


def test_it_needs_libcrypto_and_libc_only():
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", LIBRARY)))
    assert needed <= {"libcrypto.so.3", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"} and "libcrypto.so.3" in needed, needed
    assert "SONAME" in output("readelf", "-d", LIBRARY) and "libkaimen_check.so.1" in output("readelf", "-d", LIBRARY)


def test_it_shows_what_the_header_declares_and_nothing_else():
    shown = {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", LIBRARY).splitlines() if " A " not in line}
    assert len(DECLARED) >= 12 and shown == DECLARED, shown ^ DECLARED


def test_c_reads_the_header(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("#include <kaimen_check.h>\nint main(void) { return kaimen_check_abi() == KAIMEN_CHECK_ABI ? 0 : 1; }\n")
    output("cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{HEADER.parent}", source, LIBRARY, "-o", tmp_path / "a")
    subprocess.run([tmp_path / "a"], check=True, env={**os.environ, "LD_LIBRARY_PATH": str(LIBRARY.parent)}, timeout=30)


def test_the_manual_page_tells_of_every_function():
    page = (front.ROOT / "docs/man/kaimen_check.3").read_text().replace("\\", "")
    assert not [name for name in DECLARED if name not in page]
