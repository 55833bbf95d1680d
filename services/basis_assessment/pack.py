"""Law packs: the law of a time, as data that a lawyer can read and a machine can follow.

A pack is immutable, dated, and named in every decision by the SHA-256 of its bytes. It has *questions* (what has to be
asked when a fact is not known), *clauses* (conditions, each with its words and citations) and *tables* (ordered rows:
if this clause holds, that follows). ``pack_document`` reads it, ``core/engine`` follows it, ``explain`` words it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    Category,
    ConsentAbsence,
    DeciderRole,
    DpaCondition,
    Gateway,
    GatewayKind,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.chassis.calendar import Clock
from services.chassis.clauses import Clause, Facts
from services.chassis.errors import SettingsError

# The tables of a pack, in the order the engine follows them.
ARTICLE6 = "article6"
REFUSED_BASES = "refused_bases"
CLASS_OUTCOME = "class_outcome"
GATEWAY = "gateway"
REGIMES = "regimes"
LIMBS = "limbs"
CONDITIONS = "conditions"
ITEMS = "items"
GOVERNANCE = "governance"
ANSWERS = "answers"
CLOCKS = "clocks"


@dataclass(frozen=True, slots=True)
class Source:
    """Where law or guidance stands."""

    code: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a source.

    Attributes:
        source: code of the source.
        at: the place, as "Sch 1 para 18(2)(c)".
        verified: whether somebody has compared it with the published text. What is not is shown as such.
    """

    source: str
    at: str
    verified: bool


@dataclass(frozen=True)
class LawClause:
    """A clause with its words: what it says when it holds, and where that comes from."""

    clause: Clause
    says: str
    cites: tuple[Citation, ...]

    @property
    def code(self) -> str:
        """Its code, as it stands in decisions."""
        return self.clause.code


@dataclass(frozen=True)
class LawGateway:
    """An enactment, and what it is to whoever discloses: a duty, a power, or a function that disclosing serves."""

    kind: GatewayKind
    says: str
    cites: tuple[Citation, ...]


@dataclass(frozen=True)
class LawQuestion:
    """A question only a person can answer.

    Attributes:
        asks: the words.
        answers: the possible answers, as codes; never empty.
        cites: why it matters in law.
    """

    code: str
    asks: str
    answers: tuple[str, ...]
    cites: tuple[Citation, ...]


@dataclass(frozen=True)
class Row:
    """A row of a table: if the clause holds, what follows. Which fields count depends on the table.

    Attributes:
        clause: the condition.
        or_unknown: it also counts when the clause is unknown: the safe side, with the question asked.
        outcome: what is decided; unspecified where it follows from the Article 6 row, or from the person's decision.
        reason: why something is held back.
        ask: code of the question put to a person.
        of_lead: the lead agency is asked; otherwise the sender's own person.
        proposal: what is proposed to that person.
        basis: Article 6 basis the row stands for.
        incomplete: the basis lacks its balancing test.
        gateway: enactment.
        article9: condition of Article 9(2).
        condition: condition of a Schedule to the Data Protection Act 2018.
        limb: limb of paragraph 18(2).
        source: regime that the body which discloses holds the data under.
        disclosure: regime that the disclosure is made under.
        part3: what it rests on in place of Article 6, under law enforcement processing.
        clock: how long the person has.
    """

    clause: Clause
    or_unknown: bool = False
    outcome: Outcome = Outcome.OUTCOME_UNSPECIFIED
    reason: WithholdReason = WithholdReason.WITHHOLD_REASON_UNSPECIFIED
    ask: str = ""
    of_lead: bool = False
    proposal: Outcome = Outcome.OUTCOME_UNSPECIFIED
    basis: Article6 = Article6.ARTICLE6_UNSPECIFIED
    incomplete: bool = False
    gateway: Gateway = Gateway.GATEWAY_UNSPECIFIED
    article9: Article9 = Article9.ARTICLE9_UNSPECIFIED
    condition: DpaCondition = DpaCondition.DPA_CONDITION_UNSPECIFIED
    limb: ConsentAbsence = ConsentAbsence.CONSENT_ABSENCE_UNSPECIFIED
    source: Regime = Regime.REGIME_UNSPECIFIED
    disclosure: Regime = Regime.REGIME_UNSPECIFIED
    part3: Part3Basis = Part3Basis.PART3_BASIS_UNSPECIFIED
    clock: Clock | None = None

    def applies(self, facts: Facts) -> bool:
        """Say whether it counts for these facts."""
        value = self.clause.holds(facts)
        return value is True or (value is None and self.or_unknown)


