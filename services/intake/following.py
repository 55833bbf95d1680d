"""Follow-ups are accepted: resolved against the concern as it stands, and committed before they are answered.

A follow-up that came before, in every word, is known by the id of its act and gets its first answer again, whatever
came since; a new Idempotency-Key says that it is meant anew. The keys of a withdrawn consent are suspended before
anything else is done, so a process that is killed in between leaves them closed, and a resend does the rest.

One way in for HTTP, Kafka, files and suppliers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.concerns_pb2 import ConsentWithdrawn, RecordsLinked, RecordsUnlinked
from services.chassis.envelope import Record
from services.chassis.errors import IdConflict
from services.chassis.event import Refused
from services.chassis.journal import Act
from services.chassis.journal.rows import act_id
from services.intake.acceptance import VERSIONS_MAX, Acceptance, Accepted, Sender
from services.intake.content.follow_up import Following, Said
from services.intake.core import NOT_YOURS, IntakeState
from services.intake.dates import LONDON
from services.intake.flags import Flag
from services.intake.follow_up import FollowUp, GivenConsent, Move
from services.intake.withdrawing import CONSENT_WITHDRAWN, suspend, with_withdrawals

PURPOSE: Final = "follow_up"
TOGETHER_MAX: Final = 16
"""Follow-ups of one concern at one moment: each round one of them is recorded, and the others look again."""
OF_HOLDERS: Final = ("Move", "Link", "Unlink")


@dataclass(frozen=True, slots=True)
class Follow:
    """A follow-up as read.

    Attributes:
        concern_id: of which concern.
        given: what it says.
        flags: what was odd in its text.
        about: for a withdrawal the consent, by ref or id; for an unlinking the other concern.
    """

    concern_id: str
    given: FollowUp | GivenConsent
    flags: tuple[Flag, ...] = ()
    about: str = ""


@dataclass(frozen=True)
class FollowUps:
    """Accepts follow-ups.

    Attributes:
        acceptance: of submissions, with the journal, the keys and the signer.
    """

    acceptance: Acceptance

    async def accept(self, sender: Sender, follow: Follow) -> Accepted:
        """Accept a follow-up; when this returns, it is committed.

        Raises:
            Refused: 404 of another agency's concern; 409 and 422 as the core says; 503 ``busy``.
        """
        for _ in range(TOGETHER_MAX):
            try:
                return await self._resolve(sender, follow)
            except IdConflict:
                continue  # another follow-up came between reading and recording: look again at what stands
        raise Refused(503, "busy", "Others are following this concern up. Send it again in a second.")

    async def _resolve(self, sender: Sender, follow: Follow) -> Accepted:
        key = await self.acceptance.id_key()
        state = await self._state(sender, follow.concern_id, type(follow.given).__name__)
        now = self.acceptance.clock.now()
        following = Following(state.concern, sender.agency_id, key, now, now.astimezone(LONDON).date())
        said = self._said(following, follow)
        if sender.supplier:
            data: Any = said.data
            data.on_behalf_by = sender.supplier
        words = (type(follow.given).__name__, follow.concern_id, follow.about, follow.given.model_dump_json())
        digest = key.digest("follow-up", *words).hex()
        if isinstance(said.data, ConsentWithdrawn):
            await self._suspend(state, said.data)
        if (again := await self._known_before(sender, state, said, digest)) is not None:
            await suspend(self.acceptance.keys, state, said.parts)
            return self._answer(again, state, said, follow, repeated=True)
        await self._sealable(said)
        return await self._recorded(_Resolved(sender, follow, state, following, said, digest))

    async def _state(self, sender: Sender, concern_id: str, kind: str) -> IntakeState:
        state, _ = await self.acceptance.journal.state(concern_id, purpose=PURPOSE)
        may = state.holds(sender.agency_id) if kind in OF_HOLDERS else state.status.agency_id == sender.agency_id
        if not may:
            # of another agency's concern not even the existence is said
            raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
        return state

    def _said(self, following: Following, follow: Follow) -> Said:
        try:
            return following.said(follow.given, follow.about)
        except KeyError:
            if isinstance(follow.given, Move):
                raise Refused(
                    422, "no_such_child", "Name a child of this concern by the ref it was raised with, as child."
                ) from None
            raise

    async def _suspend(self, state: IntakeState, data: ConsentWithdrawn) -> None:
        known = state.concern.parts.keys() | state.concern.unopened
        if data.consent_ref not in known:
            raise Refused(404, "no_such_consent", "No consent of that ref is recorded here. Look at how it was sent.")
        if data.consent_ref not in state.objected:
            await self.acceptance.keys.suspend(
                state.concern.concern_id, reason=CONSENT_WITHDRAWN, consent_ref=data.consent_ref
            )

    async def _known_before(self, sender: Sender, state: IntakeState, said: Said, digest: str) -> Record | None:
        if sender.anew:
            return None
        name, concern_id = said.data.DESCRIPTOR.name, state.concern.concern_id
        oldest = max(1, state.follow_ups - VERSIONS_MAX)
        acts = [
            act_id(concern_id, sender.agency_id, name, _key(number, digest))
            for number in range(state.follow_ups, oldest - 1, -1)
        ]
        found = await self.acceptance.concerns.led_to(acts) if acts else {}
        return next((found[act] for act in acts if act in found), None)

    async def _sealable(self, said: Said) -> None:
        scopes = {content.scope for content in said.parts}
        if (await self.acceptance.keys.issue(scopes)).keys() != scopes:
            raise Refused(
                409,
                "erased_or_suspended",
                "Part of this was erased, or rests on a consent that was withdrawn, and cannot be recorded again.",
            )

    async def _recorded(self, case: _Resolved) -> Accepted:
        state, said = case.state, case.said
        main = case.act(state, said)
        withdrawn = isinstance(said.data, ConsentWithdrawn)  # its keys are shut by now
        acts = [main] if withdrawn else with_withdrawals(state, main, case.sender.supplier)
        shuts = len(acts) > 1
        if isinstance(said.data, RecordsLinked | RecordsUnlinked):
            acts.append(await self._other_side(case))
        elif isinstance(case.follow.given, Move) and (lost := case.lost(case.follow.given)) is not None:
            acts.append(lost)
        recorded, *_ = await self.acceptance.journal.together(acts)
        if shuts:
            now, _ = await self.acceptance.journal.state(state.concern.concern_id, purpose=PURPOSE)
            await suspend(self.acceptance.keys, now, said.parts)
        if recorded.records:
            return self._answer(recorded.records[0], state, said, case.follow, repeated=recorded.repeated)
        newest = await self.acceptance.concerns.newest(state.concern.concern_id, said.data.DESCRIPTOR.name)
        assert newest is not None, "a follow-up that says nothing new follows something"
        return self._answer(newest, state, said, case.follow, repeated=True)

    async def _other_side(self, case: _Resolved) -> Act:
        """Record a link with both concerns: each shows it, and neither is searched for."""
        data: Any = case.said.data
        other = await self._state(case.sender, data.other_concern_id, OF_HOLDERS[1])
        if other.status.test != case.state.status.test:
            raise Refused(422, "practice_and_real", "A practice concern is linked with practice concerns only.")
        return case.act(other, case.following.mirrored(case.said, other.concern))

    def _answer(self, record: Record, state: IntakeState, said: Said, follow: Follow, *, repeated: bool) -> Accepted:
        flags = (*follow.flags, *said.flags)
        return self.acceptance.accepted(record, flags, test=state.status.test, repeated=repeated)

    async def first_answer(self, event_id: UUID, follow: Follow) -> Accepted:
        """Give again the answer of a request that led to this event."""
        record = await self.acceptance.concerns.record(event_id)
        assert record is not None, "rows of the journal are never removed"
        standing = await self.acceptance.concerns.standing(follow.concern_id)
        test = standing is not None and standing.status.test
        return self.acceptance.accepted(record, follow.flags, test=test, repeated=True)


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A follow-up as it is to be recorded."""

    sender: Sender
    follow: Follow
    state: IntakeState
    following: Following
    said: Said
    digest: str

    def act(self, state: IntakeState, said: Said) -> Act:
        """Give the act on one concern."""
        key = _key(state.follow_ups + 1, self.digest)
        # what is said was joined to what was known: where another follow-up came between, it is joined anew
        seen = state.follow_ups
        return Act(
            state.concern.concern_id, said.data, self.sender.agency_id, key, said.parts, said.time,
            still=lambda found: found.follow_ups == seen,
        )  # fmt: skip

    def lost(self, given: Move) -> Act | None:
        """Give the act that raises the concern about where a child is; done with the move, or neither is done."""
        key = _key(self.state.follow_ups + 1, self.digest)
        found = self.following.whereabouts(self.said, given, key)
        if found is None:
            return None
        data: Any = found.data
        data.on_behalf_by = self.sender.supplier
        return Act(data.concern_id, data, self.sender.agency_id, key, found.parts, found.time)


def _key(number: int, digest: str) -> str:
    """Give the natural key of a follow-up: which of the concern's it is, and its words."""
    return f"{number}:{digest}"
