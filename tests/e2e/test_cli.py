"""The command line: help with examples, refusals that name every problem, verbs with and without a running server."""
import base64
import json
import os
import re
import subprocess

import pytest

import server
import wire

COMMANDS = [[], ["serve"], ["sandbox"], ["check"], ["migrate"], ["app"], ["app", "add"], ["app", "list"], ["app", "show"], ["app", "set"], ["app", "remove"],
            ["app", "rotate-secret"], ["app", "check"], ["key"], ["key", "create"], ["key", "list"], ["key", "revoke"], ["key", "confirm"], ["backup"], ["restore"], ["user"], ["user", "show"], ["user", "delete"], ["config"], ["version"],
            ["project"], ["project", "add"], ["project", "list"], ["project", "show"], ["project", "set"], ["project", "remove"], ["component"], ["component", "add"],
            ["component", "link"], ["component", "adopt"], ["component", "apps"], ["keys"], ["keys", "retire"],
            ["session"], ["session", "list"], ["session", "end"], ["master-key"], ["master-key", "generate"], ["master-key", "rotate"], ["golive"],
            ["entry"], ["entry", "create"], ["entry", "list"], ["entry", "show"], ["entry", "set"], ["entry", "scans"], ["entry", "link"], ["entry", "remove"]]


def make_key(path, text=None, mode=0o600):
    path.write_bytes(text if text is not None else base64.b64encode(os.urandom(32)) + b"\n")
    path.chmod(mode)
    return path


def data_directory(tmp_path):
    """A data directory as production has it: with a master key, not in use."""
    data = tmp_path / "production"
    data.mkdir(mode=0o700)
    make_key(data / "master.key")
    return data


def serve(data, *more, environment=None):
    """A serve that is expected to refuse; were it to run, the time-out would fail the test."""
    return server.run("serve", "--data", data, "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", *more, environment=environment, timeout=20)


def refused(done, *words):
    assert done.returncode == 2, done
    assert done.stderr.startswith("kaimen: error: ") and not done.stdout, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


# Help


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command):
    done = server.run(*command, "--help")
    assert done.returncode == 0 and "xample" in done.stdout and f"kaimen {' '.join(command)}".strip() in done.stdout, done


