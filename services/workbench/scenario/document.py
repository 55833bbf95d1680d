"""The words a scenario may use. An unknown word is a mistake in the file, never ignored.

    scenario: S01 a bruise at school
    given:
      now: 2026-11-23T10:00
    when:
      - raise: {agency: …, reference: …, items: […]}
      - pass: {hours: 26}
    then:
      basis: [{class: childrens_social_care, outcome: share_power, article6: e_public_task}]
      recipients: [kent-csc]

Codes are those of the contract, without prefix, in lower case. Items, people, places and consents are named by the refs
of the submission. Times without a zone are Europe/London.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, PrivateAttr, model_validator

from concern_relay.v1 import assessments_pb2, concerns_pb2, keys_pb2, shares_pb2
from concern_relay.v1 import codes_pb2 as codes
from services.intake import follow_up as sent
from services.intake.submission import Submission
from services.workbench.scenario.after import (
    Answer,
    Ask,
    BreachThen,
    Bring,
    DecideBreach,
    Disagree,
    DisagreementThen,
    DoDuty,
    DutyThen,
    Erase,
    ErasureThen,
    KnownThen,
    NextStage,
    Recall,
    ReceiptsThen,
    Receive,
    Renew,
    RequestThen,
    Resolve,
    Revoke,
    SafetyCall,
)
from services.workbench.scenario.attaching import Attach, AttachmentThen, Fetch, Release
from services.workbench.scenario.identity_then import MatchThen
from services.workbench.scenario.places import Places
from services.workbench.scenario.terms import (
    AgencyId,
    AgencyOrNone,
    Clause,
    Code,
    DayOrMoment,
    Duty,
    Moment,
    Person,
    Ref,
    Strict,
    coded,
    plain,
    span,
)

AgencyClass: Any = coded(codes.AgencyClass)
Outcome: Any = coded(codes.Outcome)
Article6: Any = coded(codes.Article6)
Article9: Any = coded(codes.Article9)
DpaCondition: Any = coded(codes.DpaCondition)
Gateway: Any = coded(codes.Gateway)
Sensitivity: Any = coded(codes.Sensitivity)
ConsentAbsence: Any = coded(codes.ConsentAbsence)
WithholdReason: Any = coded(codes.WithholdReason)
DeciderRole: Any = coded(codes.DeciderRole)
AccessRequester: Any = coded(codes.AccessRequester)
AccessOutcome: Any = coded(codes.AccessOutcome)
AccessExemption: Any = coded(codes.AccessExemption)
ShareOutcome: Any = coded(codes.ShareOutcome)
FamilyTold: Any = coded(codes.FamilyTold)
FamilyNotToldReason: Any = coded(codes.FamilyNotToldReason)
Urgency: Any = coded(codes.Urgency)
LegalNature: Any = coded(codes.LegalNature)
Regime: Any = coded(codes.Regime)
Part3Basis: Any = coded(codes.Part3Basis)
Channel: Any = coded(codes.Channel)
_EVENTS = sorted(
    name
    for module in (concerns_pb2, assessments_pb2, shares_pb2, keys_pb2)
    for name in module.DESCRIPTOR.message_types_by_name
    if name not in {"ClassAssessment", "ItemAssessment", "Question"}
)
_EVENT_OF = {plain(name).replace("_", ""): name for name in _EVENTS}
EventName: Any = Annotated[
    Literal[tuple(_EVENTS)], BeforeValidator(lambda said: _EVENT_OF.get(plain(str(said)).replace("_", ""), said))
]


class AgencyChange(Strict):
    """A change of one agency of the arrangement, for this scenario only."""

    agency: AgencyId
    natures: list[LegalNature] | None = None
    policy_document: str | None = Field(default=None, description="a reference; an empty text means it holds none")
    dpia: str | None = None
    agreement: str | None = None
    closed_on: date | None = Field(default=None, description="its last day: closed, or merged where `succeeded_by`")
    succeeded_by: AgencyId | None = None
    channels: list[Channel] | None = Field(default=None, description="how it is reached; [manual] waits for a person")


class Given(Strict):
    """What is so before anything happens."""

    now: Moment = Field(description="when the scenario begins; Europe/London unless a zone is given")
    arrangement: str = Field(
        default="", description="name of an arrangement in deploy/arrangements; empty: the one in force"
    )
    law: str = Field(
        default="",
        description="name of a law pack in deploy/law that decides whatever the day; empty: the one in force",
    )
    agencies: list[AgencyChange] = Field(default=[], description="agencies that differ from the arrangement")
    unlisted: list[Code] = Field(
        default=[], description="ids of agencies that the arrangement does not list, named in this scenario on purpose"
    )
    earlier: list[Earlier] = Field(
        default=[], max_length=100, description="steps dated before `now`, in order: what has happened already"
    )


class Raise(Submission):
    """A submission of ``POST /v1/concerns``, and who sends it."""

    agency: AgencyId
    concern: str = Field(default="concern", description="what this scenario calls it")
    over: Literal["http", "kafka"] = Field(default="http", description="by which door; both lead to the same")


class _Following(BaseModel):
    """A follow-up of a concern: who sends it, and of which."""

    agency: AgencyOrNone = Field(default="", description="who sends it; empty: the agency that raised the concern")
    concern: str = Field(default="concern", description="what this scenario calls it")
    refused: Code = Field(default="", description="the code with which it must be refused; empty: it must succeed")


class Add(_Following, sent.Addition):
    """Information that the sender learnt since."""


class Correct(_Following, sent.Correction):
    """What was wrong, as it should be; what is left out stands, `remove` names what should never have been there."""


class GiveConsent(_Following, sent.GivenConsent):
    """A consent that was given since."""


class WithdrawConsent(_Following, sent.Withdrawal):
    """A consent is withdrawn."""

    consent: Ref = Field(
        default="", validation_alias=AliasChoices("consent", "ref"), description="its ref; empty: the only one there is"
    )


class MoveChild(_Following, sent.Move):
    """A child moved; `to` is the ONS code of the authority. An unknown destination raises a concern of its own."""

    raises: str = Field(
        default="whereabouts", description="what this scenario calls the concern that an unknown destination raises"
    )


class LinkConcerns(_Following, sent.FollowUp):
    """A named person links two concerns of this scenario, or parts them."""

    other: str = Field(description="what this scenario calls the other concern")
    reason_code: Code = "other"
    reason: str = "found to be about the same child"


Follow = Add | Correct | GiveConsent | WithdrawConsent | MoveChild | LinkConcerns
FOLLOW_UPS = ("add", "correct", "consent_given", "consent_withdrawn", "move", "link", "unlink")


class Span(Strict):
    """How long, or until when; in words, as `2 hours`, or a time, will do."""

    minutes: float = 0
    hours: float = 0
    days: float = 0
    weeks: float = 0
    until: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        if isinstance(given, str):
            long = span(given)
            return {"until": given} if long is None else {"minutes": long.total_seconds() / 60}
        return given


class GiveOutcome(Person):
    """What was done."""

    outcome: ShareOutcome
    reason: str = ""


class Redirect(Person):
    """Where it belongs."""

    to: AgencyId
    reason: str = "belongs there"


class Decide(Strict):
    """What a named person decides about an open question."""

    outcome: Outcome
    agency: AgencyId
    name: str = "Pat Example"
    role: DeciderRole
    reason_code: Code = "needed_to_protect"
    review_on: str = ""
    items: list[Ref] = Field(
        default=[], description="of the decision that has just these items; empty: the only open one"
    )
    recipient_class: AgencyClass | None = Field(default=None, alias="class")
    concern: str = "concern"
    refused: Code = ""


class AskAccess(Strict):
    """Somebody asks a controller for a copy of what it holds (subject access)."""

    agency: AgencyId = Field(description="the controller that is asked")
    share_of: AgencyOrNone = Field(default="", description="whose share it names as its own; empty: its own, if any")
    requester: AccessRequester
    name: str = "Kim Example"
    words: str = ""
    concern: str = "concern"
    refused: Code = ""


class DecideAccess(Strict):
    """A named person decides on the newest open request for a copy at an agency."""

    agency: AgencyId
    name: str = "Pat Example"
    role: DeciderRole
    outcome: AccessOutcome
    exemptions: list[AccessExemption] = Field(default=[])
    withhold: list[Ref] = Field(default=[], description="items and people that are not given")
    health_opinion: bool = False
    reasons: str = Field(default="", description="kept inside; no part of the answer")
    concern: str = "concern"
    refused: Code = ""


Access = AskAccess | DecideAccess


class AccessThen(Strict):
    """A request for a copy that must have been made, and how it stands."""

    agency: AgencyId
    state: Literal["open", "overdue", "decided"] | None = None
    role: DeciderRole | None = Field(default=None, description="who must be asked to decide")
    to_consider: list[AccessExemption] = Field(default=[], description="exemptions whose tests must be put to them")
    outcome: AccessOutcome | None = None
    exemptions: list[AccessExemption] = Field(default=[])
    withheld: list[Ref] = Field(default=[])
    confirms_existence: bool | None = Field(default=None, description="whether the answer says that anything is held")


class Step(Strict):
    """One thing that happens: exactly one of these."""

    raise_: Raise | None = Field(default=None, alias="raise")
    pass_: Span | None = Field(default=None, alias="pass")
    decide: Decide | None = None
    read: Person | None = None
    acknowledge: Person | None = None
    outcome: GiveOutcome | None = None
    redirect: Redirect | None = None
    add: Add | None = None
    correct: Correct | None = None
    consent_given: GiveConsent | None = None
    consent_withdrawn: WithdrawConsent | None = None
    move: MoveChild | None = None
    link: LinkConcerns | None = None
    unlink: LinkConcerns | None = None
    recall: Recall | None = None
    erase: Erase | None = None
    safety_call: SafetyCall | None = None
    breach: DecideBreach | None = None
    disagree: Disagree | None = None
    next_stage: NextStage | None = None
    resolve: Resolve | None = None
    request: Ask | None = None
    answer: Answer | None = None
    receive: Receive | None = None
    duty_done: DoDuty | None = None
    bring: Bring | None = None
    access_request: AskAccess | None = None
    access_decide: DecideAccess | None = None
    revoke: Revoke | None = None
    renew: Renew | None = None
    attach: Attach | None = None
    release: Release | None = None
    withdraw_release: Release | None = None
    fetch: Fetch | None = None
    expect: Then | None = Field(default=None, description="what must be so at this point")

    @model_validator(mode="after")
    def _one(self) -> Step:
        if len(self.model_fields_set - {"at"}) != 1:
            names = (field.alias or name for name, field in Step.model_fields.items())
            raise ValueError(f"a step is exactly one of {', '.join(names)}")
        if empty := [name.rstrip("_") for name in self.model_fields_set if getattr(self, name) is None]:
            raise ValueError(f"{empty[0]!r} says nothing: write what, or leave the step out")
        return self


class Earlier(Step):
    """A step that is over when the scenario begins."""

    at: Moment | None = Field(
        default=None, description="when; empty: with the step before it, the first a day before `now`"
    )


class ItemThen(Strict):
    """What must have been decided for one part; what is left out is not looked at."""

    item: Ref
    outcome: Outcome | None = None
    article9: Article9 | Literal["none"] | None = None
    condition: DpaCondition | Literal["none"] | None = None
    sensitivity: Sensitivity | None = None
    consent_absence: ConsentAbsence | None = None
    reason: WithholdReason | None = None
    clauses: list[Clause] = Field(default=[], description="clauses that must have led here, as policy_document")
    not_clauses: list[Clause] = Field(default=[], description="clauses that must not")
    about: Ref | None = Field(
        default=None, description="the person it is about, where the condition is about protection"
    )
    protects: list[Ref] | None = Field(
        default=None, description="the persons protected, where the condition is about protection; no others"
    )


class BasisThen(Strict):
    """What must have been decided for one class of recipient."""

    recipient_class: AgencyClass = Field(alias="class")
    outcome: Outcome | None = None
    article6: Article6 | Literal["none"] | None = None
    alternates: list[Article6] | None = Field(
        default=None, description="bases that must stand beside; an empty list: none may"
    )
    gateway: Gateway | Literal["none"] | None = None
    must: bool | None = None
    reason: WithholdReason | None = None
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
    items: list[ItemThen] = Field(default=[])


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
    """What must have been shared with one agency, over all its shares."""

    to: AgencyId
    emergency: bool | None = None
    urgency: Urgency | None = None
    count: int | None = Field(default=None, ge=0, description="how many shares")
    includes: list[Ref] = Field(default=[])
    excludes: list[Ref] = Field(default=[])
    view_has: list[str] = Field(default=[], description="words its view must hold")
    view_lacks: list[str] = Field(default=[], description="words its view must not hold")
    state: Literal["planned", "delivered", "read", "acknowledged", "outcome", "recalled", "blocked"] | None = None
    corrects: bool | None = Field(default=None, description="whether its newest share corrects an earlier one")
    late: bool | None = Field(default=None, description="whether it was acknowledged after its clock")
    instructions: list[Code] = Field(
        default=[], description="what it must be told to keep to, as family_not_informed or parent_visible"
    )


class WithheldThen(Strict):
    """What must have been held back."""

    recipient_class: AgencyClass | None = Field(default=None, alias="class")
    agency: AgencyId | None = None
    items: list[Ref] = Field(default=[])
    reason: WithholdReason | None = None


class ClockThen(Strict):
    """A clock: what is due, and when; to the minute."""

    of: Literal[
        "acknowledgement",
        "decision",
        "watch",
        "erasure",
        "breach",
        "safety_call",
        "disagreement",
        "request",
        "review",
        "duty",
        "subject_access",
    ]
    agency: AgencyId | None = None
    due: DayOrMoment = Field(description="to the minute; a day alone: at any time of that day")
    rule: Code = ""


class DecisionThen(Strict):
    """A decision that must wait for a person, or must have been made."""

    role: DeciderRole | None = None
    agency: AgencyId | None = None
    items: list[Ref] = Field(default=[])
    recipient_class: AgencyClass | None = Field(default=None, alias="class")
    question: Code = ""
    state: Literal["open", "recorded", "overdue"] = "open"
    proposal: Outcome | None = None
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

    concern: str = "concern"
    basis: list[BasisThen] = Field(default=[])
    recipients: list[AgencyId] = Field(default=[], description="agencies that must have a share")
    only_recipients: bool = Field(default=False, description="nobody but `recipients` has one")
    not_recipients: list[AgencyId] = Field(default=[])
    shares: list[ShareThen] = Field(default=[])
    withheld: list[WithheldThen] = Field(default=[])
    not_told: list[AgencyClass] = Field(default=[], description="classes that get nothing, with a recorded reason")
    questions: list[Code] = Field(default=[])
    governance: list[Code] = Field(default=[])
    decisions: list[DecisionThen] = Field(default=[])
    no_decisions: bool = False
    no_questions: bool = False
    clocks: list[ClockThen] = Field(default=[])
    events: list[EventName] = Field(default=[])
    no_events: list[EventName] = Field(default=[])
    warnings: list[Code] = Field(default=[], description="codes of what was odd and kept")
    law_pack: Code = ""
    not_warnings: list[Code] = Field(default=[], description="codes that must not have been flagged")
    answers: list[Code] = Field(default=[], description="myths that must have been answered: codes of the law pack")
    not_answers: list[Code] = Field(default=[], description="answers that must not have been given")
    emergency: bool | None = None
    family_told: FamilyToldThen | None = None
    erasures: list[ErasureThen] = Field(default=[])
    breaches: list[BreachThen] = Field(default=[])
    disagreements: list[DisagreementThen] = Field(default=[])
    requests: list[RequestThen] = Field(default=[])
    receipts: list[ReceiptsThen] = Field(default=[])
    duties: list[DutyThen] = Field(default=[])
    no_duties: list[Duty] = Field(default=[], description="duties that must not have been started")
    leads: list[AgencyId] | None = Field(
        default=None, description="who leads now: these authorities and no other (practice 24)"
    )
    reopened: list[AgencyId] = Field(default=[], description="agencies whose outcome must be looked at again")
    matches: list[MatchThen] = Field(default=[], description="what was concluded on who a child is")
    subject_access: list[AccessThen] = Field(default=[], description="requests for a copy of what is held")
    attachments: list[AttachmentThen] = Field(
        default=[], description="files, and who must see them or no trace of them"
    )
    known: list[KnownThen] = Field(default=[], description="what each agency knew at a moment, and how far it had come")


class Scenario(Strict):
    """A scenario. `_places` is where its words stand in its file."""

    scenario: str = Field(min_length=1, max_length=200)
    cites: list[str] = Field(default=[])
    note: str = ""
    given: Given
    when: list[Step] = Field(min_length=1, max_length=200)
    then: list[Then] = Field(
        min_length=1, max_length=50, description="what must be at the end; one, or a list of one for each concern"
    )
    _places: Places | None = PrivateAttr(default=None)


Step.model_rebuild()
Earlier.model_rebuild()
Given.model_rebuild()
Scenario.model_rebuild()
