"""Words for what must be, and what must not be. Everything that is left out is not looked at."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from services.workbench.scenario.access import AccessThen
from services.workbench.scenario.after import (
    BreachThen,
    DisagreementThen,
    DutyThen,
    ErasureThen,
    KnownThen,
    ReceiptsThen,
    RequestThen,
)
from services.workbench.scenario.attaching import AttachmentThen
from services.workbench.scenario.contract import (
    AgencyClass,
    Article6,
    Article9,
    CandidateStanding,
    ConsentAbsence,
    DeciderRole,
    DpaCondition,
    EventName,
    FamilyNotToldReason,
    FamilyTold,
    Gateway,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    Urgency,
    WithholdReason,
)
from services.workbench.scenario.identity_then import MatchThen
from services.workbench.scenario.terms import (
    AgencyId,
    AnswerCode,
    Clause,
    Code,
    DayOrMoment,
    Duty,
    FlagWord,
    QuestionCode,
    Ref,
    Strict,
)


class CandidateThen(Strict):
    """A condition that must be listed as one it could rest on and does not."""

    article9: Article9 | None = None
    condition: DpaCondition | None = None
    standing: CandidateStanding | None = Field(default=None, description="open: it may yet stand; not_met: it does not")
    lacks: list[Clause] = Field(default=[], description="clauses it must be said to lack")


class ItemThen(Strict):
    """What must have been decided for one part; what is left out is not looked at."""

    item: Ref = Field(description="its ref: an item, a person, a place")
    outcome: Outcome | None = Field(default=None, description="whether it goes")
    article9: Article9 | Literal["none"] | None = Field(
        default=None, description="condition of UK GDPR Article 9, or none"
    )
    condition: DpaCondition | Literal["none"] | None = Field(
        default=None, description="condition of the Data Protection Act 2018, or none"
    )
    sensitivity: Sensitivity | None = Field(default=None, description="its kind in law")
    consent_absence: ConsentAbsence | None = Field(
        default=None, description="which of the three reasons of paragraph 18(2)"
    )
    reason: WithholdReason | None = Field(default=None, description="why it does not go")
    clauses: list[Clause] = Field(default=[], description="clauses that must have led here, as policy_document")
    not_clauses: list[Clause] = Field(default=[], description="clauses that must not")
    candidates: list[CandidateThen] = Field(
        default=[], description="where no condition stands: others that must be listed, with what they lack"
    )
    about: Ref | None = Field(
        default=None, description="the person it is about, where the condition is about protection"
    )
    protects: list[Ref] | None = Field(
        default=None, description="the persons protected, where the condition is about protection; no others"
    )


class BasisThen(Strict):
    """What must have been decided for one class of recipient."""

    recipient_class: AgencyClass = Field(alias="class", description="the class of recipient")
    towards: AgencyId | None = Field(
        default=None, description="one agency of the class, which may be otherwise in law than the others"
    )
    outcome: Outcome | None = Field(default=None, description="whether it is told")
    article6: Article6 | Literal["none"] | None = Field(default=None, description="the basis that leads, or none")
    alternates: list[Article6] | None = Field(
        default=None, description="bases that must stand beside; an empty list: none may"
    )
    gateway: Gateway | Literal["none"] | None = Field(default=None, description="the enactment, or none")
    must: bool | None = Field(default=None, description="whether it must be told at once")
    reason: WithholdReason | None = Field(default=None, description="why it is not told")
    rejected: bool | None = Field(default=None, description="whether a basis that was asked for was refused")
    open_bases: list[Article6] = Field(default=[], description="bases said to be open where another was refused")
    part3: Part3Basis | Literal["none"] | None = Field(
        default=None, description="what stands in place of Article 6 where the disclosure is law enforcement processing"
    )
    regime_source: Regime | None = Field(default=None, description="the regime the sender holds the data under")
    regime_disclosure: Regime | None = Field(default=None, description="the regime the disclosure is made under")
    clauses: list[Clause] = Field(
        default=[], description="clauses of the law pack that must have led here or stand beside"
    )
    not_clauses: list[Clause] = Field(default=[], description="clauses that must not")
    items: list[ItemThen] = Field(default=[], description="what was decided of each part")


class FamilyToldThen(Strict):
    """What must be on record of whether the family was told; what is left out is not looked at."""

    told: FamilyTold | None = None
    reason: FamilyNotToldReason | None = None
    review_on: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_a_word(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("told"), bool):
            return {**given, "told": "yes" if given["told"] else "no"}
        return (
            {"told": "yes" if given else "no"}
            if isinstance(given, bool)
            else ({"told": given} if isinstance(given, str) else given)
        )


class ShareThen(Strict):
    """What must have been shared with one agency: over all its shares, or in the newest."""

    to: AgencyId = Field(description="the agency")
    emergency: bool | None = Field(default=None, description="whether any was sent before an assessment")
    urgency: Urgency | None = Field(default=None, description="of its newest share")
    view: Code | None = Field(
        default=None, description="only shares with this view, as notice or pattern; usual is the whole of its class"
    )
    beside: bool | None = Field(
        default=None,
        description="whether it stands beside another share of the same agency and concern, each naming the other: two "
        "events, of which neither suppresses the other (a notice of an attendance, and the concern)",
    )
    newest: bool = Field(default=False, description="look at its newest share alone, as at a correction")
    practice: bool | None = Field(default=None, description="whether it is practice, which is in no real inbox")
    count: int | None = Field(default=None, ge=0, description="how many shares")
    includes: list[Ref] = Field(default=[], description="parts it must hold, by ref")
    excludes: list[Ref] = Field(default=[], description="parts it must not hold, by ref")
    view_has: list[str] = Field(default=[], description="words its view must hold")
    view_lacks: list[str] = Field(default=[], description="words its view must not hold")
    state: Literal["planned", "delivered", "read", "acknowledged", "outcome", "recalled", "blocked"] | None = Field(
        default=None, description="how far the first share that stands has come"
    )
    corrects: bool | None = Field(default=None, description="whether its newest share corrects an earlier one")
    late: bool | None = Field(default=None, description="whether it was acknowledged after its clock")
    instructions: list[Code] = Field(
        default=[], description="what it must be told to keep to, as family_not_informed or parent_visible"
    )


class WithheldThen(Strict):
    """What must have been held back."""

    recipient_class: AgencyClass | None = Field(default=None, alias="class", description="from a class of recipient")
    agency: AgencyId | None = Field(default=None, description="from one agency")
    items: list[Ref] = Field(default=[], description="the parts, by ref; empty: the whole")
    reason: WithholdReason | None = Field(default=None, description="why")


ClockKind = Literal[
    "acknowledgement",
    "decision",
    "watch",
    "follow_up",
    "erasure",
    "breach",
    "safety_call",
    "disagreement",
    "request",
    "review",
    "duty",
    "subject_access",
]


class ClockThen(Strict):
    """A clock: what is due, and when; to the minute."""

    of: ClockKind = Field(description="what it is the clock of")
    agency: AgencyId | None = Field(default=None, description="whose it is; left out: anybody's")
    due: DayOrMoment = Field(description="to the minute; a day alone: at any time of that day")
    rule: Code = Field(default="", description="code of the clock or duty; left out: any")


class DecisionThen(Strict):
    """A decision that must wait for a person, or must have been made."""

    role: DeciderRole | None = Field(default=None, description="who is asked")
    agency: AgencyId | None = Field(default=None, description="whose person is asked")
    items: list[Ref] = Field(default=[], description="the parts it is about")
    recipient_class: AgencyClass | None = Field(default=None, alias="class", description="the class it is about")
    question: Code = Field(default="", description="its code, as pass_on")
    state: Literal["open", "recorded", "overdue"] = Field(
        default="open", description="open: still asked; overdue: still asked, and late"
    )
    proposal: Outcome | None = Field(default=None, description="what was proposed")
    outcome: Outcome | None = Field(default=None, description="what was decided")
    override: bool | None = Field(default=None, description="whether it was decided otherwise than proposed")
    decided_by: DeciderRole | None = Field(default=None, description="the role in which it was decided")
    escalated_to: AgencyId | None = Field(
        default=None, description="the agency it was passed on to last, because nobody answered in time"
    )
    escalated_role: Code = Field(default="", description="the internal role it was passed on to last, as head")
    stage: int | None = Field(default=None, ge=0, description="how often it was passed on")


class Then(Strict):
    """What must be, and what must not be. Everything that is left out is not looked at."""

    concern: str = Field(default="concern", description="what this scenario calls the concern that is looked at")
    basis: list[BasisThen] = Field(
        default=[], description="what the newest assessment decided, a class of recipient each"
    )
    recipients: list[AgencyId] = Field(default=[], description="agencies that must have a share")
    only_recipients: bool = Field(default=False, description="nobody but `recipients` has one")
    not_recipients: list[AgencyId] = Field(default=[], description="agencies that must have no share")
    shares: list[ShareThen] = Field(default=[], description="what must have been shared, an agency each")
    withheld: list[WithheldThen] = Field(default=[], description="what must have been held back, from whom and why")
    not_told: list[AgencyClass] = Field(default=[], description="classes that get nothing, with a recorded reason")
    questions: list[QuestionCode] = Field(default=[], description="codes of facts that must have been asked for")
    governance: list[Clause] = Field(
        default=[], description="tasks that must stand for governance, as policy_document_missing or dpia_missing"
    )
    decisions: list[DecisionThen] = Field(
        default=[], description="what must wait for a named person, or have been decided"
    )
    no_decisions: bool = Field(default=False, description="nothing waits for a person")
    no_questions: bool = Field(default=False, description="no fact was asked for")
    clocks: list[ClockThen] = Field(default=[], description="what must be due, and when")
    no_clocks: list[ClockKind] = Field(default=[], description="kinds of clock of which none may have been started")
    events: list[EventName] = Field(default=[], description="events that must have happened")
    no_events: list[EventName] = Field(default=[], description="events that must not have happened")
    warnings: list[FlagWord] = Field(default=[], description="codes of what was odd and kept")
    law_pack: Code = Field(default="", description="name of the pack that decided last")
    not_warnings: list[FlagWord] = Field(default=[], description="codes that must not have been flagged")
    answers: list[AnswerCode] = Field(
        default=[], description="what must have been answered: myths, as not_my_role, or clauses of the law pack"
    )
    not_answers: list[AnswerCode] = Field(default=[], description="answers that must not have been given")
    emergency: bool | None = Field(default=None, description="whether it was handled as an emergency")
    family_told: FamilyToldThen | None = Field(default=None, description="yes, no or deferred, and why")
    erasures: list[ErasureThen] = Field(default=[], description="what agencies were asked to erase")
    breaches: list[BreachThen] = Field(default=[], description="personal data breaches on record")
    disagreements: list[DisagreementThen] = Field(default=[], description="professional disagreements on record")
    requests: list[RequestThen] = Field(default=[], description="requests for information on record")
    receipts: list[ReceiptsThen] = Field(default=[], description="attachments that agencies said to have")
    duties: list[DutyThen] = Field(default=[], description="timed duties that must have been started")
    no_duties: list[Duty] = Field(default=[], description="duties that must not have been started")
    leads: list[AgencyId] | None = Field(
        default=None, description="who leads now: these authorities and no other (practice 24)"
    )
    linked: list[str] | None = Field(
        default=None, description="concerns of this scenario, and no others, that a person linked with this one"
    )
    reopened: list[AgencyId] = Field(default=[], description="agencies whose outcome must be looked at again")
    matches: list[MatchThen] = Field(default=[], description="what was concluded on who a child is")
    subject_access: list[AccessThen] = Field(default=[], description="requests for a copy of what is held")
    attachments: list[AttachmentThen] = Field(
        default=[], description="files, and who must see them or no trace of them"
    )
    known: list[KnownThen] = Field(default=[], description="what each agency knew at a moment, and how far it had come")
