"""The verifier's own reading of keys, checkpoints and receipts (C2SP signed-note, tlog-checkpoint; Ed25519 alone)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .lines import Wrong, decode_base64, decode_hash, spell

_RECEIPT_FIELDS: Final = ("origin", "concern_id", "event_id", "agency", "recorded_time", "leaf")


class Unusable(ValueError):  # noqa: N818 - a mistake in what was given, no finding about the ledger
    """A key given for verification is no Ed25519 verifier key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that is trusted under a name."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the ledger's key vouches for."""

    origin: str
    size: int
    root: bytes


def parse_key(text: str) -> Key:
    """Read ``name+hexid+base64``; raises Unusable."""
    name, _, rest = text.partition("+")
    hexid, _, encoded = rest.partition("+")
    try:
        raw = decode_base64(encoded)
    except Wrong:
        raw = b""
    key_id = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[0] != 1 or key_id.hex() != hexid or not name:
        raise Unusable("a verifier key is name+hexid+base64 of an Ed25519 key; give the whole string, in quotes")
    return Key(name, key_id, Ed25519PublicKey.from_public_bytes(raw[1:]))


def open_checkpoint(note: bytes, keys: Iterable[Key]) -> Checkpoint:
    """Return a checkpoint that a key under its origin's name signed; raises Wrong. Other signatures are not asked."""
    text, _, below = note.partition(b"\n\n")
    body = text.split(b"\n")
    if len(body) != 3 or not below.endswith(b"\n"):
        raise Wrong("it is no signed checkpoint of three lines")
    try:
        origin, root = body[0].decode(), decode_hash(body[2].decode())
        size = int(body[1])
        lines = [_signature_line(line) for line in below.decode().split("\n")[:-1]]
    except ValueError:
        raise Wrong("it is no signed checkpoint of three lines") from None
    if str(size).encode() != body[1] or size < 0:
        raise Wrong("its size is not a plain decimal number")
    _check(text + b"\n", origin, lines, keys)
    return Checkpoint(origin, size, root)


def open_receipt(receipt: Mapping[str, object], keys: Iterable[Key]) -> tuple[bytes, str]:
    """Return the leaf hash that a receipt promises and the event id it names; raises Wrong."""
    if set(receipt) != {"version", "signature", *_RECEIPT_FIELDS} or spell(receipt["version"]) != "1":
        raise Wrong("it has not the fields of a receipt of version 1")
    fields = [receipt[name] for name in _RECEIPT_FIELDS]
    texts = [field for field in fields if isinstance(field, str) and field and min(field) >= " "]
    signature = receipt["signature"]
    if len(texts) != len(fields) or not isinstance(signature, str):
        raise Wrong("a field of it is empty or has a control character")
    signed = "".join(f"{line}\n" for line in ["concern-relay receipt v1", *texts])
    leaf = decode_hash(texts[5])
    _check(signed.encode("utf-8", "replace"), texts[0], [(texts[0], decode_base64(signature))], keys)
    return leaf, texts[2]


def _check(text: bytes, name: str, lines: Iterable[tuple[str, bytes]], keys: Iterable[Key]) -> None:
    """Raise Wrong unless a trusted key of this name signed the text and no trusted key's signature fails."""
    trusted = {key.key_id: key.public for key in keys if key.name == name}
    asked = 0
    for signer, raw in lines:
        public = trusted.get(raw[:4]) if signer == name else None
        if public is None:
            continue
        try:
            public.verify(raw[4:], text)
        except InvalidSignature:
            raise Wrong("its signature does not hold") from None
        asked += 1
    if not asked:
        raise Wrong("none of the keys given signed it; check which keys were given")


def _signature_line(line: str) -> tuple[str, bytes]:
    dash, name, encoded = (*line.split(" "), "", "", "")[:3]
    if line != f"\u2014 {name} {encoded}" or not dash:
        raise Wrong("it has a line that is no signature")
    return name, decode_base64(encoded)
