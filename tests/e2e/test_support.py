"""The support view: a session in a user's place, off by default, named, short, never renewed, and looking on only."""
import time

import pytest

import server


@pytest.fixture
def allowed(kaimen):
    assert kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"settings": {"support_view": "on"}}).status == 200
    yield
    kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"settings": {"support_view": None}})


def open_view(kaimen, login, **body):
    return kaimen.admin("POST", f"/users/{login['user']['id']}/sessions", json={"app_id": kaimen.app_id, "seconds": 60, "actor": "anna@desk", **body})


def test_it_is_off_unless_the_app_turns_it_on(kaimen, user):
    assert open_view(kaimen, kaimen.login(user)).status == 403


def test_checks_name_who_acts(kaimen, user, allowed):
    login = kaimen.login(user)
    opened = open_view(kaimen, login)
    assert opened.status == 201, opened
    view = opened.json()
    assert view["actor"] == "anna@desk" and 55 <= view["expires_in"] <= 60 and "renew_token" not in view, view
    checked = kaimen.verify(view["token"])
    assert checked.status == 204 and checked.get("x-kaimen-actor") == "anna@desk" and checked.get("x-kaimen-user") == login["user"]["id"], checked
    assert checked.get("x-kaimen-openid") == kaimen.verify(login["token"]).get("x-kaimen-openid")
    assert not kaimen.verify(login["token"]).all("x-kaimen-actor"), "the user is nobody's actor"
    assert kaimen.introspect(view["token"]).json()["actor"] == "anna@desk"
    events = kaimen.admin("GET", f"/audit?user_id={login['user']['id']}&kind=support_view").json()["items"]
    assert len(events) == 1 and events[0]["session_id"] == view["session"]["id"] and events[0]["actor"], events
    assert events[0]["detail"] == {"actor": "anna@desk"}, "the key is not who looked"
    sessions = kaimen.admin("GET", f"/users/{login['user']['id']}/sessions").json()["items"]
    assert {one["id"]: one["actor"] for one in sessions} == {view["session"]["id"]: "anna@desk", login["session"]["id"]: ""}
    lines = kaimen.admin("GET", f"/why/{login['user']['id']}").json()["lines"]
    assert any("looked on in the user's place (anna@desk)" in line for line in lines), lines


def test_it_looks_on_and_changes_nothing(kaimen, user, allowed):
    login = kaimen.login(user)
    token = open_view(kaimen, login).json()["token"]
    assert kaimen.client("GET", "/v1/me", token).json()["id"] == login["user"]["id"]
    assert kaimen.client("POST", "/v1/me", token, json={"nickname": "mine now"}).status == 403
    assert kaimen.client("DELETE", "/v1/me", token).status == 403
    assert kaimen.client("PUT", "/v1/me/password", token, json={"username": "u-x", "new_password": "12345678"}).status == 403
    assert kaimen.client("DELETE", "/v1/me/sessions?except=current", token).status == 403
    assert kaimen.client("POST", "/v1/session/jwt", token, json={"audience": "a"}).status == 403
    assert kaimen.verify(login["token"]).status == 204


def test_it_ends_with_its_time_and_with_the_user(kaimen, user, allowed):
    login = kaimen.login(user)
    short = open_view(kaimen, login, seconds=1).json()["token"]
    deadline = time.monotonic() + 5
    while kaimen.verify(short).status == 204 and time.monotonic() < deadline:
        time.sleep(0.05)
    server.assert_reason(kaimen.verify(short), "expired")
    view = open_view(kaimen, login).json()["token"]
    kaimen.admin("DELETE", f"/users/{login['user']['id']}/sessions")
    server.assert_reason(kaimen.verify(view), "revoked")
    view = open_view(kaimen, login).json()["token"]
    kaimen.admin("POST", f"/users/{login['user']['id']}/disable", json={})
    server.assert_reason(kaimen.verify(view), "disabled")
    assert open_view(kaimen, login).status == 403


def test_what_it_does_not_take(kaimen, user, allowed):
    login = kaimen.login(user)
    for body in ({"seconds": 0}, {"seconds": 901}, {"seconds": "60"}, {"seconds": None}, {"actor": ""}, {"actor": None}, {"actor": "an na"}, {"actor": "x" * 129}, {"app_id": None}):
        assert open_view(kaimen, login, **body).status == 400, body
    assert open_view(kaimen, login, app_id="wxnone").status == 404
    assert open_view(kaimen, {"user": {"id": "0" * 32}}).status == 404
