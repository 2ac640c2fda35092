"""What happened, and who is told: merges, audit, why, webhooks, and logins of other apps than mini programs."""
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest

import server
import wire

WEB_APP = "wxweb000000000001"


class Hook:
    """A webhook's other end: keeps what comes, answers what it is told to."""

    def __init__(self):
        self.seen, self.status, self.lock = [], 200, threading.Lock()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with hook.lock:
                    hook.seen.append((dict(self.headers.items()), body))
                    status = hook.status
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self):
        with self.lock:
            return [json.loads(body) for _, body in self.seen]

    def ids(self):
        with self.lock:
            return [headers["X-Kaimen-Delivery"] for headers, _ in self.seen]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    one = Hook()
    yield one
    one.close()


def bind(kaimen, app_id, open_platform):
    kaimen.control("POST", "/sandbox/apps", {"appid": app_id, "secret": f"secret-of-{app_id}-0123456789", "open_platform": open_platform})


def add_oauth_app(kaimen, app_id=WEB_APP):
    kaimen.add_app(app_id, platform="wechat_oauth")
    bind(kaimen, app_id, "one")
    return app_id


# Other apps of WeChat, and merges


def test_a_website_has_no_session_key_to_ask_about(own_kaimen):
    kaimen = own_kaimen()
    add_oauth_app(kaimen)
    web = kaimen.login("ada", WEB_APP)
    assert kaimen.client("GET", "/v1/session?upstream=true", web["token"]).status == 200, "it answered expired, always"
    assert not kaimen.calls("/wxa/checksession")
    wire.problem(kaimen.admin("PUT", f"/apps/{WEB_APP}", json={"settings": {"login_state": "wechat"}}), 400, "invalid_request")


def test_a_website_and_a_mini_program_log_in_one_user_once_the_unionid_is_known(own_kaimen):
    kaimen = own_kaimen()
    add_oauth_app(kaimen)
    mini_app = kaimen.add_app("wxmini00000000001")
    web, mini = kaimen.login("ada", WEB_APP), kaimen.login("ada", mini_app)
    assert web["user"]["id"] != mini["user"]["id"]
    bind(kaimen, mini_app, "one")
    late = kaimen.login("ada", mini_app)
    assert late["user"]["id"] == web["user"]["id"] and not late["is_new_user"]
    server.assert_reason(kaimen.verify(mini["token"]), "renew")
    renewed = kaimen.renew(mini["renew_token"]).json()
    assert renewed["user"]["id"] == web["user"]["id"]
    assert kaimen.verify(renewed["token"]).get("x-kaimen-user") == web["user"]["id"]
    lines = kaimen.admin("GET", f"/why/{mini['user']['id']}").json()["lines"]
    assert any("merged into" in line for line in lines), lines


def test_the_made_up_user_of_a_snapshot_page_never_gets_in(own_kaimen):
    kaimen = own_kaimen()
    add_oauth_app(kaimen)
    answer = kaimen.post_login(kaimen.code("ada", WEB_APP, snapshot=True), app_id=WEB_APP)
    wire.problem(answer, 403, "forbidden")
    assert kaimen.login("ada", WEB_APP)["is_new_user"]


def test_an_administrator_merges_two_users(kaimen, user):
    one, other = kaimen.login(user), kaimen.login(user + "-other")
    path = f"/users/{one['user']['id']}/merge"
    answer = kaimen.admin("POST", path, json={"other": other["user"]["id"]})
    assert answer.status == 200 and answer.json()["id"] == one["user"]["id"], answer
    server.assert_reason(kaimen.verify(other["token"]), "renew")
    assert kaimen.renew(other["renew_token"]).json()["user"]["id"] == one["user"]["id"]
    wire.problem(kaimen.admin("POST", path, json={"other": other["user"]["id"]}), 404, "not_found")
    wire.problem(kaimen.admin("POST", path, json={"other": one["user"]["id"]}), 404, "not_found")
    wire.problem(kaimen.admin("POST", path, json={}), 400, "invalid_request")


# Audit and why


