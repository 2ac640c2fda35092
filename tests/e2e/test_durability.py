"""What was answered stands: after a restart, and after kill -9 at any moment. (That nothing is lost with the power is shown elsewhere.)"""
import threading
import time

import server
import wire


def test_sessions_outlive_a_restart(own_kaimen):
    one = own_kaimen()
    login = one.login("ada")
    one.restart()
    assert one.verify(login["token"]).status == 204
    renewed = one.renew(login["renew_token"])
    assert renewed.status == 200 and one.verify(renewed.json()["token"]).get("x-kaimen-user") == login["user"]["id"]


def test_a_logout_outlives_a_restart(own_kaimen):
    one = own_kaimen()
    login = one.login("ada")
    assert one.client("DELETE", "/v1/session", login["token"]).status == 204
    one.restart()
    server.assert_reason(one.verify(login["token"]), "logged_out")
    wire.problem(one.renew(login["renew_token"]), 401, "unauthenticated", "logged_out")


def test_reasons_outlive_a_restart(own_kaimen):
    one = own_kaimen()
    app = one.add_app("wxlimit00000000001", settings={"max_per_user": 1})
    replaced, disabled, reused = one.login("r", app, device={"id": "1"}), one.login("d"), one.login("u")
    one.login("r", app, device={"id": "2"})
    one.admin("POST", f"/users/{disabled['user']['id']}/disable", json={})
    second = one.renew(reused["renew_token"]).json()
    one.renew(second["renew_token"])
    one.renew(reused["renew_token"])
    one.restart()
    for login, reason in ((replaced, "replaced"), (disabled, "disabled"), (reused, "reused"), (second, "reused")):
        server.assert_reason(one.verify(login["token"]), reason)


def test_profile_app_and_key_outlive_a_restart(own_kaimen):
    one = own_kaimen()
    login = one.login("ada")
    one.client("POST", "/v1/me", login["token"], json={"nickname": "Ada 开", "attributes": {"k": "v"}})
    one.add_app("wxkept000000000001", settings={"ticket_seconds": 600})
    key = one.admin("POST", "/keys", json={"name": "kept", "scopes": ["read"]}).json()["key"]
    one.restart()
    me = one.client("GET", "/v1/me", login["token"]).json()
    assert me["nickname"] == "Ada 开" and me["attributes"] == {"k": "v"} and me["id"] == login["user"]["id"]
    assert one.admin("GET", "/apps/wxkept000000000001", key=key).status == 200


def test_a_code_counts_once_across_a_restart(own_kaimen):
    """The sandbox forgets its codes with the process, as WeChat would not: it must not even be asked."""
    one = own_kaimen()
    code = one.code("ada")
    login = one.post_login(code).json()
    one.client("DELETE", "/v1/session", login["token"])
    one.restart()
    answer = one.post_login(code)
    assert answer.status in (401, 409), answer


class Load:
    """Logs in and out on several threads, noting only what was acknowledged."""

    def __init__(self, kaimen, threads, name):
        self.kaimen, self.name, self.lock = kaimen, name, threading.Lock()
        self.live, self.ended, self.unsure = {}, {}, set()
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        turn = 0
        try:
            while True:
                turn += 1
                login = self.kaimen.login(f"{self.name}-{number}", device={"id": f"{turn}"})
                with self.lock:
                    self.live[login["token"]] = login
                if turn % 2:
                    with self.lock:
                        del self.live[login["token"]]
                        self.unsure.add(login["token"])
                    if self.kaimen.client("DELETE", "/v1/session", login["token"]).status == 204:
                        with self.lock:
                            self.unsure.discard(login["token"])
                            self.ended[login["token"]] = login
        except Exception:  # the server was killed
            return

    def join(self):
        for thread in self.threads:
            thread.join()


def test_after_kill_9_no_acknowledged_login_is_lost_and_no_logout_undone(own_kaimen):
    one = own_kaimen()
    one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"max_per_user": 0}})
    everything = []
    for turn in range(4):
        load = Load(one, 6, f"round{turn}")
        time.sleep(1.2 + 0.3 * turn)
        one.kill()
        load.join()
        everything.append(load)
        one.start()
        for past in everything:
            assert past.live and past.ended, "the load did nothing"
            lost = [token for token in past.live if one.verify(token).status != 204]
            revived = [token for token in past.ended if one.verify(token).get("x-kaimen-reason") != "logged_out"]
            assert lost == [] and revived == [], (turn, len(lost), len(revived))
        for login in list(load.live.values())[:3]:
            assert one.renew(login["renew_token"]).status == 200


def test_kill_9_right_after_an_answer_changes_nothing(own_kaimen):
    one = own_kaimen()
    for turn in range(3):
        kept, ended = one.login("kept", device={"id": str(turn)}), one.login("ended", device={"id": str(turn)})
        assert one.client("DELETE", "/v1/session", ended["token"]).status == 204
        one.kill()
        one.start()
        assert one.verify(kept["token"]).status == 204
        server.assert_reason(one.verify(ended["token"]), "logged_out")
        wire.problem(one.renew(ended["renew_token"]), 401, "unauthenticated", "logged_out")
