"""From an assessment, or an emergency, to shares: who is given what, who is not, and why.

Routing only ever narrows what the assessment allowed. It never sends the same content twice to the same agency, and it
never lets a concern end without an accountable recipient or a reasoned decision on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import AgencyClass, Outcome, Urgency, WithholdReason
from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import CorrectionSent, SharePlanned
from services.chassis.arrangement import Agency, Arrangement, Force, MatrixRow, Selection, Told
from services.chassis.clauses import Facts
from services.chassis.concern_facts import concern_facts
from services.chassis.event import Content, Effect, KeyScope, Timer, derived_id
from services.routing.core import duties, handover
from services.routing.core.clocks import deliver_by, first_due
from services.routing.core.consents import rests_on
from services.routing.core.policy import CORRECTION, POLICY_STALE, statutory
from services.routing.core.recipients import Asked, Gap, Recipient, leading, recipients
from services.routing.core.state import Assessment, Share, State, part_digest
from services.routing.core.view import SHARED, Laid, View, Wanted, lay_out, reason_of, view_of
from services.routing.core.withholding import Withholding

_CSC: Final = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
_NOBODY: Final = AgencyClass.AGENCY_CLASS_UNSPECIFIED
PARENT_VISIBLE: Final = "parent_visible"
OUT_OF_HOURS: Final = "out_of_hours_cover"
NO_RECIPIENT_JUSTIFIED: Final = "no_recipient_justified"


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a share rests on: an assessed class, or an emergency before any assessment."""

    row: MatrixRow
    outcome: Outcome
    allowed: Mapping[str, ItemAssessment] | None = None


