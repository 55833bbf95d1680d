"""Alarms on the real database: listed for whoever telephones, gone once a person has the concern."""

from __future__ import annotations

from concern_relay.v1.concerns_pb2 import WatchExpired
from tests.routing.rig import KENT_CSC, Case, Rig


async def run_out(rig: Rig, case: Case) -> None:
    """Let intake write that the watch ran out."""
    data = WatchExpired(concern_id=case.concern_id, agency_id="larkfield-primary")
    data.due_at.FromDatetime(rig.clock.now())
    await rig.take(rig.event("concerns.v1", case.concern_id, data))


async def open_alarms(rig: Rig, agency: str, *scopes: str) -> list[dict[str, str]]:
    """What an agency sees."""
    async with rig.client(agency, *scopes) as client:
        response = await client.get("/v1/alarms")
    assert response.status_code == 200
    return list(response.json()["alarms"])


async def test_the_front_door_sees_whom_to_telephone_until_it_has_acknowledged(new_routing) -> None:
    """Given a concern nobody had in time: its front door and an operator see it, others do not, and then it goes."""
    async with new_routing() as rig:
        case = await rig.shared()
        await run_out(rig, case)

        [alarm] = await open_alarms(rig, KENT_CSC)
        assert (alarm["concern_id"], alarm["telephone"]) == (case.concern_id, "larkfield-primary")
        assert [a["agency_id"] for a in await open_alarms(rig, "operator", "operate")] == [KENT_CSC]
        assert await open_alarms(rig, "medway-csc") == []

        await rig.deliver()
        share = await rig.share(case, KENT_CSC)
        async with rig.client(KENT_CSC) as client:
            body = {"name": "Jo Sample", "role": "duty social worker"}
            response = await client.post(f"/v1/inbox/{share['share_id']}/acknowledge", json=body)
        assert response.status_code == 200
        assert await open_alarms(rig, KENT_CSC) == []
