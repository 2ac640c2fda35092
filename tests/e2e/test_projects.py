"""Projects and their apps, added, changed, searched and removed while the server runs: by admin API and by command line."""
import json
import sqlite3

import pytest

import server
import wire


def cli(kaimen, *arguments, stdin=None):
    return server.run(*arguments, "--data", kaimen.data, stdin=stdin)


def done(answer, status=200):
    assert answer.status == status, answer
    return answer.json() if answer.body else None


def names(kaimen, path):
    """All items of a list, three a page."""
    found, cursor = [], ""
    while True:
        page = done(kaimen.admin("GET", f"{path}{'&' if '?' in path else '?'}limit=3{cursor}"))
        found += [item.get("app_id") or item["name"] for item in page["items"]]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_project_lives_from_its_making_to_its_end(own_kaimen):
    kaimen = own_kaimen()
    made = done(kaimen.admin("POST", "/projects", {"name": "teahouse", "title": "茶馆"}), 201)
    assert made == {"name": "teahouse", "title": "茶馆", "disabled": False, "apps": 0, "created_at": made["created_at"]}
    wire.problem(kaimen.admin("POST", "/projects", {"name": "teahouse"}), 409, "conflict")
    kaimen.add_app("wxtea00000000001", project="teahouse")
    token = kaimen.login("guest", app_id="wxtea00000000001")["token"]
    assert kaimen.verify(token, "project=teahouse").status == 204
    wire.problem(kaimen.admin("DELETE", "/projects/teahouse"), 409, "conflict")

    # Disabled as a whole, and every app of it is.
    assert done(kaimen.admin("PUT", "/projects/teahouse", {"disabled": True}))["disabled"]
    server.assert_reason(kaimen.verify(token, "project=teahouse"), "disabled")
    assert kaimen.post_login(kaimen.code("guest", "wxtea00000000001"), app_id="wxtea00000000001").status == 403
    app = done(kaimen.admin("GET", "/apps/wxtea00000000001"))
    assert app["disabled"] and app["project_disabled"]
    done(kaimen.admin("PATCH", "/projects/teahouse", {"disabled": False, "title": "Tea"}))
    assert kaimen.verify(token, "project=teahouse").status == 204
    kaimen.restart()
    assert done(kaimen.admin("GET", "/projects/teahouse"))["title"] == "Tea"

    left = cli(kaimen, "project", "remove", "teahouse", "--with-users", "--yes")
    assert left.returncode == 0 and "1 apps and 1 users" in left.stdout, left
    assert kaimen.verify(token, "app_id=wxtea00000000001").status in (401, 403)
    wire.problem(kaimen.admin("GET", "/projects/teahouse"), 404, "not_found")
    wire.problem(kaimen.admin("DELETE", "/projects/default"), 409, "conflict")


def test_a_project_with_a_long_past_is_removed_with_its_users(own_kaimen):
    # A page of those who are deleted is empty, and others follow: it was taken for the end.
    kaimen = own_kaimen()
    kaimen.add_app("wxpast0000000001", project="past")
    user = kaimen.login("guest", app_id="wxpast0000000001")["user"]["id"]
    kaimen.stop()
    with sqlite3.connect(kaimen.data / "kaimen.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(users)")]
        copied = ", ".join({"id": "n.id", "state": "2", "external_id": "NULL"}.get(name, f"u.{name}") for name in columns)
        numbers = "WITH RECURSIVE n(i, id) AS (SELECT 1, CAST(printf('%016d', 1) AS BLOB) UNION ALL SELECT i + 1, CAST(printf('%016d', i + 1) AS BLOB) FROM n WHERE i < 2500)"
        database.execute("UPDATE users SET id = ? WHERE id = ?", (b"\xff" * 16, bytes.fromhex(user)))
        database.execute("UPDATE identities SET user_id = ?", (b"\xff" * 16,))
        database.execute(f"{numbers} INSERT INTO users SELECT {copied} FROM n, users u WHERE u.id = ?", (b"\xff" * 16,))
    kaimen.start()
    page = done(kaimen.admin("GET", "/users?project=past&limit=200"))
    assert page["items"] == [] and page["next_cursor"], page
    removed = cli(kaimen, "project", "remove", "past", "--with-users", "--yes")
    assert removed.returncode == 0 and "1 apps and 1 users" in removed.stdout, removed


def test_lists_are_searched_and_paged(kaimen):
    for number in range(7):
        done(kaimen.admin("POST", "/projects", {"name": f"list{number}", "title": "Bakery" if number % 2 else "茶馆"}), 201)
        kaimen.add_app(f"wxlist0000000000{number}", project="list0")
    assert names(kaimen, "/projects?q=list") == [f"list{number}" for number in range(7)]
    assert names(kaimen, "/projects?q=bAKE") == ["list1", "list3", "list5"]
    assert names(kaimen, "/projects?q=%E8%8C%B6") == ["list0", "list2", "list4", "list6"]
    assert names(kaimen, "/apps?q=WXLIST") == [f"wxlist0000000000{number}" for number in range(7)]
    assert names(kaimen, "/apps?q=list&project=list1") == []
    assert names(kaimen, "/projects?q=nothing-like-it") == []


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "a b"}, {"name": "x" * 65}, {"name": "ok", "title": "x" * 65}, {"name": "ok", "disabled": "yes"}, {"name": 1}])
def test_a_bad_project_is_refused(kaimen, body):
    wire.problem(kaimen.admin("POST", "/projects", body), 400, "invalid_request")


