"""The life of a session: looked at, renewed, listed, ended, with the reason told."""
import threading
import time

import pytest

import server
import wire

TICKET_SECONDS = 60  # the shortest there is


@pytest.fixture(scope="module", autouse=True)
def aging(kaimen):
    """A login under an app of the shortest ticket life, made before the other tests so that it is old after them."""
    app = kaimen.add_app("wxaging00000000001", settings={"ticket_seconds": TICKET_SECONDS})
    first, second = kaimen.login("ager", app), kaimen.login("ager", app, device={"id": "second"})
    return {"logout": first, "renew": second, "over": time.monotonic() + TICKET_SECONDS + 1.5}


def session(kaimen, token, **request):
    return kaimen.client("GET", "/v1/session", token, **request)


# Looking


def test_a_live_session_shows_itself_and_its_user(kaimen, user):
    login = kaimen.login(user)
    answer = session(kaimen, login["token"])
    assert answer.status == 200 and set(answer.json()) == {"session", "user", "missing"}, answer
    assert answer.json()["session"]["id"] == login["session"]["id"] and answer.json()["user"]["id"] == login["user"]["id"]
    assert "renew_token" not in answer.body.decode()


def test_no_ticket_is_missing(kaimen):
    wire.problem(session(kaimen, None), 401, "unauthenticated", "missing")


@pytest.mark.parametrize("ticket", ["x", "km1.", "km1.AAAA", "km2.AAAA", "kmr1.AAAA", "Bearer", "km1." + "A" * 200, "km1." + "A" * 20000])
def test_no_ticket_of_ours_is_malformed(kaimen, ticket):
    wire.problem(session(kaimen, ticket), 401, "unauthenticated", "malformed")


# Asking WeChat as well


def test_upstream_asks_wechat_whether_the_session_key_stands(kaimen, user):
    login = kaimen.login(user)
    before = len(kaimen.calls("/wxa/checksession"))
    assert kaimen.client("GET", "/v1/session?upstream=true", login["token"]).status == 200
    assert len(kaimen.calls("/wxa/checksession")) == before + 1


def test_a_session_whose_key_wechat_has_given_up_says_expired_and_goes_on(kaimen, user):
    login = kaimen.login(user)
    kaimen.faults(path="/wxa/checksession", errcode=87009)
    wire.problem(kaimen.client("GET", "/v1/session?upstream=true", login["token"]), 401, "unauthenticated", "expired")
    kaimen.faults()
    assert session(kaimen, login["token"]).status == 200 and kaimen.verify(login["token"]).status == 204


def test_upstream_takes_true_or_false(kaimen, user):
    wire.problem(kaimen.client("GET", "/v1/session?upstream=maybe", kaimen.login(user)["token"]), 400, "invalid_request")


# Logging out


def test_a_logged_out_ticket_says_logged_out_everywhere(kaimen, user):
    token = kaimen.login(user)["token"]
    assert kaimen.client("DELETE", "/v1/session", token).status == 204
    wire.problem(session(kaimen, token), 401, "unauthenticated", "logged_out")
    server.assert_reason(kaimen.verify(token), "logged_out")
    assert kaimen.introspect(token).json() == {"active": False}


def test_after_a_logouts_answer_no_line_of_the_server_takes_the_ticket(kaimen, user):
    """Each kept line belongs to one of the server's loops: all of them know at once."""
    lines = [wire.connection(kaimen.private) for _ in range(16)]
    logins = [kaimen.login(user, device={"id": str(number)}) for number in range(20)]
    for login in logins:
        headers = wire.bearer(login["token"])
        assert {wire.send(line, "GET", "/verify", headers=headers).status for line in lines} == {204}
        assert kaimen.client("DELETE", "/v1/session", login["token"]).status == 204
        assert {wire.send(line, "GET", "/verify", headers=headers).status for line in lines} == {401}


def test_logging_out_again_is_as_good(kaimen, user):
    token = kaimen.login(user)["token"]
    assert [kaimen.client("DELETE", "/v1/session", token).status for _ in range(2)] == [204, 204]


def test_logging_out_without_a_ticket_is_refused(kaimen):
    wire.problem(kaimen.client("DELETE", "/v1/session"), 401, "unauthenticated", "missing")


