"""The judge of histories sees each kind of violation, and none where there is none. (That a broken server is seen too: test_history.py.)"""
import pytest

from history import SECOND, Faults, Operation, judge, summary, write_gaps


def at(seconds, kind, node=0, session=1, ticket=1, status=None, reason="-", lasts=0.01):
    status = {"L": 200, "R": 200, "O": 204, "C": 204, "X": 401}[kind] if status is None else status
    return Operation(kind, node, session, ticket, int(seconds * SECOND), int((seconds + lasts) * SECOND), status, reason)


def violations(*operations, faults=(), grace=300, front=False):
    return [name for name, _ in judge(list(operations), Faults(list(faults), grace, {0, 1, 2}), front)]


def refused(seconds, node=0, reason="logged_out", **more):
    return at(seconds, "C", node, status=401, reason=reason, **more)


LOGIN, LOGOUT = at(1, "L"), at(5, "O")
CUT = [{"at": 4, "node": 1, "what": "cut"}, {"at": 20, "node": 1, "what": "healed"}]
ALL_CUT = [{**event, "node": None} for event in CUT]
DOWN = [{"at": 4, "node": 1, "what": "down"}, {"at": 20, "node": 1, "what": "up"}]


def test_an_ordinary_life_is_in_order():
    assert violations(LOGIN, at(2, "C", 1), at(3, "R", 2, ticket=2), at(4, "C", 1, ticket=2), LOGOUT, refused(5.02), refused(6.1, 1),
                      at(7, "R", status=401, reason="logged_out")) == []


@pytest.mark.parametrize("history, expected", [
    ([LOGIN, refused(2, reason="revoked")], "lost"),
    ([LOGIN, refused(2, 1, "malformed")], "lost"),
    ([LOGIN, at(2, "R", status=401, reason="expired")], "lost"),
    ([LOGIN, LOGOUT, at(5.02, "C")], "undone"),
    ([LOGIN, LOGOUT, at(6.2, "C", 1)], "undone"),
    ([LOGIN, LOGOUT, at(5.1, "R", 1, ticket=2)], "undone"),
    ([LOGIN, LOGOUT, refused(5.3, 1), at(5.5, "C", 1)], "undone"),
    ([LOGIN, at(5, "O", status=503), refused(5.3, 1), at(7, "C", 2)], "undone"),
    ([at(2, "X", status=204)], "unknown"),
    ([LOGIN, at(2, "C", reason="W")], "mixed up"),
    ([LOGIN, at(2, "C", status=503)], "failed"),
    ([LOGIN, at(2, "C", status=0)], "failed"),
    ([at(2, "X", status=-1)], "failed"),
])
def test_a_violation_is_named(history, expected):
    assert violations(*history) == [expected]


@pytest.mark.parametrize("history", [
    [LOGIN, LOGOUT, at(5.9, "C", 1)],                                             # within the second that others have
    [LOGIN, at(5, "O", status=0), at(9, "C", 1), refused(9.5, 1)],                # a logout without an answer may come true later
    [LOGIN, at(5, "O", status=503), at(30, "C", 1)],                              # or never
    [LOGIN, at(2, "R", status=503), at(90, "R", ticket=2), refused(91, reason="renew")],
    [at(1, "L", status=503), at(3, "C", 0, session=2)],
    [LOGIN, at(5, "O", lasts=3), refused(5.5, 1), at(5.6, "C", 2)],               # known at 5.5, passed on until 6.5
])
def test_what_clients_cannot_know_is_not_held_against_the_server(history):
    assert violations(*history) == []


def test_one_lost_answer_does_not_excuse_a_session_that_ends_as_reused_but_two_do():
    lost = [LOGIN, at(2, "R", status=0)]
    assert violations(*lost, refused(90, reason="reused")) == ["lost"]
    assert violations(*lost, at(80, "R", status=0), refused(90, reason="reused")) == []


def test_a_node_that_is_cut_off_may_accept_until_its_grace_is_over_and_no_longer():
    assert violations(LOGIN, LOGOUT, at(12, "C", 1), faults=CUT, grace=10) == []
    assert violations(LOGIN, LOGOUT, at(16, "C", 1), faults=CUT, grace=10) == ["undone"]
    assert violations(LOGIN, LOGOUT, at(20.5, "C", 1), faults=CUT) == []
    assert violations(LOGIN, LOGOUT, at(21.5, "C", 1), faults=CUT) == ["undone"]
    assert violations(LOGIN, LOGOUT, at(12, "C", 2), faults=CUT) == ["undone"]
    assert violations(LOGIN, LOGOUT, at(12, "C", 2), faults=ALL_CUT) == []
    assert violations(LOGIN, LOGOUT, at(5.1, "C", 0), faults=ALL_CUT) == ["undone"]  # the node that ended it knows


def test_a_node_that_is_cut_off_may_say_503_after_its_grace_only():
    assert violations(LOGIN, at(15, "C", 1, status=503), faults=CUT, grace=10) == []
    assert violations(LOGIN, at(8, "C", 1, status=503), faults=CUT, grace=10) == ["failed"]
    assert violations(LOGIN, at(15, "C", 2, status=503), faults=CUT, grace=10) == ["failed"]


def test_a_node_that_is_down_may_be_unreachable_then_only():
    assert violations(LOGIN, at(10, "C", 1, status=-1), faults=DOWN) == []
    assert violations(LOGIN, at(10, "C", 0, status=-1), faults=DOWN) == ["failed"]
    assert violations(LOGIN, at(22, "C", 1, status=-1), faults=DOWN) == ["failed"]
    assert violations(LOGIN, LOGOUT, at(19, "C", 1), faults=DOWN) == ["undone"]  # it starts with all it must know


def test_behind_a_front_any_node_may_have_answered():
    assert violations(LOGIN, LOGOUT, at(5.5, "C"), front=True) == []
    assert violations(LOGIN, LOGOUT, refused(5.3), at(5.5, "C"), front=True) == []
    assert violations(LOGIN, LOGOUT, at(6.5, "C"), front=True) == ["undone"]


def test_the_write_gap_is_the_longest_silence_after_a_fault():
    writes = [at(second, "L", session=second, lasts=0) for second in (1, 2, 3, 9, 10, 20)]
    assert write_gaps(writes, [{"at": 3.5, "node": None, "what": "cut"}]) == [10.0]
    assert write_gaps(writes, [{"at": 3.5, "node": None, "what": "cut"}, {"at": 9.5, "node": 1, "what": "cut"}]) == [6.0]


def test_the_summary_counts():
    history = [LOGIN, at(2, "C"), at(2, "C", status=503), LOGOUT, at(8, "C", 1)]
    found = judge(history, Faults([], 300, {0, 1}))
    told = summary(history, [], found)
    assert told["checks"] == 3 and told["checks_without_answer"] == 1 and told["logins"] == told["logouts"] == 1
    assert told["check_ms_median"] == told["check_ms_most"] == 10.0
    assert told["violations"] == {"failed": 1, "undone": 1} and told["accepted_after_logout_seconds_most"] == 2.99