def test_a_bound_key_neither_makes_nor_stops_projects(kaimen):
    done(kaimen.admin("POST", "/projects", {"name": "bound"}), 201)
    key = done(kaimen.admin("POST", "/keys", {"name": "customer", "scopes": ["admin"], "project": "bound"}), 201)["key"]
    assert [one["name"] for one in done(kaimen.admin("GET", "/projects", key=key))["items"]] == ["bound"]
    assert done(kaimen.admin("PUT", "/projects/bound", {"title": "Mine"}, key=key))["title"] == "Mine"
    for method, path, body in (("POST", "/projects", {"name": "more"}), ("PUT", "/projects/bound", {"disabled": True}), ("DELETE", "/projects/bound", None)):
        wire.problem(kaimen.admin(method, path, body, key=key), 403, "forbidden")
    wire.problem(kaimen.admin("PUT", "/projects/default", {"title": "x"}, key=key), 404, "not_found")


def test_the_command_line_does_the_same(own_kaimen):
    kaimen = own_kaimen()
    assert "茶馆" in cli(kaimen, "project", "add", "tea", "--title", "茶馆").stdout
    assert json.loads(cli(kaimen, "project", "list", "--search", "茶", "--json").stdout)[0]["name"] == "tea"
    assert "disabled" in cli(kaimen, "project", "set", "tea", "--disable").stdout
    assert cli(kaimen, "project", "set", "tea").returncode == 2
    assert "disabled" in cli(kaimen, "project", "show", "tea").stdout
    assert cli(kaimen, "project", "set", "tea", "--enable").returncode == 0
    assert cli(kaimen, "app", "add", "wxtea1", "--project", "tea", stdin="secret").returncode == 0
    assert "wxtea1" in cli(kaimen, "app", "list", "--project", "tea").stdout and "wxdev" not in cli(kaimen, "app", "list", "--search", "tea").stdout
    assert cli(kaimen, "project", "remove", "tea").returncode == 1
    assert cli(kaimen, "project", "remove", "tea", "--with-users", stdin="").returncode == 2
    assert cli(kaimen, "app", "remove", "wxtea1", "--yes").returncode == 0
    assert cli(kaimen, "project", "remove", "tea").returncode == 0


def test_sessions_are_listed_and_ended_and_keys_retired(own_kaimen):
    kaimen = own_kaimen()
    first, second = kaimen.login("u"), kaimen.login("u")
    user = first["user"]["id"]
    listed = json.loads(cli(kaimen, "session", "list", user, "--json").stdout)
    assert {one["id"] for one in listed} == {first["session"]["id"], second["session"]["id"]}
    assert cli(kaimen, "session", "end", first["session"]["id"]).returncode == 0
    server.assert_reason(kaimen.verify(first["token"]), "revoked")
    assert kaimen.verify(second["token"]).status == 204
    assert cli(kaimen, "keys", "retire").returncode == 0
    server.assert_reason(kaimen.verify(second["token"]), "renew")
    renewed = kaimen.renew(second["renew_token"]).json()
    assert cli(kaimen, "session", "end", "--user", user, "--app", kaimen.app_id).returncode == 0
    server.assert_reason(kaimen.verify(renewed["token"]), "revoked")
    assert cli(kaimen, "session", "end").returncode == 2


def test_a_secret_is_rotated_with_overlap(own_kaimen):
    kaimen = own_kaimen()
    # WeChat still has the old one: the new is tried first, refused with 40125, and then the old one serves.
    app = kaimen.add_app("wxrotate0000001", secret="old-secret")
    rotated = cli(kaimen, "app", "rotate-secret", app, "--overlap-seconds", "3600", "--json", stdin="new-secret\n")
    assert rotated.returncode == 0 and json.loads(rotated.stdout)["old_secret_until"], rotated
    assert "secret" not in {key for key in json.loads(rotated.stdout)} and "new-secret" not in rotated.stdout
    kaimen.login("u", app_id=app)
    asked = [call.get("query", {}) for call in kaimen.calls()][-2:]
    assert len(kaimen.calls()) >= 2, asked
    # Then WeChat has the new one.
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "secret": "new-secret"})
    before = len(kaimen.calls())
    kaimen.login("u", app_id=app)
    assert len(kaimen.calls()) == before + 1
    # Without overlap the old one is forgotten at once.
    assert cli(kaimen, "app", "rotate-secret", app, "--overlap-seconds", "0", stdin="third-secret\n").returncode == 0
    wire.problem(kaimen.post_login(kaimen.code("u", app), app_id=app), 503, "app_misconfigured")
