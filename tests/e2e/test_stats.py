"""What is counted, by app and hour from the admin API, and as Prometheus metrics that Prometheus' own tool takes."""
import pathlib
import subprocess
import tempfile

import pytest

import server
import wire


def stats(kaimen, query="", key=None):
    answer = kaimen.admin("GET", "/stats" + query, key=key)
    assert answer.status == 200, answer
    return answer.json()


def test_a_days_work_of_an_app(kaimen):
    app = kaimen.add_app("wxstats00000000001")
    first, _, again = kaimen.login("ada", app), kaimen.login("bob", app), kaimen.login("ada", app)
    code = kaimen.code("ada", app)
    answers = [kaimen.post_login(code, app_id=app) for _ in range(3)]  # two are the same answer again
    assert [answer.status for answer in answers] == [200] * 3
    wire.problem(kaimen.post_login("never-made", app_id=app), 401, "code_invalid")
    for _ in range(5):
        assert kaimen.verify(again["token"], f"app_id={app}").status == 204
    assert kaimen.verify(again["token"], f"app_id={app}&env=trial").status == 403
    assert kaimen.client("DELETE", "/v1/session", again["token"]).status == 204
    server.assert_reason(kaimen.verify(again["token"], f"app_id={app}"), "logged_out")
    total = stats(kaimen, f"?app_id={app}")["total"]
    assert (total["logins"], total["new_users"], total["active_users"]) == (4, 2, 2)
    assert total["failures"] == {"code_invalid": 1}
    assert total["checks"] == {"ok": 5, "forbidden": 1, "logged_out": 1}
    assert total["upstream"]["calls"] == 5 and total["upstream"]["errors"] == 0
    assert first["user"]["id"] == again["user"]["id"]


def test_a_wechat_that_fails_is_told_from_a_bad_code(kaimen):
    app = kaimen.add_app("wxstats00000000002")
    try:
        kaimen.faults(path="/sns/jscode2session", garbage=True)
        wire.problem(kaimen.post_login(kaimen.code("ada", app), app_id=app), 502, "upstream_error")
    finally:
        kaimen.faults()
    total = stats(kaimen, f"?app_id={app}")["total"]
    assert total["failures"] == {"upstream_error": 1} and total["upstream"]["errors"] == 1 and total["logins"] == 0


def test_logins_that_fail_are_counted_whichever_way_they_came(kaimen):
    app = kaimen.add_app("wxstats00000000004", settings={"wafer": "v1", "wafer_hosts": "stats.example.cn"})
    wire.call(kaimen.public, "GET", f"/weapp/{app}/login", headers=[("X-WX-Code", "never-made-1")])
    wire.call(kaimen.public, "GET", f"/v1/prefetch?appid={app}&code=never-made-2")
    asked = {"version": 1, "componentName": "MA", "interface": {"interfaceName": "qcloud.cam.id_skey", "para": {"code": "never-made-3"}}}
    wire.call(kaimen.private, "POST", f"/mina_auth/{app}", json=asked)
    asked["interface"] = {"interfaceName": "qcloud.cam.auth", "para": {"id": "x", "skey": "y"}}
    wire.call(kaimen.private, "POST", f"/mina_auth/{app}", json=asked)
    assert stats(kaimen, f"?app_id={app}")["total"]["failures"] == {"code_invalid": 3}


def test_counts_outlive_a_stop_and_are_not_doubled(own_kaimen):
    kaimen = own_kaimen()
    made = kaimen.login("ada")
    assert kaimen.verify(made["token"]).status == 204
    before = stats(kaimen)["total"]
    kaimen.restart()
    after = stats(kaimen)["total"]
    assert (after["logins"], after["active_users"], after["checks"]) == (1, 1, {"ok": 1}) == (before["logins"], before["active_users"], before["checks"])
    kaimen.login("ada")
    (item,) = stats(kaimen, "?by=app")["items"]
    assert (item["app_id"], item["logins"], item["active_users"]) == (kaimen.app_id, 2, 1)
    assert all(one["hour"].endswith(":00:00.000Z") or one["hour"].endswith(":00:00Z") for one in stats(kaimen)["items"])


