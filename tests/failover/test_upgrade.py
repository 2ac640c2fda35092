"""A rolling upgrade: nodes of this version beside nodes of one to come (next_migrations.cpp), whose schema has more than this one knows.

What the newer version adds here is what real ones add: columns with a default in tables that every login writes, a table of its own. The
older nodes work under load meanwhile, are restarted on the newer schema, and what the newer one wrote into its columns stays.
"""
import os
import pathlib
import sqlite3
import subprocess
import time

import pytest

import cluster
import front
import mariadb
import postgres
import process
import wire

HERE = pathlib.Path(__file__).parent
ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
PAUSE = 2.5  # until nginx tries a node again that was away
# What the newest migration of this version is, whatever it is called.
NEWEST = max(path.stem for path in (HERE.parent.parent / "src/store/migrations/sqlite").glob("*.sql"))[:4]
ADDS = {
    "postgres": "ALTER TABLE users ADD COLUMN IF NOT EXISTS later BIGINT NOT NULL DEFAULT 7;"
                "ALTER TABLE sessions ADD COLUMN IF NOT EXISTS later BIGINT NOT NULL DEFAULT 7;"
                "ALTER TABLE apps ADD COLUMN IF NOT EXISTS later TEXT NOT NULL DEFAULT '';"
                "CREATE TABLE IF NOT EXISTS later_things (id BYTEA NOT NULL PRIMARY KEY);",
    "mariadb": "ALTER TABLE users ADD COLUMN IF NOT EXISTS later BIGINT NOT NULL DEFAULT 7;"
               "ALTER TABLE sessions ADD COLUMN IF NOT EXISTS later BIGINT NOT NULL DEFAULT 7;"
               "ALTER TABLE apps ADD COLUMN IF NOT EXISTS later VARCHAR(64) NOT NULL DEFAULT '';"
               "CREATE TABLE IF NOT EXISTS later_things (id VARBINARY(16) NOT NULL PRIMARY KEY);",
    "sqlite": "ALTER TABLE users ADD COLUMN later BIGINT NOT NULL DEFAULT 7;"
              "ALTER TABLE sessions ADD COLUMN later BIGINT NOT NULL DEFAULT 7;"
              "ALTER TABLE apps ADD COLUMN later TEXT NOT NULL DEFAULT '';"
              "CREATE TABLE later_things (id BLOB NOT NULL PRIMARY KEY);",
}


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """Says what the migration of the version to come is."""
    directory = tmp_path / "next"
    directory.mkdir()
    monkeypatch.setenv("NEXT_MIGRATIONS", str(directory))

    def say(sql, beside=NEWEST, name="9000_next"):
        first = f"-- Beside: {beside}\n" if beside else ""
        (directory / f"{name}.sql").write_text(first + sql)

    return say


@pytest.fixture(params=ENGINES)
def server(request, stopping):
    one = stopping(ENGINES[request.param]())
    one.kind = request.param
    return one


def newer(node):
    node.program = "KAIMEN_NEXT"


def older(node):
    node.program = "KAIMEN_BIN"


def restart(load, node):
    load.note("killed", node.number)
    node.drain()
    node.start()


def test_nodes_are_upgraded_one_by_one_and_taken_back_under_load(server, next_version, make_cluster, make_load, stopping, judged):
    next_version(ADDS[server.kind])
    nodes = make_cluster([server.create_database("kaimen")] * 2)
    load = make_load(nodes, front=stopping(front.FrontServer("nginx", nodes.nodes)))
    first, second = nodes.nodes
    time.sleep(PAUSE)
    newer(first)
    restart(load, first)  # applies the migration while the other serves
    assert server.query(f"SELECT count(*) FROM schema_migrations WHERE name = '9000_next' AND applied_at > 0", database="kaimen") == "1"
    time.sleep(PAUSE)
    restart(load, second)  # of the older version, on the newer schema
    time.sleep(PAUSE)
    newer(second)
    restart(load, second)
    time.sleep(PAUSE)
    older(first)
    restart(load, first)  # and back
    time.sleep(PAUSE)
    judged(load)


def test_an_older_program_keeps_what_the_newer_one_wrote(server, next_version, make_cluster):
    next_version(ADDS[server.kind])
    nodes = make_cluster([server.create_database("kaimen")])
    node = nodes.nodes[0]
    node.drain()
    newer(node)
    node.start()
    server.query("UPDATE users SET later = 8", "UPDATE apps SET later = 'kept'", database="kaimen")
    node.drain()
    older(node)
    node.start()
    node.run("app", "set", cluster.APP, "--name", "Renamed", "--set", "max_per_user=3")
    assert server.query("SELECT later FROM apps", database="kaimen") == "kept"
    node.drain()
    said = node.run("migrate")
    assert "9000_next" in said and "newer version" in said, said