def test_logging_out_with_a_forged_ticket_is_refused(kaimen, user):
    token = kaimen.login(user)["token"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert kaimen.client("DELETE", "/v1/session", forged).status == 401
    assert kaimen.verify(token).status == 204


def test_logging_out_one_session_leaves_the_others(kaimen, user):
    first, second = kaimen.login(user, device={"id": "1"}), kaimen.login(user, device={"id": "2"})
    kaimen.client("DELETE", "/v1/session", first["token"])
    assert kaimen.verify(second["token"]).status == 204


def test_a_renew_token_of_a_logged_out_session_says_so(kaimen, user):
    login = kaimen.login(user)
    kaimen.client("DELETE", "/v1/session", login["token"])
    wire.problem(kaimen.renew(login["renew_token"]), 401, "unauthenticated", "logged_out")


# Renewing


def test_renewal_answers_as_a_login_of_the_same_session(kaimen, user):
    login = kaimen.login(user)
    answer = kaimen.renew(login["renew_token"])
    renewed = answer.json()
    assert answer.status == 200 and answer.get("cache-control") == "no-store" and set(renewed) == set(login), answer
    assert renewed["session"]["id"] == login["session"]["id"] and renewed["is_new_user"] is False
    assert renewed["token"] != login["token"] and renewed["renew_token"] != login["renew_token"]
    assert kaimen.verify(renewed["token"]).status == 204


def test_a_hundred_renewals_with_the_current_token_all_get_the_one_next_generation(kaimen, user):
    token = kaimen.login(user)["renew_token"]
    answers = server.parallel(100, lambda _: kaimen.renew(token))
    assert {answer.status for answer in answers} == {200}
    assert {kaimen.verify(answer.json()["token"]).status for answer in answers} == {204}
    # All hold the same generation: after one of them was used, each other one is the previous and gets the current again.
    assert {kaimen.renew(answer.json()["renew_token"]).status for answer in answers[:5]} == {200}


def test_the_previous_renew_token_within_a_minute_gets_the_current_generation_again(kaimen, user):
    first = kaimen.login(user)["renew_token"]
    lost, again = kaimen.renew(first), kaimen.renew(first)
    assert lost.status == again.status == 200
    assert kaimen.verify(lost.json()["token"]).status == kaimen.verify(again.json()["token"]).status == 204


def test_a_renew_token_older_than_the_previous_is_a_copy_in_other_hands(kaimen, user):
    first = kaimen.login(user)
    second = kaimen.renew(first["renew_token"]).json()
    third = kaimen.renew(second["renew_token"]).json()
    wire.problem(kaimen.renew(first["renew_token"]), 401, "unauthenticated", "reused")
    for login in (first, second, third):
        server.assert_reason(kaimen.verify(login["token"]), "reused")
    wire.problem(kaimen.renew(third["renew_token"]), 401, "unauthenticated", "reused")


def test_a_ticket_never_renews(kaimen, user):
    login = kaimen.login(user)
    answer = kaimen.renew(login["token"])
    assert answer.status in (400, 401) and answer.json()["code"] in ("invalid_request", "unauthenticated"), answer
    assert kaimen.verify(login["token"]).status == 204


def test_a_renew_token_never_checks(kaimen, user):
    token = kaimen.login(user)["renew_token"]
    server.assert_reason(kaimen.verify(token), "malformed")
    wire.problem(session(kaimen, token), 401, "unauthenticated", "malformed")
    assert kaimen.introspect(token).json() == {"active": False}


def test_no_renewal_slips_past_a_logout(kaimen, user):
    for turn in range(10):
        login = kaimen.login(user, device={"id": "raced"})

        def act(index):
            return kaimen.client("DELETE", "/v1/session", login["token"]) if index == 6 else kaimen.renew(login["renew_token"])

        answers = server.parallel(12, act)
        assert answers.pop(6).status == 204
        for answer in answers:
            assert answer.status in (200, 401), answer
            if answer.status == 200:
                server.assert_reason(kaimen.verify(answer.json()["token"]), "logged_out")
                assert kaimen.renew(answer.json()["renew_token"]).status == 401


@pytest.mark.parametrize("token", ["", "x", "kmr1.", "kmr1.AAAA", "kmr1." + "A" * 100, "km1." + "A" * 100])
def test_no_renew_token_of_ours_is_refused(kaimen, token):
    answer = kaimen.renew(token)
    assert answer.status in (400, 401), answer
    wire.problem(answer, answer.status, "invalid_request" if answer.status == 400 else "unauthenticated")


@pytest.mark.parametrize("body", [{}, {"renew_token": None}, {"renew_token": 5}, {"renew_token": []}])
def test_a_renewal_without_a_token_is_refused(kaimen, body):
    wire.problem(kaimen.client("POST", "/v1/session/renew", json=body), 400, "invalid_request")


def test_no_flipped_bit_of_a_renew_token_renews(kaimen, user):
    token = kaimen.login(user)["renew_token"]
    for index in range(5, len(token), 3):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1:]
        assert kaimen.renew(changed).status == 401, index
    assert kaimen.renew(token).status == 200


