"""Why a concern was shared so: clause by clause, in plain English with citations, and as data.

Pure, from a law pack and a recorded assessment alone. It needs no content, so it works after erasure; and it never puts
words to a decision that are not the words of the very pack that was followed: a pack that changed since is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC
from typing import Any

from concern_relay.v1.assessments_pb2 import BasisAssessed, CandidateCondition, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    CandidateStanding,
    ConsentAbsence,
    DpaCondition,
    Gateway,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment import worded, words
from services.basis_assessment.explained_page import page
from services.basis_assessment.pack import Citation, LawBook, LawPack
from services.basis_assessment.towards import towards
from services.basis_assessment.worded import ClassWords, PartWords
from services.chassis.codes import word_of

NOT_COMPARED = " (citation not yet compared with the published text)"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps an explanation from being whole: a stable code, and what to do."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """A clause that led here.

    Attributes:
        says: its words; empty when the pack that was followed is not at hand.
        cites: where it comes from, in words.
        verified: whether every citation was compared with the published text.
    """

    code: str
    says: str
    cites: tuple[str, ...]
    verified: bool


@dataclass(frozen=True, slots=True)
class CandidateExplained:
    """A condition that does not stand: whether it may yet (``open``) or is ``not_met``, and what it lacks."""

    article9: str
    condition: str
    standing: str
    sentence: str
    lacks: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PartExplained:
    """One person, item, place or group for one class."""

    part_id: str
    outcome: str
    reason: str
    sensitivity: str
    article9: str
    condition: str
    limb: str
    sentence: str
    in_words: PartWords
    steps: tuple[Step, ...]
    candidates: tuple[CandidateExplained, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientExplained:
    """One agency of a class that is otherwise in law than the others."""

    agency_id: str
    article6: str
    alternates: tuple[str, ...]
    gateway: str
    sentence: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ClassExplained:
    """One class of recipient."""

    recipient_class: str
    outcome: str
    reason: str
    article6: str
    part3: str
    regime_source: str
    regime_disclosure: str
    alternates: tuple[str, ...]
    gateway: str
    controller_agency_id: str
    sentence: str
    in_words: ClassWords
    steps: tuple[Step, ...]
    refused: tuple[Step, ...]
    parts: tuple[PartExplained, ...]
    recipients: tuple[RecipientExplained, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a person, in words, with its possible answers."""

    code: str
    asks: str
    answers: tuple[str, ...]
    recipient_class: str
    part_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole assessment explained. ``findings`` is empty when nothing is wrong."""

    concern_id: str
    assessed_event_id: str
    law_pack: str
    law_pack_sha256: str
    law_title: str
    law_as_of: str
    arrangement: str
    emergency: bool
    classes: tuple[ClassExplained, ...]
    questions: tuple[Asked, ...]
    governance: tuple[Step, ...]
    answers: tuple[Step, ...]
    findings: tuple[Finding, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Give it as data, for machines."""
        return asdict(self)

    def lines(self) -> tuple[str, ...]:
        """Give it as a page of plain English."""
        return tuple(page(self))


def explain(laws: LawBook, assessed: BasisAssessed) -> Explanation:
    """Explain an assessment by the pack it names.

    Args:
        laws: every pack at hand.
        assessed: as it was recorded.
    """
    pack, findings = _pack_of(laws, assessed)
    explaining = _Explaining(pack)
    classes = tuple(explaining.of_class(one) for one in assessed.classes)
    return Explanation(
        concern_id=assessed.concern_id,
        assessed_event_id=assessed.assessed_event_id,
        law_pack=assessed.law_pack,
        law_pack_sha256=assessed.law_pack_sha256,
        law_title=pack.title if pack is not None else "",
        law_as_of=assessed.law_as_of.ToDatetime(UTC).isoformat(),
        arrangement=assessed.arrangement,
        emergency=assessed.emergency,
        classes=classes,
        questions=tuple(explaining.asked(assessed)),
        governance=explaining.steps(assessed.governance_codes),
        answers=explaining.steps(assessed.answered_codes),
        findings=(*findings, *explaining.unknown()),
    )


def _pack_of(laws: LawBook, assessed: BasisAssessed) -> tuple[LawPack | None, tuple[Finding, ...]]:
    pack = laws.by_digest(assessed.law_pack_sha256)
    if pack is not None:
        return pack, ()
    at_hand = laws.by_name(assessed.law_pack)
    if at_hand is None:
        detail = f"law pack {assessed.law_pack!r} is not at hand; put the file it was assessed with into deploy/law"
        return None, (Finding("law_pack_missing", detail),)
    detail = (
        f"law pack {assessed.law_pack!r} was changed after it was used: the decision names "
        f"{assessed.law_pack_sha256[:12]}…, the file at hand is {at_hand.sha256[:12]}…; bring the old file back, "
        "and give the changed one a name of its own"
    )
    return None, (Finding("law_pack_changed", detail),)


