"""How bytes of any length are sealed, piece by piece, in constant memory. Pure.

STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, 2015) over AES-256-GCM: each piece is sealed under a nonce of its
number and a mark on the last one, so pieces cannot be swapped, dropped, repeated or cut off at the end. The key is made
by HKDF (RFC 5869) from the vault's key and the id of the object: no two objects share one, and no nonce is used twice.
When the vault's key is destroyed, so is this one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.errors import RelayError
from services.chassis.sealing import Key

PIECE_BYTES: Final = 64 * 1024
"""Plain bytes of a piece; the last may have fewer."""
_TAG_BYTES: Final = 16
_INFO: Final = b"concern-relay object v1"
_KEY_BYTES: Final = 32


class ObjectBroken(RelayError):  # noqa: N818  (a finding with a name of its own)
    """An object does not open: altered, cut short, or sealed under another key."""


def _cipher(key: Key, object_id: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=object_id.encode(), info=_INFO).derive(key.secret)
    return AESGCM(derived)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


async def _pieces(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Cut a stream into pieces of one size, and say which is the last; of nothing, one empty piece."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) > size:  # more than a piece: the last one is only known at the end
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True


async def sealed_pieces(key: Key, object_id: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Seal a stream for one object."""
    cipher, number = _cipher(key, object_id), 0
    async for piece, last in _pieces(chunks, PIECE_BYTES):
        yield cipher.encrypt(_nonce(number, last=last), piece, object_id.encode())
        number += 1


async def opened_pieces(key: Key, object_id: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Open a sealed object.

    Raises:
        ObjectBroken: at the first piece that is not as it was sealed; pieces before it were given already.
    """
    cipher, number = _cipher(key, object_id), 0
    async for piece, last in _pieces(chunks, PIECE_BYTES + _TAG_BYTES):
        try:
            plain = cipher.decrypt(_nonce(number, last=last), piece, object_id.encode())
        except InvalidTag as error:
            raise ObjectBroken(
                f"object {object_id} does not open at piece {number}: altered or cut short; restore it from a copy"
            ) from error
        number += 1
        if plain:
            yield plain
