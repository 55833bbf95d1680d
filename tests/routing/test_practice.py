"""Practice never reaches a real inbox, a telephone or a real webhook, whoever it would have been for (practice 28)."""

from __future__ import annotations

import pytest

from concern_relay.v1.codes_pb2 import Urgency

pytestmark = pytest.mark.database

LEEDS = "E08000035"
CASES = {
    "routine": {},
    "an emergency": {"urgency": Urgency.URGENCY_EMERGENCY},
    "for an authority that is reached by hand": {"lives": LEEDS},
}


async def _listed(rig, path: str, agency: str, *scopes: str, **params: str) -> list[dict[str, str]]:
    async with rig.client(agency, *scopes) as client:
        return (await client.get(path, params=params)).json()["shares"]


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
async def test_a_practice_concern_is_in_no_real_inbox_and_on_no_list_of_calls(new_routing, options):
    """Given a practice concern with recipients, none has it in the real inbox, nobody is asked to telephone."""
    async with new_routing() as rig:
        await rig.shared(test=True, **options)
        await rig.deliver()
        planned = [row["agency_id"] for row in await rig.pool.fetch("SELECT DISTINCT agency_id FROM share")]

        real = [share for agency in planned for share in await _listed(rig, "/v1/inbox", agency)]
        calls = await _listed(rig, "/v1/by-hand", "operator", "operate")
        practice = [share for agency in planned for share in await _listed(rig, "/v1/inbox", agency, test="true")]

        assert planned
        assert real == []
        assert calls == []
        assert all(share["test"] for share in practice)


async def test_the_same_concern_in_earnest_is_where_the_practice_was_not(new_routing):
    """Given the same not as practice, it is in the real inboxes: the test above can fail."""
    async with new_routing() as rig:
        await rig.shared()
        await rig.deliver()

        assert await _listed(rig, "/v1/inbox", "kent-csc")
        assert await _listed(rig, "/v1/inbox", "kent-csc", test="true") == []
