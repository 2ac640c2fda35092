"""The master key of three nodes is replaced under load, in the steps of docs/operations.md: no check fails and nothing is lost, and nobody waits for
nodes that were stopped in good order."""
import os
import time

import pytest

import front
import mariadb
import postgres

ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
PAUSE = 2.5  # until nginx tries a node again that was away


def restart(load, node, **keys):
    for name in ("KAIMEN_MASTER_KEY", "KAIMEN_MASTER_KEY_OTHER"):
        node.environment.pop(name, None)
    node.environment.update(keys)
    load.note("killed", node.number)
    node.drain()
    node.start()
    time.sleep(PAUSE)


@pytest.mark.parametrize("engine", ENGINES)
def test_three_nodes_change_keys(engine, make_cluster, make_load, stopping, judged):
    server = stopping(ENGINES[engine]())
    nodes = make_cluster([server.create_database("kaimen")] * 3)
    old, new = nodes.nodes[0].environment["KAIMEN_MASTER_KEY"], os.urandom(32).hex()
    load = make_load(nodes, front=stopping(front.FrontServer("nginx", nodes.nodes)))
    first = nodes.nodes[0]

    # Nobody else could open what it would seal.
    load.note("killed", first.number)
    first.drain()
    first.environment.update(KAIMEN_MASTER_KEY=new, KAIMEN_MASTER_KEY_OTHER=old)
    first.spawn()
    assert first.process.wait(60) == 1 and "does not hold master key" in first.log.read_text(), first.log.read_text()[-2000:]
    first.environment.update(KAIMEN_MASTER_KEY=old, KAIMEN_MASTER_KEY_OTHER=new)
    first.start()
    time.sleep(PAUSE)

    for node in nodes.nodes[1:]:
        restart(load, node, KAIMEN_MASTER_KEY=old, KAIMEN_MASTER_KEY_OTHER=new)
    restart(load, first, KAIMEN_MASTER_KEY=new, KAIMEN_MASTER_KEY_OTHER=old)
    with pytest.raises(AssertionError, match="does not seal under"):
        first.run("master-key", "rotate")
    for node in nodes.nodes[1:]:
        restart(load, node, KAIMEN_MASTER_KEY=new, KAIMEN_MASTER_KEY_OTHER=old)
    assert "everything is under master key" in first.run("master-key", "rotate")
    for node in nodes.nodes:
        restart(load, node, KAIMEN_MASTER_KEY=new)
    judged(load)
