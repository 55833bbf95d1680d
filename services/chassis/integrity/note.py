"""Signed notes with Ed25519 keys, as C2SP signed-note v1 has them (c2sp.org/signed-note).

A note is a text and, after an empty line, the lines of those who signed it: ``— name base64(key id, signature)``.
Signatures of unknown keys are ignored, which is how keys rotate and how witnesses add their line later. Parsing is
strict: whatever a second reader could take otherwise (base64 with stray bits, control characters) is refused.
"""

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis.integrity.errors import KeyInvalid, NoteMalformed, NoteUnverified

#: Largest note read, in bytes; one hundred post-quantum cosignatures fit.
NOTE_BYTES_MAX: Final = 1_000_000
#: Most signature lines read; the specification asks for at least 16.
SIGNATURES_MAX: Final = 100
#: What may not stand in a line that is signed: control characters, and halves of pairs, which UTF-8 cannot hold.
STRAY: Final = re.compile("[\x00-\x1f\ud800-\udfff]")

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name, from its C2SP verifier key string ``name+hexid+base64``."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise KeyInvalid(f"an Ed25519 public key has 32 bytes, this one has {len(self.public_key)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key string; raises KeyInvalid when it is not exactly one of an Ed25519 key."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise KeyInvalid("a verifier key is name+hexid+base64; give the whole string, in quotes")
        name, key_id, encoded = parts
        verifier = cls(name, _key_material(encoded))
        if verifier.key_id.hex() != key_id:
            raise KeyInvalid("the key id of this verifier key is not that of its name and key; copy the string anew")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, say whose signature a line holds."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public_key).decode()}"

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Say whether this key made the signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under a name, and its public half, ``verifier``. Its repr shows the name only."""

    name: str
    seed: bytes = field(repr=False)
    verifier: Verifier = field(init=False, repr=False, compare=False)
    _key: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.seed) != 32:
            raise KeyInvalid(f"an Ed25519 seed has 32 bytes, this one has {len(self.seed)}")
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "verifier", Verifier(self.name, key.public_key().public_bytes_raw()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a signer key string ``PRIVATE+KEY+name+hexid+base64`` (as Go's sumdb/note writes it)."""
        parts = text.split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise KeyInvalid("a signer key is PRIVATE+KEY+name+hexid+base64; give the whole string, in quotes")
        _, _, name, key_id, encoded = parts
        signer = cls(name, _key_material(encoded))
        if signer.verifier.key_id.hex() != key_id:
            raise KeyInvalid("the key id of this signer key is not that of its name and key; copy the string anew")
        return signer

    def secret(self) -> str:
        """Return the signer key string, which is secret: for a key file, never for a log."""
        encoded = b64encode(_ED25519 + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{encoded}"

    def sign(self, text: str) -> str:
        """Return what stands on a signature line for this text: base64 of key id and signature."""
        _check_text(text)
        return b64encode(self.verifier.key_id + self._key.sign(text.encode())).decode()


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, name: str, encoded: str) -> Self:
        """Read the base64 of a signature line; raises NoteMalformed."""
        raw = base64_strictly(encoded)
        if raw is None or len(raw) < 5:
            raise NoteMalformed(f"the signature under the name {name!r} is not base64 of a key id and a signature")
        return cls(name, raw[:4], raw[4:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note without trusting it; raises NoteMalformed."""
        if len(data) > NOTE_BYTES_MAX:
            raise NoteMalformed(f"a note may have {NOTE_BYTES_MAX} bytes, this one has {len(data)}")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteMalformed(f"a note is UTF-8; byte {error.start} is not") from None
        split = whole.rfind("\n\n")
        if split < 0 or not whole.endswith("\n"):
            raise NoteMalformed("a note is a text, an empty line and signature lines, each ending in a newline")
        text, lines = whole[: split + 1], whole[split + 2 :].split("\n")[:-1]
        _check_text(text)
        if not 1 <= len(lines) <= SIGNATURES_MAX:
            raise NoteMalformed(f"a note has 1 to {SIGNATURES_MAX} signature lines, this one has {len(lines)}")
        return cls(text, tuple(_signature_line(line) for line in lines))

    def signed_by(self, verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
        """Return those of the given keys that signed; other signatures are ignored.

        Raises:
            NoteUnverified: none of them signed, or the signature of one of them does not hold.
        """
        known = {(v.name, v.key_id): v for v in verifiers}
        found: dict[Verifier, None] = {}
        for line in self.signatures:
            verifier = known.get((line.name, line.key_id))
            if verifier is None:
                continue
            if not verifier.holds(self.text.encode(), line.signature):
                raise NoteUnverified(f"the signature by {line.name} does not hold: the note or its key was altered")
            found[verifier] = None
        if not found:
            raise NoteUnverified("no trusted key signed this note; check which keys were given")
        return tuple(found)


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """Return the note of a text signed by each signer; the text ends in a newline, else NoteMalformed."""
    return (text + "\n" + "".join(f"{_DASH}{s.name} {s.sign(text)}\n" for s in signers)).encode()


def base64_strictly(text: str) -> bytes | None:
    """Decode base64 (RFC 4648 section 4) that is written in the one canonical way; None otherwise."""
    try:
        raw = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError):
        return None
    return raw if b64encode(raw).decode() == text else None


def _signature_line(line: str) -> Signature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not _is_name(parts[0]):
        raise NoteMalformed("a signature line is an em dash, a space, a name, a space and base64")
    return Signature.parse(*parts)


def _key_material(encoded: str) -> bytes:
    raw = base64_strictly(encoded)
    if raw is None or raw[:1] != _ED25519:
        raise KeyInvalid("only Ed25519 keys (type 1) in base64 are used here; this key is another, or was cut short")
    return raw[1:]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not STRAY.search(name) and not any(c.isspace() for c in name)


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise KeyInvalid("a key's name is not empty and has no space, plus or control character")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteMalformed("the text of a note ends in a newline")
    if STRAY.search(text.replace("\n", "")):
        raise NoteMalformed("the text of a note has no control character but newline, and no half of a surrogate pair")