@dataclass(frozen=True)
class LawPack:
    """The law of a time.

    Attributes:
        name: as ``working-together-2018``.
        title: for people.
        valid_from: first day on which it decides.
        valid_to: last day, or None while no later pack has followed.
        sha256: digest, hexadecimal: of the file's bytes; of an overlay, of its base's digest and its own bytes.
        overlays: name of the pack it is laid over; empty where it stands on its own.
        variant: never in force by date; chosen by name, as a law that is reported and not commenced.
        dates: where its first day comes from.
        sensitivity: legal class of each category of information.
        deciders: who answers for a sender of each class (practice 14).
        cover: roles that stand in for a role.
        lead_decider: who answers at the lead agency.
        clauses: by code, in the order of the file.
        tables: rows by table, in order: the first row that counts decides.
    """

    name: str
    title: str
    valid_from: date
    valid_to: date | None
    sha256: str
    sources: Mapping[str, Source]
    questions: Mapping[str, LawQuestion]
    sensitivity: Mapping[Category, Sensitivity]
    deciders: Mapping[AgencyClass, DeciderRole]
    cover: Mapping[DeciderRole, tuple[DeciderRole, ...]]
    lead_decider: DeciderRole
    clauses: Mapping[str, LawClause]
    tables: Mapping[str, tuple[Row, ...]]
    overlays: str = ""
    variant: bool = False
    dates: tuple[Citation, ...] = ()
    gateways: Mapping[Gateway, LawGateway] = field(default_factory=dict)

    def in_force(self, day: date) -> bool:
        """Say whether it decides on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @cached_property
    def rows(self) -> tuple[tuple[str, Row], ...]:
        """Every row with its table."""
        return tuple((table, row) for table, rows in self.tables.items() for row in rows)


@dataclass(frozen=True)
class LawBook:
    """All packs at hand: the one in force on a day, or the one a decision names by digest."""

    packs: tuple[LawPack, ...]
    _digests: Mapping[str, LawPack] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.packs:
            raise SettingsError("no law pack; put at least one *.yaml into deploy/law")
        object.__setattr__(self, "_digests", {pack.sha256: pack for pack in self.packs})

    @classmethod
    def of(cls, packs: Iterable[LawPack]) -> LawBook:
        """Make a book, oldest first.

        Raises:
            SettingsError: when two packs of one name differ: a pack is immutable, a change is a new pack. Two begin
                on one day, or one that says its last day leaves a day without law, or with two, before the next.
        """
        ordered = tuple(sorted(packs, key=lambda pack: (pack.valid_from, pack.name)))
        names = [pack.name for pack in ordered]
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f"two law packs are called {name!r}; a pack never changes, name the new one anew")
        begins = [pack.valid_from for pack in ordered if not pack.variant]
        for pack in ordered:
            if not pack.variant and begins.count(pack.valid_from) > 1:
                raise SettingsError(
                    f"two law packs begin on {pack.valid_from}; give {pack.name!r} another day, or variant"
                )
        _follow_one_another([pack for pack in ordered if not pack.variant])
        return cls(ordered)

    def by_digest(self, sha256: str) -> LawPack | None:
        """Give the pack of that digest, in force or not."""
        return self._digests.get(sha256)

    def by_name(self, name: str) -> LawPack | None:
        """Give the pack of that name."""
        return next((pack for pack in self.packs if pack.name == name), None)

    def on(self, day: date) -> LawPack:
        """Give the pack that decides on a day: the newest that has begun, variants left out.

        Before the first pack the first one answers: a gap in the book never keeps a concern from being assessed.
        """
        dated = self.dated
        begun = [pack for pack in dated if pack.valid_from <= day]
        in_force = [pack for pack in begun if pack.in_force(day)]
        return (in_force or begun or list(dated[:1]))[-1]

    @cached_property
    def dated(self) -> tuple[LawPack, ...]:
        """The packs that follow one another by date, oldest first."""
        return tuple(pack for pack in self.packs if not pack.variant) or self.packs

    def until(self, pack: LawPack) -> date | None:
        """Give the last day on which a pack decides: its own, or the day before the next one begins."""
        after = [other.valid_from for other in self.dated if other.valid_from > pack.valid_from]
        ends = [day for day in (pack.valid_to, after[0] - timedelta(days=1) if after else None) if day is not None]
        return None if pack.variant else min(ends, default=None)


def _follow_one_another(dated: list[LawPack]) -> None:
    """Hold packs that say their last day to it: the next begins the day after, unless an earlier one still lasts."""
    for pack, following in pairwise(dated):
        if pack.valid_to is None:
            continue
        wanted = pack.valid_to + timedelta(days=1)
        if following.valid_from < wanted:
            raise SettingsError(
                f"law packs {pack.name!r} (to {pack.valid_to}) and {following.name!r} (from {following.valid_from}) "
                f"overlap; let the second begin on {wanted}, or leave valid_to of the first empty"
            )
        # one that has no last day takes over again when a later one has ended
        if following.valid_from > wanted and not any(other.in_force(wanted) for other in dated):
            raise SettingsError(
                f"no law from {wanted} to {following.valid_from - timedelta(days=1)}, between {pack.name!r} and "
                f"{following.name!r}; let the second begin on {wanted}, or leave valid_to of the first empty"
            )
