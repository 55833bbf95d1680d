"""Words for what follows a share: recalled, erased, disagreed about, asked for; and what an agency knew at a moment."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from concern_relay.v1 import codes_pb2 as codes
from services.workbench.scenario.terms import AgencyId, AgencyOrNone, Code, Duty, Moment, Person, Ref, Strict, coded

RecallReason: Any = coded(codes.RecallReason)
About: Any = coded(codes.DisagreementAbout)
Resolution: Any = coded(codes.DisagreementResolution)
Ground: Any = coded(codes.ErasureGround)
Band: Any = coded(codes.RequestBand)
Power: Any = coded(codes.Gateway)
Refusal: Any = coded(codes.RequestRefusal)
OPERATOR: Final = "operator"


class FromSender(Person):
    """Who acts; left out, somebody of the agency that raised the concern."""

    agency: AgencyOrNone = Field(default="", description="left out: the agency that raised the concern")
    words: str = Field(default="because it is so", description="the reasons in words; an empty text leaves them out")


class Recall(FromSender):
    """Call back what an agency was told; whom it was meant for is served, and its clock goes on."""

    from_: AgencyId = Field(alias="from", description="the agency that should not have it")
    reason: RecallReason = "wrong_recipient"
    correct: AgencyOrNone = Field(default="", description="whom it was meant for")
    hidden_address: bool = Field(default=False, description="a hidden address may have been given away")


class Erase(FromSender):
    """Answer what an agency was asked to erase; left out, the sender answers for its own copy."""

    answer: Literal["confirmed", "declined"] = "confirmed"
    ground: Ground | None = Field(default=None, description="for declined")


class SafetyCall(FromSender):
    """The call to those whose hidden address may be known, before any form."""

    told: str = "Chris Sample"
    told_role: str = "parent"


class DecideBreach(FromSender):
    """What the controller did about a breach."""

    decision: Literal["reported", "not_reportable"] = "reported"


class Disagree(FromSender):
    """A named person of the sender, or of the recipient, disagrees."""

    with_: AgencyOrNone = Field(
        default="", alias="with", description="whose share it is about; left out: who answers for the concern"
    )
    about: About = "outcome"


class NextStage(FromSender):
    """Take the newest open disagreement to its next stage."""


class Resolve(FromSender):
    """Say how the newest open disagreement ended."""

    resolution: Resolution = "agreed_plan"


class Ask(Person):
    """Ask another agency what it holds. Without purpose or power it is returned: purpose_required, power_required."""

    to: AgencyId
    band: Band = "green"
    power: Power | None = None
    purpose: str = ""
    question: str = "What do you hold?"


class Answer(Person):
    """Answer the newest open request to an agency."""

    asked_by: AgencyOrNone = Field(default="", description="by whom it was asked; left out: by anybody")
    answer: Literal["provided", "refused", "nothing_held"] = "provided"
    reason: Refusal | None = Field(default=None, description="for refused")
    words: str = "as it is held"


class Receive(Person):
    """A named person says to have attachments of its share, a receipt for each."""

    items: list[Ref] = Field(min_length=1, max_length=50)


class Bring(FromSender):
    """A person brings a share to whoever has no inbox: a call or a handing over. It is delivered then (practice 23)."""

    to: AgencyId = Field(
        description="whom it is brought to; `outside-w06000023` is an authority that is off the network"
    )
    told: str = "Chris Sample"
    told_role: str = "duty social worker"


class DoDuty(Person):
    """A named person says that a duty was done: a conference, a visit, a notice; the next one may follow."""

    duty: Duty = Field(default="", description="its code, as transfer_in_conference; left out: the one due first")
    words: str = Field(default="done", description="in words; an empty text leaves them out")


class Revoke(Person):
    """An agency's agreement is revoked: what rests on it alone and has not left is stopped."""

    by: AgencyOrNone = Field(default="", description="agency of the person who does it; left out: the agency itself")
    operator: bool = Field(default=False, description="done by whoever runs the arrangement, in place of an agency")
    words: str = "because it is so"

    @property
    def whose(self) -> str:
        """The agency of the person who does it."""
        return OPERATOR if self.operator else self.by or self.agency


