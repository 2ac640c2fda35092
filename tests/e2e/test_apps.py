"""Mini programs as rows: added, changed, rotated and removed while the server runs; and one person across several of them."""
import json

import pytest

import server
import wire

def test_an_app_is_added_shown_and_listed(kaimen):
    answer = kaimen.admin("POST", "/apps", json={"project": "default", "app_id": "wxadmin00000000001", "platform": "wechat", "secret": "s" * 32, "name": "Shop"})
    assert answer.status == 201 and answer.json()["app_id"] == "wxadmin00000000001" and answer.json()["name"] == "Shop", answer
    shown = kaimen.admin("GET", "/apps/wxadmin00000000001")
    assert shown.status == 200 and shown.json()["project"] == "default" and shown.json()["platform"] == "wechat"
    listed = kaimen.admin("GET", "/apps").json()
    assert set(listed) == {"items", "next_cursor"} and "wxadmin00000000001" in [item["app_id"] for item in listed["items"]]


def test_an_app_that_is_there_is_a_conflict(kaimen):
    wire.problem(kaimen.admin("POST", "/apps", json={"app_id": kaimen.app_id, "secret": "x" * 32}), 409, "conflict")


@pytest.mark.parametrize("body", [{}, {"app_id": "wxadmin00000000002"}, {"secret": "x"}, {"app_id": "", "secret": "x"}, {"app_id": "wx a", "secret": "x"},
                                  {"app_id": "../etc", "secret": "x"}, {"app_id": "wxadmin00000000002", "secret": ""}, {"app_id": 1, "secret": "x"},
                                  {"app_id": "wxadmin00000000002", "secret": "x", "platform": "telegram"}, {"app_id": "wxadmin00000000002", "secret": "x", "settings": []},
                                  {"app_id": "wxadmin00000000002", "secret": "x", "settings": {"no_such": 1}}, {"app_id": "x" * 1000, "secret": "x"},
                                  {"app_id": "wxadmin00000000002", "secret": "x", "upstream": "nowhere"}])
def test_an_app_with_a_bad_field_is_refused(kaimen, body):
    wire.problem(kaimen.admin("POST", "/apps", json=body), 400, "invalid_request")
    assert kaimen.admin("GET", "/apps/wxadmin00000000002").status == 404


def test_the_secret_is_in_no_answer(kaimen):
    first, second = "SECRETONE" * 4, "SECRETTWO" * 4
    app = "wxadmin00000000003"
    answers = [kaimen.admin("POST", "/apps", json={"app_id": app, "secret": first, "name": "s"}), kaimen.admin("GET", f"/apps/{app}"), kaimen.admin("GET", "/apps?limit=200"),
               kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": second}), kaimen.admin("GET", f"/apps/{app}"),
               kaimen.admin("POST", "/apps", json={"app_id": app, "secret": first}), kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": [second]})]
    for answer in answers:
        assert "SECRETONE" not in repr(answer.headers) + answer.body.decode() and "SECRETTWO" not in repr(answer.headers) + answer.body.decode()
        assert "secret" not in {key for key in (answer.json() if isinstance(answer.json(), dict) else {})}, answer


def test_a_new_secret_counts_from_the_next_login_on(kaimen, user):
    app = "wxadmin00000000004"
    kaimen.add_app(app, secret="old" * 10)
    assert kaimen.login(user, app)["token"]
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "secret": "new" * 10})
    wire.problem(kaimen.post_login(kaimen.code(user, app), app_id=app), 503, "app_misconfigured")
    assert kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": "new" * 10}).status == 200
    assert kaimen.login(user, app)["token"]


