"""Judges a history: a ticket is valid between its login and its logout, plus one second on other nodes, plus the grace on a node that is
cut off.

    history.py HISTORY [--faults FILE] [--grace SECONDS] [--front]       prints a summary as JSON; exit status 1 if anything is violated

The history is history_driver.cpp's. The faults are lines of JSON, {"at": seconds, "node": number or null for all, "what": name}: down and
up (the process), cut and healed (its way to the database). With --front a node number is that of a proxy before all nodes, which never
hides a failure of theirs behind one of its own: nothing is allowed to fail, and every node may have answered.

What counts as a violation:
  lost       a ticket or session that was acknowledged and never ended is refused
  undone     an ended session is accepted: later than allowed, or by a renewal, or after the same node had refused it
  unknown    a forged ticket is accepted
  mixed up   a check names another session than the ticket's
  failed     a check gets neither yes nor no, where no fault excuses it
"""
import argparse
import bisect
import collections
import json
import sys

SECOND = 1_000_000
PROPAGATION = 1 * SECOND  # to nodes that are not cut off
LATE = 1 * SECOND         # after the end of a fault: the time to connect again, and one more poll
NEVER = 1 << 62

Operation = collections.namedtuple("Operation", "kind node session ticket start end status reason")


def read_history(path):
    with open(path) as file:
        for line in file:
            kind, *numbers, reason = line.split()
            yield Operation(kind, *map(int, numbers), reason)