@dataclass
class Planner:
    """Plans what follows from one cause. Use once; read ``effects`` and ``timers``.

    Attributes:
        state: with the cause already folded in.
        at: recorded time of the cause.
        cause: id of the assessment, or of the concern event in an emergency; names the shares.
        assessment_id: empty in an emergency.
    """

    arrangement: Arrangement
    state: State
    at: datetime
    cause: str
    assessment_id: str = ""
    effects: list[Effect] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._concern = self.state.concern
        self._laid: Laid = lay_out(self._concern, self.arrangement.left_out(self._facts))
        self._asked = Asked.about(self.arrangement, self._concern, self.at)
        self._targets: dict[tuple[str, str], Recipient] = {}
        self._held = Withholding(self._concern.concern_id)
        self._stale: frozenset[str] = frozenset()
        self._shared = 0
        self._lost = False

    # -- the two ways in

    def emergency(self) -> None:
        """Plan the emergency minimum: who the arrangement names for emergencies, and nobody else (practice 3)."""
        rows = [told for told in self.arrangement.told(self._facts) if told.emergency]
        self._aim(rows)
        for recipient in self._targets.values():
            row = self.arrangement.matrix[recipient.agency.agency_class]
            self._share(recipient, _Basis(row, Outcome.OUTCOME_SHARE_EMERGENCY))
        self._withhold()

    def assessed(self, data: BasisAssessed) -> None:
        """Plan what an assessment allows."""
        told = self.arrangement.told(self._facts)
        self._stale = self.state.changed_since(data.assessed_event_id)
        bases = {c.recipient_class: b for c in data.classes if (b := self._basis(c)) is not None}
        for assessed in data.classes:
            rows = [row for row in told if row.agency_class == assessed.recipient_class]
            if assessed.recipient_class in bases:
                self._aim_assessed(assessed, rows)
            else:
                self._not_told(assessed, rows)
        self._front_door_for_gaps(bases)
        for recipient in sorted(self._targets.values(), key=lambda one: not one.told.apart):
            self._share(recipient, bases[recipient.agency.agency_class])
        self._correct(bases)
        self._stand_beside()
        started = duties.arisen(self._asked, self.state, self._facts, self.at)
        self._end_reasoned(started.effects)
        self._withhold()
        self.effects += started.effects
        self.timers += started.timers

    def instead(self, recipient: Recipient, assessed: ClassAssessment | None, of: Share) -> str:
        """Plan the share for whom a recalled one was meant for; its clock goes on where that of the other began."""
        basis = self._basis(assessed) if assessed is not None else None
        if basis is None:
            basis = _Basis(self.arrangement.matrix[recipient.agency.agency_class], Outcome.OUTCOME_SHARE_EMERGENCY)
        share_id = self._share(recipient, basis, replaces=of)
        self._withhold()
        return share_id

    def nobody_left(self) -> None:
        """Put on record that nobody is told any more, where every share was recalled or stopped."""
        if all(share.void for share in self.state.shares.values()):
            self._held.hold(_NOBODY, "", WithholdReason.WITHHOLD_REASON_NO_ROLE, NO_RECIPIENT_JUSTIFIED)
        self._withhold()

    def redirected(self, recipient: Recipient, assessed: ClassAssessment | None, from_share: str) -> str:
        """Plan the share for whom a recipient passed it on to; gives its id, empty when nothing is left to pass on."""
        basis = self._basis(assessed) if assessed is not None else None
        if basis is None:
            row = self.arrangement.matrix[recipient.agency.agency_class]
            basis = _Basis(row, Outcome.OUTCOME_SHARE_EMERGENCY)
        share_id = self._share(recipient, basis, redirects=from_share)
        self._withhold()
        return share_id

    # -- who

    @cached_property
    def _facts(self) -> Facts:
        """What rules are asked about: worked out once a plan, because it looks at every person and item."""
        sender = self.arrangement.agency(self._concern.agency_id)
        return concern_facts(self._concern, self.at, sender.agency_class if sender is not None else _NOBODY)

    def _basis(self, assessed: ClassAssessment) -> _Basis | None:
        row = self.arrangement.matrix.get(assessed.recipient_class)
        if row is None or assessed.outcome not in SHARED:
            return None
        return _Basis(row, assessed.outcome, {item.part_id: item for item in assessed.items})

    def _aim_assessed(self, assessed: ClassAssessment, rows: list[Told]) -> None:
        """Follow the rows of a class that may be told: those that must, or all once somebody decided to share."""
        must = [row for row in rows if row.must]
        decided = not assessed.must or assessed.outcome == Outcome.OUTCOME_SHARE_CONSENT
        follow = rows if decided else must
        if not follow:
            follow = [self._unnamed(assessed.recipient_class, must=assessed.must)]
        self._aim(follow)
        for row in rows:
            if row not in follow:
                self._propose(row)

    def _unnamed(self, agency_class: AgencyClass, *, must: bool) -> Told:
        """The law asks for a class no rule of the arrangement names: the matrix says which agency it is."""
        row = self.arrangement.matrix[agency_class]
        clock = next(t.clock_code for rule in self.arrangement.rules for t in rule.tells if not t.emergency)
        force = Force.MUST if must else Force.USUALLY
        return Told("matrix", agency_class, row.select, force, clock, row.cite)

    def _aim(self, rows: Iterable[Told]) -> None:
        for told in rows:
            found, gaps = recipients(self._asked, told)
            for recipient in found:
                if told.apart and recipient.fallback == OUT_OF_HOURS:
                    continue  # a notice wakes nobody at night; what is urgent goes beside it
                if self._revoked(recipient):
                    reason = WithholdReason.WITHHOLD_REASON_AGREEMENT_REVOKED
                    self._note_gap(Gap(told, recipient.agency.agency_id, reason, POLICY_STALE))
                    continue
                if recipient.agency.agency_id in self.state.barred:
                    no_role = WithholdReason.WITHHOLD_REASON_NO_ROLE
                    self._note_gap(Gap(told, recipient.agency.agency_id, no_role, "recalled"))
                    continue
                line = (recipient.agency.agency_id, told.line)
                self._targets[line] = self._stricter(self._targets.get(line), recipient)
            for gap in gaps:
                self._note_gap(gap)

    def _revoked(self, recipient: Recipient) -> bool:
        """Whether it would be told under an agreement that was revoked; never so where it must be, or is urgent."""
        agency, told = recipient.agency, recipient.told
        if told.must or self._concern.urgency >= Urgency.URGENCY_URGENT:
            return False
        barred = self.state.agreements.bar(agency)
        return barred and not statutory(self.arrangement, agency.agency_class, told.rule_code)

    def _stricter(self, known: Recipient | None, other: Recipient) -> Recipient:
        """Of two rows that name an agency, the one whose clock ends first; the children of both."""
        if known is None:
            return other
        children = known.children | other.children if known.children and other.children else frozenset[str]()
        first = min((known, other), key=lambda r: (not r.told.must, self._due(r)))
        usual = not (known.told.view_code and other.told.view_code)
        told = replace(first.told, view_code="") if usual else first.told
        return Recipient(first.agency, told, children, first.meant, first.fallback)

    def _due(self, recipient: Recipient) -> datetime:
        begun = self._concern.raised_at or self.at
        days = self.arrangement.school_days(recipient.agency.areas)
        return first_due(self.arrangement, recipient.told.clock_code, self._concern.urgency, self.at, begun, days)[1]

    def _front_door_for_gaps(self, bases: Mapping[AgencyClass, _Basis]) -> None:
        """Somebody who must be told cannot be found: the front door is told, so that the concern reaches a person."""
        answered = any(r.agency.agency_class == _CSC and not r.told.view_code for r in self._targets.values())
        if self._lost and _CSC in bases and not answered:
            self._aim([self._unnamed(_CSC, must=True)])

    # -- what

    def _share(self, recipient: Recipient, basis: _Basis, redirects: str = "", replaces: Share | None = None) -> str:
        agency = recipient.agency
        row = basis.row.seen_as(recipient.told.view_code, parent_visible=agency.parent_visible)
        view = view_of(self._laid, Wanted(row, basis.allowed, recipient.children, self._stale))
        if not recipient.told.apart or (agency.agency_id, "") not in self._targets:
            self._note_view(recipient, basis, view)
        given = self.state.given(agency.agency_id, recipient.told.line)
        new = _new(view.parts, given)
        withdrawn = sorted(self.state.removed & given.keys())
        if not new and not withdrawn:
            return ""
        return self._plan(recipient, basis, new, withdrawn, redirects=redirects, replaces=replaces)

    def _plan(
        self,
        recipient: Recipient,
        basis: _Basis,
        new: Mapping[str, Part],
        withdrawn: list[str],
        *,
        redirects: str = "",
        replaces: Share | None = None,
    ) -> str:
        agency, told = recipient.agency, recipient.told
        line = (told.line,) if told.apart else ()
        share_id = derived_id(self._concern.concern_id, "share", agency.agency_id, self.cause, *line)
        every = self.state.shares_of(agency.agency_id)
        before = [share for share in every if share.line == told.line]
        data = SharePlanned(
            concern_id=self._concern.concern_id,
            share_id=share_id,
            recipient_agency_id=agency.agency_id,
            recipient_class=agency.agency_class,
            sender_agency_id=self._concern.agency_id,
            assessment_event_id=self.assessment_id,
            outcome=basis.outcome,
            emergency=basis.allowed is None,
            rule_code=told.rule_code,
            arrangement_sha256=self.arrangement.sha256,
            channels=agency.channels,
            urgency=Urgency.URGENCY_ROUTINE if told.apart else self._concern.urgency,
            adds_to_share_id=before[0].share_id if before else "",
            test=self._concern.test,
            meant_agency_id=recipient.meant,
            fallback_code=recipient.fallback,
            withdrawn_part_ids=withdrawn,
            clock_code=told.clock_code,
            redirects_share_id=redirects,
            replaces_share_id=replaces.share_id if replaces is not None else "",
            view_code=told.view_code,
            instruction_codes=self._instructions(agency),
            leads=agency.agency_id in self._leading,
            apart=told.apart,
            beside_share_ids=[share.share_id for share in every if share.line != told.line],
            consents=rests_on(self._concern, agency.agency_class, basis.outcome, basis.allowed, new),
        )
        corrected = next((s for s in reversed(before) if s.digests.keys() & {*new, *withdrawn}), None)
        if (since := _begun(replaces or corrected)) is not None:
            data.clock_from.FromDatetime(since)
        data.takes_over_share_id, kept_due = handover.kept(self.arrangement, self.state, agency)
        if kept_due is not None:
            data.kept_due_at.FromDatetime(kept_due)
        # what rests on a consent is shut with it, at this recipient too, before anybody has answered (practice 19)
        consent_of = {part_id: rests.consent_ref for rests in data.consents for part_id in rests.part_ids}
        contents = tuple(
            Content(i, KeyScope(data.concern_id, consent_ref=consent_of.get(i, ""), share_id=share_id), part)
            for i, part in sorted(new.items())
        )
        self.effects.append(Effect(data, key=share_id, contents=contents))
        self.timers.append(Timer(f"deliver:{share_id}", deliver_by(self.arrangement, self.at)))
        if corrected is not None:
            self._corrects(share_id, corrected.share_id, agency.agency_id)
        self._shared += 1
        return share_id

    def _stand_beside(self) -> None:
        """Name to each share what its recipient is told beside it now: two events, of which neither is the other."""
        planned = [effect.data for effect in self.effects if isinstance(effect.data, SharePlanned)]
        for one in planned:
            one.beside_share_ids.extend(
                other.share_id
                for other in planned
                if other.recipient_agency_id == one.recipient_agency_id and other is not one
            )

    def _corrects(self, share_id: str, corrected_id: str, agency_id: str) -> None:
        sent = CorrectionSent(
            concern_id=self._concern.concern_id,
            share_id=share_id,
            corrects_share_id=corrected_id,
            recipient_agency_id=agency_id,
        )
        self.effects.append(Effect(sent, key=share_id))

    def _correct(self, bases: Mapping[AgencyClass, _Basis]) -> None:
        """Reach those who hold old content and are told nothing now: what they hold and no longer stands."""
        for line, share in {(s.agency_id, s.line): s for s in self.state.shares.values() if not s.void}.items():
            agency = self.arrangement.agency(share.agency_id)
            if agency is None or line in self._targets:
                continue
            given = self.state.given(*line)
            basis = bases.get(share.agency_class)
            withdrawn = sorted(self.state.removed & given.keys())
            new: Mapping[str, Part] = {}
            if basis is not None and share.agency_id not in self._asked.readable:
                row = basis.row.seen_as(share.view_code, parent_visible=agency.parent_visible)
                view = view_of(self._laid, Wanted(row, basis.allowed, frozenset(), self._stale))
                new = _new({k: part for k, part in view.parts.items() if k in given}, given)
            if new or withdrawn:
                told = Told(CORRECTION, agency.agency_class, self._select(agency.agency_class), Force.MUST,
                            share.clock_code, "UK GDPR Article 19: recipients are told of a rectification")  # fmt: skip
                told = replace(told, view_code=share.view_code, apart=bool(share.line))
                row = self.arrangement.matrix[agency.agency_class]
                kept = basis or _Basis(row, Outcome.OUTCOME_SHARE_POWER, {})
                self._plan(Recipient(agency, told), kept, new, withdrawn)

    def _instructions(self, agency: Agency) -> tuple[str, ...]:
        by_rule = self.arrangement.instructions(self._facts)
        return (*by_rule, PARENT_VISIBLE) if agency.parent_visible else by_rule

    @cached_property
    def _leading(self) -> frozenset[str]:
        """The front doors that lead until another accepts: where a child was found, else lives (practice 24)."""
        concern = self._concern
        if self.state.lead or (self.state.leads and (concern.moved or concern.staying)):
            return self.state.leads  # a move passes nothing on by itself, and neither does a stay elsewhere
        return frozenset(leading(self._asked))

    # -- what not

    def _note_view(self, recipient: Recipient, basis: _Basis, view: View) -> None:
        agency = recipient.agency
        for left in view.left:
            self._held.hold(agency.agency_class, agency.agency_id, left.reason, left.rule_code, left.part_id)
        for part_id, item in (basis.allowed or {}).items():
            if part_id not in self._concern.unopened:
                continue
            reason = WithholdReason.WITHHOLD_REASON_ERASED
            if item.outcome not in SHARED:
                reason = reason_of(item.outcome, item.reason)
            elif self.state.withdrawn_consents:
                reason = WithholdReason.WITHHOLD_REASON_CONSENT
            self._held.hold(agency.agency_class, agency.agency_id, reason, "cannot_be_opened", part_id)

    def _not_told(self, assessed: ClassAssessment, rows: list[Told]) -> None:
        """A class that is not told: on record wherever anybody could have expected it to be."""
        if assessed.outcome == Outcome.OUTCOME_NOT_SHARED_NO_ROLE and not rows and not assessed.must:
            return
        rule = assessed.clause_codes[-1] if assessed.clause_codes else "assessment"
        for row in rows:
            if not row.must:
                self._propose(row, assessed)
        if not rows or any(self._asks(row) for row in rows):
            self._held.hold(assessed.recipient_class, "", reason_of(assessed.outcome, assessed.reason), rule)

    def _asks(self, row: Told) -> bool:
        """Whether a row that must be followed means anybody; one that may find nobody and does is no gap."""
        return row.must and (not row.select.optional or any(recipients(self._asked, row)))

    def _propose(self, row: Told, assessed: ClassAssessment | None = None) -> None:
        """A usual recipient: the lead agency decides; or a person looks first (practice 5 and 6)."""
        reason = WithholdReason.WITHHOLD_REASON_LEAD_AGENCY_DECIDES
        if row.force is Force.PERSON_DECIDES:
            reason = WithholdReason.WITHHOLD_REASON_PERSON_DECIDES
        elif assessed is not None and (assessed.outcome != Outcome.OUTCOME_PROPOSED or assessed.reason):
            reason = reason_of(assessed.outcome, assessed.reason)
        found, _ = recipients(self._asked, row)
        told = {agency_id for agency_id, _ in self._targets}
        meant = [r.agency.agency_id for r in found if r.agency.agency_id not in told]
        for agency_id in meant or ([] if found else [""]):
            self._held.hold(row.agency_class, agency_id, reason, row.rule_code)

    def _note_gap(self, gap: Gap) -> None:
        self._lost |= gap.told.must and gap.reason == WithholdReason.WITHHOLD_REASON_NO_ROLE
        self._held.hold(gap.told.agency_class, gap.agency_id, gap.reason, gap.rule_code)

    def _end_reasoned(self, started: Iterable[Effect]) -> None:
        """Nobody is told and nobody was: that, too, is a decision with a reason (rules 2.2, last row).

        A front door that raised the concern itself is told by nobody, and answers for it all the same.
        """
        own = any(getattr(effect.data, "leads", False) for effect in started) or bool(self.state.leads)
        if not self._shared and not self.state.shares and not own:
            self._held.hold(_NOBODY, "", WithholdReason.WITHHOLD_REASON_NO_ROLE, NO_RECIPIENT_JUSTIFIED)

    def _withhold(self) -> None:
        self.effects += self._held.effects(self.state.withheld, self.assessment_id, self.cause)

    def _select(self, agency_class: AgencyClass) -> Selection:
        return self.arrangement.matrix[agency_class].select


def planner_for(arrangement: Arrangement, state: State, assessment: Assessment, at: datetime) -> Planner:
    """Give the planner for an assessment."""
    return Planner(arrangement, state, at, assessment.event_id, assessment.event_id)


def _begun(share: Share | None) -> datetime | None:
    """Give when an earlier share's clock began that nobody has stopped: putting something right restarts nothing."""
    if share is None or share.acknowledged_at is not None:
        return None
    return share.clock_from or share.delivered_at


def _new(parts: Mapping[str, Part], given: Mapping[str, bytes]) -> dict[str, Part]:
    """Give what an agency does not hold yet, or holds otherwise; what it holds and nobody can open stays unsent."""
    return {
        part_id: part
        for part_id, part in parts.items()
        if part_id not in given or (given[part_id] and given[part_id] != part_digest(part))
    }
