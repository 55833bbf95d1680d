"""What intake answers, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from concern_relay.v1.codes_pb2 import ShareOutcome, SharingMyth, Urgency
from services.chassis.codes import word_of, words
from services.chassis.problems import Problem, problem
from services.intake.acceptance import Accepted
from services.intake.errors import Malformed
from services.intake.flags import Flag, FlagCode
from services.intake.meanings import meaning
from services.intake.status import Status, Watch

CALL_999: Final = (
    "Call 999 now if a child is in danger. This is not a call: nobody has been telephoned. When you have called, "
    "record it: send this concern again with the same reference and an item that says when you called, whom you spoke "
    "to and what was said."
)
PRACTICE: Final = "Practice: this never reaches a real inbox."
HISTORY: Final = "History: recorded; it is sent to nobody and starts no clock."
FOLLOW_UP: Final = (
    "Nobody at children's social care has acknowledged your concern in time. Ring them and ask; do not assume that "
    "somebody else has. If you disagree with what becomes of it, say so: professional disagreement has its stages."
)
TELEPHONE: Final = (
    "Telephone the front door of children's social care now, out of hours the emergency duty team: nobody has been "
    "reached with this concern, and nobody has decided on it. If a child is in danger, call 999."
)


class Notice(BaseModel):
    """Something the person who raised it has to read."""

    code: str
    text: str


class Odd(BaseModel):
    """Something odd that was kept."""

    code: str
    pointer: str = Field(description="JSON pointer of the field; empty for the whole.")
    detail: str


class AcceptedAnswer(BaseModel):
    """A concern was accepted: it is recorded and cannot be lost."""

    concern_id: str
    status_url: str
    receipt: dict[str, Any] = Field(description="Signed; the ledger owes its leaf. Check it offline with the verifier.")
    warnings: list[Odd] = Field(description="Odd things that were kept; nothing waits for them.")
    notice: list[Notice]
    answers: list[Notice] = Field(
        default=[],
        description="What you said against sharing, answered; with its citations in the explanation of the assessment.",
    )
    repeated: bool = Field(description="It was accepted before; nothing was recorded now.")
    corrected: bool = Field(description="It changed a concern that was raised before.")
    same_reference_as: str | None = Field(default=None, description="First concern under this reference, if another.")
    raises_concern_id: str | None = Field(
        default=None, description="For a move: the concern raised because nobody knows where the child went."
    )


class Outcome(BaseModel):
    """What was done, as far as it was given to the sender."""

    code: str
    given_at: datetime
    reason: str = Field(default="", description="In words, as they were given to you.")


class ConcernAnswer(BaseModel):
    """Where a concern stands for its sender. Nothing of other agencies."""

    concern_id: str
    state: str = Field(examples=["received", "acknowledged", "outcome_given"])
    urgency: str
    received_at: datetime
    acknowledged_at: datetime | None = None
    follow_up_by: datetime | None = Field(
        default=None, description="Nobody there has acknowledged in time: ring them, by then. Empty once one has."
    )
    outcome: Outcome | None = None
    version: int = Field(description="1 as raised, one more with each correction.")
    history: bool
    test: bool
    same_reference_as: str | None = None
    notice: list[Notice]


class ConcernPage(BaseModel):
    """An agency's own concerns, newest first."""

    concerns: list[ConcernAnswer]
    after: str | None = Field(default=None, description="Give it as `after` for the next page; none: there is no more.")


def accepted(found: Accepted, *, history: bool, myths: Sequence[str] = ()) -> AcceptedAnswer:
    """Write what became of a submission.

    Args:
        found: what was recorded.
        history: whether it is a statutory return.
        myths: what the sender said against sharing, by code; a code nobody knows is flagged elsewhere.
    """
    danger = found.emergency or any(flag.code is FlagCode.DANGER_BUT_NOT_EMERGENCY for flag in found.flags)
    notices = (
        ("call_999", CALL_999, danger and not history),
        ("practice", PRACTICE, found.test),
        ("history", HISTORY, history),
    )
    return AcceptedAnswer(
        concern_id=found.concern_id,
        status_url=f"/v1/concerns/{found.concern_id}",
        receipt=found.receipt.to_json(),
        warnings=[_odd(flag) for flag in found.flags],
        notice=[Notice(code=code, text=text) for code, text, due in notices if due],
        answers=[Notice(code=m, text=meaning(SharingMyth, m)) for m in dict.fromkeys(myths) if m in words(SharingMyth)],
        repeated=found.repeated,
        corrected=found.corrected,
        same_reference_as=found.same_reference_as or None,
        raises_concern_id=found.raises_concern_id or None,
    )


def concern(concern_id: str, status: Status, reason: str = "") -> ConcernAnswer:
    """Write where a concern stands."""
    assert status.received is not None
    outcome = status.outcome
    return ConcernAnswer(
        concern_id=concern_id,
        state=status.state.value,
        urgency=word_of(Urgency, status.urgency),
        received_at=status.received,
        acknowledged_at=status.acknowledged,
        follow_up_by=status.follow_up_by,
        outcome=None if outcome is None else _outcome(outcome.outcome, outcome.outcome_at, reason),
        version=status.version,
        history=status.history,
        test=status.test,
        same_reference_as=status.same_reference_as or None,
        notice=_notices(status),
    )


def _notices(status: Status) -> list[Notice]:
    """Say what whoever raised it has to do: telephone where nobody has it, ask where nobody has acknowledged."""
    if status.test:
        return []  # practice makes nobody telephone about a child who does not exist
    found = [Notice(code="telephone_now", text=TELEPHONE)] if status.watch is Watch.EXPIRED else []
    return [*found, Notice(code="follow_up", text=FOLLOW_UP)] if status.follow_up_by is not None else found


def mended(malformed: Malformed) -> Problem:
    """Say field by field what has to be mended, over HTTP and Kafka alike."""
    errors = [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in malformed.errors]
    return problem(malformed.status, malformed.code, str(malformed), errors=errors, more_errors=malformed.more)


def _outcome(code: int, given_at: datetime | None, reason: str) -> Outcome:
    assert given_at is not None
    return Outcome(code=word_of(ShareOutcome, code), given_at=given_at, reason=reason)


def _odd(flag: Flag) -> Odd:
    return Odd(code=flag.code.value, pointer=flag.pointer, detail=flag.detail)