def read_faults(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


class Faults:
    """When each node was down, or cut off from what others write."""

    def __init__(self, events, grace, nodes):
        self.grace, self.down, self.cut = int(grace * SECOND), {node: [] for node in nodes}, {node: [] for node in nodes}
        begin = {"down": self.down, "cut": self.cut}
        finish = {"up": self.down, "healed": self.cut}
        for event in sorted(events, key=lambda one: one["at"]):
            for node in nodes if event["node"] is None else [event["node"]]:
                if event["what"] in begin:
                    begin[event["what"]][node].append([int(event["at"] * SECOND), NEVER])
                elif event["what"] in finish and finish[event["what"]].get(node):
                    finish[event["what"]][node][-1][1] = int(event["at"] * SECOND)

    def is_down(self, node, start, end):
        return any(start <= to + LATE and end >= since for since, to in self.down.get(node, ()))

    def may_be_unsure(self, node, start, end):
        """A 503 is in order: the grace of a cut is over, or the node has just started."""
        over = any(start <= to + LATE and end >= since + self.grace - 2 * SECOND for since, to in self.cut.get(node, ()))
        return over or self.is_down(node, start, end)

    def latest_acceptance(self, node, ended):
        """How long a node may go on accepting what ended at `ended` elsewhere."""
        latest = ended + PROPAGATION
        for since, to in self.cut.get(node, ()):
            if since <= latest and to + LATE >= ended:
                latest = max(latest, min(to, since + self.grace) + LATE)
        return latest


class Session:
    __slots__ = ("given", "first_end", "ended", "ended_on", "unsure_renewals", "lost_since")

    def __init__(self):
        self.given = {}               # ticket -> when it was acknowledged
        self.first_end = NEVER        # start of the first logout
        self.ended = NEVER            # when its end was known for sure
        self.ended_on = None          # the node that knew
        self.unsure_renewals = []     # starts of renewals without an answer, in order
        self.lost_since = NEVER       # start of the next renewal after the first of them, which may mark older tickets `renew`

    def may_be_refused(self, reason, end):
        """Whether what the client itself did excuses a refusal: it asked for the end, or lost answers of renewals."""
        if end >= self.first_end:
            return True
        if reason == "reused":  # two answers lost, more than a minute apart, and the token that was kept is the last but one
            return sum(start < end for start in self.unsure_renewals) >= 2
        return reason == "renew" and end >= self.lost_since


def learn(operations):
    """What the clients were told about each session."""
    sessions = collections.defaultdict(Session)
    for one in operations:
        session = sessions[one.session]
        if one.kind in "LR" and one.status == 200:
            session.given[one.ticket] = one.end
        if one.kind == "R":
            if session.unsure_renewals and one.start > session.unsure_renewals[0]:
                session.lost_since = min(session.lost_since, one.start)
            if one.status not in (200, 401, -1):
                session.unsure_renewals.append(one.start)
        if one.kind == "O" and one.status != -1:
            session.first_end = min(session.first_end, one.start)
            if one.status == 204 and one.end < session.ended:
                session.ended, session.ended_on = one.end, one.node
    # A node that refuses has read it from the database: from then on it is known, even if the logout's own answer was lost.
    for one in operations:
        if one.kind == "C" and one.status == 401 and one.reason == "logged_out":
            session = sessions[one.session]
            if one.end < session.ended:
                session.ended, session.ended_on = one.end, one.node
    return sessions


def judge(operations, faults, front=False):
    """All violations, as (name, operation)."""
    operations = sorted(operations, key=lambda one: one.start)
    sessions, found, refused = learn(operations), [], {}
    for one in operations:
        if one.kind == "C" and one.status == 401 and one.reason == "logged_out":
            key = one.session, one.node
            refused[key] = min(refused.get(key, NEVER), one.end)
    for one in operations:
        session = sessions.get(one.session)
        if one.kind == "X":
            if one.status == 204 or one.status == 200:
                found.append(("unknown", one))
        elif one.kind == "C":
            if one.status == 204:
                if one.reason == "W":
                    found.append(("mixed up", one))
                same_node = one.node == session.ended_on and not front
                latest = session.ended if same_node or session.ended == NEVER else faults.latest_acceptance(one.node, session.ended)
                if one.start > latest or (not front and one.start > refused.get((one.session, one.node), NEVER)):
                    found.append(("undone", one))
            elif one.status == 401:
                if session.given.get(one.ticket, NEVER) <= one.start and not session.may_be_refused(one.reason, one.end):
                    found.append(("lost", one))
        elif one.kind == "R":
            if one.status == 200 and one.start > session.ended:
                found.append(("undone", one))
            elif one.status == 401 and not session.may_be_refused(one.reason, one.end):
                found.append(("lost", one))
        if one.kind in "CX" and one.status not in (204, 401):
            excuse = faults.is_down if one.status <= 0 else faults.may_be_unsure
            if not excuse(one.node, one.start, one.end):
                found.append(("failed", one))
    return found


def write_gaps(operations, events):
    """For each fault that concerns all, the longest time without an acknowledged write from then until the next fault, in seconds."""
    ends = sorted(one.end for one in operations if one.kind in "LRO" and one.status in (200, 204))
    begins = [int(event["at"] * SECOND) for event in events if event["what"] in ("cut", "down", "killed")]
    gaps = []
    for event in events:
        if event["what"] not in ("cut", "killed") or event["node"] is not None and event["what"] == "cut":
            continue
        at = int(event["at"] * SECOND)
        index = max(bisect.bisect(ends, at) - 1, 0)
        until = min((begin for begin in begins if begin > at), default=NEVER)
        near = ends[index:bisect.bisect(ends, until) + 1]
        gaps.append(max((later - earlier for earlier, later in zip(near, near[1:])), default=0) / SECOND)
    return gaps


def summary(operations, events, violations, sessions=None):
    count = lambda kinds, statuses: sum(one.kind in kinds and one.status in statuses for one in operations)
    gaps = sorted(write_gaps(operations, events))
    sessions = learn(sorted(operations, key=lambda one: one.start)) if sessions is None else sessions
    # How long after a logout was known elsewhere the last check still passed.
    late = max((one.start - sessions[one.session].ended for one in operations if one.kind == "C" and one.status == 204), default=0)
    waits = sorted(one.end - one.start for one in operations if one.kind in "CX" and one.status in (204, 401))
    wait = lambda part: round(waits[int(part * (len(waits) - 1))] / 1000, 1) if waits else None
    return {"operations": len(operations), "check_ms_median": wait(0.5), "check_ms_p999": wait(0.999), "check_ms_most": wait(1),
            "checks": count("CX", range(-1, 600)),
            "checks_without_answer": count("CX", [*range(-1, 204), *range(402, 600)]),
            "logins": count("L", [200]), "renewals": count("R", [200]), "logouts": count("O", [204]),
            "writes_refused_or_lost": sum(one.kind in "LRO" and one.status not in (200, 204, 401) for one in operations),
            "faults": len(gaps), "write_gap_seconds_median": round(gaps[len(gaps) // 2], 3) if gaps else None,
            "write_gap_seconds_most": round(gaps[-1], 3) if gaps else None,
            "accepted_after_logout_seconds_most": round(max(late, 0) / SECOND, 3),
            "violations": dict(collections.Counter(name for name, _ in violations))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("history")
    parser.add_argument("--faults")
    parser.add_argument("--grace", type=float, default=300)
    parser.add_argument("--front", action="store_true")
    given = parser.parse_args()
    operations, events = list(read_history(given.history)), read_faults(given.faults) if given.faults else []
    violations = judge(operations, Faults(events, given.grace, {one.node for one in operations}), given.front)
    for name, one in violations[:20]:
        print(name, one, file=sys.stderr)
    print(json.dumps(summary(operations, events, violations)))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