def test_version_tells_the_version():
    done = server.run("version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout), done


@pytest.mark.parametrize("arguments", [["no-such"], ["serve", "--no-such"], ["app", "no-such"], ["app", "show"], ["key", "create"], ["serve", "--config"], []], ids=" ".join)
def test_a_wrong_usage_is_exit_2_on_stderr(arguments):
    done = server.run(*arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout, done


# Configuration


def test_a_bad_configuration_lists_all_its_problems_at_once(tmp_path):
    data, file = data_directory(tmp_path), tmp_path / "kaimen.toml"
    file.write_text('threds = 2\n[public]\nlisten = "nowhere"\ncolour = "red"\n[session]\nticket_seconds = 5\nmax_per_user = "many"\n[log]\nlevel = "loud"\n'
                    '[upstreams.wechat]\nbase_url = "http://example.com"\n[nosuch]\nx = 1\n')
    refused(serve(data, "--config", file), "threds", "colour", "ticket_seconds", "max_per_user", "level", "base_url", "nosuch")
    file.write_text('[public]\nlisten = "nowhere"\n')
    refused(server.run("serve", "--config", file, "--data", data), "public.listen", "nowhere")


@pytest.mark.parametrize("name, value", [("KAIMEN_PUBLIC_LISTNE", "127.0.0.1:1"), ("KAIMEN_LOG_LEVEL", "loud"), ("KAIMEN_SESSION_TICKET_SECONDS", "1e3"),
                                         ("KAIMEN_SESSION_TICKET_SECONDS", "99999999999999999999"), ("KAIMEN_THREADS", "-1"), ("KAIMEN_TRUSTED_PROXIES", "everyone"),
                                         ("KAIMEN_PRIVATE_PLAINTEXT_FROM", "10.0.0.0/99"), ("KAIMEN_STORE_URL", "sqlite://relative.db"), ("KAIMEN_STORE_URL", "redis://x")])
def test_a_bad_variable_is_refused_by_name(tmp_path, name, value):
    refused(serve(data_directory(tmp_path), environment={name: value}), name)


def test_broken_toml_is_refused_with_its_place(tmp_path):
    file = tmp_path / "kaimen.toml"
    file.write_text("[public\nlisten = 1\n")
    refused(serve(data_directory(tmp_path), "--config", file), "kaimen.toml", "1")


def test_a_configuration_file_that_is_not_there_is_refused(tmp_path):
    refused(serve(data_directory(tmp_path), "--config", tmp_path / "nowhere.toml"), "nowhere.toml")


def test_a_private_listener_for_everybody_without_tls_is_refused(tmp_path):
    data = data_directory(tmp_path)
    refused(server.run("serve", "--data", data, "--public", "127.0.0.1:0", "--private", "0.0.0.0:0", timeout=20), "private.listen")


@pytest.mark.parametrize("flag", [["--sandbox", "127.0.0.1:0"], ["--wechat", "http://127.0.0.1:1"], ["--devtools"], ["--lan"]], ids=lambda flag: flag[0])
def test_nothing_of_dev_mode_is_switched_on_in_production(tmp_path, flag):
    refused(serve(data_directory(tmp_path), *flag), flag[0])


@pytest.mark.parametrize("name", ["KAIMEN_DEV", "KAIMEN_DEVTOOLS", "KAIMEN_SANDBOX", "KAIMEN_WECHAT", "KAIMEN_SERVE_DEV"])
def test_no_variable_switches_dev_mode_on(tmp_path, name):
    refused(serve(data_directory(tmp_path), environment={name: "1"}), name)


def test_config_prints_what_is_in_effect_with_secrets_masked(tmp_path):
    key = base64.b64encode(os.urandom(32)).decode()
    file = tmp_path / "kaimen.toml"
    file.write_text('[session]\nticket_seconds = 3600\n[upstreams.wechat]\nbase_url = "https://api.weixin.qq.com"\nproxy = "http://user:hunter2@127.0.0.1:3128"\n')
    done = server.run("config", "--config", file, "--data", tmp_path / "d", environment={"KAIMEN_MASTER_KEY": key, "KAIMEN_LOG_LEVEL": "warn"})
    if done.returncode == 2 and "proxy" in done.stderr:  # credentials in a proxy address may be refused: then they cannot leak
        assert "hunter2" not in done.stdout
        file.write_text("[session]\nticket_seconds = 3600\n")
        done = server.run("config", "--config", file, "--data", tmp_path / "d", environment={"KAIMEN_MASTER_KEY": key, "KAIMEN_LOG_LEVEL": "warn"})
    assert done.returncode == 0 and "3600" in done.stdout and "warn" in done.stdout, done
    assert key not in done.stdout and "hunter2" not in done.stdout


def test_what_config_prints_can_be_read_back(tmp_path):
    printed, file = server.run("config", "--data", tmp_path / "d").stdout, tmp_path / "kaimen.toml"
    file.write_text(printed)
    again = server.run("config", "--config", file, "--data", tmp_path / "d")
    assert again.returncode == 0 and again.stdout == printed, again


# The master key


@pytest.mark.parametrize("text, mode", [(b"", 0o600), (b"short", 0o600), (base64.b64encode(b"\0" * 32), 0o600), (b"\0" * 32, 0o600), (base64.b64encode(os.urandom(31)), 0o600),
                                        (base64.b64encode(os.urandom(33)), 0o600), (b"not base64 at all, is it? " * 3, 0o600), (None, 0o644), (None, 0o640), (None, 0o604),
                                        (None, 0o660), (b"0" * 64, 0o600)],
                         ids=["empty", "short", "zero", "raw zero", "31", "33", "nonsense", "0644", "0640", "0604", "0660", "hex zero"])
def test_a_bad_master_key_is_refused(tmp_path, text, mode):
    data = data_directory(tmp_path)
    make_key(data / "master.key", text, mode)
    refused(serve(data), "master")


def test_no_master_key_is_refused(tmp_path):
    data = data_directory(tmp_path)
    (data / "master.key").unlink()
    refused(serve(data), "master")
    assert list(data.glob("*.db*")) == []


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"\0" * 32).decode(), "0" * 64])
def test_a_bad_master_key_in_the_environment_is_refused(tmp_path, text):
    data = data_directory(tmp_path)
    (data / "master.key").unlink()
    refused(serve(data, environment={"KAIMEN_MASTER_KEY": text}))


