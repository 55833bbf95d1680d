"""What the routes of ``afterwards`` take and answer: pydantic at the edge, words for codes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.codes import str_enum
from services.routing.answers import NamedBody, ViewPart

WORDS_CHARS_MAX: Final = 20_000
AgencyId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=WORDS_CHARS_MAX)]
RecallReason: Any = str_enum(codes.RecallReason)
About: Any = str_enum(codes.DisagreementAbout)
Resolution: Any = str_enum(codes.DisagreementResolution)
Ground: Any = str_enum(codes.ErasureGround)
Band: Any = str_enum(codes.RequestBand)
Power: Any = str_enum(codes.Gateway)
Refusal: Any = str_enum(codes.RequestRefusal)


class WordsBody(NamedBody):
    """Who acts, and the reasons in words."""

    words: Words = Field(description="In words; sealed.")


class RecallBody(NamedBody):
    """Calling back what one agency was told of a concern."""

    concern_id: UUID
    recipient_agency_id: AgencyId = Field(description="Who should not have it.")
    reason: RecallReason
    correct_agency_id: str = Field(default="", max_length=100, description="Whom it was meant for; served at once.")
    hidden_address: bool = Field(default=False, description="Somebody's hidden address may have been given away.")
    words: Words = ""


class ConfirmBody(NamedBody):
    """Who confirms that it is erased."""

    words: Words = ""


class DeclineBody(NamedBody):
    """Who decided that it is kept, on which ground, and why."""

    ground: Ground | None = Field(default=None, description="Needed: a code of ErasureGround.")
    words: Words


class CallBody(NamedBody):
    """Who made the safety call, and whom they told."""

    told_name: str = Field(min_length=1, max_length=200)
    told_role: str = Field(min_length=1, max_length=200)
    words: Words = ""


class DisagreeBody(NamedBody):
    """Disagreeing about what became of a share: yours as recipient, or the one your concern led to."""

    concern_id: UUID
    share_id: UUID | None = Field(default=None, description="Your share; a sender leaves it out.")
    recipient_agency_id: str = Field(
        default="", max_length=100, description="For a sender: with whom; left out, who answers for the concern."
    )
    about: About
    words: Words


class ResolveBody(NamedBody):
    """How a disagreement ended."""

    resolution: Resolution
    words: Words


class AskBody(NamedBody):
    """Asking another agency what it holds."""

    concern_id: UUID
    to_agency_id: AgencyId
    band: Band
    power: Power | None = Field(default=None, description="The power it is asked under; without one it is returned.")
    purpose: Words = Field(default="", description="What for, in words; without one it is returned.")
    question: Words = Field(min_length=1, description="What is asked, in words; sealed.")


class AnswerBody(NamedBody):
    """Answering a request."""

    answer: Literal["provided", "refused", "nothing_held"]
    reason: Refusal | None = Field(default=None, description="For refused.")
    words: Words = Field(default="", description="What is held; or why it is not given. Sealed.")


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")


class RecallAnswer(_Row):
    """What a recall led to."""

    share_ids: list[UUID] = Field(description="The shares that were called back.")
    breaches: list[BreachAnswer]
    replaced_by: list[UUID] = Field(description="Shares planned for whom it was meant for.")


class DisagreementAnswer(_Row):
    """A disagreement, for its parties."""

    disagreement_id: UUID
    concern_id: UUID
    share_id: UUID
    recipient_agency_id: str
    raised_by_agency_id: str
    about: str
    stage: int
    role: str
    due: datetime
    clock_code: str
    overdue: bool
    raised_at: datetime
    resolution: str
    resolved_at: datetime | None


class ErasureAnswer(_Row):
    """An erasure that was asked for."""

    erasure_id: UUID
    concern_id: UUID
    share_id: str
    agency_id: str
    reason: str
    part_ids: list[str] = Field(description="What; empty means all of the share.")
    due: datetime
    clock_code: str
    overdue: bool
    stage: int
    role: str
    asked_at: datetime
    answer: str = Field(description="confirmed, declined, or empty.")
    ground: str
    answered_at: datetime | None


class BreachAnswer(_Row):
    """A breach, for its owner."""

    breach_id: UUID
    concern_id: UUID
    share_id: UUID
    recipient_agency_id: str
    controller_agency_id: str
    reason: str
    hidden_address: bool
    aware_at: datetime
    report_by: datetime
    clock_code: str
    call_by: datetime | None
    called_at: datetime | None
    call_overdue: bool
    overdue: bool
    closed: str = Field(description="reported, not_reportable, or empty.")
    closed_at: datetime | None


class RequestAnswer(_Row):
    """A request for information, for who asks and who is asked."""

    request_id: UUID
    concern_id: UUID
    agency_id: str
    asked_agency_id: str
    band: str
    power: str
    due: datetime | None
    clock_code: str
    overdue: bool
    state: str = Field(description="open, provided, refused, nothing_held or returned.")
    reason: str
    late: bool
    asked_at: datetime
    answered_at: datetime | None


class Opened(BaseModel):
    """The words of a disagreement or a request, opened for the person who asked."""

    said: list[Said]


class Said(BaseModel):
    """One event of it."""

    type: str
    recorded_at: datetime
    parts: list[ViewPart]


class DisagreementList(BaseModel):
    """Open ones first."""

    disagreements: list[DisagreementAnswer]


class ErasureList(BaseModel):
    """Open ones first."""

    erasures: list[ErasureAnswer]


class BreachList(BaseModel):
    """Open ones first."""

    breaches: list[BreachAnswer]


class RequestList(BaseModel):
    """Open ones first."""

    requests: list[RequestAnswer]


RecallAnswer.model_rebuild()
Opened.model_rebuild()
