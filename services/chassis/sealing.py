"""Sealing: how content travels inside an event.

A part is sealed by AES-SIV (RFC 5297, AES-256, a 64-byte key) with two associated data: the 16 bytes of the event id
and the part id. So a sealed part cannot be moved to another event or place. AES-SIV is deterministic: the same part
in the same event under the same key gives the same bytes, which is what lets an event be made twice and still be the
same event, and no nonce can be used twice by mistake. Equal parts of two events look different, since the event id is
in the associated data.

Pure: no clock, no randomness, no input or output.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from google.protobuf.message import DecodeError as ProtobufDecodeError

from concern_relay.v1.facts_pb2 import Part, PartKind, SealedPart
from services.chassis.errors import RelayError

SECRET_BYTES: Final = 64
"""Length of a key: AES-SIV takes one half to authenticate, one to encrypt."""

KIND_OF_BODY: Final[dict[str, PartKind]] = {
    descriptor.name: cast("PartKind", PartKind.Value(f"PART_KIND_{descriptor.name.upper()}"))
    for descriptor in Part.DESCRIPTOR.oneofs_by_name["body"].fields
}
"""PartKind of each field of the oneof; a body without a kind of its own fails here, at import."""


class SealBroken(RelayError):  # noqa: N818  (a finding with a name of its own)
    """A sealed part does not open: wrong key, moved to another event or place, or altered."""


@dataclass(frozen=True)
class Key:
    """A key of the vault, bare.

    Its cipher is kept with it and not in a table of its own, so that nothing opens any longer than the key is held.

    Attributes:
        key_id: opaque id, as it stands in ``SealedPart.key_id``.
        secret: 64 bytes; never shown.
    """

    key_id: str
    secret: bytes = field(repr=False)

    @cached_property
    def cipher(self) -> AESSIV:
        """The cipher of this key, made once (2.6 µs)."""
        return AESSIV(self.secret)


def seal(key: Key, event_id: UUID, part_id: str, part: Part) -> SealedPart:
    """Seal a part into its place in an event.

    Raises:
        ValueError: the part holds no body; the caller forgot to fill it.
    """
    body = part.WhichOneof("body")
    if body is None:
        raise ValueError(f"part {part_id} holds nothing; set one field of its body before sealing it")
    plaintext = part.SerializeToString(deterministic=True)
    return SealedPart(
        part_id=part_id,
        key_id=key.key_id,
        ciphertext=key.cipher.encrypt(plaintext, [event_id.bytes, part_id.encode()]),
        kind=KIND_OF_BODY[body],
    )


def open_part(key: Key, event_id: UUID, sealed: SealedPart) -> Part:
    """Open a sealed part.

    A body newer than this code opens as a part without a body: its kind is then not looked at, and its bytes survive.

    Raises:
        SealBroken: the key is not the one it was sealed under, or the part, its kind, its event or its place changed.
    """
    place = f"part {sealed.part_id} of event {event_id}"
    if sealed.key_id != key.key_id:
        raise SealBroken(f"{place} is sealed under key {sealed.key_id}, not {key.key_id}; open that key")
    try:
        plaintext = key.cipher.decrypt(sealed.ciphertext, [event_id.bytes, sealed.part_id.encode()])
        part = Part.FromString(plaintext)
    except (InvalidTag, ProtobufDecodeError) as error:
        raise SealBroken(
            f"{place} does not open under key {key.key_id}: altered, or moved from elsewhere; compare with the ledger"
        ) from error
    body = part.WhichOneof("body")
    if body is not None and sealed.kind != KIND_OF_BODY[body]:
        raise SealBroken(f"{place} says it is of kind {sealed.kind} and holds a {body}; compare with the ledger")
    return part
