"""What all servers of the tests need: free ports, an unprivileged account, processes that are surely gone afterwards, certificates.

Everything listens on loopback only and lives in a directory below the system's temporary one: database servers refuse to run as root, and
the account they get instead cannot look into directories that belong to root.
"""
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_ports(count):
    """Ports that nobody listens on, all different, and none that the system may give to an outgoing connection while their server is
    down."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = (lowest // 2, lowest) if lowest > 8192 else (8192, 60_000)
    ports = []
    while len(ports) < count:
        port = random.randrange(first, last)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if port not in ports:
            ports.append(port)
    return ports


def eventually(check, seconds=30.0, pause=0.05, what="it"):
    """Polls until `check` is true and returns its value; TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(pause)


def account(*names):
    """Popen's arguments to run as the first of these users that exists; none where we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in (*names, "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise RuntimeError(f"none of the users {names} exists, and servers of databases do not run as root")


def new_directory(name, who):
    """A temporary directory that belongs to `who`, an account."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"kaimen-{name}-"))
    give(path, who)
    return path


def give(path, who):
    """Hands a file or directory, with all in it, to an account."""
    if not who:
        return
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        os.chown(one, who["user"], who["group"], follow_symlinks=False)


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)


def start(command, who, log, **more):
    """A process in a session of its own, its output appended to `log`; it outlives its starter unless it is stopped."""
    with open(log, "ab") as output:
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                start_new_session=True, cwd="/", **who, **more)


def run(command, who=None, timeout=120, **more):
    """A command to its end; its output, or an error that tells it."""
    done = subprocess.run([str(part) for part in command], stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, cwd="/", **(who or {}), **more)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def stat_of(pid):
    """State, parent and start time of a process; None when there is none."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return fields[0], int(fields[1]), fields[19]


def is_alive(pid):
    """A zombie is dead: whoever should collect it may never do so."""
    found = stat_of(pid)
    return found is not None and found[0] not in "ZX"


def descendants(pid):
    """All processes below `pid`, whichever session they made for themselves."""
    below = {}
    for entry in os.listdir("/proc"):
        found = stat_of(entry) if entry.isdigit() else None
        if found:
            below.setdefault(found[1], []).append(int(entry))
    result, queue = [], [pid]
    while queue:
        children = below.get(queue.pop(), [])
        result += children
        queue += children
    return result


def peer_ports(pid):
    """The ports on 127.0.0.1 that the process has connections to."""
    inodes = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[len("socket:["):-1])
    lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[2].split(":")[1], 16) for line in lines if line[9] in inodes and line[3] == "01" and line[2].startswith("0100007F:")}


def kill_all(pid, seconds=20):
    """kill -9 of a process and all below it; returns when none of them is left."""
    pids = [pid, *descendants(pid)]
    for one in pids:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_gone(pids, seconds)


def wait_gone(pids, seconds=30):
    eventually(lambda: not any(map(is_alive, pids)), seconds, 0.01, f"the end of processes {pids}")


def end(process, how=signal.SIGTERM, seconds=30):
    """Stops a process that we started, with kill -9 if it does not obey."""
    pids = [process.pid, *descendants(process.pid)]
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_all(process.pid)
    process.wait()
    for one in filter(is_alive, pids):
        kill_all(one)


def certificates(directory, who):
    """A throw-away CA and a certificate of localhost and 127.0.0.1 signed by it: paths (ca, certificate, key)."""
    ca, leaf, key, request = (directory / name for name in ("ca.pem", "server.pem", "server.key", "server.csr"))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run(["openssl", "req", "-x509", *curve, "-keyout", directory / "ca.key", "-out", ca, "-days", "2", "-subj", "/CN=test CA"])
    run(["openssl", "req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=localhost"])
    extension = directory / "extension"
    extension.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    run(["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", directory / "ca.key", "-out", leaf, "-days", "2",
         "-extfile", extension])
    for path in (ca, leaf, key):
        path.chmod(0o600 if path == key else 0o644)
        give(path, who)
    return ca, leaf, key