def test_a_rotation_overlaps_so_that_wechat_may_lag_behind(kaimen, user):
    app = "wxadmin00000000005"
    kaimen.add_app(app, secret="old" * 10)
    assert kaimen.admin("POST", f"/apps/{app}/secret", json={"secret": "new" * 10}).status == 200
    assert kaimen.login(user, app)["token"]  # WeChat still has the old one
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "secret": "new" * 10})
    assert kaimen.login(user, app)["token"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_settings_change_and_go_back_to_their_defaults(kaimen, user, method):
    app = kaimen.add_app(f"wxadmin00000{method.lower()}")
    assert kaimen.admin(method, f"/apps/{app}", json={"settings": {"ticket_seconds": 600}, "name": "renamed"}).status == 200
    assert kaimen.login(user, app)["expires_in"] == 600 and kaimen.admin("GET", f"/apps/{app}").json()["name"] == "renamed"
    assert kaimen.admin(method, f"/apps/{app}", json={"settings": {"ticket_seconds": None}}).status == 200
    assert kaimen.login(user, app)["expires_in"] == 7200


def test_an_app_that_exposes_openid_shows_it_to_the_client(kaimen, user):
    app = kaimen.add_app("wxadmin00000000006", settings={"expose_openid": True})
    assert kaimen.control("POST", "/sandbox/login", {"appid": app, "user": user})["openid"] in json.dumps(kaimen.login(user, app))


def test_a_removed_app_logs_nobody_in(kaimen, user):
    app = kaimen.add_app("wxadmin00000000007")
    code = kaimen.code(user, app)
    assert kaimen.admin("DELETE", f"/apps/{app}").status == 204
    assert kaimen.admin("GET", f"/apps/{app}").status == 404
    assert kaimen.post_login(code, app_id=app).status in (400, 404)


@pytest.mark.parametrize("method, path", [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/secret")])
def test_an_app_that_is_none_is_not_found(kaimen, method, path):
    body = {"secret": "x"} if path else {"name": "x"} if method == "PUT" else None
    wire.problem(kaimen.admin(method, f"/apps/wxnobody0000000001{path}", json=body), 404, "not_found")


def test_a_disabled_app_refuses_logins_and_checks_until_it_is_enabled(kaimen, user):
    app = kaimen.add_app("wxadmin00000000008")
    login = kaimen.login(user, app)
    assert kaimen.admin("PUT", f"/apps/{app}", json={"disabled": True}).status == 200
    server.assert_reason(kaimen.verify(login["token"]), "disabled")
    wire.problem(kaimen.post_login(kaimen.code(user, app), app_id=app), 403, "forbidden", "disabled")
    assert kaimen.admin("PUT", f"/apps/{app}", json={"disabled": False}).status == 200
    assert kaimen.verify(login["token"]).status == 204


def test_an_app_that_comes_again_does_not_bring_its_old_sessions_back(own_kaimen):
    one = own_kaimen()
    app = one.add_app("wxagain00000000001")
    login = one.login("ada", app)
    assert one.admin("DELETE", f"/apps/{app}").status == 204
    one.add_app(app)
    one.restart()
    assert one.verify(login["token"]).status == 401 and one.renew(login["renew_token"]).status == 401


def test_all_sessions_of_one_app_are_ended_at_once_and_those_of_others_go_on(kaimen, user):
    app = kaimen.add_app("wxadmin00000000009")
    ended, other = [kaimen.login(user, app, device={"id": str(number)}) for number in range(5)], kaimen.login(user)
    assert kaimen.admin("PUT", f"/apps/{app}", json={"revoke_sessions": True}).status == 200
    for login in ended:
        server.assert_reason(kaimen.verify(login["token"]), "revoked")
        wire.problem(kaimen.renew(login["renew_token"]), 401, "unauthenticated", "revoked")
    assert kaimen.verify(other["token"]).status == 204


def test_who_logs_in_after_all_sessions_of_an_app_ended_is_in_at_once(kaimen, user):
    """Clients log in again on `revoked`: were their new tickets refused too, for the margin's ten seconds, they would do so in a loop."""
    app = kaimen.add_app("wxadmin00000000010")
    old = kaimen.login(user, app)
    assert kaimen.admin("PUT", f"/apps/{app}", json={"revoke_sessions": True}).status == 200
    login = kaimen.login(user, app)
    assert kaimen.verify(login["token"]).status == 204
    server.assert_reason(kaimen.verify(old["token"]), "revoked")
    renewed = kaimen.renew(login["renew_token"])
    assert renewed.status == 200 and kaimen.verify(renewed.json()["token"]).status == 204


def test_retired_ticket_keys_make_every_ticket_renew(own_kaimen):
    """After a leak of the keys: no ticket passes, no user has to log in again."""
    one = own_kaimen()
    logins = [one.login(f"user{number}") for number in range(5)]
    assert one.admin("POST", "/ticket-keys/retire", json={}).status == 204
    for login in logins:
        server.assert_reason(one.verify(login["token"]), "renew")
        renewed = one.renew(login["renew_token"])
        assert renewed.status == 200 and one.verify(renewed.json()["token"]).status == 204
    one.restart()
    server.assert_reason(one.verify(logins[0]["token"]), "renew")
    assert one.verify(one.login("new")["token"]).status == 204


# One person in several apps: by unionid, within a project, and by nothing else


def bind(kaimen, app, platform):
    """Binds an app of the sandbox to an Open Platform account, so that its users have a unionid."""
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "secret": f"secret-of-{app}-0123456789", "open_platform": platform})


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Two apps of one project, one of another, all bound to one account; and one that is bound to none."""
    one = server.Kaimen(tmp_path_factory.mktemp("family") / "data")
    for app, project in (("wxfamily0000000001", "default"), ("wxfamily0000000002", "default"), ("wxfamily0000000003", "other")):
        bind(one, one.add_app(app, project=project), "op1")
    one.add_app("wxfamily0000000004")
    yield one
    one.stop()


def test_one_unionid_in_one_project_is_one_user(family, user):
    first, second = family.login(user, "wxfamily0000000001"), family.login(user, "wxfamily0000000002")
    assert first["user"]["id"] == second["user"]["id"] and second["is_new_user"] is False


def test_one_unionid_in_two_projects_is_two_users(family, user):
    assert family.login(user, "wxfamily0000000001")["user"]["id"] != family.login(user, "wxfamily0000000003")["user"]["id"]


def test_without_a_unionid_two_apps_know_two_users(family, user):
    assert family.login(user, "wxfamily0000000001")["user"]["id"] != family.login(user, "wxfamily0000000004")["user"]["id"]


def test_a_unionid_that_comes_late_joins_the_user_that_is_there(family, user):
    app = family.add_app(f"wxlate{abs(hash(user)) % 10**12:012d}")
    before = family.login(user, app)
    bind(family, app, "op1")
    after = family.login(user, app)
    assert after["user"]["id"] == before["user"]["id"] == family.login(user, "wxfamily0000000002")["user"]["id"]
    assert family.verify(after["token"], f"app_id={app}").get("x-kaimen-unionid")


def test_a_unionid_that_comes_late_reaches_the_sessions_that_are_there(family, user):
    app = family.add_app(f"wxolder{abs(hash(user)) % 10**11:011d}")
    check = lambda ticket: family.verify(ticket, f"app_id={app}")  # noqa: E731
    before = family.login(user, app)
    assert check(before["token"]).status == 204 and not check(before["token"]).all("x-kaimen-unionid")
    bind(family, app, "op1")
    after = family.login(user, app)
    unionid = check(after["token"]).get("x-kaimen-unionid")
    server.assert_reason(check(before["token"]), "renew")
    renewed = family.renew(before["renew_token"]).json()
    assert renewed["session"]["id"] == before["session"]["id"]
    assert check(renewed["token"]).get("x-kaimen-unionid") == family.introspect(renewed["token"]).json()["unionid"] == unionid
    family.login(user, app)
    assert check(renewed["token"]).status == check(after["token"]).status == 204, "a login that tells nothing new outdates nothing"


def test_a_merge_by_a_late_unionid_tells_it_the_older_session(family, user):
    app = family.add_app(f"wxmerge{abs(hash(user)) % 10**11:011d}")
    before, other = family.login(user, app), family.login(user, "wxfamily0000000002")
    assert before["user"]["id"] != other["user"]["id"]
    bind(family, app, "op1")
    after = family.login(user, app)
    assert after["user"]["id"] == other["user"]["id"]
    server.assert_reason(family.verify(before["token"], f"app_id={app}"), "renew")
    check = family.verify(family.renew(before["renew_token"]).json()["token"], f"app_id={app}")
    assert check.get("x-kaimen-user") == other["user"]["id"] and check.get("x-kaimen-unionid")


def test_a_link_that_tells_a_unionid_tells_it_the_session(family, user):
    app = family.add_app(f"wxlink{abs(hash(user)) % 10**12:012d}")
    before = family.login(user, app)
    bind(family, app, "op1")
    linked = family.client("POST", "/v1/me/identities", before["token"], json={"app_id": app, "code": family.code(user, app)})
    assert linked.status == 200, linked
    server.assert_reason(family.verify(before["token"], f"app_id={app}"), "renew")
    for ticket in (linked.json()["token"], family.renew(before["renew_token"]).json()["token"]):
        assert family.verify(ticket, f"app_id={app}").get("x-kaimen-unionid")
    again = family.client("POST", "/v1/me/identities", linked.json()["token"], json={"app_id": app, "code": family.code(user, app)})
    assert again.status == 200 and "token" not in again.json(), again


def test_two_first_logins_at_one_moment_make_one_user(family):
    for turn in range(5):
        apps = ["wxfamily0000000001", "wxfamily0000000002"] * 4
        codes = [family.code(f"twin{turn}", app) for app in apps]
        answers = server.parallel(8, lambda i: family.post_login(codes[i], app_id=apps[i], device={"id": str(i)}))
        assert {answer.status for answer in answers} == {200}, answers
        assert len({answer.json()["user"]["id"] for answer in answers}) == 1
        assert [answer.json()["is_new_user"] for answer in answers].count(True) == 1