def test_the_audit_says_who_what_when_and_from_where(kaimen, user):
    login = kaimen.login(user)
    kaimen.admin("POST", f"/users/{login['user']['id']}/disable", json={})
    events = kaimen.admin("GET", f"/audit?user_id={login['user']['id']}").json()["items"]
    assert [event["kind"] for event in events] == ["user_disabled", "login_new_user"]
    disabled, logged_in = events
    assert disabled["actor"].startswith("key ") and logged_in["actor"] == ""
    assert logged_in["ip"] == "127.0.0.1" and logged_in["app_id"] == kaimen.app_id and logged_in["session_id"] == login["session"]["id"]
    assert logged_in["project"] == "default" and logged_in["request_id"] and wire.TIME.fullmatch(logged_in["at"])


def test_a_condition_that_the_audit_does_not_know_is_refused(kaimen):
    for query in ("?user=1", "?user_id=" + "0" * 32 + "&until=2026-01-01T00:00:00Z", "?limit=5&app=wx1"):
        wire.problem(kaimen.admin("GET", "/audit" + query), 400, "invalid_request")
    assert kaimen.admin("GET", "/audit?limit=5&kind=login").status == 200


def test_the_audit_is_read_page_by_page(kaimen, user):
    login = kaimen.login(user)
    for nickname in "abcd":
        kaimen.client("POST", "/v1/me", login["token"], json={"nickname": nickname})
    seen, cursor = [], ""
    while True:
        page = kaimen.admin("GET", f"/audit?user_id={login['user']['id']}&limit=2{cursor}").json()
        seen += [event["id"] for event in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5


def test_a_key_of_one_project_sees_the_audit_of_no_other(kaimen, user):
    kaimen.add_app("wxaudit0000000001", project="audited")
    kaimen.login(user)
    key = kaimen.admin("POST", "/keys", json={"name": "audited", "scopes": ["admin"], "project": "audited"}).json()["key"]
    events = kaimen.admin("GET", "/audit?limit=200", key=key).json()["items"]
    assert events and {event["project"] for event in events} == {"audited"}
    wire.problem(kaimen.admin("GET", f"/audit?app_id={kaimen.app_id}", key=key), 404, "not_found")


def test_why_tells_of_a_login_that_wechat_refused(kaimen):
    answer = kaimen.post_login("no-such-code")
    lines = kaimen.admin("GET", f"/why/{answer.get('x-request-id')}").json()["lines"]
    assert len(lines) == 1 and "40029" in lines[0] and answer.json()["upstream"]["rid"] in lines[0], lines


def test_why_tells_why_somebody_was_logged_out(kaimen, user):
    login = kaimen.login(user)
    kaimen.client("DELETE", "/v1/session", login["token"])
    told = kaimen.admin("GET", f"/why/{login['session']['id']}").json()
    assert told["about"] == "session" and "the user logged out" in told["lines"][0], told
    done = server.run("why", login["session"]["id"], "--data", kaimen.data)
    assert done.returncode == 0 and "the user logged out" in done.stdout, done


def test_why_tells_which_session_keys_were_tried_and_when_each_came(kaimen, user):
    login = kaimen.login(user)
    kaimen.code(user, rotate=True)  # the phone has a new key; nobody has brought it here
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": kaimen.app_id, "user": user})
    answer = kaimen.client("POST", "/v1/me/phone", login["token"], json={"encryptedData": phone["encryptedData"], "iv": phone["iv"]})
    wire.problem(answer, 409, "stale_session_key")
    lines = kaimen.admin("GET", f"/why/{login['user']['id']}").json()["lines"]
    line = [one for one in lines if "phone data" in one][0]
    assert "(came 2" in line and "no newer one has come since" in line, lines
    kaimen.login(user)
    line = [one for one in kaimen.admin("GET", f"/why/{login['user']['id']}").json()["lines"] if "phone data" in one][0]
    assert "the next one came" in line, line


def test_why_knows_nothing_of_what_is_not_on_record(kaimen):
    for unknown in ("0" * 32, "nothing", "%2e%2e"):
        wire.problem(kaimen.admin("GET", f"/why/{unknown}"), 404, "not_found")


# Webhooks


def test_a_webhook_is_told_signed_and_in_order(kaimen, user, hook):
    made = kaimen.admin("POST", "/webhooks", json={"url": hook.url})
    assert made.status == 201 and made.get("cache-control") == "no-store"
    secret, path = made.json()["secret"], f"/webhooks/{made.json()['id']}"
    assert secret not in kaimen.admin("GET", "/webhooks").body.decode()
    login = kaimen.login(user)
    kaimen.client("POST", "/v1/me", login["token"], json={"nickname": "Ada"})
    kaimen.client("DELETE", "/v1/session", login["token"])
    server.eventually(lambda: len(hook.seen) >= 3, 15)
    assert [body["kind"] for body in hook.bodies()] == ["user.created", "user.updated", "session.ended"]
    for headers, body in hook.seen:
        stamp, signature = [part.split("=", 1)[1] for part in headers["X-Kaimen-Signature"].split(",")]
        assert signature == hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert abs(int(stamp) - time.time()) < 60 and json.loads(body)["id"] == headers["X-Kaimen-Delivery"]
    ended = hook.bodies()[2]
    assert ended["data"] == {"user_id": login["user"]["id"], "session_id": login["session"]["id"], "app_id": kaimen.app_id, "reason": "logged_out"}
    server.eventually(lambda: len(kaimen.admin("GET", path + "/deliveries?state=delivered").json()["items"]) == 3)
    assert kaimen.admin("DELETE", path).status == 204
    wire.problem(kaimen.admin("GET", path), 404, "not_found")


def test_a_delivery_that_failed_is_replayed_on_request(kaimen, user, hook):
    hook.status = 500
    path = "/webhooks/" + kaimen.admin("POST", "/webhooks", json={"url": hook.url, "kinds": ["user.created"]}).json()["id"]
    kaimen.login(user)
    server.eventually(lambda: hook.seen, 15)
    due = server.eventually(lambda: [one for one in kaimen.admin("GET", path + "/deliveries?state=due").json()["items"] if one["attempts"] == 1])
    assert due[0]["last_status"] == 500 and due[0]["kind"] == "user.created"
    hook.status = 200
    assert kaimen.admin("POST", f"{path}/deliveries/{due[0]['id']}/replay").status == 204
    server.eventually(lambda: len(hook.seen) == 2, 8)  # long before the second attempt was due
    assert set(hook.ids()) == {due[0]["id"]}
    kaimen.admin("DELETE", path)


def test_a_webhook_at_a_private_address_is_not_reached(kaimen, user):
    path = "/webhooks/" + kaimen.admin("POST", "/webhooks", json={"url": "https://10.0.0.1/", "kinds": ["user.created"]}).json()["id"]
    kaimen.login(user)
    tried = server.eventually(lambda: [one for one in kaimen.admin("GET", path + "/deliveries").json()["items"] if one["attempts"] == 1], 15)
    assert tried[0]["last_status"] == 0 and "not public" in tried[0]["last_error"], tried
    kaimen.admin("DELETE", path)


@pytest.mark.parametrize("body", [{}, {"url": "ftp://a"}, {"url": 5}, {"url": "https://a.example.com", "kinds": ["user.gone"]}, {"url": "https://a.example.com", "kinds": "user.created"},
                                  {"url": "https://a.example.com", "project": "nowhere"}])
def test_a_webhook_with_a_bad_field_is_refused(kaimen, body):
    wire.problem(kaimen.admin("POST", "/webhooks", json=body), 400, "invalid_request")


def test_what_is_to_be_told_survives_the_death_of_the_node_under_a_stable_id(own_kaimen, hook):
    kaimen = own_kaimen()
    hook.status = 500
    made = kaimen.admin("POST", "/webhooks", json={"url": hook.url, "kinds": ["user.created"]}).json()
    users = [kaimen.login(f"user{index}")["user"]["id"] for index in range(5)]
    server.eventually(lambda: hook.seen, 15)
    kaimen.kill()  # some tried, some under way, some not looked at yet
    before = len(hook.seen)
    hook.status = 200
    kaimen.start()
    server.eventually(lambda: set(users) <= {body["data"]["user_id"] for body in hook.bodies()[before:]}, 45)
    server.eventually(lambda: len(kaimen.admin("GET", f"/webhooks/{made['id']}/deliveries?state=delivered").json()["items"]) == 5)
    assert len(set(hook.ids())) == 5
