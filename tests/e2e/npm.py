"""npm packages of a test: pinned by the lock file in the test's folder, installed into the build tree, once for each lock."""
import fcntl
import hashlib
import pathlib
import shutil
import subprocess

import server


def node():
    found = shutil.which("node")
    assert found, "node is not installed: script/setup"
    return found


def install(folder):
    """The directory whose node_modules has what folder/package-lock.json names."""
    target = pathlib.Path(server.binary()).parent / "npm" / folder.name
    target.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = target / "installed"
    with open(target / "lock", "w") as lock:  # two tests may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, target / name)
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=target, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0, done.stderr[-3000:]
            stamp.write_text(wanted)
    return target
