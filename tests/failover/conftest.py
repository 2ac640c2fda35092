"""What the failover tests make is stopped after them, last first; their figures are printed and kept as JSON in KAIMEN_TEST_FIGURES."""
import json
import os
import pathlib

import pytest

import cluster
import history


@pytest.fixture
def stopping():
    made = []
    yield lambda one: made.append(one) or one
    errors = []
    for one in reversed(made):
        try:
            one.stop()
        except Exception as error:  # the others must not be left running
            errors.append(error)
    if errors:
        raise errors[0]


def rounds():
    return int(os.environ.get("KAIMEN_TEST_ROUNDS", 10))


@pytest.fixture
def judged(request, capsys):
    """Ends a load, judges its history, prints and keeps its figures, and fails on any violation unless `expect_violations`."""

    def judge(load, grace=300, ends_itself=False, expect_violations=False, **more):
        if not ends_itself:
            load.end()
        load.loaded()
        driver = load.look_at_all()
        operations = list(history.read_history(load.history))
        violations = history.judge(operations, history.Faults(load.events, grace, {one.node for one in operations}), load.front)
        figures = {"test": request.node.name, "seed": load.seed, **driver, **history.summary(operations, load.events, violations), **more}
        with capsys.disabled():
            print("\n" + json.dumps(figures))
        where = os.environ.get("KAIMEN_TEST_FIGURES")
        if where:
            pathlib.Path(where).mkdir(parents=True, exist_ok=True)
            (pathlib.Path(where) / f"{request.node.name}.json").write_text(json.dumps(figures, indent=1) + "\n")
        assert figures["logins"] and figures["logouts"] and figures["renewals"] and figures["checks"], "the load did nothing"
        assert driver["codes_asked_twice"] == 0
        if not expect_violations:
            assert violations == [], (load.history, [(name, one) for name, one in violations[:10]])
        return figures

    return judge


@pytest.fixture
def make_cluster(tmp_path, stopping):
    return lambda urls, **more: stopping(cluster.Cluster(tmp_path, urls, **more))


@pytest.fixture
def make_load(tmp_path, stopping):
    return lambda nodes, **more: stopping(cluster.Load(nodes, tmp_path, **more))
