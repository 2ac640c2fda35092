"""A team's own user table: external ids and roles in tickets, headers and JWTs; users found by whatever names them; the command line."""
import json

import pytest

import server
import wire


@pytest.fixture
def somebody(kaimen, user):
    return kaimen.login(f"directory-{user}")


def put(kaimen, login, what, **body):
    return kaimen.admin("PUT", f"/users/{login['user']['id']}/{what}", json=body)


def found(kaimen, query, key=None):
    answer = kaimen.admin("GET", f"/users?{query}", key=key)
    assert answer.status == 200, answer
    return [one["id"] for one in answer.json()["items"]]


def test_what_is_set_is_in_the_next_ticket_and_in_no_older_one(kaimen, somebody):
    assert kaimen.verify(somebody["token"]).status == 204
    answer = put(kaimen, somebody, "external-id", external_id="customer-7")
    assert answer.status == 200 and answer.json()["external_id"] == "customer-7", answer
    server.assert_reason(kaimen.verify(somebody["token"]), "renew")
    renewed = kaimen.renew(somebody["renew_token"]).json()
    assert kaimen.verify(renewed["token"]).get("x-kaimen-external-id") == "customer-7"
    assert put(kaimen, somebody, "roles", roles=["editor", "shop:owner"]).json()["roles"] == ["editor", "shop:owner"]
    server.assert_reason(kaimen.verify(renewed["token"]), "renew")
    renewed = kaimen.renew(renewed["renew_token"]).json()
    checked = kaimen.verify(renewed["token"], "role=editor")
    assert checked.status == 204 and checked.get("x-kaimen-roles") == "editor,shop:owner" and checked.get("x-kaimen-external-id") == "customer-7", checked
    assert kaimen.verify(renewed["token"], "role=admin").status == 403
    assert renewed["user"]["roles"] == ["editor", "shop:owner"]
    assert kaimen.introspect(renewed["token"]).json()["external_id"] == "customer-7"
    assert put(kaimen, somebody, "external-id", external_id=None).status == 200
    server.assert_reason(kaimen.verify(renewed["token"]), "renew")
    assert not kaimen.verify(kaimen.renew(renewed["renew_token"]).json()["token"]).all("x-kaimen-external-id")


def test_setting_it_again_logs_nobody_out(kaimen, somebody):
    put(kaimen, somebody, "roles", roles=["b", "a"])
    renewed = kaimen.renew(somebody["renew_token"]).json()
    assert put(kaimen, somebody, "roles", roles=["a", "b", "a"]).status == 200
    assert kaimen.verify(renewed["token"]).status == 204
    audit = kaimen.admin("GET", f"/audit?user_id={somebody['user']['id']}&kind=user_roles").json()["items"]
    assert len(audit) == 1 and audit[0]["detail"] == {"roles": ["a", "b"]} and audit[0]["project"] == "default" and audit[0]["actor"], audit


def test_every_session_of_the_user_is_told(kaimen, user):
    logins = [kaimen.login(f"many-{user}", device={"id": f"d{number}"}) for number in range(3)]
    assert put(kaimen, logins[0], "roles", roles=["x"]).status == 200
    for one in logins:
        server.assert_reason(kaimen.verify(one["token"]), "renew")
        assert kaimen.renew(one["renew_token"]).json()["user"]["roles"] == ["x"]


def test_an_external_id_is_one_users_until_it_is_given_up(kaimen, user):
    one, two = kaimen.login(f"one-{user}"), kaimen.login(f"two-{user}")
    assert put(kaimen, one, "external-id", external_id=f"ext-{user}").status == 200
    wire.problem(put(kaimen, two, "external-id", external_id=f"ext-{user}"), 409, "conflict")
    assert kaimen.verify(two["token"]).status == 204
    assert put(kaimen, one, "external-id", external_id=None).status == 200
    assert put(kaimen, two, "external-id", external_id=f"ext-{user}").status == 200
    assert found(kaimen, f"external_id=ext-{user}") == [two["user"]["id"]]


def test_of_many_at_once_one_gets_it(kaimen, user):
    logins = [kaimen.login(f"race{number}-{user}") for number in range(6)]
    answers = server.parallel(6, lambda index: put(kaimen, logins[index], "external-id", external_id=f"race-{user}").status)
    assert sorted(answers) == [200] + [409] * 5


