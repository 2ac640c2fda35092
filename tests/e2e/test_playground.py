"""The phone in the browser: its story from beginning to end in a real browser, the bad days, and who is kept out.

With KAIMEN_SCREENSHOTS=docs the pictures of the docs are made anew.
"""
import os
import pathlib
import re
import socket
import subprocess

import pytest
from selenium.webdriver.common.by import By

import server
import wire
from test_greeting import Greeted


class Page:
    def __init__(self, browser, kaimen, language):
        self.browser = browser
        browser.get(kaimen.private + "/playground/icon.svg")
        browser.execute_script("localStorage.setItem('kaimen.playground.language', arguments[0])", language)
        browser.get(kaimen.private + "/playground")
        server.eventually(lambda: self.find("#next"), 20)

    def find(self, css):
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def text(self, css):
        return "\n".join(self.browser.execute_script("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", css))

    def next(self, until=None):
        """The next step, to its end; or until something shows."""
        before = self.text(".chapter")
        self.browser.execute_script("document.querySelector('#next').click()")
        server.eventually(lambda: self.text(".chapter") != before, 10)
        server.eventually(lambda: until() if until else self.idle(), 30)
        return self.last_chapter()

    def idle(self):
        return self.browser.execute_script("return !document.querySelector('.step').disabled && !document.querySelector('.row.pending')")

    def last_chapter(self):
        """The arrows' words since the last heading."""
        return self.browser.execute_script("""const rows = [...document.querySelector('.rows').children]
return rows.slice(rows.findLastIndex(row => row.className === 'chapter')).map(row => [...row.querySelectorAll('span, small, .bubble')].map(one => one.textContent).join(' '))""")

    def click(self, css, text):
        found = [one for one in self.find(css) if text in one.text]
        assert len(found) == 1, (css, text, self.text(css))
        found[0].click()

    def picture(self, name):
        directory = os.environ.get("KAIMEN_SCREENSHOTS")
        if directory:
            self.browser.execute_script("for (const one of document.getAnimations()) one.finish(); document.activeElement.blur()")
            self.browser.save_screenshot(str(pathlib.Path(directory) / f"playground-{name}.png"))

    def errors(self):
        # What a request was answered is the story's to tell; all else is a mistake of a page.
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]]


def has(rows, *texts):
    """Each text in a row of its own, in this order."""
    rest = iter(rows)
    for text in texts:
        assert any(text in row for row in rest), (text, rows)


def test_the_story_tells_itself(kaimen, browser):
    page = Page(browser, kaimen, "en")

    rows = page.next()
    has(rows, "wx.login()", "code ", "POST /v1/login", "jscode2session", "openid, session_key", "200 km1.")
    assert page.text("#ticket .good") == "204" and "users1" in page.text("#rows caption") and len(page.find(".chip")) == 1
    user = re.search(r"user([0-9a-f]{32})", page.text("#ticket table")).group(1)
    assert kaimen.admin("GET", f"/users/{user}").status == 200, "the rows are those of the store"

    rows = page.next()
    has(rows, "POST /api/orders", "GET /verify", "204 X-Kaimen-User: " + user[:8], "200 order placed")
    assert user in page.text("#checked") and "X-Kaimen-Openid" in page.text("#checked")
    page.picture("order")

    rows = page.next()
    has(rows, "button: phone number", "POST /v1/me/phone", "getuserphonenumber", "200")
    assert re.search(r"phone.*1\d{10}", page.text("#rows"), re.S) and re.search(r"1\d{10}", page.text(".device .me"))

    rows = page.next()
    has(rows, "wx.checkSession()", "ok, the key stands")
    assert not any("wx.login" in row for row in rows), rows

    rows = page.next()
    has(rows, "two hours later", "POST /v1/session/renew", "200 km1.", "POST /api/orders", "200 order placed")
    assert not any("wx.login" in row for row in rows), rows

    page.next(until=lambda: page.find(".dialog"))
    server.eventually(page.idle, 10)
    rows = page.last_chapter()
    has(rows, "POST /v1/login", "POST /api/orders", "401 replaced", "the backend never saw it", "session ended: replaced")
    assert "其他设备" in page.text(".dialog") and len(page.find(".device")) == 2
    page.picture("second-phone")
    page.click(".dialog button", "重新登录")
    server.eventually(lambda: "Order placed" in page.text(".toast"), 20)

    rows = page.next()
    has(rows, "a new session_key, and nobody told", "encryptedData, iv", "POST /v1/me/phone", "409 stale_session_key", "wx.login()", "POST /v1/login", "POST /v1/me/phone", "200")
    assert len(page.find(".chip")) >= 2
    page.picture("stale-key")

    rows = page.next()
    has(rows, "DELETE /v1/session", "204")
    server.eventually(lambda: page.text("#ticket .bad") == "401 logged_out", 10)
    assert page.errors() == [], page.errors()


def test_it_speaks_chinese(kaimen, browser):
    page = Page(browser, kaimen, "zh")
    page.next()
    assert "打开" in page.text(".caption h2") and "票据" in page.text("#ticket h2")
    page.picture("zh")
    browser.execute_script("document.querySelector('#language').click()")
    server.eventually(lambda: page.text("#next").startswith("Start"), 10)
    assert page.errors() == []