def test_the_cookie_renews_too(kaimen, user):
    cookies = [one.split(";")[0] for one in kaimen.post_login(kaimen.code(user), cookie=True).all("set-cookie")]
    answer = kaimen.client("POST", "/v1/session/renew", headers={"Cookie": "; ".join(cookies), "Origin": kaimen.public}, json={})
    assert answer.status == 200 and any(one.startswith("kaimen=km1.") for one in answer.all("set-cookie")), answer


# My devices


def test_my_sessions_are_listed_with_their_devices(kaimen, user):
    one = kaimen.login(user, device={"id": "d1", "model": "iPhone 15"})
    two = kaimen.login(user, device={"id": "d2", "model": "P60"})
    listed = kaimen.client("GET", "/v1/me/sessions", two["token"])
    assert listed.status == 200
    items = {item["id"]: item for item in listed.json()["items"]}
    assert set(items) == {one["session"]["id"], two["session"]["id"]}
    assert items[one["session"]["id"]]["device"]["model"] == "iPhone 15"
    for secret in (one["token"], one["renew_token"], two["renew_token"]):
        assert secret not in listed.body.decode()


def test_one_session_is_ended_from_another(kaimen, user):
    one, two = kaimen.login(user, device={"id": "1"}), kaimen.login(user, device={"id": "2"})
    assert kaimen.client("DELETE", f"/v1/me/sessions/{one['session']['id']}", two["token"]).status == 204
    assert kaimen.verify(one["token"]).status == 401 and kaimen.verify(two["token"]).status == 204


def test_somebody_elses_session_is_not_found_and_lives_on(kaimen, user):
    mine, other = kaimen.login(user), kaimen.login(user + "other")
    wire.problem(kaimen.client("DELETE", f"/v1/me/sessions/{other['session']['id']}", mine["token"]), 404, "not_found")
    assert kaimen.verify(other["token"]).status == 204


@pytest.mark.parametrize("text", ["0" * 32, "x", "Z" * 32, "%00", "0" * 33])
def test_a_session_that_is_none_is_not_found(kaimen, user, text):
    answer = kaimen.client("DELETE", f"/v1/me/sessions/{text}", kaimen.login(user)["token"])
    assert answer.status in (400, 404), answer


def test_all_others_are_ended_at_once(kaimen, user):
    logins = [kaimen.login(user, device={"id": str(number)}) for number in range(4)]
    assert kaimen.client("DELETE", "/v1/me/sessions?except=current", logins[2]["token"]).status == 204
    assert [kaimen.verify(login["token"]).status for login in logins] == [401, 401, 204, 401]


@pytest.mark.parametrize("query", ["", "?except=", "?except=all", "?Except=current"])
def test_ending_others_must_say_except_current(kaimen, user, query):
    login = kaimen.login(user)
    wire.problem(kaimen.client("DELETE", f"/v1/me/sessions{query}", login["token"]), 400, "invalid_request")
    assert kaimen.verify(login["token"]).status == 204


