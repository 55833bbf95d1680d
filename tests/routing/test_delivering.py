"""From a planned share to somebody's inbox: once, checked at the door, whoever does it and whoever dies."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from concern_relay.v1.codes_pb2 import AgencyClass, Category, Urgency
from services.routing.delivery import LEASE, backoff_s
from services.routing.store import Jobs
from tests.chassis.rig import eventually
from tests.routing.rig import KENT_CSC, KENT_POLICE

pytestmark = pytest.mark.database
CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


async def test_a_planned_share_reaches_the_inbox_once(new_routing) -> None:
    """Planned, delivered, its clock started; nothing is left to do."""
    async with new_routing() as rig:
        case = await rig.shared()

        assert await rig.deliver() == 2

        row = await rig.share(case, KENT_CSC)
        assert (row["state"], row["channel"]) == ("delivered", "inbox")
        assert row["acknowledge_by"] > row["delivered_at"]
        assert len(await rig.events(case, "ShareDelivered")) == 2
        assert await rig.deliver() == 0


async def test_an_emergency_is_delivered_before_its_assessment(new_routing) -> None:
    """Nothing waits for the law: police, ambulance and social care have it."""
    async with new_routing() as rig:
        case = await rig.raise_(urgency=Urgency.URGENCY_EMERGENCY)

        await rig.deliver()

        assert len(await rig.events(case, "ShareDelivered")) >= 3
        assert (await rig.share(case, "secamb"))["state"] == "delivered"


async def test_emergencies_are_leased_first(new_routing) -> None:
    """Behind a hundred routine shares an emergency is taken first."""
    async with new_routing() as rig:
        for _ in range(5):
            await rig.shared()
        emergency = await rig.raise_(urgency=Urgency.URGENCY_EMERGENCY)

        rows = await Jobs(rig.pool).lease("inbox", now=rig.clock.now(), lease=LEASE, limit=3)

        assert {row["concern_id"] for row in rows} == {UUID(emergency.concern_id)}


async def test_workers_racing_deliver_each_share_once(new_routing) -> None:
    """Four workers over thirty concerns: sixty deliveries, none twice."""
    async with new_routing() as rig:
        cases = [await rig.shared() for _ in range(30)]

        taken = await asyncio.gather(*(rig.delivery().deliver_due() for _ in range(4)))

        assert sum(taken) == 60
        for case in cases:
            assert len(await rig.events(case, "ShareDelivered")) == 2


async def test_a_lease_that_ran_out_is_anybodys(new_routing) -> None:
    """A worker died with the job: after the lease another delivers it; before, nobody does."""
    async with new_routing() as rig:
        case = await rig.shared()
        await Jobs(rig.pool).lease("inbox", now=rig.clock.now(), lease=LEASE, limit=10)
        assert await rig.deliver() == 0

        rig.clock.offset += LEASE + timedelta(seconds=1)

        assert await rig.deliver() == 2
        assert len(await rig.events(case, "ShareDelivered")) == 2


async def test_two_workers_with_the_same_job_deliver_once(new_routing) -> None:
    """A worker that was only slow delivers after its lease went to another: the second delivery leads to nothing."""
    async with new_routing() as rig:
        case = await rig.shared()
        slow = await Jobs(rig.pool).lease("inbox", now=rig.clock.now(), lease=LEASE, limit=10)
        rig.clock.offset += LEASE + timedelta(seconds=1)
        await rig.deliver()

        await rig.delivery().deliver(slow)

        assert len(await rig.events(case, "ShareDelivered")) == 2
        assert await rig.pool.fetchval("SELECT count(*) FROM delivery_job") == 0


async def test_a_key_suspended_at_the_last_moment_stops_the_share(new_routing) -> None:
    """Consent withdrawn between planning and sending: what rests on it does not go, the rest does."""
    async with new_routing() as rig:
        case = await rig.shared(consent_ref="consent-1")
        await rig.keys.suspend(case.concern_id, reason="consent_withdrawn", consent_ref="consent-1")

        await rig.deliver()

        assert {event.data.reason_code for event in await rig.events(case, "DispatchBlocked")} == {"key_suspended"}
        delivered = [e for e in await rig.events(case, "ShareDelivered") if e.data.recipient_agency_id == KENT_CSC]
        assert len(delivered) == 1
        [planned] = [e for e in await rig.events(case, "SharePlanned") if e.data.share_id == delivered[0].data.share_id]
        ids = {part.part_id for part in planned.data.parts}
        assert case.part("item", "worry") in ids
        assert case.part("item", "more") not in ids


async def test_a_share_whose_own_key_is_gone_is_never_delivered(new_routing) -> None:
    """Erased before it was sent: the recipient never has it."""
    async with new_routing() as rig:
        case = await rig.shared()
        [planned] = [e for e in await rig.events(case, "SharePlanned") if e.data.recipient_agency_id == KENT_POLICE]
        rig.keys.destroy(case.concern_id, key_ids={part.key_id for part in planned.data.parts})

        await rig.deliver()

        blocked = [event.data.share_id for event in await rig.events(case, "DispatchBlocked")]
        assert blocked == [planned.data.share_id]


async def test_fields_are_checked_again_at_the_door(new_routing) -> None:
    """A release that planned too much: the door stops what the matrix does not admit."""
    async with new_routing() as rig:
        case = await rig.shared()
        found = rig.book.arrangements[0]
        row = found.matrix[CSC]
        narrowed = replace(row, categories=row.categories - {Category.CATEGORY_WELFARE})
        worker = rig.delivery()
        worker._book = replace(rig.book, arrangements=(replace(found, matrix={**found.matrix, CSC: narrowed}),))

        await worker.deliver_due()

        stopped = [e.data for e in await rig.events(case, "DispatchBlocked")]
        assert [(e.recipient_agency_id, e.reason_code) for e in stopped] == [(KENT_CSC, "matrix_exceeded")]


async def test_a_worker_wakes_when_something_is_planned(new_routing) -> None:
    """Delivered at once, not at the next look: the plan notifies the worker."""
    async with new_routing() as rig:
        worker = rig.delivery()
        running = asyncio.create_task(worker.run())
        case = await rig.shared()

        async def both() -> bool:
            return len(await rig.events(case, "ShareDelivered")) == 2

        await eventually(both, "both shares delivered", deadline_s=10)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

        assert not worker.failing


async def test_an_authority_outside_stays_for_a_person(new_routing) -> None:
    """Leeds has no inbox: the share waits in the list of calls, and after fifteen minutes it is overdue."""
    async with new_routing() as rig:
        case = await rig.shared(lives="E08000035")

        await rig.deliver()
        rig.clock.offset += timedelta(minutes=15, seconds=1)
        await rig.fire()

        row = await rig.share(case, "outside-e08000035")
        assert (row["state"], row["undelivered"]) == ("planned", True)
        assert len(await rig.events(case, "DeliveryOverdue")) == 1


async def test_nobody_acknowledges_and_the_rows_say_so(new_routing) -> None:
    """Overdue and every stage, from real timers: each once."""
    async with new_routing() as rig:
        case = await rig.shared(urgency=Urgency.URGENCY_URGENT)
        await rig.deliver()

        for _ in range(6):
            rig.clock.offset += timedelta(hours=4, seconds=1)
            await rig.fire()
            await rig.fire()

        row = await rig.share(case, KENT_CSC)
        assert (row["overdue"], row["stage"], row["stage_role"]) == (True, 3, "director")
        assert len(await rig.events(case, "AcknowledgementOverdue")) == 2
        assert len(await rig.events(case, "ShareEscalated")) == 6


async def test_no_content_lies_in_routings_own_tables(new_routing) -> None:
    """Names and words are sealed in the journal; the projection holds ids, codes and times."""
    async with new_routing() as rig:
        await rig.shared()
        await rig.deliver()

        for table in ("share", "delivery_job", "timer", "entry"):
            text = await rig.pool.fetchval(f"SELECT coalesce(string_agg(t::text, ''), '') FROM {table} t")
            assert "Quillfeather" not in text
            assert b"Quillfeather".hex() not in text


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 2), (5, 16), (7, 60), (50, 60)])
def test_attempts_back_off(attempt: int, seconds: float) -> None:
    """Doubling, up to a minute."""
    assert backoff_s(attempt) == seconds


async def test_one_share_that_breaks_holds_back_no_other(new_routing) -> None:
    """A view that is not to be had: it fails, is tried again and handed to a person; the rest is delivered."""
    async with new_routing() as rig:
        broken, sound = await rig.shared(), await rig.shared()
        [planned] = [e for e in await rig.events(broken, "SharePlanned") if e.data.recipient_agency_id == KENT_CSC]
        await rig.pool.execute("DELETE FROM entry WHERE event_id = $1", planned.id)

        await rig.deliver()
        assert len(await rig.events(sound, "ShareDelivered")) == 2
        for _ in range(12):
            rig.clock.offset += timedelta(minutes=2)
            await rig.deliver()

        rows = await rig.pool.fetch("SELECT share_id, channel FROM delivery_job")
        assert [(str(row["share_id"]), row["channel"]) for row in rows] == [(planned.data.share_id, "manual")]
