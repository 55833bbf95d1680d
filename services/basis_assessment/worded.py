"""What was decided for a class and for a part, in words: once, for the explanation and for the page that is filed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from concern_relay.v1.assessments_pb2 import CandidateCondition, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import (
    Article6,
    Article9,
    CandidateStanding,
    ConsentAbsence,
    DpaCondition,
    Gateway,
    Outcome,
    Part3Basis,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment import words


@dataclass(frozen=True, slots=True)
class ClassWords:
    """What a class comes to, in words; empty where there is nothing to say.

    Attributes:
        regimes: the regime it is disclosed under, and held under where that is another.
    """

    outcome: str
    reason: str
    article6: str
    part3: str
    regimes: str
    alternates: tuple[str, ...]
    gateway: str

    def sentence(self, name: str, controller_agency_id: str) -> str:
        """Say it in a sentence, of whom it is about: a class, or one agency of it."""
        said = f"{name}: {self.outcome}{_in_brackets(self.reason)}"
        if rests := list(filter(None, (self.part3 or self.article6, self.gateway))):
            said += f". It rests on {' and '.join(rests)}"
        if self.alternates:
            said += f"; {', '.join(self.alternates)} would stand as well"
        if controller_agency_id:
            said += f". Controller: {controller_agency_id}"
        return said + "."


@dataclass(frozen=True, slots=True)
class PartWords:
    """What a part comes to for a class, in words; empty where there is nothing to say."""

    outcome: str
    reason: str
    sensitivity: str
    article9: str
    condition: str
    limb: str

    @property
    def sentence(self) -> str:
        """Say it in a sentence."""
        before = f"{self.sensitivity}, " if self.sensitivity else ""
        rests = _listed((self.article9, self.condition, self.limb), ", ")
        return f"{before}{self.outcome}{_in_brackets(self.reason)}{f'; {rests}' if rests else ''}."


def of_class(one: ClassAssessment) -> ClassWords:
    """Put a class into words."""
    return ClassWords(
        outcome=words.said(words.OUTCOMES, Outcome, one.outcome),
        reason=words.said(words.REASONS, WithholdReason, one.reason),
        article6=words.said(words.ARTICLE6, Article6, one.article6),
        part3=words.said(words.PART3, Part3Basis, one.part3),
        regimes=words.regimes(one.regime_source, one.regime_disclosure),
        alternates=tuple(words.said(words.ARTICLE6, Article6, basis) for basis in one.alternates),
        gateway=words.said(words.GATEWAYS, Gateway, one.gateway),
    )


def of_part(item: ItemAssessment) -> PartWords:
    """Put a part into words."""
    return PartWords(
        outcome=words.said(words.PART_OUTCOMES, Outcome, item.outcome),
        reason=words.said(words.REASONS, WithholdReason, item.reason),
        sensitivity=words.said(words.SENSITIVITIES, Sensitivity, item.sensitivity),
        article9=words.said(words.ARTICLE9, Article9, item.article9),
        condition=words.said(words.CONDITIONS, DpaCondition, item.condition),
        limb=words.said(words.LIMBS, ConsentAbsence, item.consent_absence),
    )


def of_candidate(one: CandidateCondition) -> str:
    """Say of a condition that does not stand which it is, and whether it may yet."""
    article9 = words.said(words.ARTICLE9, Article9, one.article9)
    condition = words.said(words.CONDITIONS, DpaCondition, one.condition)
    may_yet = one.standing == CandidateStanding.CANDIDATE_STANDING_OPEN
    return f"{_listed((article9, condition), ' with ')}: {'not known yet' if may_yet else 'not met'}"


def _in_brackets(said: str) -> str:
    return f" ({said})" if said else ""


def _listed(said: Iterable[str], between: str) -> str:
    return between.join(filter(None, said))
