"""A million operations on three nodes while everything fails in turn, judged against what a ticket is; and the control: a node that does
not follow the others must be found out."""
import os
import random
import time

import postgres
import proxy

OPERATIONS = int(os.environ.get("KAIMEN_TEST_OPERATIONS", 1_000_000))
GRACE = 10


class Site:
    """Three nodes, each with a line of its own to PostgreSQL, whose primary can be replaced."""

    def __init__(self, stopping, make_cluster, grace):
        self.stopping, self.primary = stopping, stopping(postgres.Postgres())
        self.primary.create_database("kaimen")
        self.lines = [stopping(proxy.Proxy([self.primary.address])) for _ in range(3)]
        self.cluster = make_cluster([self.primary.url("kaimen", line.port) for line in self.lines], grace=grace)

    def fail_over(self, load, random):
        standby = self.stopping(self.primary.add_standby())
        load.note("cut")
        self.primary.kill()
        standby.promote()
        for line in self.lines:
            line.aim([standby.address])
        load.note("healed")
        self.primary.stop()
        self.primary = standby

    def kill_node(self, load, random):
        node = random.choice(self.cluster.nodes)
        load.note("down", node.number)
        node.kill()
        node.start()
        load.note("up", node.number)

    def drain_node(self, load, random):
        node = random.choice(self.cluster.nodes)
        load.note("down", node.number)
        node.drain()
        node.start()
        load.note("up", node.number)

    def cut_line(self, load, random):
        number = random.randrange(3)
        load.note("cut", number)
        random.choice([self.lines[number].cut, self.lines[number].blackhole])()
        time.sleep(random.choice([1, 4, GRACE + 4]))
        self.lines[number].heal(lose=random.random() < 0.5)
        load.note("healed", number)

    def slow_line(self, load, random):
        number = random.randrange(3)
        load.note("cut", number)  # what comes late is not followed within a second
        self.lines[number].delay(random.choice([0.02, 0.2]))
        time.sleep(4)
        self.lines[number].heal()
        load.note("healed", number)


def test_a_million_operations_under_faults_keep_to_the_model(stopping, make_cluster, make_load, judged):
    site = Site(stopping, make_cluster, GRACE)
    load = make_load(site.cluster, operations=OPERATIONS, checks_per_second=3000)
    order, faults = random.Random(load.seed), [site.fail_over, site.kill_node, site.drain_node, site.cut_line, site.slow_line]
    while load.is_loading():
        load.pause(order.uniform(2, 5))
        if load.is_loading():
            order.choice(faults)(load, order)
    figures = judged(load, grace=GRACE, ends_itself=True)
    assert figures["operations"] >= OPERATIONS


def test_control_a_node_that_does_not_follow_the_others_is_found_out(stopping, make_cluster, make_load, judged):
    """Its line is dead and its grace long, and the judge is not told: what it accepts then is an undone logout."""
    site = Site(stopping, make_cluster, 3600)
    load = make_load(site.cluster)
    time.sleep(3)
    site.lines[1].blackhole()
    time.sleep(6)
    figures = judged(load, expect_violations=True)
    assert figures["violations"].get("undone", 0) > 0, figures
    assert set(figures["violations"]) == {"undone"}, figures
