"""What one agency knew of a concern at a moment, and who there had taken it on: from what was actually sent. Pure.

Not what is recorded today, and not what the sender held: the minimised view each share carried, from the moment it was
delivered. What nobody can open any more is a tombstone: that something was there is known, what it was is not. Times
are recorded times (scenario S50).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import NamedPerson, Part
from services.chassis.codes import word_of
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.event import Fact

NOT_TOLD: Final = "not_told"
RAISED: Final = "raised"
_ORDER: Final = (NOT_TOLD, "planned", "blocked", "recalled", "delivered", "read", "acknowledged", "outcome")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acted: when, and who where that can still be opened."""

    at: datetime
    person: NamedPerson | None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One share: from whom to whom, under which rule, law and arrangement, and what became of it.

    Attributes:
        part_ids: what it carried.
        withdrawn: parts given before that it takes back.
        assessment: the assessment it rests on; empty for an emergency minimum.
        erased: confirmed by the recipient, or declined with a ground.
    """

    share_id: str
    sender_agency_id: str
    recipient_agency_id: str
    recipient_class: str
    outcome: str
    rule_code: str
    law_pack: str
    law_pack_sha256: str
    arrangement_sha256: str
    assessment: str
    emergency: bool
    part_ids: tuple[str, ...]
    withdrawn: frozenset[str]
    planned: datetime
    delivered: datetime | None = None
    channel: str = ""
    readers: tuple[Actor, ...] = ()
    acknowledged: Actor | None = None
    late: bool = False
    given: str = ""
    given_by: Actor | None = None
    recalled: datetime | None = None
    blocked: str = ""
    released: datetime | None = None
    erasure: str = ""
    erased: frozenset[str] = frozenset()

    @property
    def state(self) -> str:
        """How far it had come."""
        if self.blocked:
            return "blocked"
        if self.recalled is not None:
            return "recalled"
        if self.given:
            return "outcome"
        if self.acknowledged is not None:
            return "acknowledged"
        if self.readers:
            return "read"
        return "delivered" if self.delivered is not None else "planned"


@dataclass(frozen=True, slots=True)
class Known:
    """What one agency knew.

    Attributes:
        state: raised for the sender; the furthest of its shares; not_told.
        parts: what it held, by part id; None where nobody can open it any more: a tombstone.
        erased: parts it had confirmed to have erased, or that were called back.
    """

    agency_id: str
    at: datetime
    state: str
    disclosures: tuple[Disclosure, ...] = ()
    parts: Mapping[str, Part | None] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()

    @property
    def tombstones(self) -> tuple[str, ...]:
        """Parts that were there and that nobody can open."""
        return tuple(part_id for part_id, part in self.parts.items() if part is None)


def disclosures(facts: Iterable[Fact], at: datetime) -> tuple[Disclosure, ...]:
    """Give every share there was by a moment, as it then stood, oldest first."""
    found: dict[str, Disclosure] = {}
    packs: dict[str, tuple[str, str]] = {}
    asked: dict[str, frozenset[str]] = {}
    for fact in _until(facts, at):
        data = fact.data
        if isinstance(data, BasisAssessed):
            packs[str(fact.id)] = (data.law_pack, data.law_pack_sha256)
        elif isinstance(data, shares.SharePlanned):
            found[data.share_id] = _planned(data, fact, packs.get(data.assessment_event_id, ("", "")))
        elif (one := found.get(getattr(data, "share_id", ""))) is not None:
            if isinstance(data, shares.ErasureRequested):
                asked[data.erasure_id] = frozenset(data.part_ids or one.part_ids)
            found[one.share_id] = _after(one, data, fact, asked.get(getattr(data, "erasure_id", ""), frozenset()))
    return tuple(found.values())


def known(facts: Sequence[Fact], agency_id: str, at: datetime) -> Known:
    """Give what an agency knew at a moment.

    Args:
        facts: the concern's events, opened as far as they open, in any order.
        agency_id: the agency.
        at: aware moment.
    """
    mine = tuple(d for d in disclosures(facts, at) if d.recipient_agency_id == agency_id)
    opened = {fact.data.share_id: fact.parts for fact in facts if isinstance(fact.data, shares.SharePlanned)}
    held: dict[str, Part | None] = {}
    erased: set[str] = set()
    for one in mine:
        if one.delivered is None:
            continue
        for part_id in one.part_ids:
            held[part_id] = opened.get(one.share_id, {}).get(part_id)
            erased.discard(part_id)
        gone = one.withdrawn | one.erased | (frozenset(one.part_ids) if one.recalled else frozenset())
        erased |= gone & held.keys()
        for part_id in gone:
            held.pop(part_id, None)
    state = max((one.state for one in mine), key=_ORDER.index, default=NOT_TOLD)
    own = _own(facts, agency_id, at)
    return Known(agency_id, at, RAISED if own is not None else state, mine, own if own is not None else held,
                 frozenset(erased))  # fmt: skip


def _own(facts: Sequence[Fact], agency_id: str, at: datetime) -> dict[str, Part | None] | None:
    """Give what the sender itself had said by then; None for anybody else."""
    content = [fact for fact in _until(facts, at) if fact.type in CONTENT_EVENTS]
    if not any(isinstance(f.data, ConcernRaised) and f.data.agency_id == agency_id for f in content):
        return None
    held: dict[str, Part | None] = {}
    for fact in content:
        data: Any = fact.data
        held.update({sealed.part_id: fact.parts.get(sealed.part_id) for sealed in data.parts})
        for part_id in getattr(data, "removed_part_ids", ()):
            held.pop(part_id, None)
    return held


def _until(facts: Iterable[Fact], at: datetime) -> list[Fact]:
    return sorted((fact for fact in facts if fact.recorded <= at), key=lambda fact: fact.recorded)


def _planned(data: shares.SharePlanned, fact: Fact, pack: tuple[str, str]) -> Disclosure:
    return Disclosure(
        share_id=data.share_id,
        sender_agency_id=data.sender_agency_id,
        recipient_agency_id=data.recipient_agency_id,
        recipient_class=word_of(codes.AgencyClass, data.recipient_class),
        outcome=word_of(codes.Outcome, data.outcome),
        rule_code=data.rule_code,
        law_pack=pack[0],
        law_pack_sha256=pack[1],
        arrangement_sha256=data.arrangement_sha256,
        assessment=data.assessment_event_id,
        emergency=data.emergency,
        part_ids=tuple(sealed.part_id for sealed in data.parts),
        withdrawn=frozenset(data.withdrawn_part_ids),
        planned=fact.recorded,
    )


def _after(one: Disclosure, data: Any, fact: Fact, asked: frozenset[str]) -> Disclosure:  # noqa: C901  (a table: one row an event)
    at = fact.recorded
    match data:
        case shares.ShareDelivered():
            return replace(one, delivered=one.delivered or at, channel=word_of(codes.Channel, data.channel))
        case shares.ShareRead():
            return replace(one, readers=(*one.readers, _actor(fact)))
        case shares.ShareAcknowledged():
            return replace(one, acknowledged=one.acknowledged or _actor(fact), late=data.late)
        case shares.OutcomeGiven():
            return replace(one, given=word_of(codes.ShareOutcome, data.outcome), given_by=_actor(fact))
        case shares.ShareRecalled():
            return replace(one, recalled=at)
        case shares.DispatchBlocked():
            return replace(one, blocked=data.reason_code)
        case shares.DispatchReleased():
            return replace(one, released=at)
        case shares.ErasureRequested():
            return replace(one, erasure="asked")
        case shares.ErasureDeclined():
            return replace(one, erasure="declined")
        case shares.ErasureConfirmed():
            return replace(one, erasure="confirmed", erased=one.erased | asked)
        case _:
            return one


def _actor(fact: Fact) -> Actor:
    named = (part.named_person for part in fact.parts.values() if part.WhichOneof("body") == "named_person")
    return Actor(fact.recorded, next(named, None))
