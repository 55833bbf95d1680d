"""A record goes all the way: Kafka, stage, journal, publisher, Kafka."""

from __future__ import annotations

import pytest

from services.chassis.event import effect_id
from tests.chassis.rig import raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def test_a_concern_raised_is_assessed(new_rig):
    """Given a record on the source, when a worker runs, then its one effect lies on the sink, caused by it."""
    async with new_rig() as rig:
        given = raised()
        await rig.put(given)

        async with rig.working():
            (found,) = await rig.sink_has(1)

        assert found.id == effect_id(given.id, "BasisAssessed", "")
        assert found.causation_id == given.id
        assert found.concern_id == given.concern_id
        assert found.based_on == ((rig.source, given.id),)
        assert found.data.assessed_event_id == str(given.id)
        assert await rig.committed() == 1
