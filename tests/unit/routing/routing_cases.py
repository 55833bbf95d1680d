"""Builders for tests of the routing core: a concern, its assessment, and a core that is fed like the journal feeds it.

Synthetic people and places only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from uuid import UUID, uuid5

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    AuthorityRole,
    Category,
    Channel,
    ConcernLevel,
    Outcome,
    PersonRole,
    Ternary,
    Trigger,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationAdded, InformationCorrected
from concern_relay.v1.facts_pb2 import (
    AuthorityConcern,
    ConcernDetail,
    Item,
    NamedPerson,
    Note,
    Part,
    Person,
    PersonName,
    SealedPart,
)
from concern_relay.v1.shares_pb2 import (
    OutcomeGiven,
    ShareAcknowledged,
    ShareDelivered,
    SharePlanned,
    ShareRead,
    ShareRedirected,
    ShareWithheld,
)
from services.chassis.arrangement import Arrangement, ArrangementBook, Force
from services.chassis.concern import Concern, with_fact
from services.chassis.concern_facts import concern_facts
from services.chassis.event import Decision, Fact, FactKind, Timer, derived_id, effect_id, timer_id
from services.routing.core import RoutingCore, State

CONCERN = "5f0c0d3e-8b1a-8f2e-9a61-0e3f6d1c2b7a"
NAMESPACE = UUID(CONCERN)
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KENT, MEDWAY, LEEDS = "E10000016", "E06000035", "E08000035"
CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
POLICE = AgencyClass.AGENCY_CLASS_POLICE
EDUCATION = AgencyClass.AGENCY_CLASS_EDUCATION
HEALTH = AgencyClass.AGENCY_CLASS_HEALTH
SHARING = Outcome.OUTCOME_SHARE_POWER
YES = Ternary.TERNARY_YES


@cache
def book() -> ArrangementBook:
    """The shipped arrangement."""
    return ArrangementBook.load()


def arrangement() -> Arrangement:
    """The arrangement in force on the day of the tests."""
    return book().on(MONDAY.date())


def person(ref: str, role: PersonRole = PersonRole.PERSON_ROLE_CHILD, lives: str = "", **fields: object) -> Person:
    """A person; ``lives`` is the ONS code of the authority."""
    found = Person(person_id=pid("person", ref), role=role, **fields)  # type: ignore[arg-type]
    if not found.names:
        found.names.add(given=ref.capitalize(), family="Example")
    if lives:
        found.authorities.append(authority(lives))
    return found


def authority(gss: str, role: AuthorityRole = AuthorityRole.AUTHORITY_ROLE_LIVES) -> AuthorityConcern:
    """An authority concerned."""
    return AuthorityConcern(gss_code=gss, role=role)


def item(ref: str, category: Category = Category.CATEGORY_WELFARE, text: str = "", **fields: object) -> Item:
    """An item of information."""
    return Item(item_id=pid("item", ref), category=category, text=text or f"about {ref}", **fields)  # type: ignore[arg-type]


def pid(kind: str, ref: str) -> str:
    """The part id of a thing, as intake derives it."""
    return derived_id(CONCERN, kind, ref)


DETAIL_ID = derived_id(CONCERN, "detail")


def detail(
    *triggers: Trigger, level: ConcernLevel = ConcernLevel.CONCERN_LEVEL_SIGNIFICANT_HARM, **fields: object
) -> ConcernDetail:
    """The concern as a whole."""
    return ConcernDetail(level=level, triggers=triggers, **fields)  # type: ignore[arg-type]


def parts_of(*things: Message) -> dict[str, Part]:
    """Parts by id from what stands in them."""
    found: dict[str, Part] = {}
    for thing in things:
        match thing:
            case ConcernDetail():
                found[DETAIL_ID] = Part(detail=thing)
            case Person():
                found[thing.person_id] = Part(person=thing)
            case Item():
                found[thing.item_id] = Part(item=thing)
            case NamedPerson():
                found[pid("named", thing.name)] = Part(named_person=thing)
            case Note():
                found[pid("note", thing.text[:20])] = Part(note=thing)
            case _:
                body = {"Place": "place", "Group": "group", "Consent": "consent"}[thing.DESCRIPTOR.name]
                key = getattr(thing, {"consent": "consent_ref"}.get(body, f"{body}_id"))
                found[key] = Part(**{body: thing})
    return found


def event(name: str, data: Message, parts: dict[str, Part], at: datetime = MONDAY, based_on: str = "") -> Fact:
    """An event of another service, opened."""
    if "parts" in data.DESCRIPTOR.fields_by_name:
        data.parts.extend(SealedPart(part_id=part_id) for part_id in parts)  # type: ignore[attr-defined]
    based = (("concerns.v1", eid(based_on)),) if based_on else ()
    return Fact(
        FactKind.EVENT,
        eid(name),
        data.DESCRIPTOR.name,
        CONCERN,
        at,
        at,
        data,
        parts,
        based_on=based,  # type: ignore[arg-type]
    )


def eid(name: str) -> UUID:
    """The id of an event by a name of the test."""
    return uuid5(NAMESPACE, name)


def raised(
    *things: Message,
    sender: str = "larkfield-primary",
    urgency: Urgency = Urgency.URGENCY_ROUTINE,
    at: datetime = MONDAY,
    name: str = "raised",
    **fields: object,
) -> Fact:
    """A concern as raised."""
    data = ConcernRaised(concern_id=CONCERN, agency_id=sender, urgency=urgency, **fields)  # type: ignore[arg-type]
    return event(name, data, parts_of(*things), at)


def added(*things: Message, name: str = "added", at: datetime = MONDAY, **fields: object) -> Fact:
    """Something the sender learnt later."""
    return event(name, InformationAdded(concern_id=CONCERN, **fields), parts_of(*things), at)  # type: ignore[arg-type]


def corrected(
    *things: Message,
    changed: Iterable[str] = (),
    removed: Iterable[str] = (),
    name: str = "corrected",
    at: datetime = MONDAY,
) -> Fact:
    """The content sent anew."""
    data = InformationCorrected(concern_id=CONCERN, changed_part_ids=changed, removed_part_ids=removed)
    return event(name, data, parts_of(*things), at)


def assess(
    concern: Concern,
    *,
    assessed: str = "raised",
    name: str = "",
    at: datetime = MONDAY,
    outcomes: dict[AgencyClass, Outcome] | None = None,
    blocked: dict[str, WithholdReason] | None = None,
) -> Fact:
    """An assessment as basis_assessment makes it: the classes the arrangement names, every item and person allowed.

    Args:
        concern: as it stands; its items and people are assessed.
        assessed: name of the event that caused it.
        name: name of the assessment.
        at: recorded time.
        outcomes: classes that came out otherwise.
        blocked: parts that wait or are held back for every class, with the reason.
    """
    found = arrangement()
    sender = found.agency(concern.agency_id)
    facts = concern_facts(concern, at, sender.agency_class if sender else AgencyClass.AGENCY_CLASS_UNSPECIFIED)
    told = found.told(facts)
    data = BasisAssessed(
        concern_id=CONCERN,
        assessed_event_id=str(eid(assessed)),
        arrangement_sha256=found.sha256,
        arrangement=found.name,
    )
    for agency_class in found.matrix:
        rows = [row for row in told if row.agency_class == agency_class]
        must = any(row.force is Force.MUST for row in rows)
        outcome = SHARING if must else Outcome.OUTCOME_PROPOSED if rows else Outcome.OUTCOME_NOT_SHARED_NO_ROLE
        data.classes.append(
            ClassAssessment(
                recipient_class=agency_class,
                outcome=(outcomes or {}).get(agency_class, outcome),
                must=must,
                items=[_item_assessed(p.person_id, blocked or {}) for p in concern.people]
                + [_item_assessed(i.item_id, blocked or {}) for i in concern.items],
            )
        )
    return event(name or f"assessment of {assessed}", data, {}, at, based_on=assessed)


def _item_assessed(part_id: str, blocked: dict[str, WithholdReason]) -> ItemAssessment:
    if part_id in blocked:
        return ItemAssessment(part_id=part_id, outcome=Outcome.OUTCOME_BLOCKED_PENDING, reason=blocked[part_id])
    return ItemAssessment(part_id=part_id, outcome=SHARING)


def concern_of(*facts: Fact) -> Concern:
    """The fold of concern events."""
    concern = Concern(CONCERN)
    for fact in facts:
        concern = with_fact(concern, fact)
    return concern


@dataclass
class Bench:
    """A core fed like the journal feeds it: decide on the state before, fold the input, then each effect."""

    core: RoutingCore = field(default_factory=lambda: RoutingCore(book()))
    now: datetime = MONDAY
    timers: dict[str, Timer] = field(default_factory=dict)
    recorded: list[Fact] = field(default_factory=list)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.core.start(CONCERN)

    def feed(self, *facts: Fact) -> Bench:
        """Feed inputs; give itself."""
        for fact in facts:
            self._take(fact, self.core.decide(self.state, fact))
        return self

    def raise_and_assess(self, fact: Fact, **options: object) -> Bench:
        """Feed a concern and its assessment."""
        return self.feed(fact, assess(concern_of(fact), at=fact.recorded, **options))  # type: ignore[arg-type]

    def act(self, data: Message, *things: Message, at: datetime | None = None, agency: str = "") -> Bench:
        """Do an act."""
        parts = parts_of(*things)
        when = at or self.now
        identity = uuid5(NAMESPACE, f"act {len(self.recorded)} {data.DESCRIPTOR.name}")
        return self.feed(Fact(FactKind.ACT, identity, data.DESCRIPTOR.name, CONCERN, when, when, data, parts, agency))

    def fire(self, name: str) -> Bench:
        """Let a timer fall due."""
        timer = self.timers.pop(name)
        self.now = timer.due
        identity = timer_id(CONCERN, timer)
        return self.feed(Fact(FactKind.TIMER, identity, "", CONCERN, timer.due, timer.due, timer=timer))

    def deliver(self, agency_id: str, at: datetime | None = None) -> Bench:
        """Deliver the newest share of an agency."""
        share = self.share(agency_id)
        data = ShareDelivered(
            concern_id=CONCERN,
            share_id=share.share_id,
            recipient_agency_id=agency_id,
            channel=Channel.CHANNEL_INBOX,
            attempt=1,
        )
        return self.act(data, at=at)

    def acknowledge(
        self, agency_id: str, at: datetime | None = None, by: str = "Ada Worker", role: str = "duty"
    ) -> Bench:
        """Acknowledge the newest share of an agency, by a named person."""
        share = self.share(agency_id)
        data = ShareAcknowledged(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=agency_id)
        return self.act(data, NamedPerson(name=by, role=role), at=at)

    def read(self, agency_id: str) -> Bench:
        """Read the newest share of an agency."""
        share = self.share(agency_id)
        data = ShareRead(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=agency_id)
        return self.act(data, NamedPerson(name="Ada Worker", role="duty"))

    def outcome(self, agency_id: str, outcome: int, reason: str = "") -> Bench:
        """Give the outcome of the newest share of an agency."""
        share = self.share(agency_id)
        data = OutcomeGiven(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=agency_id, outcome=outcome)  # type: ignore[arg-type]
        notes = [Note(text=reason)] if reason else []
        return self.act(data, NamedPerson(name="Ada Worker", role="duty"), *notes)

    def redirect(self, agency_id: str, to: str) -> Bench:
        """Redirect the newest share of an agency."""
        share = self.share(agency_id)
        data = ShareRedirected(
            concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=agency_id, to_agency_id=to
        )
        return self.act(data, NamedPerson(name="Ada Worker", role="duty"))

    def share(self, agency_id: str) -> SharePlanned:
        """The newest share planned for an agency."""
        return [planned for planned in self.planned if planned.recipient_agency_id == agency_id][-1]

    def view(self, agency_id: str) -> dict[str, Part]:
        """Everything an agency was given, newest content per part."""
        found: dict[str, Part] = {}
        for fact in self.recorded:
            if isinstance(fact.data, SharePlanned) and fact.data.recipient_agency_id == agency_id:
                found.update(fact.parts)
        return found

    def texts(self, agency_id: str) -> str:
        """All an agency was given, as text, to search in."""
        return "\n".join(str(part) for part in self.view(agency_id).values())

    def items(self, agency_id: str) -> set[str]:
        """Ids of the items an agency was given."""
        return {part_id for part_id, part in self.view(agency_id).items() if part.WhichOneof("body") == "item"}

    @property
    def planned(self) -> list[SharePlanned]:
        """Shares planned, in order."""
        return [fact.data for fact in self.recorded if isinstance(fact.data, SharePlanned)]

    @property
    def told(self) -> set[str]:
        """Agencies a share was planned for."""
        return {planned.recipient_agency_id for planned in self.planned}

    @property
    def withheld(self) -> list[ShareWithheld]:
        """What was withheld, in order."""
        return [fact.data for fact in self.recorded if isinstance(fact.data, ShareWithheld)]

    def types(self) -> list[str]:
        """Types of what was recorded, in order."""
        return [fact.type for fact in self.recorded]

    def _take(self, fact: Fact, decision: Decision) -> None:
        if fact.kind is FactKind.EVENT:
            self.state = self.core.evolve(self.state, fact)
        seen: set[UUID] = {known.id for known in self.recorded}
        for effect in decision.effects:
            own = Fact(
                FactKind.EVENT,
                effect_id(fact.id, effect.type, effect.key),
                effect.type,
                CONCERN,
                fact.recorded,
                fact.recorded,
                effect.data,
                {content.part_id: content.part for content in effect.contents},
                causation_id=fact.id,
            )
            assert own.id not in seen, f"two effects with one id: {effect.type} {effect.key}"
            seen.add(own.id)
            self.recorded.append(own)
            self.state = self.core.evolve(self.state, own)
        for name in decision.cancel:
            self.timers.pop(name, None)
        self.timers.update({timer.name: timer for timer in decision.timers})


def names(*pairs: tuple[str, str]) -> Sequence[PersonName]:
    """Names of a person."""
    return [PersonName(given=given, family=family) for given, family in pairs]
