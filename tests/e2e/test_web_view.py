"""Cookie mode, and a login handed over to a web-view: over HTTP, and in a real browser behind a real nginx."""
import http.server
import threading
import urllib.parse

import pytest

import server
import wire
from test_nginx import Site

ORIGIN = "https://h5.example.cn"


@pytest.fixture(scope="module")
def shop(kaimen):
    """The file's server with an app that has a web origin."""
    answer = kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"settings": {"web_origins": [ORIGIN]}})
    assert answer.status == 200, answer
    return kaimen


def offer(kaimen, ticket, to=ORIGIN + "/cart?id=7#top"):
    answer = kaimen.client("POST", "/v1/session/handoff", ticket, json={"to": to})
    assert answer.status == 200 and answer.get("cache-control") == "no-store", answer
    assert answer.json()["expires_in"] == 60
    return answer.json()["url"]


def take(kaimen, url, method="GET"):
    assert url.startswith(kaimen.public + "/v1/handoff?c=kmh1."), url
    return wire.call(kaimen.public, method, url[len(kaimen.public):])


def cookies_of(answer):
    return dict(one.split(";")[0].split("=", 1) for one in answer.all("set-cookie"))


def test_a_hand_over_gives_the_page_a_session_of_its_own(shop, user):
    login = shop.login(user)
    answer = take(shop, offer(shop, login["token"]))
    assert answer.status == 303 and answer.get("location") == ORIGIN + "/cart?id=7#top", answer
    assert answer.get("cache-control") == "no-store" and answer.get("referrer-policy") == "no-referrer"
    cookies = cookies_of(answer)
    assert set(cookies) == {"kaimen", "kaimen_renew"}
    assert all("HttpOnly" in one and "SameSite=Lax" in one for one in answer.all("set-cookie"))
    check = shop.verify(headers={"Cookie": f"kaimen={cookies['kaimen']}"})
    assert check.status == 204 and check.get("x-kaimen-user") == login["user"]["id"]
    assert wire.ID.fullmatch(check.get("x-kaimen-session")) and check.get("x-kaimen-session") != login["session"]["id"]


def test_it_is_good_once(shop, user):
    url = offer(shop, shop.login(user)["token"])
    assert take(shop, url, "HEAD").status == 400, "what looks at a link must not use it up"
    results = server.parallel(8, lambda index: take(shop, url).status)
    assert sorted(results) == [303] + [409] * 7
    wire.problem(take(shop, url), 409, "code_used")


def test_it_ends_with_the_session_it_comes_from(shop, user):
    login = shop.login(user)
    cookies = cookies_of(take(shop, offer(shop, login["token"])))
    late = offer(shop, login["token"])
    assert shop.client("DELETE", "/v1/session", login["token"]).status == 204
    server.assert_reason(shop.verify(headers={"Cookie": f"kaimen={cookies['kaimen']}"}), "logged_out")
    wire.problem(shop.renew(cookies["kaimen_renew"]), 401, "unauthenticated", "logged_out")
    wire.problem(take(shop, late), 401, "unauthenticated", "logged_out")


def test_its_own_end_leaves_the_other(shop, user):
    login = shop.login(user)
    cookies = cookies_of(take(shop, offer(shop, login["token"])))
    assert shop.client("DELETE", "/v1/session", cookies["kaimen"]).status == 204
    assert shop.verify(login["token"]).status == 204


def test_it_renews_by_itself_and_is_not_handed_on(shop, user):
    cookies = cookies_of(take(shop, offer(shop, shop.login(user)["token"])))
    renewed = shop.client("POST", "/v1/session/renew", headers={"Cookie": f"kaimen_renew={cookies['kaimen_renew']}", "Origin": shop.public})
    assert renewed.status == 200 and shop.verify(renewed.json()["token"]).status == 204
    wire.problem(take(shop, offer(shop, renewed.json()["token"])), 403, "forbidden")


@pytest.mark.parametrize("to", ["https://evil.example/", "https://h5.example.cn.evil.example/", "https://h5.example.cn@evil.example/", "https://h5.example.cn:8443/", "http://h5.example.cn/",
                                "https://h5.example.cn\\@evil.example/", "//h5.example.cn/", "/cart", "", "javascript:alert(1)", "https://h5.example.cn/a b", "https://h5.example.cn/\r\nX: 1",
                                "https://h5.example.cn/" + "a" * 1100, " https://h5.example.cn/", "HTTPS://evil.example/https://h5.example.cn/"])
