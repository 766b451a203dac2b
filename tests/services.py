"""Where do the tests get a real Postgres, Redis and browser? From the environment, or started here."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

INSTALL = "deploy/test-services.sh installs it"


class Missing(Exception):
    """A service that cannot be had on this machine; the message says how to get it."""


class Service:
    """A server that is started when the first test asks for it, and stopped by its own process id."""

    def __init__(
        self,
        variable: str,
        url: str,
        start: Callable[[Path, int], Sequence[str]],
        is_ready: Callable[[int], bool],
    ) -> None:
        self._variable = variable
        self._start = start
        self._is_ready = is_ready
        self._url = url
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._found: str | Missing | None = None

    def url(self) -> str:
        """Where it listens. Raises Missing, the second time without trying again."""
        if self._found is None:
            try:
                self._found = os.environ.get(self._variable) or self._launch()
            except Missing as missing:
                self._found = missing
        if isinstance(self._found, Missing):
            raise self._found
        return self._found

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def missing(self) -> Missing | None:
        return self._found if isinstance(self._found, Missing) else None

    @property
    def process_id(self) -> int | None:
        """None: it was there before us."""
        return self._process.pid if self._process else None

    def _launch(self) -> str:
        port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="twin-test-"))
        user = _give_away(self._folder)
        command = self._start(self._folder, port)
        log = (self._folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True, **user
            )
        self._wait_until_ready(port, self._folder / "log")
        return self._url.format(port=port)

    def _wait_until_ready(self, port: int, log: Path, seconds: float = 60) -> None:
        assert self._process
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._is_ready(port):
                return
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        raise Missing(f"{self._variable}: did not start: {log.read_text(errors='replace').strip()[-300:]}")


class Program:
    """A program that tests start themselves, each time anew."""

    def __init__(self, variable: str, *names: str) -> None:
        self._variable = variable
        self._names = names
        self.missing: Missing | None = None

    def path(self) -> str:
        """Where it lies. Raises Missing."""
        for name in (os.environ.get(self._variable, ""), *self._names):
            if found := shutil.which(name):
                return found
        self.missing = Missing(f"{self._variable}: there is no {self._names[0]} here; {INSTALL}")
        raise self.missing


def postgres(folder: Path, port: int, more: Mapping[str, object] | None = None) -> Sequence[str]:
    """The command that starts one; `more`: settings beside ours, or instead of them."""
    binaries = _folder_of("initdb")
    made = subprocess.run(
        [binaries / "initdb", "-D", folder / "data", "-U", "twin", "-A", "trust", "-N", "--locale=C.UTF-8"],
        cwd=folder,
        capture_output=True,
        text=True,
        **_give_away(folder),
    )
    if made.returncode:
        raise Missing(f"Postgres: initdb failed: {made.stderr.strip()[-300:]}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 50,
        **(more or {}),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(folder / "data"), *options]


def _redis(folder: Path, port: int) -> Sequence[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        raise Missing(f"Redis: there is no redis-server here; {INSTALL}")
    return [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def accepts(port: int) -> bool:
    """Postgres listens before it is ready."""
    probe = [str(_folder_of("initdb") / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    return subprocess.run(probe).returncode == 0


POSTGRES = Service(
    "TWIN_TEST_POSTGRES_URL", "postgresql+asyncpg://twin@127.0.0.1:{port}/postgres", postgres, accepts
)
REDIS = Service("TWIN_TEST_REDIS_URL", "redis://127.0.0.1:{port}/0", _redis, answers)
CHROMIUM = Program("TWIN_TEST_CHROMIUM", "chromium", "chromium-browser")
PGBOUNCER = Program("TWIN_TEST_PGBOUNCER", "pgbouncer", "/usr/sbin/pgbouncer")
ALL = (POSTGRES, REDIS, CHROMIUM, PGBOUNCER)


def _folder_of(binary: str) -> Path:
    """Debian keeps the server's programs off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{binary}"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    if on_path := shutil.which(binary):
        return Path(on_path).parent
    raise Missing(f"Postgres: there is no {binary} here; {INSTALL}")


def _give_away(folder: Path) -> dict[str, Any]:
    """Postgres refuses to run as root, so root runs it as somebody who may do nothing else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
