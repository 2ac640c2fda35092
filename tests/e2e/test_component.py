"""A third-party platform (component) against the real binary: the sandbox pushes tickets and authorisations, accounts without a secret log in."""
import time
import urllib.parse

import pytest

import server
import wire

TOKEN, KEY = "pushtoken", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
COMPONENT, SECRET = "wxcomponent0000001", "component-secret-0123456789abcdef"


class Provider:
    """A server with a component whose ticket has come."""

    def __init__(self, kaimen):
        self.kaimen = kaimen
        kaimen.control("POST", "/sandbox/apps", {"appid": COMPONENT, "secret": SECRET, "push_token": TOKEN, "push_key": KEY})
        made = kaimen.admin("POST", "/apps", json={"app_id": COMPONENT, "platform": "wechat_component", "secret": SECRET,
                                                   "push": {"token": TOKEN, "encoding_aes_key": KEY}})
        assert made.status == 201, made
        self.reachable()

    def reachable(self):
        """WeChat pushes to where the server is now."""
        self.kaimen.control("POST", "/sandbox/apps", {"appid": COMPONENT, "push_url": f"{self.kaimen.public}/push/wechat/{COMPONENT}"})

    def account(self, app_id):
        """An account of WeChat's, whose secret nobody here knows."""
        self.kaimen.control("POST", "/sandbox/apps", {"appid": app_id, "secret": "known to nobody here"})
        return app_id

    def ticket(self):
        return self.kaimen.control("POST", "/sandbox/component-ticket", {"component_appid": COMPONENT})

    def order(self, what, app_id, **more):
        return self.kaimen.control("POST", f"/sandbox/{what}", {"component_appid": COMPONENT, "appid": app_id, **more})

    def link(self, **fields):
        made = self.kaimen.admin("POST", f"/apps/{COMPONENT}/authorization-links", json=fields)
        assert made.status == 201, made
        link = made.json()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(link["url"]).query)
        return link | {"pre_auth_code": query["pre_auth_code"][0], "redirect_uri": query["redirect_uri"][0]}

    def come_back(self, link, auth_code):
        """The administrator's browser."""
        where = urllib.parse.urlsplit(link["redirect_uri"])
        return self.kaimen.client("GET", f"{where.path}?{where.query}&auth_code={urllib.parse.quote(auth_code)}&expires_in=600")

    def authorized(self, app_id, **fields):
        self.account(app_id)
        link = self.link(**fields)
        given = self.order("authorize", app_id, pre_auth_code=link["pre_auth_code"])
        assert given["status"] == 200 and given["body"] == "success", given
        return self.app(app_id)

    def app(self, app_id):
        return self.kaimen.admin("GET", f"/apps/{app_id}").json()

    def state(self, app_id):
        return (self.app(app_id).get("authorization") or {}).get("state")


@pytest.fixture(scope="module")
def provider(kaimen):
    one = Provider(kaimen)
    assert one.ticket()["status"] == 200
    return one


@pytest.fixture
def own_provider(own_kaimen):
    return Provider(own_kaimen())


def acknowledged(answer):
    return answer["status"] == 200 and answer["body"] == "success"


# Tickets


def test_before_the_first_ticket_the_check_says_what_is_missing_and_after_it_all_is_well(own_provider):
    kaimen = own_provider.kaimen
    before = kaimen.admin("POST", f"/apps/{COMPONENT}/check").json()
    assert not before["ok"] and before["code"] == "app_misconfigured" and "component_verify_ticket" in before["detail"], before
    assert acknowledged(own_provider.ticket())
    kaimen.kill()
    kaimen.start()
    # What was acknowledged is there; the sandbox is another one, which does not know this ticket.
    after = kaimen.admin("POST", f"/apps/{COMPONENT}/check").json()
    assert after["upstream"]["errcode"] in (61011, 61006), after


def test_a_replayed_older_ticket_does_not_take_the_newer_ones_place(own_provider):
    kaimen = own_provider.kaimen
    older = own_provider.ticket()
    time.sleep(1.1)  # tickets are told apart by the second
    assert acknowledged(own_provider.ticket())
    again = wire.call(kaimen.public, "POST", f"/push/wechat/{COMPONENT}?{older['query']}", body=older["request_body"].encode())
    assert again.status == 200 and again.body == b"success", again
    assert kaimen.admin("POST", f"/apps/{COMPONENT}/check").json()["ok"]
    asked = [one for one in kaimen.calls("/cgi-bin/component/api_component_token")]
    assert len(asked) == 1, asked


