"""A node of a Galera cluster of three is killed under load and comes back, again and again."""
import time

import conftest
import galera
import proxy


def test_a_galera_node_is_killed_and_comes_back(stopping, make_cluster, make_load, judged):
    """Each Kaimen node has a database node of its own, and another when that one is gone: writes go to all three at once."""
    cluster = stopping(galera.Galera())
    cluster.nodes[0].create_database("kaimen")
    addresses = [stopping(proxy.Proxy([node.address])) for node in cluster.nodes]
    aim(addresses, cluster, None)
    nodes = make_cluster([cluster.nodes[0].url("kaimen", address.port) for address in addresses])
    load = make_load(nodes)
    for turn in range(conftest.rounds()):
        time.sleep(3)
        victim = turn % len(cluster.nodes)
        load.note("cut")  # the others take no writes either until they agree that it is gone
        cluster.nodes[victim].kill()
        aim(addresses, cluster, victim)
        cluster.wait_majority(victim)
        load.note("healed")
        time.sleep(2)
        load.note("cut")  # the donor may pause while the other catches up
        cluster.bring_back(victim)
        aim(addresses, cluster, None)
        load.note("healed")
    time.sleep(3)
    judged(load)


def urls_of_all(cluster):
    """For each node all three database nodes, its own first."""
    ports = [str(node.port) for node in cluster.nodes]
    return [cluster.nodes[0].url("kaimen", ",127.0.0.1:".join(ports[first:] + ports[:first])) for first in range(3)]


def test_nodes_find_another_galera_node_by_themselves(stopping, make_cluster, make_load, judged):
    """store.url names all three, each node's own first; what a node that is not yet synced again says is not believed."""
    cluster = stopping(galera.Galera())
    cluster.nodes[0].create_database("kaimen")
    nodes = make_cluster(urls_of_all(cluster))
    load = make_load(nodes)
    for victim in range(2):
        time.sleep(3)
        load.note("cut")
        cluster.nodes[victim].kill()
        cluster.wait_majority(victim)
        load.note("healed")
        time.sleep(3)
        load.note("cut")
        cluster.bring_back(victim)
        load.note("healed")
    time.sleep(3)
    judged(load)


def test_a_galera_node_that_is_parted_from_the_others_is_not_believed(stopping, make_cluster, make_load, judged):
    """Its clients still reach it, and for seconds it takes itself for a member: what is written there must not count, what is read be
    believed."""
    cluster = stopping(galera.Galera())
    cluster.nodes[0].create_database("kaimen")
    nodes = make_cluster(urls_of_all(cluster))
    load = make_load(nodes)
    for victim in (1, 2):
        time.sleep(3)
        for node in range(3):
            load.note("cut", node)
        load.note("killed", victim)
        cluster.nodes[victim].isolate()
        cluster.wait_majority(victim)
        for node in range(3):
            if node != victim:
                load.note("healed", node)
        time.sleep(5)
        load.note("healed", victim)  # by now it has found another database node
        time.sleep(3)
        for node in range(3):
            load.note("cut", node)
        cluster.nodes[victim].isolate(False)
        cluster.wait_synced()
        for node in range(3):
            load.note("healed", node)
    time.sleep(3)
    judged(load)


def aim(addresses, cluster, without):
    """Each address leads to its own database node, then to the next ones; never to one that is not in the cluster, as health checks see to
    it."""
    for number, address in enumerate(addresses):
        order = [(number + step) % len(cluster.nodes) for step in range(len(cluster.nodes))]
        address.aim([cluster.nodes[one].address for one in order if one != without], lose=order[0] == without or without is None)
