"""Accounts through the real binary: passwords, linked identities, registration, leaving and coming back, export."""
import sqlite3
import threading
import time

import pytest

import server
import wire


@pytest.fixture(scope="module")
def accounts(kaimen):
    """The file's server, with an app that has passwords."""
    if not hasattr(kaimen, "accounts_app"):
        kaimen.accounts_app = kaimen.add_app("wxaccounts00000001", settings={"passwords": "on"})
    return kaimen


def body(kaimen, username, password, **more):
    return {"app_id": kaimen.accounts_app, "username": username, "password": password, **more}


def register(kaimen, username, password="correct horse", **more):
    return kaimen.client("POST", "/v1/password/register", json=body(kaimen, username, password, **more))


def enter(kaimen, username, password="correct horse", **more):
    return kaimen.client("POST", "/v1/password/login", json=body(kaimen, username, password, **more))


def settings(kaimen, app_id, **values):
    answer = kaimen.admin("PUT", f"/apps/{app_id}", json={"settings": values})
    assert answer.status == 200, answer


# Passwords


def test_who_registers_is_logged_in_and_checked(accounts):
    answer = register(accounts, "Mei", nickname="梅")
    assert answer.status == 201, answer
    made = answer.json()
    assert made["is_new_user"] and made["user"]["nickname"] == "梅" and made["user"]["registered"] and made["missing"] == []
    check = accounts.verify(made["token"])
    assert check.status == 204 and check.get("x-kaimen-user") == made["user"]["id"] and not check.all("x-kaimen-openid"), check
    again = enter(accounts, "ＭＥＩ ", cookie=True)
    assert again.status == 200 and again.json()["user"]["id"] == made["user"]["id"], again
    assert any(value.startswith("kaimen=") for value in again.all("set-cookie")), again
    wire.problem(register(accounts, "mei"), 409, "conflict")


def test_logins_by_password_are_limited_as_all_logins_are(kaimen, user):
    app = kaimen.add_app("wxaccounts00000004", settings={"passwords": "on", "logins_per_address_per_minute": 3})

    def send(what, password="correct horse"):
        return kaimen.client("POST", f"/v1/password/{what}", json={"app_id": app, "username": "Mei4", "password": password})

    assert send("register").status == 201 and send("login").status == 200 and kaimen.login(user, app)
    for answer in (send("login"), send("login", "a bad guess"), send("register"), kaimen.post_login(kaimen.code(user, app), app_id=app)):
        assert wire.problem(answer, 429, "rate_limited")["retry_after"] >= 1 and int(answer.get("retry-after")) >= 1


def test_a_wrong_password_and_an_unknown_name_have_one_answer(accounts):
    assert register(accounts, "known").status == 201
    bodies = []
    for username in ("known", "unknown"):
        answer = enter(accounts, username, "a bad guess")
        document = wire.problem(answer, 401, "unauthenticated")
        document.pop("request_id")
        bodies.append((document, sorted(name.lower() for name, _ in answer.headers), answer.get("www-authenticate")))
    assert bodies[0] == bodies[1] and "reason" not in bodies[0][0]
    why = accounts.admin("GET", f"/why/{answer.get('x-request-id')}").json()
    assert any("no such username, or this is not its password" in line for line in why["lines"]), why


def test_a_wrong_password_and_an_unknown_name_take_one_time(accounts):
    assert register(accounts, "timed").status == 201
    spent = {"timed": [], "untimed": []}
    for _ in range(4):
        for username, times in spent.items():
            begun = time.monotonic()
            assert enter(accounts, username, "a bad guess").status == 401
            times.append(time.monotonic() - begun)
    known, unknown = min(spent["timed"]), min(spent["untimed"])
    assert known < unknown * 3 + 0.02 and unknown < known * 3 + 0.02, spent