def test_a_forged_push_is_refused_and_changes_nothing(provider):
    sent = provider.ticket()
    path = f"/push/wechat/{COMPONENT}"
    for query, body in ((sent["query"].replace("msg_signature=", "msg_signature=0"), sent["request_body"]), (sent["query"], "<xml/>"),
                        (sent["query"], '<!DOCTYPE x [<!ENTITY e "e">]>' + sent["request_body"])):
        wire.problem(wire.call(provider.kaimen.public, "POST", f"{path}?{query}", body=body.encode()), 400, "signature_invalid")


# Authorising


def test_the_links_lead_to_wechat_and_back_to_us(provider):
    link = provider.link()
    assert link["url"].startswith("https://mp.weixin.qq.com/cgi-bin/componentloginpage?component_appid=" + COMPONENT), link
    assert link["mobile_url"].startswith("https://open.weixin.qq.com/wxaopen/safe/bindcomponent?") and link["mobile_url"].endswith("#wechat_redirect"), link
    assert link["redirect_uri"] == f"{provider.kaimen.public}/push/wechat/{COMPONENT}/authorized?link={link['link']}"
    assert 0 < link["expires_in"] <= 1800


def test_a_browser_that_comes_back_makes_the_app_and_users_log_in_without_a_secret(provider):
    app = provider.account("wxauthbrowser00001")
    link = provider.link()
    code = provider.order("authorize", app, pre_auth_code=link["pre_auth_code"], push=False)["auth_code"]
    answer = provider.come_back(link, code)
    assert answer.status == 200 and "授权成功" in answer.body.decode(), answer
    made = provider.app(app)
    assert made["authorization"] == {"component": COMPONENT, "state": "authorized", "permissions": [1, 17, 18, 19], "authorized_at": made["authorization"]["authorized_at"]}
    login = provider.kaimen.login("ada", app)
    assert provider.kaimen.verify(login["token"], query=f"app_id={app}").status == 204
    asked = [one for one in provider.kaimen.calls("/sns/component/jscode2session") if one["query"]["appid"] == app]
    assert len(asked) == 1 and asked[0]["query"]["component_appid"] == COMPONENT and "secret" not in asked[0]["query"], asked
    again = provider.come_back(link, code)
    assert again.status == 200, again


def test_the_push_alone_makes_the_app_and_the_browser_may_come_later(provider):
    app = provider.account("wxauthpush00000001")
    link = provider.link(return_to="https://provider.example.com/done?x=1")
    given = provider.order("authorize", app, pre_auth_code=link["pre_auth_code"])
    assert acknowledged(given) and provider.state(app) == "authorized"
    back = provider.come_back(link, given["auth_code"])
    assert back.status == 303 and back.get("location") == "https://provider.example.com/done?x=1", back
    for _ in range(2):
        again = wire.call(provider.kaimen.public, "POST", f"/push/wechat/{COMPONENT}?{given['query']}", body=given["request_body"].encode())
        assert again.status == 200 and again.body == b"success", again


def test_a_callback_of_the_providers_own_hands_the_code_to_the_admin_api(provider):
    app = provider.account("wxauthown000000001")
    link = provider.link(redirect_uri="https://provider.example.com/authorized?customer=7")
    assert link["redirect_uri"] == f"https://provider.example.com/authorized?customer=7&link={link['link']}"
    code = provider.order("authorize", app, pre_auth_code=link["pre_auth_code"], push=False)["auth_code"]
    taken = provider.kaimen.admin("POST", f"/apps/{COMPONENT}/authorizations", json={"auth_code": code, "link": link["link"]})
    assert taken.status == 200 and taken.json()["app_id"] == app, taken