def test_a_bound_key_is_told_of_its_project_only(kaimen):
    app = kaimen.add_app("wxstats00000000003", project="other-stats")
    kaimen.login("ada", app)
    bound = kaimen.admin("POST", "/keys", json={"name": "stats", "scopes": ["read"], "project": "other-stats"}).json()["key"]
    assert [item["app_id"] for item in stats(kaimen, "?by=app", bound)["items"]] == [app]
    assert stats(kaimen, "", bound)["total"]["logins"] == 1
    wire.problem(kaimen.admin("GET", f"/stats?app_id={kaimen.app_id}", key=bound), 404, "not_found")


@pytest.mark.parametrize("query", ["?from=yesterday", "?by=week", "?application=wx1", "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
                                   "?from=2026-01-01T00:00:00Z&to=2026-01-09T00:00:00Z"])
def test_a_query_that_makes_no_sense_is_refused(kaimen, query):
    wire.problem(kaimen.admin("GET", "/stats" + query), 400, "invalid_request")


def test_prometheus_takes_the_metrics_and_the_alerts(kaimen):
    kaimen.verify(kaimen.login("metrics")["token"])
    answer = wire.call(kaimen.private, "GET", "/metrics")
    assert answer.status == 200
    checked = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True, timeout=60)
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()
    text = answer.body.decode()
    for name in ("kaimen_checks_total", "kaimen_logins_total", "kaimen_new_users_total", "kaimen_upstream_seconds_bucket", "kaimen_upstream_errors_total"):
        assert f"\n{name}" in text, name
    rules = pathlib.Path(__file__).parents[2] / "deploy" / "prometheus" / "kaimen.yml"
    checked = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and "9 rules found" in checked.stdout, checked.stdout + checked.stderr
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as bad:
        bad.write(rules.read_text().replace("kaimen_ready == 0", "kaimen_ready == = 0"))
        bad.flush()
        assert subprocess.run(["promtool", "check", "rules", bad.name], capture_output=True, timeout=60).returncode != 0


ALERTS = """
rule_files: [{rules}]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {{series: 'kaimen_check_file_revocations{{instance="full"}}', values: '100x20'}}
      - {{series: 'kaimen_check_file_room{{instance="full"}}', values: '100x20'}}
      - {{series: 'kaimen_check_file_stuck{{instance="full"}}', values: '1x20'}}
      - {{series: 'kaimen_check_file_overflows{{instance="full"}}', values: '1x20'}}
      - {{series: 'kaimen_check_file_revocations{{instance="filling"}}', values: '81x20'}}
      - {{series: 'kaimen_check_file_room{{instance="filling"}}', values: '100x20'}}
      - {{series: 'kaimen_check_file_stuck{{instance="filling"}}', values: '0x20'}}
      - {{series: 'kaimen_check_file_overflows{{instance="filling"}}', values: '0x20'}}
      - {{series: 'kaimen_check_file_revocations{{instance="well"}}', values: '79x20'}}
      - {{series: 'kaimen_check_file_room{{instance="well"}}', values: '100x20'}}
      - {{series: 'kaimen_check_file_stuck{{instance="well"}}', values: '0x20'}}
      - {{series: 'kaimen_check_file_overflows{{instance="well"}}', values: '0x20'}}
    promql_expr_test:
      - expr: count by (alertname, instance) (ALERTS{{alertstate="firing"}})
        eval_time: 3m
        exp_samples:
          - {{labels: '{{alertname="KaimenCheckFileFull", instance="full"}}', value: 1}}
          - {{labels: '{{alertname="KaimenCheckFileNearlyFull", instance="full"}}', value: 1}}
          - {{labels: '{{alertname="KaimenCheckFileNearlyFull", instance="filling"}}', value: 1}}
"""


def test_the_alerts_on_the_state_file_fire_when_it_is_full_or_about_to_be(tmp_path):
    rules = pathlib.Path(__file__).parents[2] / "deploy" / "prometheus" / "kaimen.yml"
    (tmp_path / "alerts.yml").write_text(ALERTS.format(rules=rules))
    checked = subprocess.run(["promtool", "test", "rules", tmp_path / "alerts.yml"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_number_of_series_does_not_grow_with_apps(kaimen):
    def series():
        lines = wire.call(kaimen.private, "GET", "/metrics").body.decode().splitlines()
        return {line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")}
    kaimen.login("ada", kaimen.add_app("wxseries0000000001"))
    before = series()
    for i in range(2, 6):
        kaimen.login("ada", kaimen.add_app(f"wxseries000000000{i}"))
    assert series() == before and not any("wxseries" in name for name in before)
