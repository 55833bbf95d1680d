"""Duties over HTTP and on the real database: listed, in the inbox, said to be done, and what is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from concern_relay.v1.codes_pb2 import Trigger
from tests.routing.rig import CANARY, KENT_CSC

pytestmark = pytest.mark.database

ADA = {"name": "Ada Worker", "role": "social worker", "words": f"{CANARY} was seen"}
VISIT = "private_fostering_visit"


async def fostered(rig, gss_code: str = "E10000016"):
    """A child lives with somebody who is no close relative: the authority has to visit."""
    case = rig.case(lives=gss_code)
    detail = next(part for part in case.parts.values() if part.WhichOneof("body") == "detail")
    detail.detail.triggers.append(Trigger.TRIGGER_PRIVATE_FOSTERING)
    await rig.take(await rig.sealed(case.raised, case.parts))
    await rig.assess(case)
    await rig.deliver()
    return case


async def started(rig, case, code: str = VISIT) -> str:
    """The id of a duty."""
    found = [e.data.duty_id for e in await rig.events(case, "DutyStarted") if e.data.duty_code == code]
    assert found, f"no {code} was started"
    return found[-1]


async def test_a_duty_is_listed_in_the_inbox_and_done_by_a_named_person(new_routing) -> None:
    """Seen beside the shares with its citation; done; then the next visit is what is to be done."""
    async with new_routing() as rig:
        case = await fostered(rig)
        duty_id = await started(rig, case)
        async with rig.client(KENT_CSC) as kent:
            [before] = (await kent.get("/v1/inbox")).json()["duties"]
            answer = await kent.post(f"/v1/duties/{duty_id}/done", json=ADA)
            again = await kent.post(f"/v1/duties/{duty_id}/done", json=ADA)
            running = (await kent.get("/v1/inbox")).json()["duties"]
            done = (await kent.get("/v1/duties", params={"state": "done"})).json()["duties"]
            elsewhere = (await kent.get("/v1/duties", params={"concern_id": str(uuid4())})).json()["duties"]

        assert (before["duty_id"], before["state"], before["duty"]) == (duty_id, "running", VISIT)
        assert "Regulations 2005" in before["cite"]
        assert (answer.status_code, answer.json()["state"], answer.json()["late"]) == (200, "done", False)
        assert again.json()["done_at"] == answer.json()["done_at"]
        assert [d["duty"] for d in running] == ["private_fostering_next_visit"]
        assert ([d["duty_id"] for d in done], elsewhere) == ([duty_id], [])
        assert len(await rig.events(case, "DutyDone")) == 1
        assert CANARY not in answer.text


async def test_what_was_said_of_it_lies_sealed(new_routing) -> None:
    """Who did it, and in which words, opens under a key of its own; nothing of it is in the row or in the clear."""
    async with new_routing() as rig:
        case = await fostered(rig)
        async with rig.client(KENT_CSC) as kent:
            await kent.post(f"/v1/duties/{await started(rig, case)}/done", json=ADA)
        [event] = await rig.events(case, "DutyDone")
        row = await rig.pool.fetchrow("SELECT * FROM duty WHERE done_at IS NOT NULL")

        assert len(event.data.parts) == 2
        assert CANARY.encode() not in event.data.SerializeToString()
        assert not any("Ada" in str(value) or CANARY in str(value) for value in row.values())


async def test_an_overdue_duty_says_so_until_it_is_done_late(new_routing) -> None:
    """Seven working days and a bit: overdue once, though the timers are looked at twice."""
    async with new_routing() as rig:
        case = await fostered(rig)
        duty_id = await started(rig, case)
        [event] = await rig.events(case, "DutyStarted")
        rig.clock.offset += event.data.due_at.ToDatetime(tzinfo=event.recorded.tzinfo) - rig.clock.now()
        await rig.fire()
        await rig.fire()
        async with rig.client(KENT_CSC) as kent:
            [overdue] = (await kent.get("/v1/duties", params={"state": "running"})).json()["duties"]
            done = (await kent.post(f"/v1/duties/{duty_id}/done", json=ADA)).json()

        assert (overdue["state"], done["state"], done["late"]) == ("overdue", "done", True)
        assert len(await rig.events(case, "DutyOverdue")) == 1


async def test_another_agency_is_refused_and_that_it_tried_is_kept(new_routing) -> None:
    """403 twice, one record; an unknown duty is 404; nobody named is 422."""
    async with new_routing() as rig:
        case = await fostered(rig)
        duty_id = await started(rig, case)
        async with rig.client("medway-csc") as medway, rig.client(KENT_CSC) as kent:
            tried = [await medway.post(f"/v1/duties/{duty_id}/done", json=ADA) for _ in range(2)]
            unknown = await kent.post(f"/v1/duties/{uuid4()}/done", json=ADA)
            nobody = await kent.post(f"/v1/duties/{duty_id}/done", json={"name": "", "role": "x"})
            listed = (await medway.get("/v1/duties")).json()["duties"]
        [kept] = await rig.events(case, "ActRefused")

        assert [(t.status_code, t.json()["code"]) for t in tried] == [(403, "not_your_duty")] * 2
        assert (kept.data.agency_id, kept.data.act_code, kept.data.about_id) == ("medway-csc", "duty_done", duty_id)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_duty")
        assert (nobody.status_code, listed) == (422, [])
        assert not await rig.events(case, "DutyDone")


async def test_for_an_authority_off_the_network_the_sender_records_it(new_routing) -> None:
    """Nobody at Leeds has an inbox here: who brings its shares by hand says that the visit was made; others may not."""
    async with new_routing() as rig:
        case = await fostered(rig, "E08000035")
        duty_id = await started(rig, case)
        async with rig.client("larkfield-primary") as sender, rig.client("medway-csc") as other:
            refused = await other.post(f"/v1/duties/{duty_id}/done", json=ADA)
            done = await sender.post(f"/v1/duties/{duty_id}/done", json=ADA)

        assert (refused.status_code, done.status_code) == (403, 200)
        assert (done.json()["agency_id"], done.json()["state"]) == ("outside-e08000035", "done")


async def test_an_operator_lists_everybodys(new_routing) -> None:
    """For the console: of all agencies, with the moment of the list; an agency sees its own alone."""
    async with new_routing() as rig:
        await fostered(rig)
        await fostered(rig, "E06000035")
        async with rig.client("operator", "operate") as operator, rig.client(KENT_CSC) as kent:
            every = (await operator.get("/v1/duties", params={"state": "running"})).json()
            own = (await kent.get("/v1/duties", params={"state": "running"})).json()

        assert {duty["agency_id"] for duty in every["duties"]} == {KENT_CSC, "medway-csc"}
        assert {duty["agency_id"] for duty in own["duties"]} == {KENT_CSC}
        assert every["as_of"][:10] == rig.clock.now().isoformat()[:10]