class _Explaining:
    """Puts codes of one pack into words."""

    def __init__(self, pack: LawPack | None) -> None:
        self._pack = pack
        self._missing: dict[str, None] = {}

    def of_class(self, one: ClassAssessment) -> ClassExplained:
        said = worded.of_class(one)
        return ClassExplained(
            recipient_class=word_of(AgencyClass, one.recipient_class),
            outcome=word_of(Outcome, one.outcome),
            reason=word_of(WithholdReason, one.reason),
            article6=word_of(Article6, one.article6),
            part3=word_of(Part3Basis, one.part3),
            regime_source=word_of(Regime, one.regime_source),
            regime_disclosure=word_of(Regime, one.regime_disclosure),
            alternates=tuple(word_of(Article6, basis) for basis in one.alternates),
            gateway=word_of(Gateway, one.gateway),
            controller_agency_id=one.controller_agency_id,
            sentence=said.sentence(words.class_name(one.recipient_class), one.controller_agency_id),
            in_words=said,
            steps=self.steps(one.clause_codes),
            refused=self.steps(one.rejected_codes),
            parts=tuple(self._part(item) for item in one.items),
            recipients=tuple(self._recipient(towards(one, own.agency_id), own.agency_id) for own in one.recipients),
        )

    def _recipient(self, one: ClassAssessment, agency_id: str) -> RecipientExplained:
        return RecipientExplained(
            agency_id=agency_id,
            article6=word_of(Article6, one.article6),
            alternates=tuple(word_of(Article6, basis) for basis in one.alternates),
            gateway=word_of(Gateway, one.gateway),
            sentence=worded.of_class(one).sentence(agency_id, one.controller_agency_id),
            steps=self.steps(one.clause_codes),
        )

    def _part(self, item: ItemAssessment) -> PartExplained:
        said = worded.of_part(item)
        return PartExplained(
            part_id=item.part_id,
            outcome=word_of(Outcome, item.outcome),
            reason=word_of(WithholdReason, item.reason),
            sensitivity=word_of(Sensitivity, item.sensitivity),
            article9=word_of(Article9, item.article9),
            condition=word_of(DpaCondition, item.condition),
            limb=word_of(ConsentAbsence, item.consent_absence),
            sentence=said.sentence,
            in_words=said,
            steps=self.steps(item.clause_codes),
            candidates=tuple(self._candidate(one) for one in item.candidates),
        )

    def _candidate(self, one: CandidateCondition) -> CandidateExplained:
        return CandidateExplained(
            article9=word_of(Article9, one.article9),
            condition=word_of(DpaCondition, one.condition),
            standing=word_of(CandidateStanding, one.standing),
            sentence=worded.of_candidate(one),
            lacks=self.steps(one.lacking_codes),
        )

    def steps(self, codes: Iterable[str]) -> tuple[Step, ...]:
        return tuple(self._step(code) for code in codes)

    def _step(self, code: str) -> Step:
        clause = self._pack.clauses.get(code) if self._pack is not None else None
        if clause is None or self._pack is None:
            if self._pack is not None:
                self._missing[code] = None
            return Step(code, "", (), verified=False)
        cites = tuple(_cited(cite, self._pack) for cite in clause.cites)
        return Step(code, clause.says, cites, verified=all(cite.verified for cite in clause.cites))

    def asked(self, assessed: BasisAssessed) -> Iterator[Asked]:
        questions: Mapping[str, Any] = self._pack.questions if self._pack is not None else {}
        for one in assessed.questions:
            found = questions.get(one.code)
            yield Asked(
                code=one.code,
                asks=found.asks if found is not None else "",
                answers=found.answers if found is not None else (),
                recipient_class=word_of(AgencyClass, one.recipient_class),
                part_ids=tuple(one.part_ids),
            )

    def unknown(self) -> Iterator[Finding]:
        for code in self._missing:
            yield Finding(
                "clause_unknown", f"the pack has no clause {code!r}; the record or the pack is not what it was"
            )


def _cited(cite: Citation, pack: LawPack) -> str:
    source = pack.sources[cite.source]
    return f"{source.title}, {cite.at}{'' if cite.verified else NOT_COMPARED}"