def test_a_refused_master_key_is_not_shown(tmp_path):
    text = base64.b64encode(os.urandom(31))
    data = data_directory(tmp_path)
    make_key(data / "master.key", text)
    done = serve(data)
    assert text.decode() not in done.stderr + done.stdout


def test_another_master_key_does_not_open_the_data(tmp_path):
    data = data_directory(tmp_path)
    assert server.run("app", "add", "wxcli0000000000001", "--data", data, stdin="s" * 32 + "\n").returncode == 0
    make_key(data / "master.key")
    done = serve(data)
    assert done.returncode in (1, 2) and done.stderr.startswith("kaimen: error: "), done


def test_dev_mode_keeps_its_own_key_to_itself(own_kaimen):
    one = own_kaimen()
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in one.data.glob("*key*")} == {"master.key": "0o600"}


# Verbs, with a server and without


def verbs(data):
    """The life of an app and of a key, from the command line; returns the key made."""
    def kaimen(*arguments, stdin=None):
        done = server.run(*arguments, "--data", data, stdin=stdin)
        assert done.returncode == 0, done
        assert "CLISECRET" not in done.stdout + done.stderr, done
        return done

    app = "wxcli0000000000009"
    kaimen("app", "add", app, "--name", "我的", "--set", "ticket_seconds=600", stdin="CLISECRET" * 3 + "\n")
    listed = json.loads(kaimen("app", "list", "--json").stdout)
    assert app in [one["app_id"] for one in listed]
    assert app in kaimen("app", "list").stdout and "600" in kaimen("app", "show", app).stdout
    kaimen("app", "set", app, "--name", "新的", "--set", "ticket_seconds=")
    shown = json.loads(kaimen("app", "show", app, "--json").stdout)
    assert shown["name"] == "新的" and "ticket_seconds" not in shown["settings"]
    kaimen("app", "rotate-secret", app, stdin="CLISECRET" * 4 + "\n")
    key = kaimen("key", "create", "--name", "from cli", "--scope", "read").stdout.strip()
    assert re.fullmatch(r"kmk_[A-Za-z0-9_-]+", key)
    keys = [one for one in json.loads(kaimen("key", "list", "--json").stdout) if one["name"] == "from cli"]
    assert len(keys) == 1 and keys[0]["scopes"] == ["read"]
    kaimen("app", "remove", app, "--yes")
    missing = server.run("app", "show", app, "--data", data)
    assert missing.returncode == 1 and missing.stderr.startswith("kaimen: error: "), missing
    return key, keys[0]["id"]


def test_the_verbs_work_while_a_server_runs_and_take_effect_at_once(own_kaimen):
    one = own_kaimen()
    key, key_id = verbs(one.data)
    assert one.admin("GET", "/apps", key=key).status == 200
    assert server.run("key", "revoke", key_id, "--data", one.data).returncode == 0
    assert one.admin("GET", "/apps", key=key).status == 401


def test_the_verbs_work_without_a_server_and_stay(tmp_path):
    data = data_directory(tmp_path)
    _, key_id = verbs(data)
    assert server.run("key", "revoke", key_id, "--data", data).returncode == 0
    keys = json.loads(server.run("key", "list", "--json", "--data", data).stdout)
    assert [one["revoked_at"] is not None for one in keys if one["id"] == key_id] == [True]


def test_a_name_cannot_write_to_the_operators_terminal(own_kaimen):
    one = own_kaimen()
    name = "shop\n\x1b[31mforged row"
    one.admin("POST", "/apps", json={"app_id": "wxcli0000000000004", "secret": "s" * 32, "name": name})
    one.admin("POST", "/keys", json={"name": name, "scopes": ["read"]})
    for family in ("app", "key"):
        shown = server.run(family, "list", "--data", one.data).stdout
        assert "\x1b" not in shown and not re.search("^forged|\nforged", shown), shown


def test_a_secret_is_not_taken_from_the_command_line(tmp_path):
    data = data_directory(tmp_path)
    for arguments in (["--secret", "CLISECRET"], ["CLISECRET"], ["--set", "secret=CLISECRET"]):
        done = server.run("app", "add", "wxcli0000000000002", *arguments, "--data", data, stdin="")
        assert done.returncode in (1, 2), done
        assert server.run("app", "list", "--json", "--data", data).stdout.strip() == "[]"


