"""The state file grows while nginx checks against it, with workers that could not open it again; and where its disk is full it says so."""
import subprocess

import front
import pytest
import wire
from test_module import Nginx


def metrics(kaimen):
    lines = wire.call(kaimen.private, "GET", "/metrics").body.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line.startswith("kaimen_check_file_"))}


def ended(site, number):
    token = site.kaimen.login(f"leaver{number}")["token"]
    assert site.kaimen.client("DELETE", "/v1/session", token).status == 204
    return token


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    one = front.Site(tmp_path / "site")
    yield one
    one.stop()


@pytest.fixture
def nginx(site, tmp_path):
    (tmp_path / "nginx").mkdir()
    one = Nginx(site, tmp_path / "nginx", user="nobody nogroup")
    yield one
    one.stop()


def test_it_grows_under_load_and_no_request_notices(site, nginx):
    good, first = site.kaimen.login("good")["token"], ended(site, "first")
    before = metrics(site.kaimen)
    assert before["kaimen_check_file_room"] == 1024 and before["kaimen_check_file_grown_total"] == 0
    site.state.parent.chmod(0o700)  # and so is each directory above it in a test
    stop, seen = [], {good: set(), first: set()}

    def ask(index):
        token = (good, first)[index % 2]
        while not stop:
            seen[token].add(nginx.get("/api/", token).status)

    threads, failures = front.in_threads(2, ask)
    try:
        for number in range(900):
            token = ended(site, number)
            assert nginx.get("/api/", token).status == 401, number
    finally:
        stop.append(True)
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    assert seen == {good: {200}, first: {401}}
    front.until(lambda: metrics(site.kaimen)["kaimen_check_file_room"] == 2048)
    after = metrics(site.kaimen)
    assert after["kaimen_check_file_grown_total"] == 1 and after["kaimen_check_file_revocations"] >= 900
    assert after["kaimen_check_file_overflows"] == after["kaimen_check_file_stuck"] == 0
    assert "check_file_grew" in site.kaimen.log()
    assert nginx.get("/api/", good).status == 200 and nginx.get("/api/", first).status == 401


@pytest.fixture
def small_disk(site):
    """The state file on a file system of its own; skipped where this may not be mounted."""
    place = site.directory / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True).returncode != 0:
        pytest.skip("no right to mount a tmpfs here")
    site.state = place / "check"
    site.environment["KAIMEN_CHECK_STATE_FILE"] = str(site.state)
    site.kaimen.restart()
    yield place
    site.kaimen.stop()
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_on_a_full_disk_it_is_told_and_nobody_passes(small_disk, site, tmp_path):
    (tmp_path / "nginx").mkdir()
    nginx = Nginx(site, tmp_path / "nginx")
    try:
        good = site.kaimen.login("good")["token"]
        with open(small_disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass
        tokens = [ended(site, number) for number in range(900)]
        front.until(lambda: metrics(site.kaimen)["kaimen_check_file_stuck"] == 1)
        assert "check_file_cannot_grow" in site.kaimen.log() and "No space left" in site.kaimen.log(), "before it is full"
        assert nginx.get("/api/", good).status == 200 and nginx.get("/api/", tokens[-1]).status == 401
        tokens += [ended(site, number) for number in range(900, 1030)]
        assert nginx.get("/api/", good).status == 503 and nginx.get("/api/", tokens[-1]).status == 503
        assert site.kaimen.verify(good).status == 204, "the node itself has room"
        assert metrics(site.kaimen)["kaimen_check_file_overflows"] == 1
        front.until(lambda: "check_file_overflows" in site.kaimen.log())
        (small_disk / "ballast").unlink()
        front.until(lambda: nginx.get("/api/", good).status == 200)
        for token in tokens[::20] + tokens[-3:]:
            assert nginx.get("/api/", token).status == 401
        front.until(lambda: metrics(site.kaimen)["kaimen_check_file_stuck"] == 0)
        assert metrics(site.kaimen)["kaimen_check_file_overflows"] == 0
    finally:
        nginx.stop()
