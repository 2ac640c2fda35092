"""The samples for several nodes, each looked at by the program that reads it, as they stand in deploy/."""
import pathlib
import re
import subprocess

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"


def nginx_accepts(directory, text):
    (directory / "kaimen.conf").write_text(text)
    config = directory / "nginx.conf"
    config.write_text(f"pid {directory}/pid; error_log {directory}/error.log; events {{}} http {{ include {directory}/kaimen.conf; }}")
    return subprocess.run(["/usr/sbin/nginx", "-t", "-p", directory, "-c", config, "-e", directory / "error.log"], capture_output=True, text=True, timeout=30)


def with_nodes():
    """kaimen.conf with its two upstreams replaced by those of kaimen-nodes.conf."""
    sample = (DEPLOY / "nginx/kaimen.conf").read_text()
    rest, removed = re.subn(r"upstream kaimen_(public|private) \{.*?\n\}\n", "", sample, flags=re.S)
    assert removed == 2
    return (DEPLOY / "nginx/kaimen-nodes.conf").read_text() + rest


def test_nginx_accepts_the_nodes(tmp_path):
    done = nginx_accepts(tmp_path, with_nodes())
    assert done.returncode == 0, done.stderr


def test_nginx_would_refuse_a_mistake(tmp_path):
    done = nginx_accepts(tmp_path, with_nodes().replace("least_conn;", "least_connections;"))
    assert done.returncode != 0


def haproxy_accepts(path):
    return subprocess.run(["/usr/sbin/haproxy", "-c", "-f", path], capture_output=True, text=True, timeout=30)


def test_haproxy_accepts_the_sample():
    done = haproxy_accepts(DEPLOY / "haproxy/kaimen.cfg")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr


def test_haproxy_would_refuse_a_mistake(tmp_path):
    wrong = tmp_path / "wrong.cfg"
    wrong.write_text((DEPLOY / "haproxy/kaimen.cfg").read_text().replace("balance leastconn", "balance lestconn"))
    assert haproxy_accepts(wrong).returncode != 0
