"""Where one concern stands for routing: what is known, what was assessed, who was given what, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from concern_relay.v1 import concerns_pb2
from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.codes_pb2 import AgencyClass, Channel, RecallReason, ShareOutcome, Urgency, WithholdReason
from concern_relay.v1.concerns_pb2 import InformationCorrected
from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    AttachmentReceived,
    DeliveryFailed,
    DispatchBlocked,
    DutyDone,
    DutyHandedOver,
    DutyOverdue,
    DutyStarted,
    LeadPassed,
    OutcomeGiven,
    OutcomeReopened,
    ShareAcknowledged,
    ShareDelivered,
    ShareEscalated,
    SharePlanned,
    ShareRead,
    ShareRecalled,
    ShareRedirected,
    ShareWithheld,
)
from services.chassis.concern import Concern, with_fact
from services.chassis.event import Fact
from services.routing.core import attachments
from services.routing.core.attachments import Attachments
from services.routing.core.cases import Cases, cases_after
from services.routing.core.policy import Agreements, agreements_after

CONCERNS: Final = "concerns.v1"
CONCERN_EVENTS: Final = frozenset(concerns_pb2.DESCRIPTOR.message_types_by_name)
"""Everything on concerns.v1: an assessment may be based on any of it, and waits here until it is known."""
NONE: Final[Mapping[str, bytes]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Share:
    """One recipient's view, and the four states it goes through: delivered, read, acknowledged, outcome.

    Attributes:
        digests: SHA-256 of each part it was given, empty where the part cannot be opened any more. Kept in memory
            only: a digest of a name is as good as the name.
        stage: of resolving disagreement; 0 before the first.
        blocked: stopped at the door; the recipient never had it.
        clock_from: when its clock began at another's; None when it begins at its own delivery.
        consents: parts that rest on a consent, by the consent's id.
        recalled_at: called back; it counts for nothing any more.
        reopened: no further action was the answer, and something new came since.
        receipts: parts (attachments) a named person has said to have.
        line: which of an agency's shares it is: the view of a notice that stands beside the concern, or empty.
        leads: this front door led when it was told.
        kept_due_at: a deadline that was handed over with it; no later one counts.
    """

    share_id: str
    agency_id: str
    agency_class: AgencyClass
    rule_code: str
    clock_code: str
    urgency: Urgency
    arrangement_sha256: str
    planned_at: datetime
    emergency: bool
    test: bool
    channels: tuple[Channel, ...]
    digests: Mapping[str, bytes]
    withdrawn: frozenset[str] = frozenset()
    view_code: str = ""
    line: str = ""
    redirected_from: str = ""
    redirected_to: str = ""
    attempts: int = 0
    exhausted: bool = False
    delivered_at: datetime | None = None
    acknowledge_by: datetime | None = None
    due_clock: str = ""
    read_at: datetime | None = None
    acknowledged_at: datetime | None = None
    outcome: ShareOutcome = ShareOutcome.SHARE_OUTCOME_UNSPECIFIED
    outcome_at: datetime | None = None
    overdue: bool = False
    stage: int = 0
    blocked: bool = False
    clock_from: datetime | None = None
    consents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    recalled_at: datetime | None = None
    recall_reason: RecallReason = RecallReason.RECALL_REASON_UNSPECIFIED
    reopened: bool = False
    receipts: frozenset[str] = frozenset()
    leads: bool = False
    kept_due_at: datetime | None = None

    @property
    def void(self) -> bool:
        """Whether it counts for nothing: stopped at the door, or recalled."""
        return self.blocked or self.recalled_at is not None

    @property
    def word(self) -> str:
        """The furthest state it reached, as recipients and operators see it."""
        if self.blocked:
            return "blocked"
        if self.recalled_at is not None:
            return "recalled"
        if self.outcome:
            return "outcome"
        if self.acknowledged_at is not None:
            return "acknowledged"
        if self.read_at is not None:
            return "read"
        return "delivered" if self.delivered_at is not None else "planned"


@dataclass(frozen=True, slots=True)
class Duty:
    """Something an agency has to do by a time: open until a named person said that it was done.

    ``leads``: of the front door that raised the concern itself, and leads until another accepts.
    """

    duty_id: str
    code: str
    clock_code: str
    agency_id: str
    due_at: datetime
    arrangement_sha256: str
    personal: bool = False
    leads: bool = False
    done_at: datetime | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """An assessment, with what orders it among the concern's events."""

    event_id: str
    data: BasisAssessed
    needs: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """What was recorded as withheld, so that it is recorded once."""

    agency_class: AgencyClass
    agency_id: str
    part_ids: frozenset[str]
    reason: WithholdReason
    rule_code: str


