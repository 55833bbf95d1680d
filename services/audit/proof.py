"""The proof that one record is in the ledger, as a C2SP ``tlog-proof@v1`` text file (c2sp.org/tlog-proof).

It holds the index, the inclusion proof and the checkpoint with every signature line as it stood, those of witnesses
too. With the record and the ledger's public key it is checked offline.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from services.audit.checkpoint import Checkpoint, open_checkpoint
from services.audit.tree import check_inclusion
from services.chassis.integrity.errors import ProofMalformed
from services.chassis.integrity.leaf import leaf_hash
from services.chassis.integrity.note import NOTE_BYTES_MAX, Verifier, base64_strictly

#: Conventional end of a proof's file name.
FILE_SUFFIX: Final = ".tlog-proof"

_HEADING: Final = "c2sp.org/tlog-proof@v1"
#: The path to a leaf of a tree of 2**63 leaves.
_HASHES_MAX: Final = 63
#: Bytes of extra data at most; a proof is for sending by mail.
_EXTRA_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Proof:
    """An inclusion proof and the checkpoint it leads to.

    Attributes:
        index: index of the leaf, from 0.
        hashes: siblings from the leaf up, 32 bytes each.
        checkpoint: the signed note, verbatim.
        extra: opaque data of the application, which nothing authenticates; None for none.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the file."""
        lines = [_HEADING]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines.extend(b64encode(node).decode() for node in self.hashes)
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the file without trusting it; raises ProofMalformed. The checkpoint is read when it is checked."""
        head, gap, checkpoint = data.partition(b"\n\n")
        if not gap or len(checkpoint) > NOTE_BYTES_MAX or len(head) > 2 * _EXTRA_MAX:
            raise ProofMalformed("a proof is a head, an empty line and a checkpoint; this is not, or is too large")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise ProofMalformed("the head of a proof is ASCII") from None
        if lines.pop(0) != _HEADING:
            raise ProofMalformed(f"a proof begins with the line {_HEADING}")
        extra = _extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
        index = _index(lines.pop(0) if lines else "")
        if len(lines) > _HASHES_MAX:
            raise ProofMalformed(f"a proof has at most {_HASHES_MAX} hashes, this one has {len(lines)}")
        return cls(index, tuple(map(_hash, lines)), checkpoint, extra)

    def check(self, leaf: bytes, origin: str, log_keys: Iterable[Verifier]) -> Checkpoint:
        """Return the checkpoint when it is signed by the log and the leaf is in it at this index.

        Args:
            leaf: the record's leaf (``leaf_of``), not its hash.
            origin: the log whose checkpoint is accepted.
            log_keys: its public keys.

        Raises:
            NoteMalformed, NoteUnverified: see ``open_checkpoint``.
            ProofRejected: the proof does not lead to the checkpoint's root.
        """
        checkpoint = open_checkpoint(self.checkpoint, origin, log_keys)
        check_inclusion(leaf_hash(leaf), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def _extra(line: str) -> bytes:
    extra = base64_strictly(line.removeprefix("extra "))
    if extra is None or len(extra) > _EXTRA_MAX:
        raise ProofMalformed(f"the extra line of a proof is base64 of at most {_EXTRA_MAX} bytes")
    return extra


def _index(line: str) -> int:
    digits = line.removeprefix("index ")
    decimal = digits.isascii() and digits.isdecimal() and len(digits) <= 19
    if not line.startswith("index ") or not decimal or (digits[0] == "0" and digits != "0"):
        raise ProofMalformed("a proof has a line `index` with a decimal number without leading zeros")
    return int(digits)


def _hash(line: str) -> bytes:
    node = base64_strictly(line)
    if node is None or len(node) != 32:
        raise ProofMalformed("each hash of a proof is the base64 of 32 bytes")
    return node
