"""A real MariaDB on loopback, in a temporary directory; every commit is on disk before it is acknowledged."""
import os
import shutil
import signal
import subprocess

import process

USER, PASSWORD = "kaimen", "kaimen-test"


def program(name):
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise RuntimeError(f"{name} is not installed: script/setup")
    return found


class Mariadb:
    """One server. `arguments`: more of mariadbd's command line. `copy_of`: a data directory to start from instead of an empty one."""

    def __init__(self, tls=False, arguments=(), copy_of=None):
        self.who = process.account("mysql")
        self.directory = process.new_directory("mariadb", self.who)
        self.data, self.log, self.socket = self.directory / "data", self.directory / "log", self.directory / "sock"
        self.port, = process.free_ports(1)
        self.arguments, self.ca, self.process = list(arguments), None, None
        try:
            if copy_of:
                shutil.copytree(copy_of, self.data)
            else:
                process.run([program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}",
                             "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"], self.who,
                            env=self._environment())
            first = self.directory / "first.sql"  # run at every start
            first.write_text("".join(f"CREATE USER IF NOT EXISTS {USER}@'{host}' IDENTIFIED BY '{PASSWORD}';\n"
                                     f"GRANT ALL ON *.* TO {USER}@'{host}' WITH GRANT OPTION;\n"
                                     for host in ("127.0.0.1", "localhost")))
            if tls:
                self.ca, certificate, key = process.certificates(self.directory, self.who)
                self.arguments += [f"--ssl-cert={certificate}", f"--ssl-key={key}", f"--ssl-ca={self.ca}", "--require-secure-transport=ON"]
            process.give(self.directory, self.who)
        except BaseException:
            self.stop()
            raise
        if not copy_of:
            self.start_or_stop(f"--init-file={first}")

    def _environment(self):
        return {**os.environ, "HOME": str(self.directory), "TMPDIR": str(self.directory)}

    # Life

    def command(self):
        return [program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}", "--bind-address=127.0.0.1",
                f"--socket={self.socket}", f"--pid-file={self.directory}/pid", f"--tmpdir={self.directory}", "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M",
                "--max-connections=500", "--max-connect-errors=1000000", "--performance-schema=OFF",
                "--character-set-server=utf8mb4", "--default-time-zone=+08:00", *self.arguments]

    def start(self, *more):
        self.spawn(*more)
        process.eventually(self.answers, 90, 0.05, f"the start of MariaDB ({self.log})")

    def spawn(self, *more):
        """Starts the process and does not wait for it."""
        self.process = process.start([*self.command(), *more], self.who, self.log, env=self._environment())

    def start_or_stop(self, *more):
        try:
            self.start(*more)
        except BaseException:
            self.stop()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"MariaDB ended with {self.process.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}")
        return self.try_query("SELECT 1") == "1"

    def pids(self):
        return [self.process.pid] if self.process else []

    def kill(self):
        process.kill_all(self.process.pid)
        self.process.wait()

    def stop(self):
        """Ends the server, at once since nothing is kept, and removes all it wrote."""
        if self.process:
            process.end(self.process, signal.SIGKILL)
        process.remove(self.directory)

    # Use

    def _client(self, statements, database):
        return [program("mariadb"), "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", "-B", "-r", "-D", database, "-e",
                "; ".join(statements)]

    def query(self, *statements, database="mysql"):
        """The client's plain output: rows as lines, columns parted by tabs."""
        return process.run(self._client(statements, database)).strip()

    def try_query(self, statement):
        """As query, or None while the server does not answer."""
        done = subprocess.run(self._client([statement], "mysql"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, cwd="/")
        return done.stdout.strip() if done.returncode == 0 else None

    def create_database(self, name):
        """An empty database; its URL."""
        self.query(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        return self.url(name)

    def drop_database(self, name):
        self.query(f"DROP DATABASE IF EXISTS `{name}`")

    def url(self, database="mysql", port=None):
        """`port`: of a proxy before the server."""
        more = f"?tls=verify&tls_ca={self.ca}" if self.ca else ""
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port or self.port}/{database}{more}"

    @property
    def address(self):
        return "127.0.0.1", self.port
