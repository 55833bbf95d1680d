"""Plays on the pure cores, in one process: no broker, no database, no keys; the same decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import (
    SubjectAccessRefused,
    SubjectAccessRequested,
)
from concern_relay.v1.concerns_pb2 import (
    ConsentWithdrawn,
    ObjectionRecorded,
    RecordsLinked,
    RecordsUnlinked,
)  # fmt: skip
from concern_relay.v1.shares_pb2 import (
    ActRefused,
)
from services.basis_assessment.core import BasisCore
from services.chassis.arrangement import Arrangement, ArrangementBook
from services.chassis.event import Content, Fact, KeyScope, Refused
from services.intake import follow_up as sent
from services.intake.content.follow_up import Following, Said
from services.intake.core import IntakeCore, IntakeState, objection_due
from services.intake.ids import IdKey
from services.routing.core import RoutingCore
from services.routing.core.said import RECORDED_REFUSALS
from services.workbench.scenario.access import Access, AskAccess
from services.workbench.scenario.access_acts import message_of, share_held
from services.workbench.scenario.acts import Decide, Raise
from services.workbench.scenario.after import Afterwards, Ask, Renew, Revoke
from services.workbench.scenario.after_acts import Acts
from services.workbench.scenario.after_find import Finder
from services.workbench.scenario.again import again
from services.workbench.scenario.agreements import Agreed
from services.workbench.scenario.attaching import Attach, Attaching, Release, ref_of
from services.workbench.scenario.attaching_acts import FileActs
from services.workbench.scenario.decision_acts import answer_to, open_decision
from services.workbench.scenario.erasing import Erasing
from services.workbench.scenario.erasing_acts import act_of
from services.workbench.scenario.follow import body_of, consent_ref, read, refs_there
from services.workbench.scenario.following import Follow, LinkConcerns, WithdrawConsent
from services.workbench.scenario.given import Given
from services.workbench.scenario.laws import law_book
from services.workbench.scenario.named import REMEDIES, SLIPS
from services.workbench.scenario.raising import Raising
from services.workbench.scenario.said import named_person, note
from services.workbench.scenario.scene import agency_known, arrangement_of, classes_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.share_acts import act_on, share_meant, shares_meant
from services.workbench.scenario.stage import Act, SceneError
from services.workbench.scenario.terms import LONDON, local
from services.workbench.scenario.world import Seat, World

ID_KEY: Final = IdKey(b"scenario" * 8)


@dataclass(frozen=True, slots=True)
class _Known:
    """A concern of the scenario."""

    concern_id: str
    refs: dict[str, str]


class InProcess:
    """A stagehand on the cores."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._arrangement: Arrangement | None = None
        self._concerns: dict[str, _Known] = {}
        self._acts = 0
        self._law = ""

    def begin(self, given: Given) -> None:
        """Put the cores of one arrangement, changed as the scene asks, on the stage."""
        now = local(given.now)
        self._arrangement = arrangement_of(given, now)
        self._law = given.law
        book = ArrangementBook.of([self._arrangement])
        self._agreed = Agreed(self._arrangement)
        seats = [
            Seat("intake", IntakeCore(), ("assessments.v1", "shares.v1"), "concerns.v1"),
            Seat("basis_assessment", BasisCore(law_book(given.law), book), ("concerns.v1",), "assessments.v1"),
            Seat("routing", RoutingCore(book), ("concerns.v1", "assessments.v1"), "shares.v1"),
        ]
        self._world = World({seat.name: seat for seat in seats}, now, door=self._agreed.stale)

    @property
    def _stage(self) -> World:
        assert self._world is not None, "begin comes first"
        return self._world

    @property
    def now(self) -> datetime:
        """The time."""
        return self._stage.now

    def advance(self, to: datetime) -> None:
        """Move the time."""
        self._stage.advance(to)

    def raise_(self, step: Raise) -> str:
        """Send a submission; under the same name again, it is a correction."""
        agency_known(self._arrangement, step.agency)
        raising = Raising(step, ID_KEY)
        before = self._concerns.get(step.concern)
        concern_id = before.concern_id if before else raising.concern_id
        data, parts = raising.said(concern_id, self.now.astimezone(LONDON).date(), again=before is not None)
        self._concerns[step.concern] = _Known(concern_id, raising.refs(concern_id))
        return self._act("intake", concern_id, data, step.agency, parts)

    def follow(self, verb: str, step: Follow) -> str:
        """Follow a concern up, as its sender would."""
        known = self._known(step.concern)
        state: IntakeState = self._stage.state("intake", known.concern_id)
        agency = step.agency or state.status.agency_id
        agency_known(self._arrangement, agency)
        other = self._known(step.other).concern_id if isinstance(step, LinkConcerns) else ""
        consents = {ref: i for ref, i in known.refs.items() if any(c.consent_ref == i for c in state.concern.consents)}
        about = consent_ref(step, known.refs, consents) if isinstance(step, WithdrawConsent) else other
        asked = read(verb, known.concern_id, body_of(verb, step, other), about)
        following = Following(state.concern, agency, ID_KEY, self.now, self.now.astimezone(LONDON).date())
        try:
            said = following.said(asked.given, asked.about)
        except KeyError:
            return "no_such_child"
        flags = (*asked.flags, *said.flags)
        if slips := [
            f"{flag.pointer} {SLIPS[flag.code]}; {REMEDIES[flag.code]}" for flag in flags if flag.code in SLIPS
        ]:
            raise SceneError(f"{verb}: {', '.join(slips)}")
        lost = following.whereabouts(said, asked.given, f"{self._acts}") if isinstance(asked.given, sent.Move) else None
        if not self._stage.seals(said.parts):
            return "erased_or_suspended"
        known.refs.update(following.refs(asked.given))
        if isinstance(said.data, ConsentWithdrawn) and about in state.concern.parts:
            self._stage.close_consent(known.concern_id, about)
        refused = self._act("intake", known.concern_id, said.data, agency, said.parts, time=said.time)
        if isinstance(said.data, RecordsLinked | RecordsUnlinked) and not refused:
            mirror = following.mirrored(said, self._stage.state("intake", other).concern)
            refused = self._act("intake", other, mirror.data, agency, mirror.parts)
        if lost is not None and not refused:
            refused = self._lost(step, lost, agency)
        if isinstance(said.data, ConsentWithdrawn):
            self._object(known.concern_id, about)
        return refused

    def _lost(self, step: Follow, lost: Said, agency: str) -> str:
        """Raise the concern about where a child is, as intake does with the move."""
        concern_id: str = lost.data.concern_id  # type: ignore[attr-defined]
        self._concerns[getattr(step, "raises", "")] = _Known(
            concern_id, refs_there(self._known(step.concern).refs, concern_id)
        )
        return self._act("intake", concern_id, lost.data, agency, lost.parts)

    def _object(self, concern_id: str, consent: str) -> None:
        """Let what was suspended open again where nothing had rested on the consent, as intake's worker does."""
        state: IntakeState = self._stage.state("intake", concern_id)
        if objection_due(state, consent):
            self._stage.open_consent(concern_id, consent)
            agency = state.status.agency_id
            data = ObjectionRecorded(
                concern_id=concern_id,
                agency_id=agency,
                consent_ref=consent,
                withdrawal_event_id=state.withdrawn[consent],
            )
            self._act("intake", concern_id, data, agency, ())

    def act(self, verb: str, step: Act) -> str:
        """Act on the newest share an agency has of a concern; without one, on the newest share there is."""
        found = shares_meant(self.seen(step.concern), step.agency, verb, step.view)
        agency_known(self._arrangement, step.agency)
        for share in found:
            data, contents = act_on(share, verb, step)
            if refused := self._act("routing", share.concern_id, data, step.agency, contents):
                return refused
        return "" if found else "unknown_share"

    def afterwards(self, verb: str, step: Afterwards) -> str:
        """Do what follows a share, as routing's routes would ask for it."""
        del verb
        concern_id = self._known(step.concern).concern_id
        seen = self.seen(step.concern)
        agency = step.agency or Finder(seen).sender
        agency_known(self._arrangement, agency)
        asked = Acts(concern_id, seen, agency, self._acts).of(step)
        if isinstance(asked, str):
            return asked
        for data, contents in asked:
            if refused := self._act("routing", concern_id, data, agency, contents):
                return refused
        if isinstance(step, Ask):
            returned = {d.request_id: d.reason_code for d in self.seen(step.concern).of("InformationRequestReturned")}
            return str(returned.get(getattr(asked[0][0], "request_id", ""), ""))
        return ""

    def agreement(self, step: Revoke | Renew) -> str:
        """Revoke an agreement, or renew it; what waits is stopped now, and what was stopped is planned anew."""
        agency_known(self._arrangement, step.agency)
        self._acts += 1
        return self._agreed.said(step, self._stage, f"step-{self._acts}")

    def decide(self, step: Decide) -> str:
        """Answer an open question."""
        known = self._known(step.concern)
        found = open_decision(self.seen(step.concern), step)
        if found is None:
            return "no_such_decision"
        who = named_person(KeyScope(known.concern_id), step.name, step.role.value)
        return self._act("basis_assessment", known.concern_id, answer_to(found, step), step.agency, [who])

    def access(self, step: Access) -> str:
        """Ask for a copy of what is held, or decide on it."""
        known = self._known(step.concern)
        agency_known(self._arrangement, step.agency)
        seen = self.seen(step.concern)
        data = message_of(step, seen, known.concern_id, seen.part)
        if isinstance(data, SubjectAccessRequested) and data.share_id not in {"", share_held(seen, step.agency)}:
            self._tried_access(known.concern_id, step.agency, "unknown_share")
            return "unknown_share"  # as the route answers, which asks routing whose it is
        scope = KeyScope(known.concern_id)
        said = step.words if isinstance(step, AskAccess) else step.reasons
        who = named_person(scope, step.name, step.requester.value if isinstance(step, AskAccess) else step.role.value)
        contents = [who, note(scope, said)] if said else [who]
        return self._act("basis_assessment", known.concern_id, data, step.agency, contents)

    def attaching(self, verb: str, step: Attaching) -> str:
        """Attach a file, release it or take that back, fetch it, as the doors would."""
        known = self._known(step.concern)
        seen, state = self.seen(step.concern), self._stage.state("intake", known.concern_id)
        agency = step.agency or state.status.agency_id
        agency_known(self._arrangement, agency)
        acts = FileActs(state, seen, agency, ID_KEY)
        if isinstance(step, Attach):
            try:
                known.refs[ref_of(step.file)], asked = acts.attach(step)
            except Refused as refused:
                return refused.code
        elif isinstance(step, Release):
            asked = acts.release(step, back=verb == "withdraw_release")
        else:
            share = share_meant(seen, agency)
            if share is None:
                return "unknown_share"
            asked = acts.fetch(step, share)
        for service, data, contents in asked:
            if not self._stage.seals(contents):
                return "erased_or_suspended"
            if refused_with := self._act(service, known.concern_id, data, agency, contents):
                return refused_with
        taken = not isinstance(step, Attach) or step.child_image == "no"
        return "" if taken else "image_not_taken"

    def erasing(self, step: Erasing) -> str:
        """Propose an erasure, decide on it, place a hold or lift it; the vault destroys what was approved."""
        known = self._known(step.concern)
        seen = self.seen(step.concern)
        agency = step.agency or Finder(seen).sender
        agency_known(self._arrangement, agency)
        data, contents = act_of(step, seen, known.concern_id, agency, self._acts)
        approved = len(seen.of("ErasureApproved"))
        refused = self._act("intake", known.concern_id, data, agency, contents)
        for done in self.seen(step.concern).of("ErasureApproved")[approved:]:
            self._stage.destroy(known.concern_id, done.person_id, done.consent_ref)
        return refused

    def seen(self, concern: str) -> Seen:
        """Give what is known of a concern."""
        known = self._known(concern)
        facts = self._facts(known.concern_id)
        views = {
            f.data.share_id: tuple(f.parts.values())  # type: ignore[union-attr]
            for f in facts
            if f.type == "SharePlanned"
        }
        classes = classes_of(self._arrangement) if self._arrangement else {}
        named = {known.concern_id: name for name, known in self._concerns.items()}
        return Seen(facts, known.refs, views, classes, named)

    def again(self) -> list[str]:
        """Decide everything again from what was recorded; give what comes out otherwise."""
        assert self._arrangement is not None, "begin comes first"
        return again(self._stage.events, law_book(self._law), ArrangementBook.of([self._arrangement]))

    def close(self) -> None:
        """Nothing is held."""

    def _known(self, concern: str) -> _Known:
        if concern not in self._concerns:
            raise SceneError(
                f"no concern called {concern!r} was raised; there are: {', '.join(self._concerns) or 'none'}"
            )
        return self._concerns[concern]

    def _facts(self, concern_id: str) -> list[Fact]:
        mine = (happened.fact for happened in self._stage.events if happened.fact.concern_id == concern_id)
        return [self._stage.as_read(fact) for fact in mine]

    def _act(
        self,
        service: str,
        concern_id: str,
        data: Message,
        agency: str,
        contents: Sequence[Content],
        *,
        time: datetime | None = None,
    ) -> str:
        self._acts += 1
        key = f"step-{self._acts}"
        try:
            self._stage.act(service, concern_id, data, agency=agency, key=key, contents=contents, time=time)
        except Refused as refused:
            if refused.code in RECORDED_REFUSALS and not isinstance(data, ActRefused):
                self._tried(concern_id, data, agency, refused.code)
            if isinstance(data, SubjectAccessRequested):
                self._tried_access(concern_id, agency, refused.code)
            return refused.code
        return ""

    def _tried_access(self, concern_id: str, agency: str, reason: str) -> None:
        kept = SubjectAccessRefused(concern_id=concern_id, agency_id=agency, reason_code=reason)
        self._act("basis_assessment", concern_id, kept, agency, ())

    def _tried(self, concern_id: str, data: Any, agency: str, reason: str) -> None:
        """Record that an agency tried what it may not do, as routing's doors do."""
        tried = ActRefused(
            concern_id=concern_id,
            share_id=getattr(data, "share_id", ""),
            agency_id=agency,
            act_code=data.DESCRIPTOR.name,
            reason_code=reason,
        )
        self._act("routing", concern_id, tried, agency, ())
