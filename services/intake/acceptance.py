"""Acceptance: a submission is resolved against what its agency sent before, and committed before it is answered.

Under one reference (docs/raising-a-concern.md):

    content that was accepted before            nothing is recorded; the first answer again
    changed content, plainly the same children  InformationCorrected
    anything else                               a new concern, linked and flagged

One way in for HTTP, Kafka, files and suppliers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationCorrected
from services.chassis.arrangement import SANDBOX_PREFIX
from services.chassis.clock import Clock
from services.chassis.envelope import Record, decode, timestamp
from services.chassis.errors import IdConflict
from services.chassis.event import Refused
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.note import Signer
from services.chassis.integrity.receipt import Receipt, issue
from services.chassis.journal import Act, Journal
from services.chassis.keys import Keys
from services.intake.content import Contents, contents_of
from services.intake.core import ALREADY_RAISED, OTHER_CHILD, IntakeState, about_the_same
from services.intake.dates import LONDON, happened_at
from services.intake.flags import Flag, FlagCode, codes
from services.intake.ids import IdKey, Reference
from services.intake.naming import digest_of, other_child_id, version_act, version_key
from services.intake.reading import Reading
from services.intake.same_child import changes
from services.intake.store import Concerns, Standing
from services.intake.withdrawing import said_withdrawn, suspend, with_withdrawals

ATTEMPTS_MAX: Final = 4
"""Tries to resolve a submission while others under the same reference are being accepted."""
VERSIONS_MAX: Final = 500
"""Versions of a concern among which a resend is looked for."""
COMPARE: Final = "compare_resend"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a submission.

    Attributes:
        concern_id: the concern it is, or belongs to.
        event_id: the event that holds its content.
        receipt: signed, over the leaf that the ledger owes.
        emergency: as stated.
        test: practice.
        flags: what was odd and kept.
        repeated: it was accepted before; nothing was recorded now.
        corrected: it changed a concern that was raised before.
        same_reference_as: the first concern under the same reference, for a further one.
        raises_concern_id: the concern raised because nobody knows where a child went.
    """

    concern_id: str
    event_id: UUID
    receipt: Receipt
    emergency: bool
    test: bool
    flags: tuple[Flag, ...] = ()
    repeated: bool = False
    corrected: bool = False
    same_reference_as: str = ""
    raises_concern_id: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose behalf a submission comes.

    Attributes:
        agency_id: the agency.
        supplier: who sent it for the agency, or empty.
        anew: the sender says that this is no retry (a new Idempotency-Key).
    """

    agency_id: str
    supplier: str = ""
    anew: bool = False


def practised(sender: Sender, reading: Reading) -> Reading:
    """Give what a sandbox agency raises as practice, whether it says so or not (practice 28)."""
    if not sender.agency_id.startswith(SANDBOX_PREFIX):
        return reading
    return replace(reading, submission=reading.submission.model_copy(update={"test": True}))


@dataclass(frozen=True, slots=True)
class _Case:
    """A submission being resolved."""

    sender: Sender
    reading: Reading
    reference: Reference
    key: IdKey
    today: date

    def contents(self, concern_id: str) -> Contents:
        return contents_of(self.reading.submission, concern_id=concern_id, key=self.key, today=self.today)

    def flags(self, contents: Contents, *more: Flag) -> tuple[Flag, ...]:
        return (*self.reading.flags, *contents.flags, *more)


@dataclass(frozen=True)
class Acceptance:
    """Accepts submissions.

    Attributes:
        journal: intake's journal; what it has committed is accepted.
        concerns: reads of intake's database.
        keys: the vault's client, for the id-key.
        signer: the receipt key.
        clock: the time.
    """

    journal: Journal[IntakeState]
    concerns: Concerns
    keys: Keys
    signer: Signer
    clock: Clock
    _held: list[IdKey] = field(default_factory=list, repr=False)

    async def id_key(self) -> IdKey:
        """Give the id-key; asked for once, it never changes."""
        if not self._held:
            self._held.append(IdKey((await self.keys.id_key()).secret))
        return self._held[0]

    async def accept(self, sender: Sender, reading: Reading) -> Accepted:
        """Accept a submission; when this returns, it is committed.

        Raises:
            Refused: 503 ``busy`` when others under the same reference kept changing; send it again.
        """
        key = await self.id_key()
        reading = practised(sender, reading)
        submission = reading.submission
        reference = Reference(sender.agency_id, submission.reference, submission.history, submission.test)
        case = _Case(sender, reading, reference, key, self.clock.now().astimezone(LONDON).date())
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._resolve(case)
            except Refused as refused:
                if refused.code not in (ALREADY_RAISED, OTHER_CHILD):
                    raise  # somebody else was first: look again at what stands there now
            except IdConflict:
                continue  # the same content at the same moment, one second before midnight and one after
        raise Refused(503, "busy", "Others under the same reference are being accepted. Send it again in a second.")

    async def first_answer(self, event_id: UUID, reading: Reading) -> Accepted:
        """Give again the answer of a request that led to this event."""
        record = await self.concerns.record(event_id)
        assert record is not None, "rows of the journal are never removed"
        return self.accepted(record, reading.flags, test=reading.submission.test, repeated=True)

    async def _resolve(self, case: _Case) -> Accepted:
        first_id = case.reference.concern_id(case.key)
        known = await self.concerns.under(first_id)
        told = {each.concern_id: case.contents(each.concern_id) for each in known}
        if (again := await self._known_before(case, known, told)) is not None:
            return again
        same: list[tuple[Standing, IntakeState]] = []
        for each in known:
            state, _ = await self.journal.state(each.concern_id, purpose=COMPARE)
            parts = {c.part_id: c.part for c in told[each.concern_id].parts}
            if about_the_same(state.concern, parts):
                same.append((each, state))
        if len(same) == 1:
            ((standing, state),) = same
            return await self._correct(case, standing, state, told[standing.concern_id])
        return await self._raise(case, first_id, [each.concern_id for each in known])

    async def _known_before(self, case: _Case, known: Sequence[Standing], told: dict[str, Contents]) -> Accepted | None:
        """Find the same content among all that was accepted under this reference, newest first."""
        acts: dict[UUID, str] = {}
        for each in known:
            digest = digest_of(case.key, told[each.concern_id])
            newest = each.status.version
            oldest = newest if case.sender.anew else max(1, newest - VERSIONS_MAX)
            for version in range(newest, oldest - 1, -1):
                acts[version_act(each.concern_id, case.sender.agency_id, version, digest)] = each.concern_id
        found = await self.concerns.led_to(acts) if acts else {}
        for act, concern_id in acts.items():
            if (record := found.get(act)) is not None:
                await self._suspend(told[concern_id])  # a process may have been killed between record and key
                standing = await self.concerns.newest(concern_id)
                more: tuple[Flag, ...] = () if standing == record else (Flag(FlagCode.CORRECTED_SINCE, ""),)
                return self.accepted(
                    record, case.flags(told[concern_id], *more), test=case.reference.test, repeated=True
                )
        return None

    async def _raise(self, case: _Case, first_id: str, taken: Sequence[str]) -> Accepted:
        concern_id = first_id
        more: tuple[Flag, ...] = ()
        if taken:
            concern_id = other_child_id(case.key, case.reference, case.contents(first_id), taken)
            more = (Flag(FlagCode.SAME_REFERENCE_OTHER_CHILD, "/reference"),)
        contents = case.contents(concern_id)
        flags = case.flags(contents, *more)
        submission = case.reading.submission
        data = ConcernRaised(
            concern_id=concern_id,
            agency_id=case.sender.agency_id,
            urgency=contents.urgency,
            history=submission.history,
            test=submission.test,
            on_behalf_by=case.sender.supplier,
            same_reference_as=first_id if taken else "",
            warning_codes=codes(flags),
        )
        return await self._act(case, data, contents, digest_of(case.key, contents), flags)

    async def _correct(self, case: _Case, standing: Standing, state: IntakeState, contents: Contents) -> Accepted:
        people = [c.part.person for c in contents.parts if c.part.WhichOneof("body") == "person"]
        more = [Flag(FlagCode(code), "/people") for code in changes(state.concern.people, people)]
        flags = case.flags(contents, *more)
        await self._sealable(contents)
        data = InformationCorrected(
            concern_id=contents.concern_id,
            agency_id=case.sender.agency_id,
            urgency=contents.urgency,
            warning_codes=codes(flags),
        )
        key = version_key(standing.status.version + 1, digest_of(case.key, contents))
        return await self._act(case, data, contents, key, flags, before=state)

    async def _suspend(self, contents: Contents) -> None:
        if said_withdrawn(contents.parts):
            state, _ = await self.journal.state(contents.concern_id, purpose=COMPARE)
            await suspend(self.keys, state, contents.parts)

    async def _sealable(self, contents: Contents) -> None:
        """Refuse what can no longer be sealed, before the journal finds out."""
        scopes = {content.scope for content in contents.parts}
        if (await self.keys.issue(scopes)).keys() != scopes:
            raise Refused(
                409,
                "erased_or_suspended",
                "Part of this concern was erased, or rests on a consent that was withdrawn, and cannot be sent again. "
                "Raise what is new under a reference of its own.",
            )

    async def _act(
        self,
        case: _Case,
        data: ConcernRaised | InformationCorrected,
        contents: Contents,
        key: str,
        flags: tuple[Flag, ...],
        *,
        before: IntakeState | None = None,
    ) -> Accepted:
        time = happened_at(case.reading.submission.occurred, self.clock.now())
        act = Act(contents.concern_id, data, case.sender.agency_id, key, tuple(contents.parts), time)
        acts = [act] if before is None else with_withdrawals(before, act, case.sender.supplier)
        recorded, *withdrawals = await self.journal.together(acts)
        if withdrawals:
            await self._suspend(contents)
        if not recorded.records:  # the same in every part, written otherwise by an earlier version of this service
            newest = await self.concerns.newest(contents.concern_id)
            assert newest is not None
            return self.accepted(newest, flags, test=case.reference.test, repeated=True)
        return self.accepted(recorded.records[0], flags, test=case.reference.test, repeated=recorded.repeated)

    def accepted(self, record: Record, flags: tuple[Flag, ...], *, test: bool, repeated: bool) -> Accepted:
        """Answer with what was recorded, and a signed receipt over its leaf."""
        event = decode(record)
        data: Any = event.data
        receipt = issue(
            self.signer,
            concern_id=event.concern_id,
            event_id=str(event.id),
            agency=data.agency_id,
            recorded_time=timestamp(event.recorded),
            leaf=leaf_hash(leaf_of(record.topic, record.key, record.headers, record.value)),
        )
        corrected = event.type == "InformationCorrected"
        return Accepted(
            concern_id=event.concern_id,
            event_id=event.id,
            receipt=receipt,
            emergency=getattr(data, "urgency", None) == Urgency.URGENCY_EMERGENCY,
            test=test,
            flags=flags,
            repeated=repeated,
            corrected=corrected,
            same_reference_as=getattr(data, "same_reference_as", ""),
            raises_concern_id=getattr(data, "raises_concern_id", ""),
        )