def test_guessing_ends_and_goes_on_being_ended_after_a_restart(own_kaimen):
    kaimen = own_kaimen()
    kaimen.accounts_app = kaimen.add_app("wxaccounts00000002", settings={"passwords": "on"})
    assert register(kaimen, "mei").status == 201
    for _ in range(5):
        wire.problem(enter(kaimen, "mei", "a bad guess"), 401, "unauthenticated")
    kaimen.restart()
    for _ in range(2):
        refused = enter(kaimen, "Mei")
        document = wire.problem(refused, 429, "rate_limited")
        assert 1 <= document["retry_after"] <= 5 and refused.get("retry-after") == str(document["retry_after"])
    time.sleep(document["retry_after"] + 0.1)
    assert enter(kaimen, "mei").status == 200


def test_an_app_without_passwords_has_no_such_routes(kaimen, accounts):
    app = kaimen.add_app("wxaccounts00000005")
    for path in ("/v1/password/register", "/v1/password/login"):
        wire.problem(kaimen.client("POST", path, json={"app_id": app, "username": "a", "password": "12345678"}), 404, "not_found")
    login = kaimen.login("nopasswords", app)
    wire.problem(kaimen.client("PUT", "/v1/me/password", login["token"], json={"username": "a", "new_password": "12345678"}), 404, "not_found")


def test_a_mini_programs_user_adds_and_changes_a_password(accounts, user):
    other = accounts.login(user, accounts.accounts_app)
    login = accounts.login(user, accounts.accounts_app)
    put = lambda **change: accounts.client("PUT", "/v1/me/password", login["token"], json=change)  # noqa: E731
    wire.problem(put(new_password="correct horse"), 400, "invalid_request")
    assert put(username=f"added {user}", new_password="correct horse").status == 204
    server.assert_reason(accounts.verify(other["token"]), "revoked")
    assert accounts.verify(login["token"]).status == 204
    wire.problem(put(new_password="second horse"), 400, "invalid_request")
    wire.problem(put(new_password="second horse", old_password="a bad guess"), 403, "forbidden")
    assert put(new_password="second horse", old_password="correct horse").status == 204
    wire.problem(enter(accounts, f"added {user}"), 401, "unauthenticated")
    assert enter(accounts, f"added {user}", "second horse").json()["user"]["id"] == login["user"]["id"]


# Linking


def test_an_identity_is_linked(accounts, user):
    made = register(accounts, f"linked {user}").json()
    link = lambda code, app_id: accounts.client("POST", "/v1/me/identities", made["token"], json={"app_id": app_id, "code": code})  # noqa: E731
    answer = link(accounts.code(user), accounts.app_id)
    assert answer.status == 200 and answer.json()["id"] == made["user"]["id"], answer
    assert accounts.login(user)["user"]["id"] == made["user"]["id"]
    accounts.login("somebody else")
    wire.problem(link(accounts.code("somebody else"), accounts.app_id), 409, "conflict")
    wire.problem(link("no-such-code", accounts.app_id), 401, "code_invalid")


# Registration


def test_a_guest_becomes_a_registered_user(kaimen, user):
    app = kaimen.add_app(f"wxreg{user:0>13}", settings={"registration": "fields", "registration_fields": "company,nickname", "agreements": "terms=1"})
    login = kaimen.login(user, app)
    assert login["missing"] == ["company", "nickname", "terms"] and not login["user"]["registered"]
    assert kaimen.verify(login["token"]).get("x-kaimen-registered") == "false"
    assert kaimen.verify(login["token"], "registered=true").status == 403
    asked = kaimen.client("GET", "/v1/me/registration", login["token"]).json()
    assert asked == {"policy": "fields", "fields": ["company", "nickname"], "agreements": [{"name": "terms", "version": "1"}], "registered": False,
                     "missing": ["company", "nickname", "terms"]}
    refused = kaimen.client("POST", "/v1/me/registration", login["token"], json={"fields": {"company": "x"}})
    assert wire.problem(refused, 403, "registration_required")["missing"] == ["nickname", "terms"]
    done = kaimen.client("POST", "/v1/me/registration", login["token"],
                         json={"fields": {"company": "x", "nickname": "Mei"}, "agreements": [{"name": "terms", "version": "1"}]})
    assert done.status == 200, done
    fresh = done.json()
    assert fresh["user"]["registered"] and fresh["user"]["nickname"] == "Mei" and fresh["missing"] == []
    assert kaimen.verify(fresh["token"], "registered=true").status == 204
    server.assert_reason(kaimen.verify(login["token"]), "renew")
    settings(kaimen, app, agreements="terms=2")
    again = kaimen.login(user, app)
    assert again["missing"] == ["terms"] and kaimen.verify(again["token"], "registered=true").status == 403
    assert kaimen.client("GET", "/v1/session", again["token"]).json()["missing"] == ["terms"]


