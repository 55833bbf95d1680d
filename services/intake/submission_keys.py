"""The keys that submissions over Kafka are sealed to (HPKE, RFC 9180), and their rotation.

The newest is published at ``/v1/submission-key``; a submission names the key it was sealed to. A key that was replaced
still opens for 30 days: longer than a submission lies on its topic, so whatever lies there can be read. Then it is
destroyed, and copies of the topic open nothing. Kept as the receipt key is: a file of the state folder (0600), in
production one that secret storage provides and rotates, read anew when it changes.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from services.chassis.errors import SettingsError
from services.chassis.settings import Settings

KEYS_FILE: Final = "RELAY_SUBMISSION_KEYS_FILE"
USED_FOR: Final = timedelta(days=30)
OPENS_FOR: Final = timedelta(days=30)
"""After it was replaced; submissions are kept 14 days on their topic."""
KEYS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """A key pair.

    Attributes:
        private: X25519.
        made: when it was taken into use.
        replaced: when another took its place; None: it is the one to seal to.
    """

    private: X25519PrivateKey = field(repr=False)
    made: datetime
    replaced: datetime | None = None

    @property
    def public(self) -> bytes:
        """Its public half, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """Its name: the first 8 bytes of the SHA-256 of its public half, hexadecimal."""
        return sha256(self.public).hexdigest()[:16]

    def opens(self, now: datetime) -> bool:
        """Whether it still opens what was sealed to it."""
        return self.replaced is None or now < self.replaced + OPENS_FOR


def rotated(keys: tuple[SubmissionKey, ...], fresh: X25519PrivateKey, now: datetime) -> tuple[SubmissionKey, ...]:
    """Put a fresh key first, and let go of those that open nothing any more."""
    before = tuple(key if key.replaced else SubmissionKey(key.private, key.made, now) for key in keys)
    return (SubmissionKey(fresh, now), *(key for key in before if key.opens(now)))[:KEYS_MAX]


class SubmissionKeys:
    """The keys of one place, in their file.

    Args:
        path: the file.
        ours: whether it may be written here; secret storage rotates its own.
    """

    def __init__(self, path: Path, *, ours: bool) -> None:
        self._path = path
        self._ours = ours
        self._seen = -1
        self._keys: tuple[SubmissionKey, ...] = ()

    def current(self) -> SubmissionKey:
        """Give the key to seal to.

        Raises:
            SettingsError: the file is not there, or holds no keys.
        """
        return self._read()[0]

    def all(self, now: datetime) -> tuple[SubmissionKey, ...]:
        """Give the keys that still open, the one to seal to first."""
        return tuple(key for key in self._read() if key.opens(now))

    def find(self, key_id: str, now: datetime) -> SubmissionKey | None:
        """Give the key of this name, if it still opens."""
        return next((key for key in self.all(now) if key.key_id == key_id), None)

    def rotate_when_due(self, now: datetime) -> bool:
        """Make the first key, or replace one that was used for 30 days; say whether there is a new one."""
        if not self._ours:
            return False
        if self._path.exists() and now < self.current().made + USED_FOR:
            return False
        self.rotate(now)
        return True

    def rotate(self, now: datetime) -> SubmissionKey:
        """Replace the key, at once.

        Raises:
            SettingsError: it is not ours to replace.
        """
        if not self._ours:
            raise SettingsError("submission keys come from where secrets are kept: rotate them there")
        known = self._read() if self._path.exists() else ()
        self._write(rotated(known, X25519PrivateKey.generate(), now))
        return self.current()

    def _read(self) -> tuple[SubmissionKey, ...]:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._seen:
                rows = json.loads(self._path.read_text())["keys"]
                self._keys, self._seen = tuple(map(_key, rows[:KEYS_MAX])), changed
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{self._path.name} holds no submission keys; restore it from your secrets") from error
        if not self._keys or self._keys[0].replaced is not None:
            raise SettingsError(f"{self._path.name} holds no submission key in use; restore it from your secrets")
        return self._keys

    def _write(self, keys: tuple[SubmissionKey, ...]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._path.with_suffix(f".{os.getpid()}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump({"keys": [_row(key) for key in keys]}, out)
            out.flush()
            os.fsync(out.fileno())  # a key that is published must not be lost
        beside.replace(self._path)


def keys_of(settings: Settings) -> SubmissionKeys:
    """Give the keys of this place.

    Raises:
        SettingsError: production without a file.
    """
    given = os.environ.get(KEYS_FILE)
    if not given and settings.profile == "production":
        raise SettingsError(f"{KEYS_FILE} is not set: production opens submissions with keys that are kept, not made")
    path = Path(given) if given else settings.state_dir / "secrets" / "submission-keys.json"
    return SubmissionKeys(path, ours=not given)


def _row(key: SubmissionKey) -> dict[str, Any]:
    return {
        "private": b64encode(key.private.private_bytes_raw()).decode(),
        "made": key.made.isoformat(),
        "replaced": None if key.replaced is None else key.replaced.isoformat(),
    }


def _key(row: dict[str, Any]) -> SubmissionKey:
    secret = b64decode(row["private"], validate=True)
    replaced = row.get("replaced")
    return SubmissionKey(
        X25519PrivateKey.from_private_bytes(secret),
        datetime.fromisoformat(row["made"]),
        None if replaced is None else datetime.fromisoformat(replaced),
    )
