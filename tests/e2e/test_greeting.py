"""What dev mode prints for people: the two commands work as they stand, and what it promises to remove is removed."""
import os
import re
import signal
import subprocess

import pytest

import server


class Greeted:
    """`kaimen serve --dev` for a person, without --json; its words up to the last line."""

    def __init__(self, *arguments, public="127.0.0.1:0", private="127.0.0.1:0", environment=None):
        self.process = subprocess.Popen(
            [server.binary(), "serve", "--dev", "--public", public, "--private", private, "--sandbox", "127.0.0.1:0", *map(str, arguments)],
            env=server.clean_environment(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        self.text = "".join(lines)

    def stop(self, with_signal=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        _, errors = self.process.communicate(timeout=40)
        assert self.process.returncode == 0 and not server.SANITIZER.search(errors), errors
        return errors

    def line(self, start):
        found = [line for line in self.text.splitlines() if line.startswith(start)]
        assert len(found) == 1, self.text
        return found[0]


@pytest.fixture
def greet():
    made = []

    def start(*arguments, **more):
        made.append(Greeted(*arguments, **more))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.stop()


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_two_commands_work_as_they_are_pasted(greet, shell):
    one = greet()
    script = one.line("CODE=$(") + "\n" + one.line("curl -i") + "\n"
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run([shell], input=script, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0 and done.stdout.startswith("km1."), (script, done)
    assert "HTTP/1.1 204" in done.stdout and re.search(r"X-Kaimen-User: [0-9a-f]{32}", done.stdout), done
    assert "X-Kaimen-App: wxdev0000000000001" in done.stdout


def test_it_says_where_the_switch_is_in_both_languages(greet):
    text = greet().text
    assert re.search(r"playground +http://127\.0\.0\.1:\d+/playground", text)
    assert "不校验合法域名" in text and "Do not verify valid domain names" in text and "--lan" in text and "--devtools" in text


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_the_throw_away_directory_is_gone_at_the_end(greet, with_signal, tmp_path):
    one = greet(environment={"TMPDIR": str(tmp_path)})
    assert len(list(tmp_path.glob("kaimen-dev-*/kaimen.db"))) == 1
    one.stop(with_signal)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_ones_own_is_kept(greet, tmp_path):
    one = greet("--data", tmp_path / "dev")
    one.stop()
    assert (tmp_path / "dev" / "kaimen.db").exists() and not (tmp_path / "dev" / "admin.sock").exists()


def test_lan_names_the_addresses_of_this_machine(greet):
    one = greet("--lan", public="0.0.0.0:0")
    port = re.search(r"client API +http://127\.0\.0\.1:(\d+)", one.text).group(1)
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    for address in (address for address in addresses if "." in address):
        assert f"http://{address}:{port}" in one.text, one.text


def test_another_wechat_has_no_sandbox_beside_it(greet):
    text = greet("--wechat", "http://127.0.0.1:1").text
    assert "/sandbox/" not in text and "kaimen app add YOUR_APPID --data " in text


def test_dev_mode_takes_no_configuration_file(tmp_path):
    file = tmp_path / "kaimen.toml"
    file.write_text("threads = 1\n")
    done = server.run("serve", "--dev", "--config", file)
    assert done.returncode == 2 and done.stderr.startswith("kaimen: error: --dev takes no configuration file"), done


@pytest.mark.parametrize("name", ["KAIMEN_STORE_URL", "KAIMEN_MASTER_KEY", "KAIMEN_MASTER_KEY_FILE", "KAIMEN_UPSTREAMS_WECHAT_BASE_URL"])
def test_dev_mode_does_not_find_what_is_of_production(name):
    done = server.run("serve", "--dev", environment={name: "x"})
    assert done.returncode == 2 and name in done.stderr, done
