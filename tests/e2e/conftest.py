"""Fixtures: one server for all tests of a file that leave nothing behind, a server of its own for those that do."""
import itertools
import shutil
import subprocess

import pytest

import server
from fake_wechat import FakeWechat

FAKE_APP = "wxfake000000000001"


@pytest.fixture(scope="module")
def kaimen(tmp_path_factory):
    """The file's common server. Tests use users of their own names and clear the faults they set."""
    one = server.Kaimen(tmp_path_factory.mktemp("kaimen") / "data")
    yield one
    one.stop()


@pytest.fixture
def own_kaimen(tmp_path):
    """Makes servers that only this test uses; all that still run are stopped after it."""
    made = []

    def make(*arguments, environment=None):
        made.append(server.Kaimen(tmp_path / f"data{len(made)}", *arguments, environment=environment))
        return made[-1]

    yield make
    for one in made:
        if one.alive():
            one.stop()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 6 MB; skipped where none may be mounted (root may)."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True).returncode != 0:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    """A scripted WeChat with a server that asks it, as fake.kaimen; its app is FAKE_APP."""
    upstream = FakeWechat()
    upstream.kaimen = server.Kaimen(tmp_path_factory.mktemp("fake") / "data", "--wechat", upstream.url)
    upstream.kaimen.app_id = FAKE_APP
    upstream.kaimen.sandbox = None
    upstream.kaimen.add_app(FAKE_APP, secret="0123456789abcdef0123456789abcdef")
    yield upstream
    upstream.close()
    upstream.kaimen.stop()


@pytest.fixture
def browser(tmp_path):
    # A missing browser is a failure: a page that no browser has opened is not tested.
    assert shutil.which("chromium") and shutil.which("chromedriver"), "script/setup installs chromium and chromium-driver"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--window-size=1500,1060", f"--user-data-dir={tmp_path}/profile"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    one = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    one.set_script_timeout(30)
    yield one
    one.quit()


@pytest.fixture(autouse=True)
def nothing_left(request):
    """Scripts and faults end with the test that set them."""
    yield
    if "fake" in request.fixturenames:
        fake = request.getfixturevalue("fake")
        fake.scripts.clear()
    if "kaimen" in request.fixturenames:
        kaimen = request.getfixturevalue("kaimen")
        if kaimen.sandbox and kaimen.alive():
            kaimen.faults()


@pytest.fixture
def user(counter=itertools.count(1)):
    """A user name that no other test has."""
    return f"user{next(counter)}"