class Renew(Revoke):
    """An agreement that was revoked stands again; what was stopped for it is planned anew."""


Afterwards = (
    Recall
    | Erase
    | SafetyCall
    | DecideBreach
    | Disagree
    | NextStage
    | Resolve
    | Ask
    | Answer
    | Receive
    | DoDuty
    | Bring
)
AFTERWARDS: Final = (
    *("recall", "erase", "safety_call", "breach", "disagree", "next_stage", "resolve", "request", "answer", "receive"),
    "duty_done",
    "bring",
)


class ErasureThen(Strict):
    """An erasure that must have been asked for, and how it stands."""

    agency: AgencyId
    answer: Literal["open", "confirmed", "declined"] | None = None
    reason: Literal["recalled", "consent_withdrawn", "erased_at_source"] | None = None
    ground: Ground | None = None
    overdue: bool | None = None
    items: list[Ref] = Field(default=[], description="parts that must be among what is to be erased")


class BreachThen(Strict):
    """A breach that must be on record, and how it stands."""

    owner: AgencyOrNone = ""
    recipient: AgencyOrNone = ""
    state: Literal["open", "reported", "not_reportable"] | None = None
    overdue: bool | None = None
    hidden_address: bool | None = None
    called: bool | None = None


class DisagreementThen(Strict):
    """A disagreement that must be on record, and how it stands."""

    raised_by: AgencyOrNone = ""
    with_: AgencyOrNone = Field(default="", alias="with")
    about: About | None = None
    state: Literal["open", "resolved"] | None = None
    stage: int | None = None
    role: Code | None = Field(default=None, description="the role that is asked now")
    resolution: Resolution | None = None
    overdue: bool | None = Field(default=None, description="whether any stage ran out")


class RequestThen(Strict):
    """A request that must be on record, and how it stands."""

    agency: AgencyOrNone = Field(default="", description="who asked")
    to: AgencyOrNone = ""
    band: Band | None = None
    state: Literal["open", "provided", "refused", "nothing_held", "returned"] | None = None
    reason: Code | None = None
    overdue: bool | None = None
    late: bool | None = None
    asked_has: list[str] = Field(default=[], description="words that who was asked must have been given")
    asked_lacks: list[str] = Field(default=[], description="words that who was asked must not have been given")


class DutyThen(Strict):
    """A duty that must have been started, and how it stands. Its times: `clocks`, of duty."""

    duty: Duty = Field(description="its code, as transfer_in_conference")
    agency: AgencyOrNone = Field(default="", description="whose it is")
    state: Literal["running", "overdue", "done"] | None = None
    late: bool | None = Field(default=None, description="whether it was done after it was due")
    personal: bool | None = Field(default=None, description="whether nobody else can discharge it")
    count: int | None = Field(
        default=None, ge=0, description="how many of this code there must be, whatever else is said"
    )


class KnownThen(Strict):
    """What one agency must have known at a moment, from what was actually sent; and how far it had come."""

    agency: AgencyId
    at: Moment | None = Field(default=None, description="left out: at the end")
    state: (
        Literal["not_told", "raised", "planned", "delivered", "read", "acknowledged", "outcome", "recalled", "blocked"]
        | None
    ) = None
    includes: list[Ref] = Field(default=[])
    excludes: list[Ref] = Field(default=[])
    erased: list[Ref] = Field(default=[], description="what it held and has erased, or was called back")
    tombstones: list[Ref] = Field(default=[], description="what it held and nobody can open any more")
    view_has: list[str] = Field(default=[])
    view_lacks: list[str] = Field(default=[])
    acknowledged_by: str | None = Field(default=None, description="name of who acknowledged; an empty text: nobody")
    law_pack: Code = Field(default="", description="pack under which the last of it was assessed")


class ReceiptsThen(Strict):
    """Attachments an agency must have said to have."""

    agency: AgencyId
    items: list[Ref]
