"""One concern as intake knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.codes_pb2 import IdentityMatch
from concern_relay.v1.concerns_pb2 import (
    ChildMoved,
    ConcernRaised,
    ConsentWithdrawn,
    InformationCorrected,
    LinkPending,
    LinkSettled,
    ObjectionRecorded,
    RecordsLinked,
    RecordsUnlinked,
)
from concern_relay.v1.shares_pb2 import SharePlanned, ShareRecalled
from services.chassis.concern import CONTENT_EVENTS, Concern
from services.chassis.concern import with_fact as concern_with
from services.chassis.event import Fact, FactKind
from services.intake.core import attachments, erasure, identity
from services.intake.core.attachments import Attachments
from services.intake.core.erasure import Erasures
from services.intake.core.reliance import Reliance, with_assessment
from services.intake.core.superseded import Replaced, with_follow_up
from services.intake.status import Status
from services.intake.status import with_fact as status_with


@dataclass(frozen=True, slots=True)
class IntakeState:
    """One concern as intake knows it.

    Attributes:
        concern: what was said, as it now stands.
        status: where it stands for its sender.
        follow_ups: how many additions, corrections, consents, moves and links there were.
        added: parts that came with a follow-up; sending the first content anew does not take them away.
        moved: children who moved.
        replaced: values that follow-ups replaced; the whole content sent anew does not bring them back.
        links: concerns that a person linked with this one.
        holders: by share id, the agencies that were told and not recalled.
        withdrawn: by consent the event that withdrew it.
        objected: consents whose withdrawal stands as an objection.
        reliance: what was shared because of a consent.
        pending: children of whom it stands open who they are.
        erasures: what was proposed to be erased, and what holds that back.
        attachments: files that belong to it.
    """

    concern: Concern
    status: Status = field(default_factory=Status)
    follow_ups: int = 0
    added: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    replaced: Replaced = field(default_factory=dict, repr=False)
    links: frozenset[str] = frozenset()
    holders: Mapping[str, str] = field(default_factory=dict)
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    objected: frozenset[str] = frozenset()
    reliance: Reliance = field(default_factory=Reliance)
    pending: Mapping[str, IdentityMatch] = field(default_factory=dict)
    erasures: Erasures = field(default_factory=Erasures)
    attachments: Attachments = field(default_factory=Attachments)

    def holds(self, agency_id: str) -> bool:
        """Whether an agency raised this concern or was told of it."""
        return bool(self.status.agency_id) and agency_id in {self.status.agency_id, *self.holders.values()}


def evolve(state: IntakeState, fact: Fact) -> IntakeState:
    """Fold an event; an act is what its effects are, and is not folded itself."""
    if fact.kind is FactKind.ACT:
        return state
    before, data = state.concern, fact.data
    state = replace(state, concern=concern_with(before, fact), status=status_with(state.status, fact))
    if fact.type in CONTENT_EVENTS and not _whole(data):
        state = replace(state, replaced=with_follow_up(state.replaced, before, state.concern))
    match data:
        case SharePlanned():
            return replace(state, holders={**state.holders, data.share_id: data.recipient_agency_id})
        case ShareRecalled():
            return replace(state, holders={k: v for k, v in state.holders.items() if k != data.share_id})
        case LinkPending() | LinkSettled():
            return replace(state, pending=identity.with_fact(state.pending, fact))
        case BasisAssessed():
            return replace(state, reliance=with_assessment(state.reliance, data))
    if fact.type.startswith("Attachment"):
        return replace(state, attachments=attachments.with_fact(state.attachments, fact))
    if fact.type in erasure.TYPES:
        return replace(state, erasures=erasure.with_fact(state.erasures, fact))
    return _followed(state, fact)


def _whole(data: Message | None) -> bool:
    """Whether an event holds the sender's whole content."""
    return isinstance(data, ConcernRaised) or (isinstance(data, InformationCorrected) and not data.partial)


def _followed(state: IntakeState, fact: Fact) -> IntakeState:
    data = fact.data
    links = fact.type in ("RecordsLinked", "RecordsUnlinked")
    if isinstance(data, ConcernRaised) or not (links or fact.type in CONTENT_EVENTS):
        return state
    state = replace(state, follow_ups=state.follow_ups + 1)
    match data:
        case RecordsLinked():
            return replace(state, links=state.links | {data.other_concern_id})
        case RecordsUnlinked():
            return replace(state, links=state.links - {data.other_concern_id})
        case InformationCorrected():
            gone = frozenset(data.removed_part_ids)
            new = frozenset(data.changed_part_ids) if data.partial else frozenset[str]()
            return replace(state, added=(state.added | new) - gone)
        case ConsentWithdrawn():
            state = replace(state, withdrawn={**state.withdrawn, data.consent_ref: str(fact.id)})
        case ObjectionRecorded():
            state = replace(state, objected=state.objected | {data.consent_ref})
        case ChildMoved():
            state = replace(state, moved=state.moved | {data.person_id})
    return replace(state, added=state.added | {sealed.part_id for sealed in data.parts})  # type: ignore[union-attr]
