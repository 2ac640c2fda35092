"""The whole program over the VFS that forgets what was not synced: a killed process is a power cut, and the disk fails on demand."""
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
import server
import wire
from test_durability import Load


@pytest.fixture
def program(tmp_path):
    """Makes a server; program.fault(name) lets its disk fail, program.fault(None) mends it."""
    made = []

    def make(vfs="unsynced"):
        switch = tmp_path / "fault"
        one = server.Kaimen(tmp_path / "data", environment={"KAIMEN_CRASH_VFS": vfs, "KAIMEN_CRASH_FAULT": str(switch)})
        one.fault = lambda name: switch.write_text(name) if name else switch.unlink()
        one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"max_per_user": 0}})
        made.append(one)
        return one

    yield make
    for one in made:
        if one.alive():
            one.stop()


def lost(one, loads):
    """Tokens of acknowledged logins that are refused, and of acknowledged logouts that are not."""
    gone = [token for load in loads for token in load.live if one.verify(token).status != 204]
    revived = [token for load in loads for token in load.ended if one.verify(token).get("x-kaimen-reason") != "logged_out"]
    return gone, revived


def load_and_kill(one, name):
    load = Load(one, 6, name)
    time.sleep(1.5)
    one.kill()
    load.join()
    assert load.live and load.ended, "the load did nothing"
    one.start()
    return load


def test_a_power_cut_loses_no_acknowledged_login_and_undoes_no_logout(program):
    one = program()
    loads = []
    for turn in range(3):
        loads.append(load_and_kill(one, f"round{turn}"))
        assert lost(one, loads) == ([], [])


def test_control_without_syncing_logins_are_lost(program):
    one = program(vfs="nosync")
    gone, _ = lost(one, [load_and_kill(one, "control")])
    assert gone


@pytest.mark.parametrize("fault", ["fsync", "full"])
def test_a_failing_disk_refuses_logins_and_not_checks_and_heals(program, fault):
    one = program()
    kept, leaving = one.login("kept"), one.login("leaving")
    one.fault(fault)
    for turn in range(5):
        wire.problem(one.post_login(one.code(f"new{turn}")), 503, "unavailable")
        wire.problem(one.client("DELETE", "/v1/session", leaving["token"]), 503, "unavailable")
        assert one.verify(kept["token"]).status == 204
    one.fault(None)
    fresh = one.login("fresh")
    assert one.client("DELETE", "/v1/session", leaving["token"]).status == 204
    one.kill()
    one.start()
    assert one.verify(kept["token"]).status == 204 and one.verify(fresh["token"]).status == 204
    server.assert_reason(one.verify(leaving["token"]), "logged_out")