def test_an_invitation_registers_as_many_as_it_says(kaimen, user):
    app = kaimen.add_app(f"wxinv{user:0>13}", settings={"registration": "invited"})
    made = kaimen.admin("POST", f"/apps/{app}/invitations", json={"uses": 1, "expires_in": 600})
    assert made.status == 201 and made.json()["uses"] == 1, made
    first, second = kaimen.login(f"{user}a", app), kaimen.login(f"{user}b", app)
    give = lambda login: kaimen.client("POST", "/v1/me/registration", login["token"], json={"invitation": made.json()["code"]})  # noqa: E731
    assert give(first).status == 200
    assert wire.problem(give(second), 403, "registration_required")["missing"] == ["invitation"]


# Leaving


def test_who_leaves_is_gone(kaimen, user):
    login = kaimen.login(user)
    answer = kaimen.client("DELETE", "/v1/me", login["token"])
    assert answer.status == 204, answer
    server.assert_reason(kaimen.verify(login["token"]), "deleted")
    again = kaimen.login(user)
    assert again["is_new_user"] and again["user"]["id"] != login["user"]["id"]


def test_within_the_grace_who_left_comes_back(accounts, user):
    app = accounts.add_app(f"wxgrace{user:0>11}", settings={"deletion_grace_days": "7", "passwords": "on"})
    login = accounts.login(user, app)
    answer = accounts.client("DELETE", "/v1/me", login["token"])
    assert answer.status == 202 and wire.TIME.fullmatch(answer.json()["deleted_at"]), answer
    server.assert_reason(accounts.verify(login["token"]), "deleted")
    refused = wire.problem(accounts.post_login(accounts.code(user, app), app_id=app), 403, "forbidden", "deleted")
    assert refused["until"] == answer.json()["deleted_at"]
    back = accounts.client("POST", "/v1/me/restore", json={"app_id": app, "code": accounts.code(user, app)})
    assert back.status == 200 and back.json()["user"]["id"] == login["user"]["id"], back
    assert accounts.verify(back.json()["token"]).status == 204


def test_a_password_account_comes_back_with_its_password(accounts, user):
    app = accounts.add_app(f"wxback{user:0>12}", project="default", settings={"deletion_grace_days": "7", "passwords": "on"})
    who = {"app_id": app, "username": f"back {user}", "password": "correct horse"}
    made = accounts.client("POST", "/v1/password/register", json=who).json()
    assert accounts.client("DELETE", "/v1/me", made["token"]).status == 202
    wire.problem(accounts.client("POST", "/v1/password/login", json=who), 403, "forbidden", "deleted")
    assert accounts.client("POST", "/v1/me/restore", json=who).json()["user"]["id"] == made["user"]["id"]


def test_an_admin_deletes_a_user(kaimen, user):
    login = kaimen.login(user)
    assert kaimen.admin("DELETE", f"/users/{login['user']['id']}").status == 204
    server.assert_reason(kaimen.verify(login["token"]), "deleted")
    wire.problem(kaimen.admin("DELETE", f"/users/{login['user']['id']}"), 404, "not_found")