@dataclass(frozen=True, slots=True)
class State:
    """All of it.

    Attributes:
        concern: as it stands.
        content_events: id of every concern event applied, with the parts it brought or changed, oldest first.
        removed: parts the sender corrected away.
        withdrawn_consents: consents that were withdrawn.
        assessed: the newest assessment acted upon.
        waiting: assessments that rest on a concern event not seen yet: the two topics have no common order.
        shares: by share id, oldest first.
        withheld: what is on record.
        cases: disagreements, erasures, breaches, requests.
        attachments: files of the concern, and whom they were released to.
        duties: what agencies have to do by a time, by duty id.
        lead: who accepted the concern from whoever led before; empty while nobody did.
        agreements: those that stopped a share of it; under an agency's own id, those that were revoked.
    """

    concern: Concern
    content_events: tuple[tuple[str, frozenset[str]], ...] = ()
    removed: frozenset[str] = frozenset()
    withdrawn_consents: frozenset[str] = frozenset()
    assessed: Assessment | None = None
    waiting: tuple[Assessment, ...] = ()
    shares: Mapping[str, Share] = field(default_factory=dict)
    withheld: frozenset[Withheld] = frozenset()
    cases: Cases = field(default_factory=Cases)
    attachments: Attachments = field(default_factory=Attachments)
    duties: Mapping[str, Duty] = field(default_factory=dict)
    agreements: Agreements = field(default_factory=Agreements)
    lead: str = ""

    @property
    def leads(self) -> frozenset[str]:
        """Who leads: whoever accepted last, else those whose newest share says so (a correction may say otherwise).

        A front door that raised the concern itself was told by nobody: its own duty says that it leads.
        """
        if self.lead:
            return frozenset({self.lead})
        own = {duty.agency_id for duty in self.duties.values() if duty.leads}
        newest = {s.agency_id: s.leads for s in self.shares.values() if not s.void}
        return frozenset(agency_id for agency_id, leads in newest.items() if leads) | own

    def shares_of(self, agency_id: str) -> tuple[Share, ...]:
        """Every share of an agency that was neither stopped at the door nor recalled, oldest first."""
        return tuple(s for s in self.shares.values() if s.agency_id == agency_id and not s.void)

    @property
    def barred(self) -> frozenset[str]:
        """Agencies it went to by mistake: nobody plans a share for them again, whatever the content still says."""
        wrong = RecallReason.RECALL_REASON_WRONG_RECIPIENT
        return frozenset(s.agency_id for s in self.shares.values() if s.recalled_at and s.recall_reason == wrong)

    def given(self, agency_id: str, line: str = "") -> dict[str, bytes]:
        """What an agency holds in a line of shares: part ids with the digest of the newest content it was given."""
        held: dict[str, bytes] = {}
        for share in self.shares_of(agency_id):
            if share.line != line:
                continue
            held.update(share.digests)
            for part_id in share.withdrawn:
                held.pop(part_id, None)
        return held

    def knows(self, event_id: str) -> bool:
        """Whether a concern event was applied."""
        return not event_id or any(known == event_id for known, _ in self.content_events)

    def changed_since(self, event_id: str) -> frozenset[str]:
        """Parts that came or changed after a concern event; none when the event is no concern event."""
        ids = [known for known, _ in self.content_events]
        if event_id not in ids:
            return frozenset()
        return frozenset().union(*(changed for _, changed in self.content_events[ids.index(event_id) + 1 :]))


def part_digest(part: Part) -> bytes:
    """Give the digest two parts are compared by."""
    return sha256(part.SerializeToString(deterministic=True)).digest()


def assessment_of(fact: Fact) -> Assessment | None:
    """Give the assessment a fact carries; None for any other."""
    if not isinstance(fact.data, BasisAssessed):
        return None
    needs = next((str(event) for topic, event in fact.based_on if topic == CONCERNS), "")
    return Assessment(str(fact.id), fact.data, needs)


def evolve(state: State, fact: Fact) -> State:
    """Fold a fact into the state."""
    if fact.type in CONCERN_EVENTS:
        return _release(_with_concern(state, fact))
    assessment = assessment_of(fact)
    if assessment is not None:
        if state.concern.agency_id and state.knows(assessment.needs):
            return replace(state, assessed=assessment)
        return replace(state, waiting=(*state.waiting, assessment))
    if fact.type in attachments.TOLD:
        return replace(state, attachments=attachments.with_fact(state.attachments, fact))
    return _with_own(state, fact)


def _with_concern(state: State, fact: Fact) -> State:
    before = state.concern
    concern = with_fact(before, fact)
    changed = frozenset() if concern is before else concern.changed
    removed = state.removed - changed
    if isinstance(fact.data, InformationCorrected):
        removed |= frozenset(fact.data.removed_part_ids)
    withdrawn = state.withdrawn_consents
    if fact.type == "ConsentWithdrawn" and fact.data is not None:
        withdrawn |= {fact.data.consent_ref}  # type: ignore[attr-defined]
    return replace(
        state,
        concern=concern,
        content_events=(*state.content_events, (str(fact.id), changed)),
        removed=removed,
        withdrawn_consents=withdrawn,
        attachments=attachments.with_fact(state.attachments, fact),
    )


def ready(state: State) -> tuple[Assessment, ...]:
    """Give the waiting assessments whose concern events are all known now, in the order they came."""
    if not state.concern.agency_id:
        return ()
    return tuple(assessment for assessment in state.waiting if state.knows(assessment.needs))