def test_the_app_comes_into_the_links_project_and_a_bound_key_keeps_to_its_own(provider):
    kaimen = provider.kaimen
    assert kaimen.admin("POST", "/projects", json={"name": "teahouse"}).status == 201
    assert provider.authorized("wxauthteahouse0001", project="teahouse")["project"] == "teahouse"
    bound = kaimen.admin("POST", "/keys", json={"name": "tea", "scopes": ["admin"], "project": "teahouse"}).json()["key"]
    wire.problem(kaimen.admin("POST", f"/apps/{COMPONENT}/authorization-links", json={}, key=bound), 404, "not_found")
    wire.problem(kaimen.admin("POST", f"/apps/{COMPONENT}/authorizations", json={"app_id": "wxauthteahouse0001"}, key=bound), 404, "not_found")
    wire.problem(kaimen.admin("POST", f"/apps/{COMPONENT}/authorization-links", json={"project": "nowhere"}), 400, "invalid_request")
    listed = kaimen.admin("GET", f"/apps?component={COMPONENT}&project=teahouse").json()["items"]
    assert [one["app_id"] for one in listed] == ["wxauthteahouse0001"]


def test_a_strangers_authorisation_makes_no_app_until_somebody_takes_it_up(provider):
    app = provider.account("wxauthstranger0001")
    assert acknowledged(provider.order("authorize", app))
    assert provider.kaimen.admin("GET", f"/apps/{app}").status == 404
    taken = provider.kaimen.admin("POST", f"/apps/{COMPONENT}/authorizations", json={"app_id": app})
    assert taken.status == 200 and taken.json()["name"] == f"sandbox {app}", taken
    assert provider.kaimen.login("li", app)["is_new_user"]


@pytest.mark.parametrize("body", [{}, {"auth_code": "x", "app_id": "wx1"}, {"auth_code": ""}, {"auth_code": "a b"}, {"auth_code": 7}, {"app_id": "a b"},
                                  {"auth_code": "x", "link": "0" * 64, "project": "default"}])
def test_a_bad_authorisation_is_told_so(provider, body):
    wire.problem(provider.kaimen.admin("POST", f"/apps/{COMPONENT}/authorizations", json=body), 400, "invalid_request")


