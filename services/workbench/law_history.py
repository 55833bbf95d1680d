"""Recorded decisions under another law: which codes would come out differently. Records nothing.

Content is opened for this, with the stated purpose, and the vault logs it (practice 31).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Final

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    ConsentAbsence,
    DpaCondition,
    Gateway,
    Outcome,
    Part3Basis,
    Regime,
)
from services.basis_assessment.core import BasisCore
from services.basis_assessment.pack import LawBook, LawPack
from services.chassis.arrangement import ArrangementBook
from services.chassis.codes import word_of
from services.chassis.event import Fact, FactKind
from services.workbench.replay.past import Past
from services.workbench.replay.reach import DEPLOY, Reach
from services.workbench.replay.source import from_database
from services.workbench.replay.wired import NotAtHand
from services.workbench.replay.wiring import pinned

PURPOSE: Final = "explain"
TOPICS: Final = ("concerns.v1", "assessments.v1")


@dataclass(frozen=True, slots=True)
class Differs:
    """A recorded assessment that another law would have made differently: a line for each code."""

    concern_id: str
    event_id: str
    lines: tuple[str, ...]


@dataclass
class Compared:
    """What came of a history.

    Attributes:
        assessments: how many were compared.
        passed_over: those whose arrangement is not at hand, or of which parts open for nobody any more.
    """

    assessments: int = 0
    passed_over: int = 0
    differs: list[Differs] = field(default_factory=list)


async def compared(reach: Reach, one: LawPack, other: LawPack) -> Compared:
    """Compare every recorded assessment, made under one law and under the other."""
    book = ArrangementBook.load(DEPLOY / "arrangements")
    laws, found = _Laws(one, other, book), Compared()
    connection = await reach.access.connect()
    try:
        async with reach.access.keys() as keys:
            async for history in from_database(connection, keys, purpose=PURPOSE):
                _concern(history.past, laws, found)
    finally:
        await connection.close(timeout=10)
    return found


class _Laws:
    """Cores under either law, by the arrangement that a decision names."""

    def __init__(self, one: LawPack, other: LawPack, book: ArrangementBook) -> None:
        self._packs = (one, other)
        self._book = book
        self._cores: dict[str, tuple[BasisCore, BasisCore]] = {}

    @property
    def fold(self) -> BasisCore:
        """A core to fold with: folding looks at no law."""
        if not self._cores:
            self._cores[""] = (
                BasisCore(LawBook(self._packs[:1]), self._book),
                BasisCore(LawBook(self._packs[1:]), self._book),
            )
        return next(iter(self._cores.values()))[0]

    def cores(self, arrangement_sha256: str) -> tuple[BasisCore, BasisCore]:
        """Give both cores. Raises NotAtHand."""
        if arrangement_sha256 not in self._cores:
            book = pinned(self._book, arrangement_sha256)
            one, other = (BasisCore(LawBook((pack,)), book) for pack in self._packs)
            self._cores[arrangement_sha256] = one, other
        return self._cores[arrangement_sha256]


def _concern(past: list[Past], laws: _Laws, found: Compared) -> None:
    state = None
    by_time = sorted((p for p in past if p.event.topic in TOPICS), key=lambda p: (p.event.recorded, p.index))
    for each in by_time:
        data = each.event.data
        if isinstance(data, BasisAssessed):
            try:
                one, other = laws.cores(data.arrangement_sha256)
            except NotAtHand:
                found.passed_over += 1
                continue
            if state is None or state.concern.unopened:
                found.passed_over += 1
                continue
            at = data.law_as_of.ToDatetime(tzinfo=UTC)
            before, after = (core.assess(state, at, data.assessed_event_id).event for core in (one, other))
            found.assessments += 1
            if lines := tuple(differing(before, after)):
                found.differs.append(Differs(each.event.concern_id, str(each.event.id), lines))
        state = laws.fold.evolve(state or laws.fold.start(each.event.concern_id), _fact(each))


def differing(one: BasisAssessed, other: BasisAssessed) -> Iterator[str]:
    """Say which codes of two assessments differ, class by class."""
    after = {c.recipient_class: c for c in other.classes}
    for before in one.classes:
        name, now = word_of(AgencyClass, before.recipient_class), after[before.recipient_class]
        for what, was, is_ in (
            ("outcome", word_of(Outcome, before.outcome), word_of(Outcome, now.outcome)),
            ("article6", word_of(Article6, before.article6), word_of(Article6, now.article6)),
            ("part3", word_of(Part3Basis, before.part3), word_of(Part3Basis, now.part3)),
            ("regime", word_of(Regime, before.regime_disclosure), word_of(Regime, now.regime_disclosure)),
            ("alternates", _bases(before), _bases(now)),
            ("gateway", word_of(Gateway, before.gateway), word_of(Gateway, now.gateway)),
            ("refused", ", ".join(before.rejected_codes), ", ".join(now.rejected_codes)),
        ):
            if was != is_:
                yield f"{name} {what}: {was or '-'} -> {is_ or '-'}"
        items = {i.part_id: i for i in now.items}
        for item in before.items:
            there = items.get(item.part_id)
            if there is not None and _rests(item) != _rests(there):
                yield f"{name} {item.part_id}: {_rests(item)} -> {_rests(there)}"
    for what, codes, codes_now in (
        ("governance", one.governance_codes, other.governance_codes),
        ("answers", one.answered_codes, other.answered_codes),
        ("questions", sorted({q.code for q in one.questions}), sorted({q.code for q in other.questions})),
    ):
        if list(codes) != list(codes_now):
            yield f"{what}: {', '.join(codes) or '-'} -> {', '.join(codes_now) or '-'}"


def _bases(message: Message) -> str:
    return ", ".join(word_of(Article6, base) for base in message.alternates)  # type: ignore[attr-defined]


def _rests(item: ItemAssessment) -> str:
    codes = (
        word_of(Outcome, item.outcome),
        word_of(Article9, item.article9),
        word_of(DpaCondition, item.condition),
        word_of(ConsentAbsence, item.consent_absence),
    )
    return " ".join(code for code in codes if code)


def _fact(past: Past) -> Fact:
    event = past.event
    return Fact(
        FactKind.EVENT, event.id, event.type, event.concern_id, event.time, event.recorded, event.data, past.parts
    )
