"""What a concern would come to if it were sent now, in one sentence for whoever is about to send it. Pure.

Nothing is recorded and nothing is logged: the sentence is for a designated safeguarding lead who wonders whether they
may. It never asks for anything before sending: a child is never behind paperwork.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment
from concern_relay.v1.codes_pb2 import AgencyClass, Gateway, Outcome, Urgency, WithholdReason
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import Part
from services.basis_assessment import words
from services.basis_assessment.core import BasisCore
from services.basis_assessment.core.engine import SHARED
from services.basis_assessment.explain import Step, explain
from services.chassis.codes import word_of
from services.chassis.event import Fact, FactKind

NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Preview:
    """A dry run.

    Attributes:
        sentence: who would be told, on which basis, and what would wait.
        told: classes told at once, each with basis and enactment in words.
        waits: classes that a person looks at first.
        not_told: classes that stay untold although something speaks for them, with the reason.
        parts_waiting: parts held for a named person, while the concern itself goes.
        questions: what would be asked afterwards; sending does not wait for an answer.
        answers: what is said against sharing, answered, with citations.
    """

    sentence: str
    emergency: bool
    told: tuple[dict[str, str], ...]
    waits: tuple[str, ...]
    not_told: tuple[dict[str, str], ...]
    parts_waiting: int
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    law_pack: str
    arrangement: str

    def as_dict(self) -> dict[str, Any]:
        """Give it as data."""
        return asdict(self)


def preview(core: BasisCore, agency_id: str, urgency: Urgency, parts: Mapping[str, Part], at: datetime) -> Preview:
    """Assess what is about to be sent; records nothing.

    Args:
        core: over every pack and arrangement at hand.
        agency_id: who would send it.
        urgency: as stated.
        parts: as intake would make them.
        at: now: the law of today decides.
    """
    concern_id = str(NOBODY)
    raised = ConcernRaised(concern_id=concern_id, agency_id=agency_id, urgency=urgency)
    fact = Fact(FactKind.EVENT, NOBODY, "ConcernRaised", concern_id, at, at, raised, dict(parts), agency_id)
    state = core.evolve(core.start(concern_id), fact)
    assessment = core.assess(state, at, str(NOBODY))
    found = assessment.event
    explained = explain(core.laws, found)
    told = [one for one in found.classes if one.outcome in SHARED]
    held = {asked.part_ids[0] for asked in assessment.asks if asked.part_ids}
    waits = tuple(
        words.class_name(one.recipient_class) for one in found.classes if one.outcome == Outcome.OUTCOME_PROPOSED
    )
    return Preview(
        sentence=_sentence(told, waits, len(held), emergency=found.emergency),
        emergency=found.emergency,
        told=tuple(_told(one) for one in told),
        waits=waits,
        not_told=tuple(_not_told(found)),
        parts_waiting=len(held),
        questions=tuple(dict.fromkeys(asked.asks or asked.code for asked in explained.questions)),
        answers=tuple(_said(step) for step in explained.answers),
        law_pack=found.law_pack,
        arrangement=found.arrangement,
    )


_SILENT: Final = (Outcome.OUTCOME_UNSPECIFIED, Outcome.OUTCOME_NOT_SHARED_NO_ROLE, Outcome.OUTCOME_PROPOSED)


def _not_told(found: BasisAssessed) -> Iterable[dict[str, str]]:
    for one in found.classes:
        unknown = one.reason == WithholdReason.WITHHOLD_REASON_NO_AGENCY_KNOWN
        if unknown or one.outcome not in (*SHARED, *_SILENT):
            said = words.said(words.OUTCOMES, Outcome, one.outcome)
            if unknown:
                said = words.said(words.REASONS, WithholdReason, one.reason)
            yield {"class": word_of(AgencyClass, one.recipient_class), "why": said}


def _told(one: ClassAssessment) -> dict[str, str]:
    return {
        "class": word_of(AgencyClass, one.recipient_class),
        "basis": words.basis(one),
        "enactment": words.said(words.GATEWAYS, Gateway, one.gateway) if one.gateway else "",
    }


def _sentence(told: list[ClassAssessment], waits: tuple[str, ...], held: int, *, emergency: bool) -> str:
    clauses = [_by_basis(told)] if told else ["Nobody would be told at once"]
    if emergency:
        clauses[0] += ", as an emergency: told first, assessed after; call 999, this is not a call"
    if waits:
        clauses.append(f"{_listed(waits)} {'waits' if len(waits) == 1 else 'wait'} until a person has looked")
    if held:
        clauses.append(f"{held} {'part waits' if held == 1 else 'parts wait'} for a named person, the concern does not")
    return "; ".join(clauses) + "."


def _by_basis(told: list[ClassAssessment]) -> str:
    groups: dict[str, list[str]] = {}
    for one in told:
        basis = words.basis(one)
        enactment = f" ({words.said(words.GATEWAYS, Gateway, one.gateway)})" if one.gateway else ""
        groups.setdefault(basis, []).append(f"{words.class_name(one.recipient_class)}{enactment}")
    said = [
        f"{_listed(names)} would be told at once{f', on {basis}' if basis else ''}" for basis, names in groups.items()
    ]
    return "; ".join(said)


def _listed(names: Iterable[str]) -> str:
    """Give names as a person lists them: the first with its capital, as it stands."""
    first, *rest = names
    small = [name[0].lower() + name[1:] for name in rest]
    if not small:
        return first
    return f"{', '.join([first, *small[:-1]])} and {small[-1]}"


def _said(step: Step) -> str:
    cites = f" [{'; '.join(step.cites)}]" if step.cites else ""
    return f"{step.says or step.code}{cites}"
