"""What agencies agreed: who they are, who may see what, who is told when, by which clock.

Pure values. ``document`` reads them from YAML; ``book`` picks the one in force.

Two readers use an arrangement and must agree: basis assessment weighs each class of recipient's minimised view by the
matrix, routing turns classes into agencies by the rules. Both name it by ``sha256``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Category,
    Channel,
    Gateway,
    IdentifierKind,
    LegalNature,
    PersonRole,
    Urgency,
)
from services.chassis.arrangement.duties import Duties
from services.chassis.arrangement.selecting import Selection
from services.chassis.arrangement.timed import Term, TimedDuty, school_days
from services.chassis.calendar import Clock
from services.chassis.clauses import Clause, Facts

USUAL: Final = "usual"
_OTHERS: Final = frozenset({PersonRole.PERSON_ROLE_THIRD_PARTY, PersonRole.PERSON_ROLE_PROFESSIONAL})
_SOURCES: Final = frozenset({"raised_by", "reference", "referral_source"})

_PUBLIC: Final = frozenset({LegalNature.LEGAL_NATURE_PUBLIC_AUTHORITY})
_PUBLIC_IN_ENGLAND: Final = _PUBLIC | {LegalNature.LEGAL_NATURE_SECTION_11_BODY}

OUTSIDE_PREFIX: Final = "outside-"
"""Ids of agencies no arrangement lists: ``outside-e08000035`` is the front door of Leeds, reached by hand."""

DEPUTIES_MAX: Final = 20
"""Most roles that are looked at to find who covers."""

SANDBOX_PREFIX: Final = "sandbox-"
"""Ids of suppliers' agencies: in no arrangement, and whatever they raise is practice (practice 28)."""

LOOKED_UP_MAX: Final = 10_000
"""Most answers to "which agencies of a class here" that an arrangement remembers; past it they start anew."""

FRONT_DOOR: Final = "front_door"
EMERGENCY_DUTY: Final = "emergency_duty"


class Status(StrEnum):
    """Whether real bodies stand behind it. Production refuses EXAMPLE (practice 30)."""

    EXAMPLE = "example"
    SIGNED = "signed"


class Force(StrEnum):
    """How strongly a rule asks for a recipient (practice 5 and 6)."""

    MUST = "must"
    USUALLY = "usually"
    PERSON_DECIDES = "person_decides"