def _release(state: State) -> State:
    released = ready(state)
    if not released:
        return state
    kept = tuple(assessment for assessment in state.waiting if assessment not in released)
    return replace(state, waiting=kept, assessed=released[-1])


def _with_own(state: State, fact: Fact) -> State:
    data = fact.data
    if isinstance(data, SharePlanned):
        share = _planned(data, fact)
        return replace(state, shares={**state.shares, share.share_id: share})
    if isinstance(data, ShareWithheld):
        return replace(state, withheld=state.withheld | {withheld_of(data)})
    cases = cases_after(state.cases, data)
    if cases is not state.cases:
        return replace(state, cases=cases)
    if isinstance(data, LeadPassed):
        return replace(state, lead=data.agency_id)
    if isinstance(data, DutyStarted | DutyDone | DutyOverdue | DutyHandedOver):
        return replace(state, duties={**state.duties, data.duty_id: _duty_after(state.duties, data, fact)})
    agreements = agreements_after(state.agreements, data)
    if agreements is not state.agreements:
        state = replace(state, agreements=agreements)
    share_id = getattr(data, "share_id", "")
    known = state.shares.get(share_id)
    if known is None or data is None:
        return state
    after = _share_after(known, data, fact.recorded)
    return state if after is known else replace(state, shares={**state.shares, share_id: after})


def _duty_after(
    known: Mapping[str, Duty], data: DutyStarted | DutyDone | DutyOverdue | DutyHandedOver, fact: Fact
) -> Duty:
    if isinstance(data, DutyStarted):
        due = data.due_at.ToDatetime(tzinfo=fact.recorded.tzinfo)
        return Duty(data.duty_id, data.duty_code, data.clock_code, data.agency_id, due, data.arrangement_sha256,
                    data.personal, data.leads)  # fmt: skip
    if isinstance(data, DutyHandedOver):
        return replace(known[data.duty_id], agency_id=data.agency_id)
    if isinstance(data, DutyDone):
        return replace(known[data.duty_id], done_at=fact.recorded)
    return replace(known[data.duty_id], overdue=True)


def withheld_of(data: ShareWithheld) -> Withheld:
    """Give what a recorded withholding says."""
    return Withheld(data.recipient_class, data.agency_id, frozenset(data.part_ids), data.reason, data.rule_code)


def _planned(data: SharePlanned, fact: Fact) -> Share:
    opened = {part_id: part_digest(part) for part_id, part in fact.parts.items()}
    return Share(
        share_id=data.share_id,
        agency_id=data.recipient_agency_id,
        agency_class=data.recipient_class,
        rule_code=data.rule_code,
        clock_code=data.clock_code,
        urgency=data.urgency,
        arrangement_sha256=data.arrangement_sha256,
        planned_at=fact.recorded,
        emergency=data.emergency,
        test=data.test,
        channels=tuple(data.channels),
        digests=MappingProxyType({**{sealed.part_id: b"" for sealed in data.parts}, **opened}),
        withdrawn=frozenset(data.withdrawn_part_ids),
        redirected_from=data.redirects_share_id,
        view_code=data.view_code,
        line=data.view_code if data.apart else "",
        clock_from=data.clock_from.ToDatetime(tzinfo=fact.recorded.tzinfo) if data.HasField("clock_from") else None,
        consents=MappingProxyType({rests.consent_ref: frozenset(rests.part_ids) for rests in data.consents}),
        leads=data.leads,
        kept_due_at=data.kept_due_at.ToDatetime(tzinfo=fact.recorded.tzinfo) if data.HasField("kept_due_at") else None,
    )


def _share_after(share: Share, data: object, recorded: datetime) -> Share:  # noqa: C901, PLR0912  (a table: one row an event)
    match data:
        case ShareDelivered():
            due = data.acknowledge_by.ToDatetime(tzinfo=recorded.tzinfo) if data.HasField("acknowledge_by") else None
            return replace(share, delivered_at=recorded, acknowledge_by=due, due_clock=data.clock_code)
        case DeliveryFailed():
            return replace(share, attempts=max(share.attempts, data.attempt), exhausted=data.exhausted)
        case ShareRead():
            return share if share.read_at is not None else replace(share, read_at=recorded)
        case ShareAcknowledged():
            return replace(share, acknowledged_at=recorded)
        case ShareRedirected():
            return replace(share, redirected_to=data.to_agency_id)
        case OutcomeGiven():
            return replace(share, outcome=data.outcome, outcome_at=recorded, reopened=False)
        case OutcomeReopened():
            return replace(share, reopened=True)
        case ShareRecalled():
            return replace(share, recalled_at=recorded, recall_reason=data.reason)
        case AttachmentReceived():
            return replace(share, receipts=share.receipts | {data.part_id})
        case DispatchBlocked():
            return replace(share, blocked=True)
        case AcknowledgementOverdue():
            return replace(share, overdue=True)
        case ShareEscalated():
            return replace(share, stage=data.stage)
        case _:
            return share
