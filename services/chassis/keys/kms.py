"""The master key: what wraps the keys of the vault, so that its database never holds a bare one.

Keys are wrapped under a wrapping key, and wrapping keys are made, and for good destroyed, by the KMS. The vault
re-wraps every night under a new one and destroys the old, so a backup of the database that is older opens nothing.
That holds only if the KMS keeps no copy and is not in that backup.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from services.chassis.errors import SettingsError
from services.chassis.sealing import SECRET_BYTES
from services.chassis.settings import Settings

MASTER_KEY_FILE: Final = "RELAY_MASTER_KEY_FILE"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key, as the vault's database holds it.

    Attributes:
        key_id: the key's id; bound to the bytes, so that rows cannot be swapped.
        wrapping_key_id: what it is wrapped under.
        wrapped: the bytes.
    """

    key_id: str
    wrapping_key_id: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A bare key, on its way to be wrapped."""

    key_id: str
    secret: bytes = field(repr=False)


class Kms(Protocol):
    """A key management service. A real one is a network away: it takes batches, and its calls have a deadline."""

    async def create(self) -> str:
        """Make a wrapping key and give its id."""

    async def wrap(self, wrapping_key_id: str, keys: Sequence[Unwrapped]) -> list[Wrapped]:
        """Wrap keys, in order.

        Raises:
            KeyError: that wrapping key is not here, or not any more.
        """

    async def unwrap(self, keys: Sequence[Wrapped]) -> list[bytes | None]:
        """Unwrap keys, in order; None where the wrapping key is gone or the bytes are not what was wrapped."""

    async def destroy(self, wrapping_key_id: str) -> None:
        """Destroy a wrapping key for good; one that is not here is already gone."""


class LocalKms:
    """Wrapping keys in a file beside the master key, sealed under it (AES-SIV, RFC 5297).

    Several processes share the file: it is read again when it changes, written under a lock, and replaced whole. What
    the file system keeps of a replaced file is beyond it; where destruction must be certain, use a real KMS.
    """

    def __init__(self, master_key_file: Path) -> None:
        """Read the master key: 64 bytes in base64.

        Raises:
            SettingsError: the file is missing or holds no such key.
        """
        self._master = AESSIV(_read_master_key(master_key_file))
        self._ring_file = master_key_file.with_suffix(".ring")
        self._stamp: tuple[int, int, int] | None = None
        self._ring: dict[str, AESSIV] = {}

    @staticmethod
    def make_master_key(path: Path) -> None:
        """Make a master key at ``path`` where there is none yet, whole or not at all; only its owner can read it."""
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(f".{os.getpid()}.new")
        _write_synced(beside, base64.b64encode(os.urandom(SECRET_BYTES)) + b"\n")
        with suppress(FileExistsError):  # another process was first; its key is the one
            path.hardlink_to(beside)
        beside.unlink()

    async def create(self) -> str:
        """As ``Kms.create``."""
        wrapping_key_id = str(uuid4())
        secret = os.urandom(SECRET_BYTES)
        with self._changing() as sealed:
            sealed[wrapping_key_id] = self._master.encrypt(secret, [wrapping_key_id.encode()])
        return wrapping_key_id

    async def wrap(self, wrapping_key_id: str, keys: Sequence[Unwrapped]) -> list[Wrapped]:
        """As ``Kms.wrap``."""
        cipher = self._ciphers()[wrapping_key_id]
        return [Wrapped(key.key_id, wrapping_key_id, cipher.encrypt(key.secret, [key.key_id.encode()])) for key in keys]

    async def unwrap(self, keys: Sequence[Wrapped]) -> list[bytes | None]:
        """As ``Kms.unwrap``."""
        ciphers = self._ciphers()
        return [_unwrap(ciphers.get(key.wrapping_key_id), key) for key in keys]

    async def destroy(self, wrapping_key_id: str) -> None:
        """As ``Kms.destroy``."""
        with self._changing() as sealed:
            sealed.pop(wrapping_key_id, None)

    def _ciphers(self) -> dict[str, AESSIV]:
        try:
            found = self._ring_file.stat()
        except FileNotFoundError:
            return {}
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            sealed = _read_ring(self._ring_file)
            self._ring = {i: AESSIV(self._opened(i, wrapped)) for i, wrapped in sealed.items()}
            self._stamp = stamp
        return self._ring

    def _opened(self, wrapping_key_id: str, sealed: bytes) -> bytes:
        try:
            return self._master.decrypt(sealed, [wrapping_key_id.encode()])
        except InvalidTag as error:
            raise SettingsError(
                f"{self._ring_file.name} was made under another master key: "
                f"give {MASTER_KEY_FILE} the file it was made with"
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[dict[str, bytes]]:
        """Hold the ring alone, and replace it whole: a crash leaves the old or the new, never half."""
        with self._ring_file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sealed = _read_ring(self._ring_file)
            yield sealed
            _write_ring(self._ring_file, sealed)
            self._stamp = None


def kms_of(settings: Settings) -> LocalKms:
    """Give the KMS of this run; outside production its master key is made where there is none yet.

    Raises:
        SettingsError: there is no master key to be read.
    """
    told = os.environ.get(MASTER_KEY_FILE)
    path = Path(told) if told else settings.state_dir / "secrets" / "master.key"
    if settings.profile != "production":
        LocalKms.make_master_key(path)
    return LocalKms(path)


def _unwrap(cipher: AESSIV | None, key: Wrapped) -> bytes | None:
    if cipher is None:
        return None
    try:
        return cipher.decrypt(key.wrapped, [key.key_id.encode()])
    except InvalidTag:
        return None


def _read_master_key(path: Path) -> bytes:
    advice = f"give {MASTER_KEY_FILE} a file with {SECRET_BYTES} random bytes in base64, or start with `make run`"
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise SettingsError(f"no master key can be read at {path}: {advice}") from error
    except ValueError as error:
        raise SettingsError(f"{path} holds no base64: {advice}") from error
    if len(secret) != SECRET_BYTES:
        raise SettingsError(f"{path} holds {len(secret)} bytes: {advice}")
    return secret


def _read_ring(path: Path) -> dict[str, bytes]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    return {wrapping_key_id: base64.b64decode(sealed) for wrapping_key_id, sealed in json.loads(raw).items()}


def _write_ring(path: Path, ring: dict[str, bytes]) -> None:
    """Write beside and rename, the directory synced too: no wrapping key is lost that keys are wrapped under."""
    beside = path.with_suffix(".new")
    _write_synced(beside, json.dumps({i: base64.b64encode(sealed).decode() for i, sealed in ring.items()}).encode())
    beside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _write_synced(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
