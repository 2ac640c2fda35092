"""A MariaDB Galera cluster on loopback: each commit is on all nodes that are in; one may be killed and comes back by itself."""
import re

import mariadb
import process

PROVIDER = "/usr/lib/galera/libgalera_smm.so"


class Node(mariadb.Mariadb):
    """One member. Its ports for the group, for incremental and for whole state transfer are its own, so that many live on one address."""

    def __init__(self, number, copy_of, settings):
        self.group, self.incremental, self.whole = process.free_ports(3)
        self.number, self.settings, self.cluster = number, settings, []
        super().__init__(copy_of=copy_of)

    def command(self):
        addresses = ",".join(f"127.0.0.1:{node.group}" for node in self.cluster)
        options = {"base_port": self.group, "gmcast.listen_addr": f"tcp://127.0.0.1:{self.group}",
                   "ist.recv_addr": f"127.0.0.1:{self.incremental}", "gcache.size": "64M", "gcache.recover": "yes", **self.settings}
        return super().command() + [
            "--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", f"--wsrep-cluster-address=gcomm://{addresses}", "--wsrep-cluster-name=kaimen",
            f"--wsrep-node-name=node{self.number}", f"--wsrep-node-address=127.0.0.1:{self.group}",
            f"--wsrep-node-incoming-address=127.0.0.1:{self.port}", "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.whole}",
            "--wsrep-provider-options=" + ";".join(f"{name}={value}" for name, value in options.items()),
            "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-slave-threads=2"]

    def come_back(self):
        """Starts after a kill as Debian's unit does: the position is read from the log first, so that what was missed comes alone, not all
        data."""
        with open(self.log, "rb") as log:
            log.seek(0, 2)
            before = log.tell()
            process.run([*self.command(), "--wsrep-recover"], self.who, env=self._environment(), stdin=None)
            log.seek(before)
            found = re.findall(r"Recovered position: (\S+:-?\d+)", log.read().decode(errors="replace"))
        self.spawn(*([f"--wsrep-start-position={found[-1]}"] if found else []))

    def isolate(self, really=True):
        """As a broken network between the members: it reaches none of them, while clients still reach it."""
        self.query(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(really)}'")

    def is_synced(self):
        return self.answers() and (self.try_query("SHOW STATUS LIKE 'wsrep_local_state_comment'") or "").endswith("\tSynced") and \
            (self.try_query("SHOW STATUS LIKE 'wsrep_ready'") or "").endswith("\tON")

    def size(self):
        """How many members this one sees."""
        answer = self.try_query("SHOW STATUS LIKE 'wsrep_cluster_size'")
        return int(answer.split()[-1]) if answer else 0


class Galera:
    """`settings`: more of Galera's own options, by name."""

    def __init__(self, count=3, settings=None):
        self.nodes = []
        template = mariadb.Mariadb()
        try:
            process.end(template.process, seconds=60)  # a clean end: the copies start without repair
            for number in range(count):
                self.nodes.append(Node(number, template.data, settings or {}))
            for node in self.nodes:
                node.cluster = self.nodes
            self.nodes[0].start_or_stop("--wsrep-new-cluster")
            self.wait_synced(1)
            for number, node in enumerate(self.nodes[1:], 2):
                node.spawn()
                self.wait_synced(number)
        except BaseException:
            self.stop()
            raise
        finally:
            template.stop()

    def wait_synced(self, count=None, seconds=120):
        """Until the first `count` nodes (all of them) are members that take writes."""
        count = count or len(self.nodes)
        process.eventually(lambda: all(node.is_synced() and node.size() == count for node in self.nodes[:count]), seconds, 0.1,
                           "the cluster's being synced")

    def wait_majority(self, without, seconds=60):
        """Until the others agree that this one is gone, and take writes."""
        others = [node for number, node in enumerate(self.nodes) if number != without]
        process.eventually(lambda: all(node.is_synced() and node.size() == len(others) for node in others), seconds, 0.1,
                           f"the others' going on without {without}")

    def bring_back(self, number, seconds=120):
        """The killed node takes part again, with all that was written meanwhile."""
        self.nodes[number].come_back()
        process.eventually(lambda: self.nodes[number].is_synced() and self.nodes[number].size() == len(self.nodes), seconds, 0.1,
                           f"the return of node {number}")

    def pids(self):
        return [pid for node in self.nodes for pid in node.pids()]

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()
