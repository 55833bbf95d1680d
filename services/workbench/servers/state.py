"""The state folder (`.relay/`): secrets, ports, pid records, logs and data of one checkout's servers.

Whoever holds `servers.lock` owns the servers; the kernel lets go of it when the holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.workbench.servers.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT: Final = Path(__file__).parents[3] / ".relay"
SECRET_BYTES: Final = 24
PORT_TRIES_MAX: Final = 20
LOOPBACK: Final = "127.0.0.1"


def chosen(given: Path | None = None) -> Path:
    """The state folder: as given, or RELAY_STATE_DIR, or `.relay` in this checkout."""
    return (given or Path(os.environ.get("RELAY_STATE_DIR") or DEFAULT)).resolve()


@dataclass(frozen=True, slots=True)
class StateDir:
    """Paths and small values in the state folder. Files that hold secrets are 0600, the folder 0700."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> StateDir:
        """Open the folder, making it if need be."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(path)

    @property
    def records(self) -> Path:
        """Pid records of the running processes."""
        return self.path / "pids"

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.path / "logs" / f"{name}.log"

    def folder(self, name: str) -> Path:
        """A server's own folder, made if need be."""
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def secret(self, group: str, name: str) -> str:
        """A generated password, the same at every start; letters, digits, `-` and `_` only."""
        key = f"{group}.{name}"
        with self._one_at_a_time():
            values = self.read("secrets.json")
            if key not in values:
                values[key] = secrets.token_urlsafe(SECRET_BYTES)
                self.write("secrets.json", values)
            return str(values[key])

    def forget_secret(self, group: str, name: str) -> None:
        """Forget a generated password; the next `secret` is another."""
        with self._one_at_a_time():
            values = self.read("secrets.json")
            if values.pop(f"{group}.{name}", None) is not None:
                self.write("secrets.json", values)

    def port(self, name: str) -> tuple[int, bool]:
        """A free loopback port, the one of last time if it is still free; and whether it had to be another."""
        with self._one_at_a_time():
            known = self.read("ports.json")
            before = known.get(name)
            if isinstance(before, int) and is_free(before):
                return before, False
            for _ in range(PORT_TRIES_MAX):
                port = _any_free_port()
                if port not in known.values():
                    self.write("ports.json", {**known, name: port})
                    return port, before is not None
        raise StateError(f"found no free port on {LOOPBACK} in {PORT_TRIES_MAX} tries; are very many in use?")

    def read(self, file: str) -> dict[str, Any]:
        """A small JSON file; empty when it is not there.

        Raises:
            StateError: it is there and is not what we wrote.
        """
        path = self.path / file
        try:
            value = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as cause:
            raise StateError(f"{path} is damaged; remove {self.path} to begin anew (it holds local data)") from cause
        if not isinstance(value, dict):
            raise StateError(f"{path} is damaged; remove {self.path} to begin anew (it holds local data)")
        return value

    def write(self, file: str, value: Mapping[str, Any]) -> None:
        """Write a small JSON file whole or not at all, readable by its owner only."""
        write_private(self.path / file, json.dumps(value, indent=1, sort_keys=True) + "\n")

    def remove(self, file: str) -> None:
        """Remove a small file if it is there."""
        (self.path / file).unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Try to become the owner of this folder's servers; yields whether it worked."""
        descriptor = os.open(self.path / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield True
        finally:
            os.close(descriptor)

    def holder_pid(self) -> int | None:
        """The pid of the process that owns the servers now, as far as is known."""
        try:
            return int((self.path / "servers.lock").read_text() or 0) or None
        except (FileNotFoundError, ValueError):
            return None

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        descriptor = os.open(self.path / "values.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def remove_tree(folder: Path) -> None:
    """Remove a half-made folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # as servers do: a port in TIME_WAIT counts as free, one that is listened on does not
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
