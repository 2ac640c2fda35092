"""Under load, Kaimen nodes are killed and restarted behind nginx and HAProxy: clients of the front see no failed check and lose nothing. And
their one database is."""
import time

import pytest

import conftest
import front
import mariadb
import postgres

ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_nodes_are_killed_and_drained_in_turn(stopping, make_cluster, make_load, judged, kind, engine):
    server = stopping(ENGINES[engine]())
    nodes = make_cluster([server.create_database("kaimen")] * 2)
    site = stopping(front.FrontServer(kind, nodes.nodes))
    load = make_load(nodes, front=site)
    for turn in range(conftest.rounds()):
        time.sleep(2)
        node = nodes.nodes[turn // 2 % 2]
        load.note("killed", node.number)
        node.kill() if turn % 2 else node.drain()
        node.start()
    time.sleep(2)
    judged(load)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_database_is_killed_and_starts_again_by_itself(stopping, make_cluster, make_load, judged, engine):
    server = stopping(ENGINES[engine]())
    nodes = make_cluster([server.create_database("kaimen")] * 2)
    load = make_load(nodes)
    for _ in range(3):
        time.sleep(3)
        load.note("cut")
        server.kill()
        server.start()
        load.note("healed")
    time.sleep(3)
    judged(load)