@pytest.mark.parametrize("body", [{"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "https://x.example.com/#a"}, {"return_to": "//evil.example.com"},
                                  {"return_to": "https://a.example.com/", "redirect_uri": "https://b.example.com/"}, {"app_id": "a b"}, {"redirect_uri": "https://a.example.com/" + "x" * 1100}])
def test_a_bad_link_is_told_so(provider, body):
    wire.problem(provider.kaimen.admin("POST", f"/apps/{COMPONENT}/authorization-links", json=body), 400, "invalid_request")


def test_a_made_up_code_or_link_gets_nothing(provider):
    link = provider.link()
    wire.problem(provider.come_back(link, "made-up"), 401, "code_invalid")
    wire.problem(provider.kaimen.client("GET", f"/push/wechat/{COMPONENT}/authorized?link={'0' * 64}&auth_code=x"), 404, "not_found")
    wire.problem(provider.kaimen.client("GET", f"/push/wechat/{COMPONENT}/authorized?link={link['link']}"), 400, "invalid_request")
    wire.problem(provider.kaimen.client("GET", f"/push/wechat/{provider.kaimen.app_id}/authorized?link={link['link']}&auth_code=x"), 404, "not_found")
    wire.problem(provider.kaimen.admin("POST", f"/apps/{provider.kaimen.app_id}/authorization-links", json={}), 400, "invalid_request")
    wire.problem(provider.kaimen.client("POST", "/v1/login", json={"app_id": COMPONENT, "code": "x"}), 400, "invalid_request")


# Logins and calls


def test_wechats_words_about_a_login_are_typed(provider):
    app = provider.authorized("wxautherrors000001")["app_id"]
    kaimen = provider.kaimen
    for errcode, status, code in ((61003, 503, "app_misconfigured"), (40029, 401, "code_invalid"), (45011, 429, "rate_limited"), (-1, 503, "upstream_busy")):
        kaimen.faults(path="/sns/component/jscode2session", errcode=errcode)
        wire.problem(kaimen.post_login(kaimen.code("ada", app), app_id=app), status, code)
    kaimen.faults()


def test_a_component_token_that_is_refused_is_fetched_again_once(provider):
    app = provider.authorized("wxauthrejected0001")["app_id"]
    kaimen = provider.kaimen
    kaimen.login("ada", app)
    kaimen.control("DELETE", "/sandbox/calls")
    kaimen.faults(path="/sns/component/jscode2session", errcode=42001, times=1)
    kaimen.login("ada", app)
    assert len(kaimen.calls("/sns/component/jscode2session")) == 2 and len(kaimen.calls("/cgi-bin/component/api_component_token")) == 1
    # A WeChat that refused every token that it gave was asked for another by every login.
    kaimen.faults(path="/sns/component/jscode2session", errcode=40001)
    for _ in range(5):
        refused = wire.problem(kaimen.post_login(kaimen.code("ada", app), app_id=app), 502, "upstream_error")
        assert refused["upstream"]["errcode"] == 40001
    kaimen.faults()
    assert len(kaimen.calls("/cgi-bin/component/api_component_token")) == 1
    kaimen.login("ada", app)


def test_what_needs_the_apps_token_works_with_the_authorizers(provider):
    app = provider.authorized("wxauthcalls0000001")["app_id"]
    kaimen = provider.kaimen
    login = kaimen.login("ada", app)
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": app, "user": "ada"})["code"]
    bound = kaimen.client("POST", "/v1/me/phone", login["token"], json={"code": phone})
    assert bound.status == 200 and bound.json()["phone_number"], bound
    checked = kaimen.client("GET", "/v1/session?upstream=true", login["token"])
    assert checked.status == 200, checked
    code = kaimen.admin("POST", f"/apps/{app}/entry-codes", json={"payload": {"table": 7}})
    assert code.status == 201 and code.json()["image_url"], code
    openid = kaimen.control("POST", "/sandbox/login", {"appid": app, "user": "ada"})["openid"]
    passed = kaimen.admin("POST", f"/apps/{app}/wechat/wxa/msg_sec_check", json={"content": "tea", "version": 2, "scene": 1, "openid": openid})
    assert passed.status == 200 and passed.json()["errcode"] == 0, passed
    token = kaimen.admin("GET", f"/apps/{app}/access-token").json()
    assert 0 < token["expires_in"] <= 7200
    rejected = kaimen.admin("POST", f"/apps/{app}/access-token/rejected", json={"access_token": token["access_token"]}).json()
    assert rejected["access_token"] != token["access_token"]
    assert kaimen.admin("POST", f"/apps/{app}/check").json()["ok"]
    assert not kaimen.calls("/cgi-bin/stable_token") or all(app not in str(one) for one in kaimen.calls("/cgi-bin/stable_token"))
    wire.problem(kaimen.admin("POST", f"/apps/{app}/wechat/cgi-bin/component/api_get_authorizer_info", json={}), 403, "forbidden")


def test_an_apps_user_events_come_under_the_components_keys(provider):
    app = provider.authorized("wxauthevents000001")["app_id"]
    kaimen = provider.kaimen
    login = kaimen.login("closed", app)
    sent = kaimen.control("POST", "/sandbox/push", {"appid": app, "component_appid": COMPONENT, "user": "closed", "event": "user_authorization_cancellation",
                                                    "format": "xml", "url": f"{kaimen.public}/push/wechat/{app}"})
    assert acknowledged(sent), sent
    server.assert_reason(kaimen.verify(login["token"], query=f"app_id={app}"), "deleted")


# Taking it back


def test_after_it_is_taken_back_logins_are_refused_sessions_go_on_and_it_can_be_given_again(provider):
    app = provider.authorized("wxauthback00000001")["app_id"]
    kaimen = provider.kaimen
    login = kaimen.login("ada", app)
    taken = provider.order("unauthorize", app)
    assert acknowledged(taken) and provider.state(app) == "unauthorized"
    wire.problem(kaimen.post_login(kaimen.code("ada", app), app_id=app), 503, "app_misconfigured")
    wire.problem(kaimen.admin("GET", f"/apps/{app}/access-token"), 503, "app_misconfigured")
    assert kaimen.verify(login["token"], query=f"app_id={app}").status == 204
    renewed = kaimen.renew(login["renew_token"])
    assert renewed.status == 200, renewed
    assert acknowledged(provider.order("authorize", app)), "known already: no link is needed"
    assert provider.state(app) == "authorized" and not kaimen.login("ada", app)["is_new_user"]
    again = wire.call(kaimen.public, "POST", f"/push/wechat/{COMPONENT}?{taken['query']}", body=taken["request_body"].encode())
    assert again.status == 200 and provider.state(app) == "authorized", "a repeat of the old push"


def test_an_app_that_was_let_go_may_get_a_secret_of_its_own(provider):
    app = provider.authorized("wxauthleaves000001")["app_id"]
    kaimen = provider.kaimen
    wire.problem(kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": "known-to-nobody-here"}), 409, "conflict")
    provider.order("unauthorize", app)
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "secret": "0123456789abcdef0123456789abcdef"})
    changed = kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": "0123456789abcdef0123456789abcdef"})
    assert changed.status == 200 and changed.json()["authorization"] is None, changed
    assert kaimen.login("ada", app)