def test_it_leads_to_the_apps_own_origins_only(shop, user, to):
    wire.problem(shop.client("POST", "/v1/session/handoff", shop.login(user)["token"], json={"to": to}), 400, "invalid_request")


def test_an_origin_that_is_taken_back_is_shut(own_kaimen):
    one = own_kaimen()
    one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"web_origins": [ORIGIN]}})
    url = offer(one, one.login("u")["token"])
    one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"web_origins": None}})
    wire.problem(take(one, url), 403, "forbidden")


def test_no_other_code_is_taken(shop, user):
    login = shop.login(user)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(offer(shop, login["token"])).query)["c"][0]
    for other in (code[:-1], code + "A", code[:40] + ("A" if code[40] != "A" else "B") + code[41:], "kmh1.", "x", "kmh1." + "A" * 100):
        wire.problem(wire.call(shop.public, "GET", "/v1/handoff?c=" + other), 401, "code_invalid")
    wire.problem(wire.call(shop.public, "GET", "/v1/handoff?c=" + login["token"]), 400, "invalid_request")
    wire.problem(wire.call(shop.public, "GET", f"/v1/handoff?c={code}&c={code}"), 400, "invalid_request")
    wire.problem(wire.call(shop.public, "GET", "/v1/handoff"), 400, "invalid_request")
    server.assert_reason(shop.verify(code), "malformed")


# In a browser


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = Site(tmp_path_factory.mktemp("web-view"))
    answer = one.kaimen.admin("PUT", f"/apps/{one.kaimen.app_id}", json={"settings": {"web_origins": [one.url]}})
    assert answer.status == 200, answer
    yield one
    one.stop()


@pytest.fixture(scope="module")
def elsewhere():
    """Another page's server: another port of this machine, which a browser takes for the same site and another origin."""
    page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{page.server_address[1]}"
    page.shutdown()


def fetched(browser, method, url, body=None, mode="same-origin"):
    """What a page's own script gets: the status, or what it dies of."""
    script = """const [method, url, body, mode, done] = arguments
fetch(url, { method, body, mode, credentials: 'include' }).then(answer => done(answer.status), error => done(String(error)))"""
    return browser.execute_async_script(script, method, url, body, mode)


def test_a_browser_is_brought_in_and_foreign_pages_are_kept_out(site, browser, elsewhere):
    login = site.kaimen.login("shopper")
    answer = site.get("/v1/session/handoff", login["token"], method="POST", json={"to": site.url + "/api/cart"})
    url = answer.json()["url"]
    browser.get(url)
    assert browser.current_url == site.url + "/api/cart", browser.current_url
    assert login["user"]["id"] in browser.page_source, "the backend behind the check knows the user"
    assert browser.execute_script("return document.cookie") == "", "no script reads the ticket"
    assert fetched(browser, "GET", "/v1/me") == 200
    assert fetched(browser, "POST", "/v1/me", '{"city":"Suzhou"}') == 200
    assert fetched(browser, "POST", "/v1/session/renew") == 200
    assert site.get("/v1/me", login["token"]).json()["city"] == "Suzhou"

    browser.get(elsewhere)
    fetched(browser, "POST", site.url + "/v1/me", '{"city":"Stolen"}', "no-cors")
    fetched(browser, "POST", site.url + "/v1/session/renew", None, "no-cors")
    browser.execute_script("""document.body.innerHTML = '<form method=post enctype=text/plain></form>'
const form = document.forms[0], field = document.createElement('input')
form.action = arguments[0]; field.name = '{"city":"Stolen","language":"'; field.value = '"}'; form.append(field); form.submit()""", site.url + "/v1/me")
    server.eventually(lambda: "forbidden" in browser.page_source, 10)
    assert site.get("/v1/me", login["token"]).json()["city"] == "Suzhou"

    browser.get(url)
    assert "code_used" in browser.page_source
    browser.get(site.url + "/api/cart")
    assert login["user"]["id"] in browser.page_source
    assert site.get("/v1/session", login["token"], method="DELETE").status == 204
    browser.get(site.url + "/api/cart")
    assert "logged_out" in browser.page_source and login["user"]["id"] not in browser.page_source
