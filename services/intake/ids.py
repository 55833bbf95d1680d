"""Ids and digests made from what a sender wrote: always keyed, because references hold names (practice 20).

Every digest is HMAC-SHA256 under the vault's id-key over a domain and length-prefixed fields, so no two lists of fields
give the same bytes and no digest of one use is one of another. Who has the log but not the key can test no guess.

Practice and history have id spaces of their own: a live concern whose reference was used in the sandbox, or stands in a
statutory return, would otherwise be a correction of something that is never sent to anybody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.event import Content, derived_id

_DOMAIN = b"concern-relay intake v1"
SECRET_BYTES_MIN = 32


@dataclass(frozen=True, slots=True)
class IdKey:
    """The vault's id-key; the same for good, or every reference would name a new concern."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SECRET_BYTES_MIN:
            raise ValueError(f"the id-key has at least {SECRET_BYTES_MIN} bytes; ask the vault for it")

    def digest(self, use: str, *fields: bytes | str) -> bytes:
        """Give 32 bytes for these fields in this use."""
        mac = hmac.new(self.secret, _prefixed(_DOMAIN) + _prefixed(use.encode()), hashlib.sha256)
        for value in fields:
            mac.update(_prefixed(value if isinstance(value, bytes) else value.encode()))
        return mac.digest()


@dataclass(frozen=True, slots=True)
class Reference:
    """An agency's reference, in the space it belongs to.

    Attributes:
        agency_id: the agency.
        text: its reference, normalised.
        history: of a statutory return.
        test: of practice.
    """

    agency_id: str
    text: str = field(repr=False)
    history: bool = False
    test: bool = False

    @property
    def _fields(self) -> tuple[str, str, str]:
        return self.agency_id, f"history={self.history:d} test={self.test:d}", self.text

    def digest(self, key: IdKey) -> bytes:
        """Give what a table may hold of a reference."""
        return key.digest("reference", *self._fields)

    def concern_id(self, key: IdKey) -> str:
        """Give the id of the first concern under this reference."""
        return _uuid8(key.digest("concern id", *self._fields))

    def other_child_id(self, key: IdKey, discriminator: bytes) -> str:
        """Give the id of a further concern under this reference, about other children."""
        return _uuid8(key.digest("concern id of another child", *self._fields, discriminator))


def part_id(key: IdKey, concern_id: str, kind: str, ref: str) -> str:
    """Give the id of a part from the sender's own ref, which is blinded first: refs hold names too."""
    return derived_id(concern_id, kind, key.digest("part ref", kind, ref).hex())


def content_digest(key: IdKey, urgency: Urgency, contents: Sequence[Content]) -> bytes:
    """Give the digest by which a resend is known; the order of the parts does not matter."""
    fields: list[bytes | str] = [str(int(urgency))]
    for content in sorted(contents, key=lambda c: c.part_id):
        fields += [content.part_id, content.part.SerializeToString(deterministic=True)]
    return key.digest("content", *fields)


def fingerprint(key: IdKey, agency_id: str, body: bytes) -> bytes:
    """Give the fingerprint of a request, to know an Idempotency-Key used again for another one."""
    return key.digest("request", agency_id, body)


def _prefixed(value: bytes) -> bytes:
    return len(value).to_bytes(8, "big") + value


def _uuid8(digest: bytes) -> str:
    """Give a UUID of version 8, variant 10 (RFC 9562 section 5.8): 122 bits of the digest."""
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | (8 << 76)
    return str(UUID(int=number & ~(0b11 << 62) | (0b10 << 62)))