def test_an_app_without_a_secret_is_refused(tmp_path):
    done = server.run("app", "add", "wxcli0000000000003", "--data", data_directory(tmp_path), stdin="")
    assert done.returncode in (1, 2) and done.stderr.startswith("kaimen: error: "), done


def test_errors_come_with_hints(tmp_path):
    done = serve(tmp_path / "fresh")
    assert done.returncode == 2 and re.search(r"^kaimen: error: .+", done.stderr) and re.search(r"^kaimen: hint: .+", done.stderr, re.M), done


def test_a_second_server_on_the_same_data_is_refused(own_kaimen):
    one = own_kaimen()
    login = one.login("ada")
    done = server.run("serve", "--dev", "--json", "--public", "127.0.0.1:0", "--private", "127.0.0.1:0", "--sandbox", "127.0.0.1:0", "--data", one.data, timeout=30)
    assert done.returncode == 1 and done.stderr.startswith("kaimen: error: ") and not done.stdout, done
    assert one.verify(login["token"]).status == 204 and (one.data / "admin.sock").exists()


def test_a_port_that_is_taken_is_refused_in_words(own_kaimen, tmp_path):
    one = own_kaimen()
    taken = one.public.removeprefix("http://")
    done = server.run("serve", "--dev", "--json", "--public", taken, "--private", "127.0.0.1:0", "--sandbox", "127.0.0.1:0", "--data", tmp_path / "other", timeout=30)
    assert done.returncode == 1 and taken in done.stderr and not done.stdout, done


def test_production_serves_with_a_key_and_an_app(tmp_path):
    """The whole way without dev mode: key, app, key for a backend, serve, check, stop."""
    data = data_directory(tmp_path)
    assert server.run("app", "add", "wxprod000000000001", "--data", data, stdin="s" * 32 + "\n").returncode == 0
    key = server.run("key", "create", "--name", "ops", "--scope", "admin", "--data", data).stdout.strip()
    process = subprocess.Popen([server.binary(), "serve", "--json", "--data", str(data), "--public", "127.0.0.1:0", "--private", "127.0.0.1:0"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=server.clean_environment({"KAIMEN_UPSTREAMS_WECHAT_BASE_URL": "http://127.0.0.1:1"}))
    try:
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"public", "private"}, "production prints addresses and nothing else"
        assert wire.call(ready["private"], "GET", "/readyz").status == 200
        assert wire.call(ready["private"], "GET", "/admin/v1/apps", headers=wire.bearer(key)).json()["items"][0]["app_id"] == "wxprod000000000001"
        answer = wire.call(ready["public"], "POST", "/v1/login", json={"app_id": "wxprod000000000001", "code": "x", "unknown": 1})
        assert answer.get("x-kaimen-ignored") is None  # dev mode only
        assert wire.call(ready["private"], "GET", "/playground").status == 404  # likewise
        assert wire.call(ready["private"], "POST", "/playground/look", json={}, headers=[("Origin", ready["private"])]).status == 404
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and "Sanitizer" not in errors, errors


def test_the_sandbox_serves_alone(tmp_path):
    process = subprocess.Popen([server.binary(), "sandbox", "--json", "--listen", "127.0.0.1:0", "--app", "wxalone00000000001"], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=server.clean_environment())
    try:
        process.stdin.write("alone-secret\n")
        process.stdin.flush()
        url = json.loads(process.stdout.readline())["sandbox"]
        code = wire.call(url, "POST", "/sandbox/login", json={"appid": "wxalone00000000001", "user": "ada"}).json()["code"]
        query = f"/sns/jscode2session?appid=wxalone00000000001&secret=alone-secret&js_code={code}&grant_type=authorization_code"
        first, second = wire.call(url, "GET", query), wire.call(url, "GET", query)
        assert first.status == second.status == 200 and set(first.json()) >= {"openid", "session_key"} and second.json()["errcode"] == 40163
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and "Sanitizer" not in errors, errors


def test_check_passes_on_a_good_setup_except_for_the_network(tmp_path):
    done = server.run("check", "--json", "--data", data_directory(tmp_path), environment={"KAIMEN_UPSTREAMS_WECHAT_BASE_URL": "http://127.0.0.1:1"}, timeout=60)
    assert done.returncode in (0, 1) and json.loads(done.stdout), done
    assert "Sanitizer" not in done.stderr
