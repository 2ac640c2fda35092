"""WeChat's quotas, as the sandbox has them: they hold for whom they are meant, and no code is lost by them."""
import wire


def quotas(kaimen, app, **limits):
    kaimen.add_app(app)
    kaimen.control("POST", "/sandbox/apps", {"appid": app, **limits})
    return app


def test_a_users_minute_is_that_users_alone(kaimen):
    app = quotas(kaimen, "wxquota0000000001", logins_per_minute=1)
    kaimen.login("ada", app)
    code = kaimen.code("ada", app)
    refused = kaimen.post_login(code, app_id=app)
    # A minute may have turned between the two.
    if refused.status != 200:
        assert wire.problem(refused, 429, "rate_limited")["upstream"]["errcode"] == 45011
        assert int(refused.get("retry-after")) > 0
        kaimen.control("POST", "/sandbox/apps", {"appid": app, "logins_per_minute": 100})
        assert kaimen.post_login(code, app_id=app).status == 200  # the code is as good as before
        kaimen.control("POST", "/sandbox/apps", {"appid": app, "logins_per_minute": 1})
    assert kaimen.login("bob", app)["token"]


def test_a_day_is_one_apps_alone(kaimen):
    app = quotas(kaimen, "wxquota0000000002", logins_per_day=0)
    assert wire.problem(kaimen.post_login(kaimen.code("ada", app), app_id=app), 429, "rate_limited")["upstream"]["errcode"] == 45009
    assert kaimen.login("ada")["token"]


def test_a_phone_without_quota_hands_out_no_code(kaimen):
    app = quotas(kaimen, "wxquota0000000003", phone_quota=1)
    made = kaimen.login("ada", app)
    ask = lambda: kaimen.control("POST", "/sandbox/phone", {"appid": app, "user": "ada"})
    assert kaimen.client("POST", "/v1/me/phone", made["token"], json={"code": ask()["code"]}).status == 200
    assert ask()["errno"] == 1400001