@pytest.mark.parametrize("what, body", [("external-id", {}), ("external-id", {"external_id": ""}), ("external-id", {"external_id": "a b"}), ("external-id", {"external_id": "é"}),
                                        ("external-id", {"external_id": "x" * 129}), ("external-id", {"external_id": 7}), ("external-id", {"external_id": "x\r\nX-Kaimen-User: y"}),
                                        ("roles", {}), ("roles", {"roles": "editor"}), ("roles", {"roles": ["Editor"]}), ("roles", {"roles": ["a,b"]}), ("roles", {"roles": [""]}),
                                        ("roles", {"roles": [f"r{number}" for number in range(33)]}), ("roles", {"roles": ["x" * 65]})])
def test_a_bad_value_is_refused_and_changes_nothing(kaimen, somebody, what, body):
    wire.problem(put(kaimen, somebody, what, **body), 400, "invalid_request")
    assert kaimen.verify(somebody["token"]).status == 204


def test_a_user_is_found_by_whatever_names_it(kaimen, user):
    phone = kaimen.control("POST", "/sandbox/phone", {"appid": kaimen.app_id, "user": f"found-{user}", "phone": "13987654321"})
    login = kaimen.login(f"found-{user}", phone={"code": phone["code"]})
    assert login["warnings"] == []
    token, mine = login["token"], [login["user"]["id"]]
    openid = kaimen.verify(token).get("x-kaimen-openid")
    put(kaimen, login, "external-id", external_id=f"find-{user}")
    for query in (f"external_id=find-{user}", f"app_id={kaimen.app_id}&openid={openid}", "phone=%2B8613987654321", f"ids={mine[0]},{'0' * 32}"):
        assert found(kaimen, query) == mine, query
    shown = kaimen.admin("GET", f"/users/{mine[0]}").json()
    assert shown["state"] == "active" and shown["phone_number"] == "+8613987654321"
    assert [(one["app_id"], one["openid"]) for one in shown["identities"]] == [(kaimen.app_id, openid)]
    wire.problem(kaimen.admin("GET", "/users?externalid=x"), 400, "invalid_request")
    assert found(kaimen, f"openid={openid}") == mine
    wire.problem(kaimen.admin("GET", f"/users?app_id={kaimen.app_id}"), 400, "invalid_request")


def test_users_come_page_by_page_and_by_project(own_kaimen):
    one = own_kaimen()
    mine = sorted(one.login(f"page{number}")["user"]["id"] for number in range(5))
    one.add_app("wxshop000000000009", project="shop")
    theirs = [one.login("somebody", "wxshop000000000009")["user"]["id"]]
    seen, cursor = [], ""
    while cursor is not None:
        page = one.admin("GET", "/users?project=default&limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == mine
    assert found(one, "") == sorted(mine + theirs) and found(one, "project=shop") == theirs
    key = one.admin("POST", "/keys", json={"name": "shop", "scopes": ["read", "write"], "project": "shop"}).json()["key"]
    assert found(one, "", key) == theirs and found(one, "project=default", key) == [] and found(one, f"ids={mine[0]}", key) == []
    assert one.admin("PUT", f"/users/{mine[0]}/roles", json={"roles": ["x"]}, key=key).status == 404
    one.restart()
    assert found(one, "project=shop") == theirs


def test_the_command_line_shows_and_deletes_a_user(own_kaimen):
    one = own_kaimen()
    login = one.login("cli")
    user = login["user"]["id"]
    one.admin("PUT", f"/users/{user}/external-id", json={"external_id": "customer-cli"})
    one.admin("PUT", f"/users/{user}/roles", json={"roles": ["editor", "owner"]})
    shown = server.run("user", "show", user, "--data", one.data)
    assert shown.returncode == 0 and "customer-cli" in shown.stdout and "editor, owner" in shown.stdout and one.app_id in shown.stdout, shown
    assert json.loads(server.run("user", "show", user, "--json", "--data", one.data).stdout)["identities"][0]["app_id"] == one.app_id
    refused = server.run("user", "delete", user, "--data", one.data, stdin="")
    assert refused.returncode == 2 and "--yes" in refused.stderr, refused
    deleted = server.run("user", "delete", user, "--yes", "--data", one.data)
    assert deleted.returncode == 0 and user in deleted.stdout, deleted
    renewed = one.renew(login["renew_token"])
    assert renewed.status == 401 and one.verify(login["token"]).status == 401
    gone = server.run("user", "show", user, "--data", one.data)
    assert gone.returncode == 1 and gone.stderr.startswith("kaimen: error: ") and "nothing with this id" in gone.stderr, gone
