"""What a replay says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """What is not as recorded."""

    DIFFERS = "differs"
    NOT_PRODUCED = "not_produced"
    NOT_RECORDED = "not_recorded"
    NOT_FIRED = "not_fired"
    REFUSED = "refused"
    RAISED = "raised"
    NOT_AT_HAND = "not_at_hand"
    NO_CAUSE = "no_cause"
    UNKNOWN_BASIS = "unknown_basis"
    ALTERED = "altered"
    SEAL_BROKEN = "seal_broken"
    UNREADABLE = "unreadable"


WORDS: Final = {
    Code.DIFFERS: "decided again, this field comes out otherwise",
    Code.NOT_PRODUCED: "recorded, and not decided again",
    Code.NOT_RECORDED: "decided again, and not recorded; were the services cut off? started again they go on",
    Code.NOT_FIRED: "a timer fell due that would have led to this, and nothing is recorded",
    Code.REFUSED: "recorded, and refused when it is presented again",
    Code.RAISED: "the core raises on it; the service will have parked it",
    Code.NOT_AT_HAND: "was decided under a law pack or arrangement that is not in deploy; put the file back",
    Code.NO_CAUSE: "does not say what caused it",
    Code.UNKNOWN_BASIS: "says it is based on an event that is not recorded",
    Code.ALTERED: "the record is not the one that the ledger has there; run `ledger verify`",
    Code.SEAL_BROKEN: "a sealed part does not open under its own key: altered, or moved",
    Code.UNREADABLE: "cannot be decoded",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as recorded.

    Attributes:
        service: whose core.
        event_id: the recorded event; or, for what was not recorded, the id it would have.
        path: which field; for what was not recorded or not produced, its type; never a value.
    """

    code: Code
    service: str
    concern_id: str
    event_id: str
    path: str = ""

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.service} {self.event_id} {self.path}: {WORDS[self.code]}"


@dataclass(slots=True)
class Tally:
    """What was looked at.

    Attributes:
        concerns: how many.
        events: recorded events that were presented or decided again.
        effects: recorded effects that were decided again.
        same: of these, how many came out the same.
        tombstones: sealed parts that do not open any more; unaltered by the ledger, and compared with nothing.
        unverifiable: effects that came out otherwise because something they rest on does not open any more.
        pending: effects that are decided and not recorded yet; their cause is only seconds old.
    """

    concerns: int = 0
    events: int = 0
    effects: int = 0
    same: int = 0
    tombstones: int = 0
    unverifiable: int = 0
    pending: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another's counts and findings."""
        for name in ("concerns", "events", "effects", "same", "tombstones", "unverifiable", "pending"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.findings += other.findings

    def counts(self) -> dict[str, int]:
        """Give the counts."""
        names = ("concerns", "events", "effects", "same", "tombstones", "unverifiable", "pending")
        return {name: getattr(self, name) for name in names}