def test_bad_days(kaimen, browser):
    page = Page(browser, kaimen, "en")
    page.click(".weather label", "was used")
    has(page.next(), "errcode 40163", "409 code_used", "wx.login()", "200 km1.")
    page.click(".weather label", "is busy")
    page.click(".step", "Open it")
    server.eventually(lambda: "upstream_busy" in page.text(".toast"), 20)
    page.click(".weather label", "is busy")
    page.click(".step", "Open it")
    server.eventually(page.idle, 20)
    page.click(".weather label", "stale session_key")
    page.click(".device .do", "Bind my phone number")
    server.eventually(lambda: "Number: +86" in page.text(".toast"), 20)
    has(page.last_chapter(), "409 stale_session_key", "POST /v1/login", "POST /v1/me/phone", "200")
    assert not page.browser.execute_script("return document.querySelector('#stale').checked")
    page.click(".weather label", "No network")
    page.click(".step", "Open it")
    server.eventually(lambda: "login_failed" in page.text(".toast") or "login_paused" in page.text(".toast"), 20)
    kaimen.faults()


def test_what_a_store_or_a_user_says_is_no_markup(kaimen, browser):
    page = Page(browser, kaimen, "en")
    page.next()
    user = re.search(r"user([0-9a-f]{32})", page.text("#ticket table")).group(1)
    evil = "<img src=x onerror=alert(1)>"
    session = kaimen.admin("GET", f"/users/{user}/sessions").json()["items"][0]
    ticket = browser.execute_script("return document.querySelector('.ticket').textContent")
    assert kaimen.client("POST", "/v1/me", ticket, json={"nickname": evil}).status == 200 and session["id"]
    page.next()
    server.eventually(lambda: evil in page.text("#rows"), 10)
    assert not page.find("#rows img")


def post(kaimen, name, json=None, origin=None, private=None):
    base = private or kaimen.private
    return wire.call(base, "POST", "/playground/" + name, json=json or {}, headers=[("Origin", origin or base)] if origin != "" else [])


def test_pages_run_nothing_but_their_own_files(kaimen):
    answer = wire.call(kaimen.private, "GET", "/playground")
    policy = answer.get("content-security-policy")
    assert answer.status == 200 and "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and answer.get("x-content-type-options") == "nosniff"
    assert not re.search(rb"<script(?![^>]*src=)|\son\w+=|<style|style=", answer.body)
    assert wire.call(kaimen.private, "GET", "/playground/nothing.js").status == 404
    assert wire.call(kaimen.private, "GET", "/playground/../verify").status == 404
    assert wire.call(kaimen.public, "GET", "/playground").status == 404, "not on the public listener"


def test_only_the_playgrounds_own_page_may_ask(kaimen):
    assert post(kaimen, "facts").status == 200
    assert post(kaimen, "facts", origin="https://evil.example").status == 403
    assert post(kaimen, "facts", origin="").status == 403
    # A foreign name that points to this machine.
    host, port = kaimen.private[len("http://"):].split(":")
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(f"GET /playground HTTP/1.1\r\nHost: evil.example:{port}\r\nConnection: close\r\n\r\n".encode())
        assert line.makefile("rb").readline().startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("order", [
    {"to": "http://127.0.0.1:1", "method": "GET", "path": "/"}, {"to": "private", "method": "GET", "path": "/verify"},
    {"to": "public", "method": "GET", "path": "@127.0.0.1:1/"}, {"to": "public", "method": "GET", "path": "//x HTTP/1.1\r\nA: b"},
    {"to": "public", "method": "GET /x", "path": "/"}, {"to": "public", "method": "GET", "path": "/healthz", "headers": {"A": "b\r\nC: d"}}, {"to": "public"}, {},
])
def test_its_wire_leads_to_two_places_only(kaimen, order):
    assert post(kaimen, "wire", order).status == 400


def test_it_opens_no_ticket_but_this_servers(kaimen):
    assert post(kaimen, "look", {"ticket": "km1." + "A" * 100}).status == 404
    assert post(kaimen, "look", {}).status == 400
    assert post(kaimen, "limit", {"max_per_user": "1"}).status == 400
    assert post(kaimen, "limit", {"max_per_user": 3}).json() == {"max_per_user": 3, "was": None}
    assert post(kaimen, "limit", {"max_per_user": None}).json() == {"max_per_user": 20, "was": 3}
    assert post(kaimen, "anything").status == 404


def test_without_the_sandbox_there_is_no_playground(own_kaimen):
    one = own_kaimen("--wechat", "http://127.0.0.1:1")
    assert wire.call(one.private, "GET", "/playground").status == 404
    assert post(one, "facts").status in (404, 405)


def test_others_in_the_network_find_nothing():
    from_here = [address for address in lan_addresses() if not address.startswith("127.")]
    if not from_here:
        pytest.skip("this machine is in no network")
    one = Greeted("--lan", private="0.0.0.0:0")
    try:
        there = f"http://{from_here[0]}:" + re.search(r"checks and admin +http://[\d.]+:(\d+)", one.text).group(1)
        assert wire.call(there, "GET", "/healthz").status == 200
        assert wire.call(there, "GET", "/playground").status == 404
        assert post(None, "facts", private=there).status == 404
    finally:
        one.stop()


def lan_addresses():
    return subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
