"""PostgreSQL's primary is killed under load and its synchronous standby promoted, again and again: nothing acknowledged is lost, no check
fails.

The nodes reach the database through an address that follows the primary, as a load balancer or a floating address does it.
"""
import time

import conftest
import process
import postgres
import proxy


def test_the_primary_is_killed_and_the_standby_promoted(stopping, make_cluster, make_load, judged):
    primary = stopping(postgres.Postgres())
    primary.create_database("kaimen")
    address = stopping(proxy.Proxy([primary.address]))
    nodes = make_cluster([primary.url("kaimen", address.port)] * 3)
    load = make_load(nodes)
    promotions = []
    for _ in range(conftest.rounds()):
        standby = stopping(primary.add_standby())
        time.sleep(3)
        load.note("cut")
        begun = time.monotonic()
        primary.kill()
        standby.promote()
        promotions.append(time.monotonic() - begun)
        address.aim([standby.address])
        load.note("healed")
        primary.stop()
        primary = standby
        time.sleep(3)
    judged(load, promotion_seconds_most=round(max(promotions), 3))


def test_nodes_find_the_promoted_standby_by_themselves(stopping, make_cluster, make_load, judged):
    """store.url names both servers and nothing else tells the nodes which one takes writes."""
    primary = stopping(postgres.Postgres())
    primary.create_database("kaimen")
    standby = stopping(primary.add_standby())
    urls = [primary.url("kaimen", f"{one.port},127.0.0.1:{other.port}") for one, other in ((primary, standby), (standby, primary))]
    nodes = make_cluster(urls)
    load = make_load(nodes)
    time.sleep(3)
    load.note("cut")
    primary.kill()
    standby.promote()
    load.note("healed")
    time.sleep(5)
    judged(load)


def test_control_what_a_lagging_standby_loses_is_noticed_by_the_nodes_and_by_the_judge(stopping, make_cluster, make_load, judged):
    """Nobody waits for this standby, and it has stopped following. The nodes answer 503 rather than believe a database that has gone back
    in time; started anew they must, and the judge must find the logins lost and the logouts undone."""
    primary = stopping(postgres.Postgres())
    primary.create_database("kaimen")
    address = stopping(proxy.Proxy([primary.address]))
    nodes = make_cluster([primary.url("kaimen", address.port)] * 2)
    standby = stopping(postgres.Postgres(standby_of=primary))
    load = make_load(nodes)
    time.sleep(4)
    standby.query("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
    time.sleep(4)
    primary.kill()
    standby.promote()
    address.aim([standby.address])
    for node in nodes.nodes:
        process.eventually(lambda: node.verify("km1.AAAA").status == 503, 10, what="its noticing")
        assert "database_went_back" in node.log.read_text()
    for node in nodes.nodes:
        node.kill()
        node.start()
    time.sleep(3)
    figures = judged(load, expect_violations=True)
    assert figures["violations"].get("lost", 0) > 0 and figures["violations"].get("undone", 0) > 0, figures


def test_a_standby_that_only_reads_does_not_pass_for_a_database(stopping, make_cluster):
    """What a node reads there may be old: its beat cannot be written, so its grace runs out and it says 503, not yes."""
    primary = stopping(postgres.Postgres())
    primary.create_database("kaimen")
    address = stopping(proxy.Proxy([primary.address]))
    nodes = make_cluster([primary.url("kaimen", address.port)], grace=5)
    standby = stopping(primary.add_standby())
    process.eventually(lambda: nodes.nodes[0].verify("km1.AAAA").status == 401)
    address.aim([standby.address])
    process.eventually(lambda: nodes.nodes[0].verify("km1.AAAA").status == 503, 15, what="the end of the grace")
    address.aim([primary.address])
    process.eventually(lambda: nodes.nodes[0].verify("km1.AAAA").status == 401, 10, what="the return")