def test_what_was_acknowledged_survives_kill_9(own_provider):
    kaimen = own_provider.kaimen
    own_provider.ticket()
    app = own_provider.authorized("wxauthkilled000001")["app_id"]
    login = kaimen.login("ada", app)
    assert acknowledged(own_provider.order("unauthorize", app))
    kaimen.kill()
    kaimen.start()
    assert own_provider.state(app) == "unauthorized"
    assert kaimen.verify(login["token"], query=f"app_id={app}").status == 204
    wire.problem(kaimen.client("POST", "/v1/login", json={"app_id": app, "code": "any"}), 503, "app_misconfigured")


# Secrets


def test_no_ticket_or_token_is_in_clear_anywhere(own_provider):
    kaimen = own_provider.kaimen
    ticket = own_provider.ticket()["ticket"]
    app = own_provider.authorized("wxauthcanary000001")["app_id"]
    kaimen.login("ada", app)
    tokens = [kaimen.admin("GET", f"/apps/{one}/access-token").json()["access_token"] for one in (COMPONENT, app)]
    answers = b"".join(kaimen.admin("GET", path).body for path in (f"/apps/{COMPONENT}", f"/apps/{app}", "/apps", "/audit"))
    kaimen.stop()
    held = answers + kaimen.log().encode() + b"".join(path.read_bytes() for path in kaimen.data.rglob("*") if path.is_file())
    for secret in (ticket, SECRET, KEY, *tokens):
        assert secret.encode() not in held and secret.split("@@@")[-1].encode() not in held
    assert b"refreshtoken@@@" not in held and b"preauthcode@@@" not in held and b"queryauthcode@@@" not in held
    kaimen.start()


# The command line


def test_the_command_line_adds_a_component_makes_links_and_adopts(own_kaimen):
    kaimen = own_kaimen()
    kaimen.control("POST", "/sandbox/apps", {"appid": COMPONENT, "secret": SECRET, "push_token": TOKEN, "push_key": KEY, "push_url": f"{kaimen.public}/push/wechat/{COMPONENT}"})

    def cli(*arguments, stdin=None):
        done = server.run("component", *arguments, "--data", kaimen.data, stdin=stdin)
        assert done.returncode == 0, done
        return done.stdout

    added = cli("add", COMPONENT, "--name", "Provider", stdin=f"{SECRET}\n{TOKEN}\n{KEY}\n")
    assert "wechat_component" in added and f"/push/wechat/{COMPONENT}" in added and SECRET not in added
    kaimen.control("POST", "/sandbox/component-ticket", {"component_appid": COMPONENT})
    assert server.run("app", "check", COMPONENT, "--data", kaimen.data).returncode == 0
    assert "https://mp.weixin.qq.com/cgi-bin/componentloginpage" in cli("link", COMPONENT)
    kaimen.control("POST", "/sandbox/apps", {"appid": "wxauthcli000000001", "secret": "s"})
    kaimen.control("POST", "/sandbox/authorize", {"component_appid": COMPONENT, "appid": "wxauthcli000000001"})
    assert "wxauthcli000000001" in cli("adopt", COMPONENT, "wxauthcli000000001")
    assert "authorized" in cli("apps", COMPONENT)
    shown = server.run("app", "show", "wxauthcli000000001", "--data", kaimen.data).stdout
    assert COMPONENT in shown and "authorized" in shown, shown