def test_too_many_sessions_replace_the_oldest(kaimen, user):
    app = kaimen.add_app("wxlimit00000000001", settings={"max_per_user": 3})
    logins = [kaimen.login(user, app, device={"id": str(number)}) for number in range(4)]
    server.assert_reason(kaimen.verify(logins[0]["token"]), "replaced")
    assert [kaimen.verify(login["token"]).status for login in logins[1:]] == [204] * 3
    wire.problem(kaimen.renew(logins[0]["renew_token"]), 401, "unauthenticated", "replaced")


def test_logins_at_the_same_moment_do_not_pass_the_limit(kaimen, user):
    app = kaimen.add_app("wxlimit00000000002", settings={"max_per_user": 3})
    kaimen.login(user, app, device={"id": "first"})
    codes = [kaimen.code(user, app) for _ in range(12)]
    answers = server.parallel(12, lambda i: kaimen.post_login(codes[i], app_id=app, device={"id": f"p{i}"}))
    live = [kaimen.verify(answer.json()["token"]).status for answer in answers if answer.status == 200]
    assert live.count(204) == 3, live


# What carries the ticket


def test_a_ticket_given_before_the_login_never_becomes_valid(kaimen, user):
    planted = kaimen.login(user)["token"]
    kaimen.client("DELETE", "/v1/session", planted)
    for headers in (wire.bearer(planted), {"X-Kaimen-Ticket": planted}, {"Cookie": f"kaimen={planted}"}):
        login = kaimen.login(user, headers=headers)
        assert login["token"] != planted and kaimen.verify(login["token"]).status == 204
        server.assert_reason(kaimen.verify(planted), "logged_out")


@pytest.mark.parametrize("name", ["ticket", "token", "access_token", "x", "code"])
def test_a_ticket_in_the_url_is_refused_on_each_listener(kaimen, user, name):
    token = kaimen.login(user)["token"]
    wire.problem(kaimen.client("GET", f"/v1/session?{name}={token}"), 400, "invalid_request")
    wire.problem(kaimen.client("GET", f"/v1/session?{name}={token}", token), 400, "invalid_request")
    assert kaimen.verify(query=f"{name}={token}").status in (400, 403)


@pytest.mark.parametrize("header", ["Authorization", "X-Kaimen-Ticket", "Cookie"])
def test_each_carrier_works_alone(kaimen, user, header):
    token = kaimen.login(user)["token"]
    value = {"Authorization": f"Bearer {token}", "X-Kaimen-Ticket": token, "Cookie": f"a=b; kaimen={token}; c=d"}[header]
    assert kaimen.verify(headers={header: value}).status == 204
    assert session(kaimen, None, headers={header: value}).status == 200


def test_the_same_ticket_in_every_carrier_is_one_ticket(kaimen, user):
    token = kaimen.login(user)["token"]
    assert kaimen.verify(token, headers={"X-Kaimen-Ticket": token, "Cookie": f"kaimen={token}"}).status == 204


def test_a_header_that_was_not_configured_carries_nothing(kaimen, user):
    token = kaimen.login(user)["token"]
    for name in ("X-WX-Skey", "X-My-Ticket", "Ticket", "Token", "Proxy-Authorization", "X-Authorization"):
        server.assert_reason(kaimen.verify(headers={name: f"Bearer {token}" if "uth" in name else token}), "missing")


def test_the_scheme_is_taken_in_any_case(kaimen, user):
    assert kaimen.verify(headers={"Authorization": f"bEARER {kaimen.login(user)['token']}"}).status == 204


@pytest.mark.parametrize("case", ["bearer+header", "bearer+cookie", "header+cookie", "two bearers", "one bearer twice", "two cookies", "two ticket headers",
                                  "bad bearer+cookie", "empty bearer+cookie", "two bearers with a comma"])
