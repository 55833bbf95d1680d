"""The pure core of routing: assessments and emergencies in, shares out, and the clocks until somebody acknowledges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import ConsentWithdrawn, ErasureApproved, WatchExpired
from concern_relay.v1.shares_pb2 import (
    ActRefused,
    AgreementRenewed,
    AgreementRevoked,
    AttachmentFetched,
    AttachmentReceived,
    BreachNotReportable,
    BreachReported,
    ContentViewed,
    DeliveryFailed,
    DisagreementMoved,
    DisagreementRaised,
    DisagreementResolved,
    DispatchBlocked,
    DispatchReleased,
    DutyDone,
    ErasureConfirmed,
    ErasureDeclined,
    InformationProvided,
    InformationRefused,
    InformationRequested,
    InformationRequestReturned,
    NothingHeld,
    OutcomeGiven,
    SafetyCallMade,
    ShareAcknowledged,
    ShareDelivered,
    ShareRead,
    ShareRecalled,
    ShareRedirected,
)
from services.chassis.arrangement import Arrangement, Book
from services.chassis.calendar import LONDON
from services.chassis.concern import CONTENT_EVENTS, Concern
from services.chassis.event import NOTHING, Decision, Effect, Fact, FactKind, Refused, Timer
from services.routing.core import (
    acts,
    alarm,
    attachments,
    breach,
    disagreement,
    duties,
    erasure,
    handover,
    policy,
    reopened,
    requests,
)
from services.routing.core import state as states
from services.routing.core.folding import folded, joined
from services.routing.core.plan import Planner, planner_for
from services.routing.core.policy import POLICY_STALE
from services.routing.core.recall import recalled
from services.routing.core.recipients import Asked, could_read
from services.routing.core.redirect import redirected
from services.routing.core.state import Assessment, Share, State

__all__ = ["INBOX_READABLE", "RoutingCore", "Share", "State"]

INBOX_READABLE: Final = "inbox_readable_by_person_of_concern"


@dataclass(frozen=True, slots=True)
class RoutingCore:
    """Decides who is given what, and watches until a person has acknowledged."""

    book: Book

    def start(self, concern_id: str) -> State:
        """Give the state of a concern nothing is known of."""
        return State(Concern(concern_id))

    def evolve(self, state: State, fact: Fact) -> State:
        """Fold a fact into the state."""
        return states.evolve(state, fact)

    def decide(self, state: State, fact: Fact) -> Decision:
        """Answer an input.

        Raises:
            Refused: for an act that may not be done.
        """
        decision = self._decided(state, fact)
        if not state.attachments.known or state.concern.history:
            return decision
        after = states.evolve(state, fact) if fact.kind is FactKind.EVENT else state
        return joined(decision, attachments.news(folded(after, fact, decision.effects)))

    def _decided(self, state: State, fact: Fact) -> Decision:
        if fact.kind is FactKind.ACT:
            return self._act(state, fact)
        if fact.timer is not None:
            return self._fired(state, fact, fact.timer)
        after = states.evolve(state, fact)
        if after.concern.history:
            return NOTHING
        if fact.type in states.CONCERN_EVENTS:
            content = self._content(state, after, fact)
            if not isinstance(fact.data, WatchExpired):
                return content
            return joined(content, alarm.raised(self._on(fact.recorded), after.concern, fact, fact.data))
        assessment = states.assessment_of(fact)
        if assessment is not None and after.assessed is not state.assessed:
            return self._assessed(after, (assessment,), fact)
        return NOTHING

    def _content(self, before: State, after: State, fact: Fact) -> Decision:
        """An emergency goes first, before any assessment; then whatever assessment was waiting for this event."""
        decision = NOTHING
        emergency = after.concern.urgency == Urgency.URGENCY_EMERGENCY
        if emergency and fact.type in CONTENT_EVENTS:
            planner = Planner(self._on(fact.recorded), after, fact.recorded, str(fact.id))
            planner.emergency()
            decision = Decision(tuple(planner.effects), tuple(planner.timers))
        decision = joined(decision, self._afterwards(after, fact, decision))
        waiting = states.ready(replace(after, waiting=before.waiting))
        if waiting and decision.effects:
            after = folded(after, fact, decision.effects)
        return joined(decision, self._assessed(after, waiting, fact))

    def _assessed(self, state: State, assessments: tuple[Assessment, ...], fact: Fact) -> Decision:
        decision = NOTHING
        for number, assessment in enumerate(assessments, start=1):
            data = assessment.data
            arrangement = self.book.by_digest(data.arrangement_sha256) or self._on(fact.recorded)
            planner = planner_for(arrangement, state, assessment, fact.recorded)
            planner.assessed(data)
            decision = joined(decision, reopened.by_new_shares(arrangement, state, fact, planner.effects))
            decision = joined(decision, Decision(tuple(planner.effects), tuple(planner.timers)))
            if number < len(assessments):
                state = folded(state, fact, planner.effects)
        return decision

    def _afterwards(self, after: State, fact: Fact, decision: Decision) -> Decision:
        """What else a concern event asks for: erasure of what rested on a consent, a second look at old answers."""
        arrangement = self._on(fact.recorded)
        if isinstance(fact.data, ConsentWithdrawn):
            return erasure.withdrawn(self._of_share, after, fact, fact.data.consent_ref)
        if isinstance(fact.data, ErasureApproved):
            return erasure.at_source(self._of_share, after, fact, fact.data)
        if fact.type == "RecordsLinked":
            return reopened.by_link(arrangement, after, fact)
        return reopened.by_new_shares(arrangement, after, fact, decision.effects)

    def _fired(self, state: State, fact: Fact, timer: Timer) -> Decision:
        kind, _, about = timer.name.partition(":")
        arrangement = self._on(fact.recorded)
        match kind:
            case disagreement.DISAGREE:
                return disagreement.fired(arrangement, state, fact, about)
            case erasure.ERASE:
                return erasure.fired(arrangement, state, fact, about)
            case breach.BREACH | breach.CALL:
                return breach.fired(state, fact, kind, about)
            case requests.REQUEST:
                return requests.fired(state, fact, about)
            case duties.DUTY:
                return duties.fired(state, fact, about)
            case _:
                return acts.fired(self._of_share, state, fact, timer)

    def _act(self, state: State, fact: Fact) -> Decision:  # noqa: C901, PLR0912  (a table: one row an act)
        data = fact.data
        match data:
            case ShareDelivered():
                return self._delivered(state, fact, data)
            case DispatchBlocked():
                return self._blocked(state, fact, acts.share_of(state, data), data)
            case DispatchReleased():
                return self._released(state, fact, acts.share_of(state, data), data)
            case DeliveryFailed():
                return acts.delivery_failed(state, fact, data)
            case ShareRead():
                return acts.read(state, fact, data)
            case ContentViewed():
                return acts.viewed(state, fact, data)
            case ShareAcknowledged():
                return self._and_lead(state, fact, data, acts.acknowledged(state, fact, data))
            case OutcomeGiven():
                return self._and_lead(state, fact, data, acts.outcome_given(state, fact, data))
            case ShareRedirected():
                return redirected(self._on(fact.recorded), state, fact, data)
            case AgreementRevoked():
                return policy.revoked(state.agreements, fact, data)
            case AgreementRenewed():
                return policy.renewed(state.agreements, fact, data)
            case AttachmentReceived():
                return acts.received(state, fact, data)
            case AttachmentFetched():
                share = acts.share_of(state, data)
                acts.in_hand(share)
                return attachments.fetched(state, share, fact, data)
            case ActRefused():
                return acts.refused(state, fact, data)
            case _:
                return self._act_after(state, fact)

    def _and_lead(
        self, state: State, fact: Fact, data: ShareAcknowledged | OutcomeGiven, decision: Decision
    ) -> Decision:
        """Let the lead pass where what was done accepts the concern (practice 24), and start what it leads to."""
        if not decision.effects:
            return decision
        share = acts.share_of(state, data)
        decision = joined(decision, handover.accepted(self._of_share(share), state, share, fact))
        if not isinstance(data, OutcomeGiven):
            return decision
        asked = Asked.about(self._on(fact.recorded), state.concern, fact.recorded)
        return joined(decision, duties.by_outcome(asked, state, share, fact, data.outcome))

    def _act_after(self, state: State, fact: Fact) -> Decision:  # noqa: C901, PLR0912  (a table: one row an act)
        """Answer an act on what followed a share: a recall, an erasure, a breach, a disagreement, a request."""
        arrangement, data = self._on(fact.recorded), fact.data
        match data:
            case ShareRecalled():
                return recalled(arrangement, state, fact, data)
            case ErasureConfirmed():
                return erasure.confirmed(state, fact, data)
            case ErasureDeclined():
                return erasure.declined(state, fact, data)
            case SafetyCallMade():
                return breach.called(state, fact, data)
            case BreachReported() | BreachNotReportable():
                return breach.closed(state, fact, data)
            case DisagreementRaised():
                return disagreement.raised(arrangement, state, fact, data)
            case DisagreementMoved():
                return disagreement.moved(arrangement, state, fact, data)
            case DisagreementResolved():
                return disagreement.resolved(state, fact, data)
            case DutyDone():
                asked = Asked.about(arrangement, state.concern, fact.recorded)
                return duties.done(arrangement, state, fact, data, asked)
            case InformationRequested():
                return requests.requested(arrangement, state, fact, data)
            case InformationRequestReturned():
                return requests.returned(fact, data)
            case InformationProvided() | InformationRefused() | NothingHeld():
                return requests.answered(state, fact, data)
            case _:
                raise Refused(
                    422, "unknown_act", "routing does not know this act; see the routes of its HTTP interface"
                )

    def _delivered(self, state: State, fact: Fact, data: ShareDelivered) -> Decision:
        share = acts.share_of(state, data)
        if share.delivered_at is None and not share.void and could_read(state.concern, share.agency_id):
            return self._blocked(state, fact, share, DispatchBlocked(reason_code=INBOX_READABLE))
        return acts.delivered(self._of_share(share), state, fact, data)

    def _blocked(self, state: State, fact: Fact, share: Share, why: DispatchBlocked) -> Decision:
        """Stop a share at the door, and plan anew what may still go: the rest of it, or somebody else."""
        if share.delivered_at is not None or share.void:
            return NOTHING
        decision = acts.blocked(fact, share, why.reason_code, why.agreement_ref)
        # without an agreement, what may go is what the arrangement of today says, and no other
        stale = why.reason_code == POLICY_STALE
        arrangement = self._on(fact.recorded) if stale else self._of_share(share)
        return joined(decision, self._anew(state, fact, decision, arrangement))

    def _released(self, state: State, fact: Fact, share: Share, data: DispatchReleased) -> Decision:
        """Plan anew what was stopped for want of an agreement that stands again; once for each share."""
        if not share.blocked or share.share_id in state.agreements.released:
            return NOTHING
        decision = Decision((Effect(data, key=f"{share.share_id}/{data.agreement_ref}"),))
        return joined(decision, self._anew(state, fact, decision, self._on(fact.recorded)))

    def _anew(self, state: State, fact: Fact, decision: Decision, arrangement: Arrangement) -> Decision:
        after, assessed = folded(state, fact, decision.effects), state.assessed
        planner = Planner(arrangement, after, fact.recorded, str(fact.id), assessed.event_id if assessed else "")
        if assessed is not None:
            planner.assessed(assessed.data)
        else:
            planner.emergency()
        return Decision(tuple(planner.effects), tuple(planner.timers))

    def _on(self, recorded: datetime) -> Arrangement:
        return self.book.on(recorded.astimezone(LONDON).date())

    def _of_share(self, share: Share) -> Arrangement:
        return self.book.by_digest(share.arrangement_sha256) or self._on(share.planned_at)