@dataclass(frozen=True, slots=True)
class InternalRole:
    """Who inside an agency sees and acts, and who stands in (practice 27).

    Attributes:
        code: stable code of the role, as ``duty_manager``.
        title: the agency's own word for it.
        deputies: codes of the roles that stand in, in order.
        away: first and last days on which nobody is in the role.
    """

    code: str
    title: str
    deputies: tuple[str, ...] = ()
    away: tuple[tuple[date, date], ...] = ()

    def there_on(self, day: date) -> bool:
        """Say whether somebody is in the role on that day."""
        return not any(first <= day <= last for first, last in self.away)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When somebody is there, Europe/London, on working days. Minutes since local midnight."""

    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that raises or receives concerns.

    Attributes:
        agency_id: opaque id, stable for good.
        name: as people say it.
        agency_class: what the matrix speaks of.
        natures: its standing in law; EXAMPLE values until a person with authority has confirmed them.
        areas: ONS codes of the authorities it serves.
        roles: what it does within its class: ``front_door``, ``health_visiting``, ``gp``.
        policy_document: reference of its appropriate policy document (DPA 2018 Sch 1 Part 4), or None.
        dpia: reference of its data protection impact assessment, or None.
        agreement: reference of the signed agreement, or None.
        channels: ways to it, in the order they are tried. Never empty.
        hours: when its inbox is staffed; None is always.
        cover: agency that stands in out of hours, and when it closes without successor.
        conflict_to: agency told instead when the person of concern could read this one's inbox.
        succeeded_by: agency it was merged into.
        valid_from: first day.
        valid_to: last day, or None.
        internal: who sees and covers inside.
        outside: not in the arrangement; made up from the directory of authorities, reached by hand.
        parent_visible: parents can see what arrives there (a portal, a school app): others named are left out.
    """

    agency_id: str
    name: str
    agency_class: AgencyClass
    natures: frozenset[LegalNature] = frozenset()
    areas: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    policy_document: str | None = None
    dpia: str | None = None
    agreement: str | None = None
    channels: tuple[Channel, ...] = (Channel.CHANNEL_MANUAL,)
    hours: OfficeHours | None = None
    cover: str | None = None
    conflict_to: str | None = None
    succeeded_by: str | None = None
    valid_from: date = date.min
    valid_to: date | None = None
    internal: tuple[InternalRole, ...] = ()
    outside: bool = False
    parent_visible: bool = False

    def covering(self, role_code: str, day: date) -> str:
        """Give who sees to what is a role's on a day: itself, or the first deputy who is there; itself when none is.

        A role the agency does not list is its own affair: the code stands.
        """
        roles = {role.code: role for role in self.internal}
        asked, seen = [role_code], set[str]()
        while asked and len(seen) < DEPUTIES_MAX:
            found = asked.pop(0)
            role = roles.get(found)
            if role is None or role.there_on(day):
                return found
            seen.add(found)
            asked += [deputy for deputy in role.deputies if deputy not in seen]
        return role_code

    def open_on(self, day: date) -> bool:
        """Say whether it exists on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """What a class of recipient may be shown at most, for which purpose and under which enactment.

    Attributes:
        purpose_code: as ``safeguard_child``.
        gateway: the enactment the disclosure rests on beside Articles 6 and 9.
        categories: of items; police intelligence and the identity of sources are in no row.
        person_roles: whose person part it may be given.
        identifiers: numbers that may stand in it.
        detail: fields of ConcernDetail that may stand in it.
        select: which agency, when the law pack shares with the class and no rule names one.
        cite: where the row comes from.
        views: narrower views by code; ``usual`` is what the class sees where a rule names no other.
    """

    agency_class: AgencyClass
    purpose_code: str
    gateway: Gateway
    categories: frozenset[Category]
    person_roles: frozenset[PersonRole]
    identifiers: frozenset[IdentifierKind]
    detail: frozenset[str]
    select: Selection
    cite: str
    views: Mapping[str, MatrixRow] = field(default_factory=dict)

    def seen_as(self, view_code: str, *, parent_visible: bool = False) -> MatrixRow:
        """Give the row as narrowed by a view; whoever parents can read along with sees nothing of others or sources."""
        row = self.views.get(view_code or USUAL, self)
        if not parent_visible:
            return row
        return replace(row, person_roles=row.person_roles - _OTHERS, detail=row.detail - _SOURCES)

    def admits(self, category: Category) -> bool:
        """Say whether an item of this category may be shown; one whose category nobody stated counts as welfare."""
        return (category or Category.CATEGORY_WELFARE) in self.categories


@dataclass(frozen=True, slots=True)
class Told:
    """One recipient that a rule asks for.

    Attributes:
        apart: in a share of its own view, beside whatever else the agency is told: neither stands for the other.
    """

    rule_code: str
    agency_class: AgencyClass
    select: Selection
    force: Force
    clock_code: str
    cite: str
    emergency: bool = False
    view_code: str = ""
    apart: bool = False

    @property
    def line(self) -> str:
        """Which of an agency's shares it is: a notice that stands beside the concern itself, or empty for that one."""
        return self.view_code if self.apart else ""

    @property
    def must(self) -> bool:
        """Goes out at once; anything else is a proposal (practice 5)."""
        return self.force is Force.MUST