def test_tickets_that_contradict_each_other_are_malformed(kaimen, user, case):
    one, two = kaimen.login(user, device={"id": "1"})["token"], kaimen.login(user, device={"id": "2"})["token"]
    auth, ticket = ("Authorization", f"Bearer {one}"), ("X-Kaimen-Ticket", two)
    headers = {
        "bearer+header": [auth, ticket],
        "bearer+cookie": [auth, ("Cookie", f"kaimen={two}")],
        "header+cookie": [("X-Kaimen-Ticket", one), ("Cookie", f"kaimen={two}")],
        "two bearers": [auth, ("Authorization", f"Bearer {two}")],
        "one bearer twice": [auth, auth],
        "two cookies": [("Cookie", f"kaimen={one}; kaimen={two}")],
        "two ticket headers": [("X-Kaimen-Ticket", one), ticket],
        "bad bearer+cookie": [("Authorization", "Bearer nonsense"), ("Cookie", f"kaimen={one}")],
        "empty bearer+cookie": [("Authorization", "Bearer "), ("Cookie", f"kaimen={one}")],
        "two bearers with a comma": [("Authorization", f"Bearer {one}, Bearer {two}")],
    }[case]
    server.assert_reason(kaimen.verify(headers=headers), "malformed")
    wire.problem(session(kaimen, None, headers=headers), 401, "unauthenticated", "malformed")


# Headers of every answer


@pytest.mark.parametrize("method, path", [("GET", "/v1/session"), ("GET", "/nowhere"), ("POST", "/v1/login"), ("GET", "/healthz")])
def test_every_answer_has_its_own_request_id(kaimen, method, path):
    first, second = (wire.call(kaimen.public, method, path).get("x-request-id") for _ in range(2))
    assert first and second and first != second


def test_a_request_id_from_a_stranger_is_not_kept(kaimen):
    assert wire.call(kaimen.public, "GET", "/healthz", headers={"X-Request-Id": "chosen-by-me"}).get("x-request-id") != "chosen-by-me"


# Time (last, because it waits)


def test_an_expired_ticket_still_logs_out_and_still_renews(kaimen, aging):
    threading.Event().wait(max(0, aging["over"] - time.monotonic()))
    server.assert_reason(kaimen.verify(aging["logout"]["token"]), "expired")
    wire.problem(session(kaimen, aging["logout"]["token"]), 401, "unauthenticated", "expired")
    assert kaimen.client("DELETE", "/v1/session", aging["logout"]["token"]).status == 204
    wire.problem(kaimen.renew(aging["logout"]["renew_token"]), 401, "unauthenticated", "logged_out")
    renewed = kaimen.renew(aging["renew"]["renew_token"])
    assert renewed.status == 200 and kaimen.verify(renewed.json()["token"]).status == 204


# Where a session came in


def devices(kaimen, login):
    return {one["id"]: one for one in kaimen.client("GET", "/v1/me/sessions", login["token"]).json()["items"]}


def test_my_devices_show_where_each_came_in_and_when_it_was_renewed(kaimen, user):
    options = {"scene": 1047, "path": "pages/cart", "query": {"scene": "a%3D1"}, "shareTicket": "s", "referrerInfo": {"appId": "wx"}, "forwardMaterials": []}
    first, second = kaimen.login(user, entry=options), kaimen.login(user)
    listed = devices(kaimen, second)
    shown = listed[first["session"]["id"]]
    assert shown["entry"] == "1047 pages/cart" and listed[second["session"]["id"]]["entry"] == ""
    assert shown["last_renewed_at"] == shown["created_at"] and shown["current"] is False and listed[second["session"]["id"]]["current"] is True
    time.sleep(0.01)
    assert kaimen.renew(first["renew_token"]).status == 200
    assert devices(kaimen, second)[first["session"]["id"]]["last_renewed_at"] > shown["created_at"]


@pytest.mark.parametrize("entry, shown", [({"scene": 1001}, "1001"), ({"path": "pages/index"}, "pages/index"), ({}, ""), ({"path": "é" * 128}, "é" * 128)])
def test_an_entry_may_be_in_part(kaimen, user, entry, shown):
    login = kaimen.login(user, entry=entry)
    assert devices(kaimen, login)[login["session"]["id"]]["entry"] == shown


@pytest.mark.parametrize("entry", [{"scene": -1}, {"scene": 100000}, {"scene": "1047"}, {"path": "a" * 129}, {"path": "a\nb"}, {"path": 5}, "1047", []])
def test_an_entry_that_is_none_is_refused(kaimen, user, entry):
    wire.problem(kaimen.post_login(kaimen.code(user), entry=entry), 400, "invalid_request")
