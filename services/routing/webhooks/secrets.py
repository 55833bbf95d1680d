"""Secrets of endpoints at rest: sealed under routing's own local key, bound to the endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SecretSeal:
    """Seals and opens secrets.

    Args:
        local_key: 64 bytes of this service alone; the seal's key is derived from it and used for nothing else.
    """

    local_key: bytes = field(repr=False)

    def _cipher(self) -> AESSIV:
        return AESSIV(HKDF(SHA256(), 64, None, b"concern-relay webhook secrets v1").derive(self.local_key))

    def seal(self, endpoint_id: UUID, secret: str) -> bytes:
        """Seal a secret."""
        return self._cipher().encrypt(secret.encode(), [endpoint_id.bytes])

    def open(self, endpoint_id: UUID, sealed: bytes) -> str:
        """Open a secret.

        Raises:
            SettingsError: the local key is another than the one it was sealed under.
        """
        try:
            return self._cipher().decrypt(bytes(sealed), [endpoint_id.bytes]).decode()
        except InvalidTag as error:
            raise SettingsError(
                "a webhook secret does not open under this local key: restore RELAY_LOCAL_KEY_FILE, or rotate it"
            ) from error