def test_an_older_program_refuses_what_bars_it_and_the_newer_waits_for_it(server, next_version, make_cluster):
    next_version(ADDS[server.kind], beside=None)
    nodes = make_cluster([server.create_database("kaimen")] * 2)
    first, second = nodes.nodes
    first.drain()
    newer(first)
    first.spawn()
    assert first.process.wait(60) == 1
    assert "nodes of an older version are at work" in first.log.read_text(), first.log.read_text()[-2000:]
    assert second.is_ready()
    second.drain()
    first.start()
    second.spawn()
    assert second.process.wait(60) == 1
    assert "cannot work beside" in second.log.read_text() and "9000_next" in second.log.read_text(), second.log.read_text()[-2000:]
    newer(second)
    second.start()


def test_three_nodes_that_start_together_run_it_once(server, next_version, make_cluster):
    # A second run would fail: neither statement can be repeated where the first was committed.
    next_version("CREATE TABLE later_once (id BIGINT NOT NULL PRIMARY KEY); INSERT INTO later_once (id) VALUES (1);")
    nodes = make_cluster([server.create_database("kaimen")] * 3)
    for node in nodes.nodes:
        node.drain()
        newer(node)
    for node in nodes.nodes:
        node.spawn()
    for node in nodes.nodes:
        process.eventually(node.is_ready, 60, 0.05, "the node's being ready")
    assert server.query("SELECT count(*) FROM later_once", database="kaimen") == "1"


def test_a_migration_that_is_killed_between_two_statements_is_resumed(server, next_version, make_cluster):
    pause = {"postgres": "SELECT pg_sleep(60);", "mariadb": "DO SLEEP(60);"}[server.kind]
    make = "CREATE TABLE IF NOT EXISTS later_%s (id BIGINT NOT NULL PRIMARY KEY);"
    next_version(make % "first" + pause + make % "second")
    nodes = make_cluster([server.create_database("kaimen")] * 2)
    node, other = nodes.nodes
    node.drain()
    newer(node)
    node.spawn()
    at_it = {"postgres": "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%later_first%' AND pid <> pg_backend_pid() AND state = 'active'",
             "mariadb": "SELECT count(*) FROM information_schema.tables WHERE table_name = 'later_first'"}[server.kind]
    process.eventually(lambda: int(server.query(at_it, database="kaimen")) > 0, 60, 0.05, "the first statement")
    node.kill()
    other.drain()
    other.start()  # of the older version, while the newer one's migration is half done
    wanted = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'later_second'"
    assert server.query(wanted, database="kaimen") == "0"
    next_version(make % "first" + make % "second")
    server.query("UPDATE schema_migrations SET lease_until = 0 WHERE applied_at = 0", database="kaimen")  # as two minutes would
    if server.kind == "postgres":  # its server goes on with what nobody waits for
        server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
    node.start()
    assert server.query(wanted, database="kaimen") == "1"


def test_a_file_goes_there_and_back(tmp_path, next_version):
    """SQLite has one node: it is stopped, upgraded, and taken back."""
    next_version(ADDS["sqlite"])
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "master.key").write_text("ab" * 16 + "cd" * 16 + "\n")
    (data / "master.key").chmod(0o600)

    def run(program, *arguments, stdin=None):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KAIMEN_")}
        return subprocess.run([cluster.binary(program), *arguments, "--data", data], env=clean, input=stdin, capture_output=True, text=True, timeout=60)

    assert run("KAIMEN_BIN", "app", "add", cluster.APP, stdin=cluster.SECRET).returncode == 0
    upgraded = run("KAIMEN_NEXT", "migrate")
    assert upgraded.returncode == 0 and "applied 9000_next" in upgraded.stdout, upgraded
    with sqlite3.connect(data / "kaimen.db") as database:
        database.execute("UPDATE apps SET later = 'kept'")
    renamed = run("KAIMEN_BIN", "app", "set", cluster.APP, "--name", "Renamed")
    assert renamed.returncode == 0, renamed
    with sqlite3.connect(data / "kaimen.db") as database:
        assert database.execute("SELECT later, name FROM apps").fetchall() == [("kept", "Renamed")]
    moved = run("KAIMEN_BIN", "migrate", "--to", "postgres://kaimen@127.0.0.1:1/kaimen")
    assert moved.returncode == 1, moved  # there is no server; what it says of versions has a test of its own (contract)