def add_copies(database, table, which, count):
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    (one,) = database.execute(f"SELECT * FROM {table} WHERE {which}")
    place = columns.index("id")
    # A second and more before it, so that all are old.
    first = int.from_bytes(one[place], "big") - (10**9 << 80)
    rows = ([*one[:place], (first + number).to_bytes(16, "big"), *one[place + 1:]] for number in range(count))
    database.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(columns))})", rows)


def test_an_export_of_a_hundred_thousand_events_holds_nobody_up(own_kaimen):
    kaimen = own_kaimen()
    login = kaimen.login("ada")
    kaimen.stop()
    database = sqlite3.connect(kaimen.data / "kaimen.db")
    add_copies(database, "events", "kind = 'login_new_user'", 100_000)
    add_copies(database, "sessions", "ended = 0", 20_100)
    database.execute("UPDATE sessions SET ended = 8 WHERE id <> (SELECT max(id) FROM sessions)")
    database.commit()
    database.close()
    kaimen.start()

    answers, waits = [], []
    asking = threading.Thread(target=lambda: answers.append(wire.call(kaimen.public, "GET", "/v1/me/export", headers=wire.bearer(login["token"]), timeout=120)))
    started = time.monotonic()
    asking.start()
    while asking.is_alive():
        begun = time.monotonic()
        kaimen.login("bob")
        waits.append(time.monotonic() - begun)
    exported = time.monotonic() - started
    assert answers[0].status == 200, answers[0]
    held = answers[0].json()
    assert len(held["events"]) == 100_000 and len({one["id"] for one in held["events"]}) == 100_000
    assert held["events_next"] == held["events"][-1]["id"], "the login's own event is behind them"
    assert len(held["sessions"]) == 20_000 and held["sessions"][0]["current"], "what lives comes first"
    rest = kaimen.client("GET", f"/v1/me/export?events_after={held['events_next']}", login["token"]).json()
    assert [one["kind"] for one in rest["events"]] == ["login_new_user"] and rest["events_next"] is None
    assert rest["user"] == held["user"] and rest["sessions"] == held["sessions"]
    # Read in one act it would hold the store for most of the time that the export takes.
    assert max(waits) < max(0.5, exported / 3) and len(waits) > 3, (len(waits), max(waits), exported)
    wire.problem(kaimen.client("GET", "/v1/me/export?events_after=x", login["token"]), 400, "invalid_request")


def test_an_export_tells_what_is_held_and_no_key(kaimen, user):
    login = kaimen.login(user, device={"id": "d1", "model": "m"})
    kaimen.client("POST", "/v1/me", login["token"], json={"nickname": "Mei", "attributes": {"a": 1}})
    answer = kaimen.client("GET", "/v1/me/export", login["token"])
    assert answer.status == 200 and answer.get("cache-control") == "no-store", answer
    held = answer.json()
    assert held["user"]["nickname"] == "Mei" and held["user"]["attributes"] == {"a": 1}
    assert [one["app_id"] for one in held["identities"]] == [kaimen.app_id] and held["identities"][0]["openid"]
    assert held["sessions"][0]["id"] == login["session"]["id"] and held["sessions"][0]["device"]["id"] == "d1"
    assert {"login_new_user", "profile_saved"} <= {one["kind"] for one in held["events"]}
    assert held["account"] is None and held["registration"] is None and held["consents"] == []
    assert "key" not in {name for one in held["identities"] for name in one}


def test_an_export_does_not_tell_who_of_the_team_did_what(kaimen, user):
    login = kaimen.login(user)
    who = login["user"]["id"]
    assert kaimen.admin("PUT", f"/users/{who}/roles", json={"roles": ["editor"]}).status == 200
    login = kaimen.login(user)
    held = kaimen.client("GET", "/v1/me/export", login["token"]).json()
    by_team = [one for one in held["events"] if one["actor"]]
    assert by_team and all(one["actor"] == "administrator" and one["ip"] == "" for one in by_team), held["events"]
    assert any(one["ip"] for one in held["events"] if not one["actor"]), "the user's own address is the user's"
