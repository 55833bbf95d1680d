"""Assess a concern: one ``BasisAssessed``, and what has to be asked of people.

Pure and total: the same concern, decisions, law, arrangement and moment give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from concern_relay.v1.assessments_pb2 import (
    BasisAssessed,
    ClassAssessment,
    DecisionRequested,
    ItemAssessment,
    Question,
    RecipientBasis,
)
from concern_relay.v1.codes_pb2 import AgencyClass, Article6, DeciderRole, DpaCondition, Outcome
from services.basis_assessment import pack as p
from services.basis_assessment.core.consent import Consents
from services.basis_assessment.core.engine import Engine
from services.basis_assessment.core.in_law import in_law
from services.basis_assessment.core.items import Subject, subjects
from services.basis_assessment.core.meant import Meant
from services.basis_assessment.core.parties import alone, lead, of_agency, selections, told, told_word
from services.basis_assessment.core.state import WHOLE, BasisState, Decided
from services.basis_assessment.core.verdict import Case, Known, Pending, View
from services.basis_assessment.facts import Decided as DecidedWord
from services.basis_assessment.towards import own_basis
from services.chassis.arrangement import Agency, Arrangement, MatrixRow
from services.chassis.calendar import LONDON, Clock, due
from services.chassis.clauses import Facts
from services.chassis.codes import word_of
from services.chassis.concern_facts import concern_facts

# Conditions that are about somebody's protection: whom they protect and whom the data is about stand beside them.
PROTECTIVE = frozenset(
    {
        DpaCondition.DPA_CONDITION_SCH1_P18_SAFEGUARDING,
        DpaCondition.DPA_CONDITION_SCH1_P36_P18_SAFEGUARDING,
        DpaCondition.DPA_CONDITION_SCH8_P4_SAFEGUARDING,
    }
)
_DEFAULT_DECIDER = DeciderRole.DECIDER_ROLE_SAFEGUARDING_LEAD
# A judgement that telling does more harm is about children's social care only when it names it (detrimental_to).
_NOT_BY_DEFAULT = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


@dataclass(frozen=True, slots=True)
class Assessment:
    """What came of looking at a concern: the event, and every question to a person that is open now."""

    event: BasisAssessed
    asks: tuple[DecisionRequested, ...]


def assess(engine: Engine, arrangement: Arrangement, state: BasisState, at: datetime, cause_id: str) -> Assessment:
    """Assess a concern as it stands.

    Args:
        engine: of the pack in force at ``at``.
        arrangement: in force at ``at``.
        state: the concern and what people decided.
        at: recorded time of what caused the assessment; the law of that moment decides (practice 10).
        cause_id: id of the event that caused it.
    """
    return _Assessing(engine, arrangement, state, at).all(cause_id)


class _Assessing:
    """One look at one concern."""

    def __init__(self, engine: Engine, arrangement: Arrangement, state: BasisState, at: datetime) -> None:
        concern = state.concern
        self._engine, self._arrangement, self._state, self._at = engine, arrangement, state, at
        self._today = at.astimezone(LONDON).date()
        self._sender = arrangement.agency(concern.agency_id)
        self._detail = concern.detail
        sender_class = self._sender.agency_class if self._sender else AgencyClass.AGENCY_CLASS_UNSPECIFIED
        self._facts = concern_facts(concern, at, sender_class)
        self._rows = arrangement.told(self._facts)
        self._meant = Meant(arrangement, concern, self._today)
        self._told = told(self._meant.reached(self._rows))
        self._selections = selections(self._rows)
        self._said = {
            "said_life_at_risk": self._facts.get("life_at_risk") is True,
            "said_immediate_danger": self._facts.get("immediate_danger") is True,
            "said_no_crime": self._facts.get("suspected_crime") is False,
            "detriment_named": bool(self._detail.considered_by.name),
        }
        standing = tuple(c for c in concern.consents if c.consent_ref not in state.objected)
        self._consents = Consents(concern, standing, state.withdrawn, self._today)
        self._agreement = self._consents.agreement.value
        self._subjects = subjects(engine.pack, self._consents)
        self._cases: dict[str, Case] = {}
        self._asks: list[DecisionRequested] = []
        self._moments: dict[str, datetime] = {}
        self._questions: dict[tuple[str, AgencyClass], list[str]] = {}
        self._unconditioned = self._unbalanced = self._without_consent = False

    def all(self, cause_id: str) -> Assessment:
        pack, arrangement = self._engine.pack, self._arrangement
        event = BasisAssessed(
            concern_id=self._state.concern.concern_id,
            assessed_event_id=cause_id,
            law_pack=pack.name,
            law_pack_sha256=pack.sha256,
            arrangement=arrangement.name,
            arrangement_sha256=arrangement.sha256,
        )
        event.law_as_of.FromDatetime(self._at)
        for row in arrangement.matrix.values():
            self._class(event.classes.add(), row)
        event.emergency = any(c.outcome == Outcome.OUTCOME_SHARE_EMERGENCY for c in event.classes)
        for (code, recipient), part_ids in self._questions.items():
            event.questions.append(Question(code=code, recipient_class=recipient, part_ids=part_ids))
        last: Facts = {
            **self._case(self._state.concern.agency_id).facts,
            "consent_not_obtained": self._consents.not_obtained,
            "shared_without_condition": self._unconditioned,
            "shared_without_balancing": self._unbalanced,
            "shared_without_consent": self._without_consent,
            "service_agreement": self._agreement,
        }
        event.governance_codes.extend(self._engine.codes_that_hold(p.GOVERNANCE, last))
        event.answered_codes.extend(self._engine.codes_that_hold(p.ANSWERS, last))
        return Assessment(event, tuple(self._asks))

    def _case(self, controller: str) -> Case:
        """Take the case up as that controller's: its standing in law, its documents."""
        found = self._cases.get(controller)
        if found is None:
            of_controller = of_agency(self._arrangement.agency(controller))
            facts: Facts = {**self._facts, **self._said, **of_controller}
            found = self._cases[controller] = self._engine.case(facts)
        return found

    def _class(self, out: ClassAssessment, row: MatrixRow) -> None:
        recipient = row.agency_class
        decided = self._state.for_class(recipient)
        # The lead agency that passes a concern on is the controller of what it passes on (practice 5, 15).
        controller = decided.agency_id if decided is not None and decided.share else self._state.concern.agency_id
        agencies = self._agencies(row)
        of_concern = (
            word_of(AgencyClass, recipient),
            told_word(self._told, recipient),
            self._is_alone(recipient),
            self._consents.for_class(recipient).value,
            self._agreement,
            self._detriment(recipient),
            _decision(decided),
            bool(agencies),
        )
        case = self._case(controller)
        verdict = self._engine.of_class(case, (*of_concern, *in_law(agencies)))
        out.CopyFrom(verdict.message)
        out.purpose_code = row.purpose_code
        if decided is not None and not verdict.message.outcome:
            out.outcome = decided.of
        if verdict.pending is not None:
            self._ask(recipient, WHOLE, verdict.pending)
        self._question(verdict.questions, recipient)
        if verdict.shares:
            out.controller_agency_id = controller
            out.gateway = verdict.message.gateway or row.gateway
            self._without_consent |= verdict.message.article6 != Article6.ARTICLE6_A_CONSENT
            self._unbalanced |= verdict.unbalanced
            out.recipients.extend(self._towards_each(out, row, case, of_concern, agencies))
            view = self._engine.view(case, verdict)
            for subject in self._subjects:
                self._item(out.items.add(), row, view, subject)

    def _agencies(self, row: MatrixRow) -> tuple[Agency, ...]:
        """Give the agencies of a class that are known for this concern."""
        return self._meant.agencies(row.agency_class, self._selections.get(row.agency_class) or (row.select,))

    def _towards_each(
        self, out: ClassAssessment, row: MatrixRow, case: Case, of_concern: Known, agencies: tuple[Agency, ...]
    ) -> Iterator[RecipientBasis]:
        """Say what telling each rests on that is otherwise in law than its class, under the same regime."""
        if len(agencies) < 2:
            return
        common = in_law(agencies)
        for agency in agencies:
            own = in_law((agency,))
            if own == common:
                continue
            found = self._engine.of_class(case, (*of_concern, *own))
            if found.shares and found.message.regime_disclosure == out.regime_disclosure:
                yield from own_basis(agency.agency_id, out, found.message, row.gateway)

    def _is_alone(self, recipient: AgencyClass) -> bool:
        """Whether nobody of the sender's own class but itself is meant; asked of that class only."""
        if self._sender is None or self._sender.agency_class != recipient:
            return False
        meant = self._meant.agencies(recipient, self._selections.get(recipient, ()))
        return alone(self._arrangement, self._state.concern, meant, self._sender)

    def _detriment(self, recipient: AgencyClass) -> bool:
        if not self._facts.get("more_detrimental"):
            return False
        named = self._detail.detrimental_to
        return recipient in named if named else recipient != _NOT_BY_DEFAULT

    def _item(self, out: ItemAssessment, row: MatrixRow, view: View, subject: Subject) -> None:
        recipient = row.agency_class
        decided = self._state.for_part(recipient, subject.part_id) if self._state.decided else None
        verdict = self._engine.of_item(
            view,
            (
                *subject.known,
                subject.needed_by(row),
                row.admits(subject.category),
                subject.sender_allows(recipient),
                subject.consent(self._consents, recipient),
                _decision(decided),
            ),
        )
        out.CopyFrom(verdict.message)
        out.part_id = subject.part_id
        if subject.item is not None and out.condition in PROTECTIVE:
            out.about_person_id = subject.item.about_person_id
            out.protects_person_ids.extend(subject.protected.towards(recipient))
        if decided is not None and not verdict.message.outcome:
            out.outcome = decided.of
        self._unconditioned |= verdict.unconditioned
        if verdict.pending is not None:
            self._ask(recipient, subject.part_id, verdict.pending)
        if verdict.questions:
            self._question(verdict.questions, recipient, subject.part_id)

    def _question(self, codes: Iterable[str], recipient: AgencyClass, part_id: str = "") -> None:
        for code in codes:
            parts = self._questions.setdefault((code, recipient), [])
            if part_id:
                parts.append(part_id)

    def _ask(self, recipient: AgencyClass, part_id: str, pending: Pending) -> None:
        asked = DecisionRequested(
            concern_id=self._state.concern.concern_id,
            decision_id=self._state.decision_id(recipient, part_id, pending.question),
            question_code=pending.question,
            proposal=pending.proposal,
            recipient_class=recipient,
            part_ids=[part_id] if part_id else [],
            clock_code=pending.clock.code,
        )
        asked.agency_id, asked.role = self._lead if pending.of_lead else self._own_person
        asked.due_at.FromDatetime(self._due(pending.clock))
        self._asks.append(asked)

    @cached_property
    def _lead(self) -> tuple[str, DeciderRole]:
        return lead(self._arrangement, self._state.concern, self._today), self._engine.pack.lead_decider

    @cached_property
    def _own_person(self) -> tuple[str, DeciderRole]:
        sender_class = self._sender.agency_class if self._sender else AgencyClass.AGENCY_CLASS_UNSPECIFIED
        return self._state.concern.agency_id, self._engine.pack.deciders.get(sender_class, _DEFAULT_DECIDER)

    def _due(self, clock: Clock) -> datetime:
        if clock.code not in self._moments:
            self._moments[clock.code] = due(clock, self._at)
        return self._moments[clock.code]


def _decision(decided: Decided | None) -> str:
    if decided is None:
        return DecidedWord.NOT_YET.value
    return (DecidedWord.SHARE if decided.share else DecidedWord.NOT_SHARE).value
