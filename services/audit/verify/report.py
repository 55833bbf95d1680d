"""What a verification says."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    OUT_OF_ORDER = "out-of-order"
    GAP = "gap"
    RECORD_ALTERED = "record-altered"
    ROOT_DIFFERS = "root-differs"
    CHECKPOINT_INVALID = "checkpoint-invalid"
    UNSIGNED = "unsigned"
    HELD_CHECKPOINT_BROKEN = "held-checkpoint-broken"
    RECEIPT_INVALID = "receipt-invalid"
    RECEIPT_NOT_HONOURED = "receipt-not-honoured"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: what.
        index: the first record concerned; None when it is not about a place in the ledger.
        line: line of the export, from 1; 0 for what was given beside it.
        message: what is wrong and what to do, without content of records.
    """

    kind: Kind
    index: int | None
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What reading an export showed.

    Attributes:
        origin: the ledger it says it is.
        records: how many were read.
        batches: how many were read whole, with the root they state.
        checkpoints: how many hold.
        signed: size of the largest checkpoint that holds: records below it are vouched for by the ledger's key.
        root: root over all records read, 32 bytes.
        receipts: how many of the receipts given are honoured.
        complete: whether the export was read to its end. If not, receipts and held checkpoints were not all judged.
        findings: what is wrong, in the order of the export.
    """

    origin: str
    records: int
    batches: int
    checkpoints: int
    signed: int
    root: bytes
    receipts: int
    complete: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def first_bad_index(self) -> int | None:
        """The lowest index a finding is about; None when no finding is about a place."""
        return min((f.index for f in self.findings if f.index is not None), default=None)
