"""The checkpoint of the ledger: a C2SP tlog-checkpoint, a signed note of origin, size and root.

No extension lines: nothing could audit them, and ML-DSA cosignatures do not cover them. The key's name is the origin.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from services.chassis.integrity.errors import NoteMalformed, NoteUnverified
from services.chassis.integrity.note import Note, Signer, Verifier, base64_strictly, sign_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root (32 bytes) of a ledger, which is known by its origin."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note; raises NoteMalformed unless it is exactly a checkpoint without extensions."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise NoteMalformed("a checkpoint of this ledger is three lines: origin, size, base64 of the root")
        origin, size, encoded = lines[:3]
        root = base64_strictly(encoded)
        if not size.isascii() or not size.isdecimal() or len(size) > 19 or (size[0] == "0" and size != "0"):
            raise NoteMalformed("the size of a checkpoint is a decimal number without leading zeros")
        if root is None or len(root) != 32:
            raise NoteMalformed("the root of a checkpoint is the base64 of 32 bytes")
        return cls(origin, int(size), root)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed note. The caller has proved it consistent with the one signed before: this cannot know.

    Raises:
        NoteMalformed: the origin is not the signer's name, or the root not 32 bytes.
    """
    if signer.name != checkpoint.origin:
        raise NoteMalformed(f"the key of {signer.name} does not sign checkpoints of {checkpoint.origin}")
    if Checkpoint.parse(checkpoint.text) != checkpoint:
        raise NoteMalformed("a checkpoint needs a size of at least 0 and a root of 32 bytes")
    return sign_note(checkpoint.text, [signer])


def open_checkpoint(data: bytes, origin: str, log_keys: Iterable[Verifier]) -> Checkpoint:
    """Return the checkpoint in a note that one of the log's keys signed; lines of witnesses and others are ignored.

    Several log keys serve rotation. Keys under another name than the origin are not the log's and are not asked.

    Raises:
        NoteMalformed: no note, or its text no checkpoint.
        NoteUnverified: no log key signed, a signature does not hold, or the checkpoint is of another log.
    """
    note = Note.parse(data)
    note.signed_by(key for key in log_keys if key.name == origin)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise NoteUnverified(f"this checkpoint is not of the log {origin}")
    return checkpoint
