#!/usr/bin/env python3
"""Holds the folder table of docs/architecture.md against every #include under src.

Run without arguments it checks the tree it stands in; with a directory, that one. `--self-test` shows that a bad include of each kind is
found: a checker that finds nothing must not pass for a tree that has nothing to find.
"""
import pathlib
import re
import sys
import tempfile

# What a folder may include of the others, beside itself.
FOLDERS = {
    "base": set(),
    "check": set(),
    "crypto": {"base"},
    "core": {"base", "crypto", "check"},
    "http": {"base"},
    "platform": {"base", "crypto", "core", "http"},
    "store": {"base", "core"},
    "api": {"base", "core", "http", "check"},
    "sandbox": {"base", "crypto", "http"},
    "playground": {"base", "core", "http", "check"},
    "app": {"base", "check", "crypto", "core", "http", "platform", "store", "api", "sandbox", "playground"},
}
# Who may include which library. The first prefix that fits decides.
LIBRARIES = [
    ("boost/outcome/", {"base", "app"}),
    ("boost/asio", {"http"}),
    ("boost/beast", {"http"}),
    ("boost/json", {"http", "platform", "api", "sandbox", "app"}),
    ("boost/", {"http"}),
    ("openssl/", {"check", "crypto", "http"}),
    ("argon2.h", {"crypto"}),
    ("unicode/", {"core"}),
    ("sqlite3", {"store"}),
    ("libpq-fe.h", {"store"}),
    ("mysql.h", {"store"}),
    ("spdlog/", {"base"}),
    ("CLI/", {"app"}),
    ("toml++/", {"app"}),
    ("expat.h", {"platform"}),
    ("qrencode.h", {"sandbox"}),
    ("immintrin.h", {"check"}),
    ("emmintrin.h", {"http"}),
]
# One folder, but not all of its files.
ONLY_IN = {"spdlog/": "base/log.cpp", "mysql.h": "store/mysql_connection.cpp", "expat.h": "platform/push_fields.cpp", "qrencode.h": "sandbox/picture.cpp", "immintrin.h": "check/base64url.cpp"}
# Of the system: no library at all. Sockets are for those who do I/O.
SYSTEM = re.compile(r"(fcntl|netdb|poll|pwd|ifaddrs|pthread|sched|signal|stdlib|string|termios|time|unistd)\.h|(sys|arpa|net|netinet)/[a-z/]+\.h")
STANDARD = re.compile(r"[a-z_0-9]+|std(def|int)\.h")  # the latter: in headers that C reads too
NO_SYSTEM = {"core", "check", "platform"}
# The file that other processes map, and the clock that they share; memory that is given back while its addresses stay.
SYSTEM_IN = {"check/boot_clock.cpp", "check/state_source.cpp", "check/state_memory.cpp", "check/state_reader.cpp", "check/revocations.cpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def judge(source, quote, target):
    """The complaint about one include; None if there is none. `source` is relative to src."""
    folder = source.parts[0] if len(source.parts) > 1 else "main"
    if quote == '"':
        other = target.split("/")[0]
        if "/" not in target or target.startswith("."):
            return "includes start at src/"
        if other not in FOLDERS:
            return f"there is no folder {other}"
        if folder == "main":
            return None if other == "app" else "main includes app only"
        return None if other == folder or other in FOLDERS[folder] else f"{folder} may not include {other}"
    for prefix, allowed in LIBRARIES:
        if target.startswith(prefix):
            if folder not in allowed:
                return f"{folder} may not include {prefix}"
            only = ONLY_IN.get(prefix)
            return None if not only or source.as_posix() == only else f"{prefix} belongs to {only} alone"
    if SYSTEM.fullmatch(target):
        return f"{folder} does no I/O of its own" if folder in NO_SYSTEM and source.as_posix() not in SYSTEM_IN else None
    return None if STANDARD.fullmatch(target) else f"<{target}> is in no row of the table"


def complaints(src):
    found = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cpp", ".c"):
            continue
        source = path.relative_to(src)
        if len(source.parts) > 1 and source.parts[0] not in FOLDERS:
            found.append(f"{source}: folder {source.parts[0]} is in no row of the table")
            continue
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            complaint = judge(source, *match.groups())
            if complaint:
                line = text.count("\n", 0, match.start(1)) + 1
                found.append(f"{source}:{line}: {complaint} ({match.group(2)})")
    return found


def self_test():
    bad = {
        "core/a.h": '#include "http/server.h"',
        "platform/a.cpp": '#include "store/open.h"',
        "store/a.cpp": '#include "api/api.h"',
        "api/a.cpp": '#include "platform/wechat.h"',
        "check/a.h": '#include "base/result.h"',
        "sandbox/a.cpp": '#include "core/types.h"',
        "app/a.cpp": "#include <boost/asio/io_context.hpp>",
        "api/b.cpp": "#include <boost/beast/http.hpp>",
        "core/b.cpp": "#include <openssl/evp.h>",
        "api/c.cpp": "  #  include <sqlite3.h>",
        "base/a.h": "#include <spdlog/spdlog.h>",
        "core/c.cpp": "#include <sys/socket.h>",
        "check/b.cpp": "#include <sys/mman.h>",
        "http/a.cpp": '#include "server.h"',
        "http/b.cpp": "#include <curl/curl.h>",
        "misc/a.h": "#include <string>",
        "main.cpp": '#include "core/login.h"',
    }
    good = {
        "core/good.h": '#include <string>\n#include "base/result.h"\n#include "check/ticket.h"',
        "base/log.cpp": "#include <spdlog/async.h>",
        "http/good.cpp": "#include <boost/asio/io_context.hpp>\n#include <sys/socket.h>",
        "check/state_source.cpp": "#include <sys/mman.h>",
        "store/good.cpp": "#include <sqlite3.h>\n// #include in a sentence",
    }
    with tempfile.TemporaryDirectory() as directory:
        src = pathlib.Path(directory)
        for name, text in {**bad, **good}.items():
            (src / name).parent.mkdir(exist_ok=True)
            (src / name).write_text(text + "\n", encoding="utf-8")
        blamed = {complaint.split(":")[0] for complaint in complaints(src)}
    missed, wronged = set(bad) - blamed, blamed & set(good)
    for name in sorted(missed):
        print(f"not found: {name}: {bad[name]}")
    for name in sorted(wronged):
        print(f"blamed without cause: {name}")
    return not missed and not wronged


def main(arguments):
    if arguments == ["--self-test"]:
        return 0 if self_test() else 1
    src = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parents[2] / "src"
    found = complaints(src)
    print("\n".join(found) if found else f"{src}: every include is in the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