@dataclass(frozen=True, slots=True)
class TellRule:
    """A row of the table of who is told.

    It applies when ``when`` is true and ``unless`` is not. A fact nobody knows therefore never switches an exception
    on: a child is not kept from help by a field left empty.

    Attributes:
        leaves_out: categories about the adult of concern that no recipient needs, unless the core of the worry.
    """

    code: str
    when: Clause
    unless: Clause | None
    tells: tuple[Told, ...]
    cite: str
    instructs: tuple[str, ...] = ()
    leaves_out: frozenset[Category] = frozenset()

    def applies(self, facts: Facts) -> bool:
        """Say whether it applies to these facts."""
        return self.when.holds(facts) is True and (self.unless is None or self.unless.holds(facts) is not True)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of resolving professional disagreement, and of the chase for an acknowledgement.

    Attributes:
        number: from 1.
        role_code: role in the recipient agency that is asked now.
        clock_code: how long that role has before the next stage; starts when this stage starts.
        urgent_clock_code: the same for urgent and emergency shares.
    """

    number: int
    role_code: str
    clock_code: str
    urgent_clock_code: str


@dataclass(frozen=True)
class Arrangement:
    """An agreement of agencies to share, as data.

    Attributes:
        sha256: digest of the file's bytes, hexadecimal; names it in every decision.
        front_door: agency that answers for a concern when nobody else can be found.
        urgency_clocks: clock that runs beside the rule's own for urgent and emergency shares; the earlier ends first.
        deliver_clock: by when a planned share has to be delivered before people are asked to telephone.
        stages: of resolving disagreement, in order; never empty.
        authorities: name of every authority of England by ONS code.
        duties: clocks of what follows after sharing, and what rests on no agreement.
        timed: what an agency has to do by a time beside acknowledging.
        terms: when schools are open, as far as it is published.
    """

    name: str
    title: str
    status: Status
    valid_from: date
    valid_to: date | None
    sha256: str
    front_door: str
    agencies: Mapping[str, Agency]
    matrix: Mapping[AgencyClass, MatrixRow]
    rules: tuple[TellRule, ...]
    clocks: Mapping[str, Clock]
    urgency_clocks: Mapping[Urgency, str]
    deliver_clock: str
    stages: tuple[Stage, ...]
    authorities: Mapping[str, str]
    duties: Duties
    timed: Mapping[str, TimedDuty] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()
    _by_class: Mapping[AgencyClass, tuple[Agency, ...]] = field(init=False, repr=False, compare=False)
    _looked_up: dict[tuple[AgencyClass, str, str, date], tuple[Agency, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        by_class: dict[AgencyClass, tuple[Agency, ...]] = {}
        for agency in sorted(self.agencies.values(), key=lambda a: a.agency_id):
            by_class[agency.agency_class] = (*by_class.get(agency.agency_class, ()), agency)
        object.__setattr__(self, "_by_class", MappingProxyType(by_class))

    def in_force(self, day: date) -> bool:
        """Say whether it is in force on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def agency(self, agency_id: str) -> Agency | None:
        """Give an agency, closed ones too; for ``outside-…`` the authority's front door, reached by hand."""
        found = self.agencies.get(agency_id)
        if found is None and agency_id.startswith(OUTSIDE_PREFIX):
            return self.outside(agency_id.removeprefix(OUTSIDE_PREFIX).upper())
        return found

    def agencies_of(
        self, agency_class: AgencyClass, *, role: str = "", area: str = "", day: date
    ) -> tuple[Agency, ...]:
        """Give the agencies of a class open on a day, of a role and serving an area where those are stated."""
        key = agency_class, role, area, day
        found = self._looked_up.get(key)
        if found is None:
            if len(self._looked_up) >= LOOKED_UP_MAX:
                self._looked_up.clear()
            found = self._looked_up[key] = tuple(
                agency
                for agency in self._by_class.get(agency_class, ())
                if agency.open_on(day) and (not role or role in agency.roles) and (not area or area in agency.areas)
            )
        return found

    def outside(self, gss_code: str) -> Agency:
        """Give the front door of an authority that no arrangement lists; Wales and Scotland too (practice 23)."""
        name = self.authorities.get(gss_code, f"authority {gss_code}")
        return Agency(
            agency_id=f"{OUTSIDE_PREFIX}{gss_code.lower()}",
            name=f"{name} children's social care (outside the arrangement)",
            agency_class=AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE,
            # Children Act 2004 s11 names bodies in England; Wales has s28, Scotland and Northern Ireland their own laws
            natures=_PUBLIC_IN_ENGLAND if gss_code.startswith("E") else _PUBLIC,
            areas=frozenset({gss_code}),
            roles=frozenset({FRONT_DOOR}),
            outside=True,
        )

    def told(self, facts: Facts) -> tuple[Told, ...]:
        """Give every recipient the rules ask for, in the order of the file."""
        return tuple(told for rule in self.rules if rule.applies(facts) for told in rule.tells)

    def instructions(self, facts: Facts) -> tuple[str, ...]:
        """Give what recipients must keep to by rule, as ``family_not_informed``."""
        found = (code for rule in self.rules if rule.instructs and rule.applies(facts) for code in rule.instructs)
        return tuple(dict.fromkeys(found))

    def left_out(self, facts: Facts) -> frozenset[Category]:
        """Give the categories that nobody needs of the adult of concern here, unless they are the core of the worry."""
        return frozenset[Category]().union(*(rule.leaves_out for rule in self.rules if rule.applies(facts)))

    def school_days(self, areas: Collection[str]) -> frozenset[date]:
        """Give the days schools of some areas are open, as far as terms are published; none when nothing is."""
        return school_days(tuple(term for term in self.terms if not term.areas.isdisjoint(areas)))

    def clock(self, code: str) -> Clock:
        """Give a clock; its code was checked when the file was read."""
        return self.clocks[code]
