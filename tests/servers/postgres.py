"""A real PostgreSQL on loopback, in a temporary directory: with TLS, with a synchronous standby, killed and its standby promoted.

    primary = Postgres()
    standby = primary.add_standby()       # every commit waits for it from now on
    primary.kill(); standby.promote()     # what was acknowledged is there
"""
import glob
import os
import signal
import subprocess

import process

USER, PASSWORD = "kaimen", "kaimen-test"


def program(name):
    """Debian keeps most programs of PostgreSQL out of PATH."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: float(path.split("/")[4]))
    if not found:
        raise RuntimeError(f"{name} is not installed: script/setup")
    return found[-1]


class Postgres:
    """One server. `standby_of`: starts as a copy of another one and follows it."""

    def __init__(self, tls=False, settings=None, standby_of=None):
        self.who = process.account("postgres")
        self.directory = process.new_directory("postgres", self.who)
        self.data, self.log = self.directory / "data", self.directory / "log"
        self.port, = process.free_ports(1)
        self.tls, self.ca, self.process = tls, None, None
        try:
            if standby_of:
                self._copy(standby_of)
            else:
                self._make()
            self._configure(settings or {})
            self.start()
        except BaseException:
            self.stop()
            raise

    def _make(self):
        secret = self.directory / "password"
        secret.write_text(PASSWORD)
        process.give(secret, self.who)
        process.run([program("initdb"), "-D", self.data, "-U", USER, "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
                     "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"], self.who)

    def _copy(self, primary):
        follow = f"host={primary.directory} port={primary.port} user={USER} application_name=standby{self.port}"
        process.run([program("pg_basebackup"), "-d", follow, "-D", self.data, "-X", "stream", "-c", "fast", "--no-sync", "-R"], self.who)

    def _configure(self, settings):
        values = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.directory,
                  "fsync": "on", "synchronous_commit": "on", "max_connections": 200, "shared_buffers": "64MB",
                  "max_wal_size": "512MB", "wal_keep_size": "256MB", "max_wal_senders": 8,
                  "dynamic_shared_memory_type": "mmap",  # nothing stays in /dev/shm after kill -9
                  "log_min_messages": "warning", "log_line_prefix": "%m [%p] ", "timezone": "Asia/Shanghai"}
        if self.tls:
            self.ca, certificate, key = process.certificates(self.directory, self.who)
            values.update({"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key})
        values.update(settings)
        path = self.data / "kaimen.conf"
        path.write_text("".join(f"{name} = '{value}'\n" for name, value in values.items()))
        process.give(path, self.who)
        main = self.data / "postgresql.conf"
        if "include 'kaimen.conf'" not in main.read_text():
            with open(main, "a") as file:
                file.write("\ninclude 'kaimen.conf'\n")
        if self.tls:
            access = self.data / "pg_hba.conf"
            access.write_text(access.read_text().replace("\nhost ", "\nhostssl "))

    # Life

    def start(self):
        self.process = process.start([program("postgres"), "-D", self.data], self.who, self.log)
        process.eventually(self.answers, 60, 0.05, f"the start of PostgreSQL ({self.log})")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with {self.process.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}")
        done = subprocess.run([program("pg_isready"), "-q", "-h", str(self.directory), "-p", str(self.port)], cwd="/")
        return done.returncode == 0

    def pids(self):
        return [self.process.pid] if self.process else []

    def kill(self):
        """kill -9 of everything at once, as if the machine were gone."""
        segment = self._segment()
        process.kill_all(self.process.pid)
        self.process.wait()
        if segment:  # System V shared memory outlives its processes
            subprocess.run(["ipcrm", "-m", segment], stderr=subprocess.DEVNULL, **self.who)

    def _segment(self):
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
        except (OSError, IndexError):
            return None

    def restart(self):
        process.end(self.process, signal.SIGINT)
        self.start()

    def stop(self):
        """Ends the server, at once since nothing is kept, and removes all it wrote."""
        if self.process:
            process.end(self.process, signal.SIGQUIT)
        process.remove(self.directory)

    # Replication

    def add_standby(self):
        """A standby that every commit waits for. One at a time."""
        standby = Postgres(standby_of=self)
        # Set after the copy, so that the standby once promoted does not wait for a standby of its own.
        self.query("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (*)'", "SELECT pg_reload_conf()")
        process.eventually(lambda: self.query("SELECT sync_state FROM pg_stat_replication") == "sync", 60,
                           what="the standby's being synchronous")
        return standby

    def promote(self):
        """The standby takes writes once this returns."""
        process.run([program("pg_ctl"), "promote", "-w", "-D", self.data], self.who)
        process.eventually(lambda: self.query("SELECT pg_is_in_recovery()") == "f", 60, what="the promotion")

    # Use

    def query(self, *statements, database="postgres"):
        """psql's plain output: rows as lines, columns parted by |. Each statement is a transaction of its own."""
        commands = [part for statement in statements for part in ("-c", statement)]
        return process.run([program("psql"), "-h", self.directory, "-p", self.port, "-U", USER, "-d", database, "-XAtq",
                            "-v", "ON_ERROR_STOP=1", *commands],
                           env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}).strip()

    def create_database(self, name):
        """An empty database; its URL."""
        self.query(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def drop_database(self, name):
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, database="postgres", port=None):
        """`port`: of a proxy before the server."""
        more = f"?sslmode=verify-full&sslrootcert={self.ca}" if self.tls else ""
        return f"postgres://{USER}:{PASSWORD}@127.0.0.1:{port or self.port}/{database}{more}"

    @property
    def address(self):
        return "127.0.0.1", self.port


