"""Limits at the door: 429 with Retry-After, nothing recorded, and an emergency passes where bulk is told to wait."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.limits import Allowance, Limits, Rate
from tests.intake.rig import together
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database

LIMITS = Limits(
    default=Allowance(live=Rate(per_second=1, burst=2), bulk=Rate(per_second=1, burst=3), bulk_waiting=2),
    bulk_at_once=1,
)


async def test_more_than_an_agency_may_send_is_told_to_come_again(new_intake) -> None:
    """Given four at once where two may, when they come, then two are recorded, two are told when to come, and can."""
    async with new_intake(limits=LIMITS) as intake:
        answers = await together(*(intake.post(submission(reference=f"r{n}")) for n in range(4)))
        later: Any = [a for a in answers if a.status_code == 429]

        assert sorted(a.status_code for a in answers) == [202, 202, 429, 429]
        assert later[0].json()["code"] == "too_many"
        assert later[0].json()["limit"] == "requests"
        assert int(later[0].headers["retry-after"]) >= 1
        assert len(await intake.recorded()) == 2


async def test_bulk_of_an_agency_does_not_refuse_its_own_emergency(new_intake) -> None:
    """Given an agency whose bulk and live rates are used up, its emergency is accepted."""
    async with new_intake(limits=LIMITS) as intake:
        bulk = [submission(reference=f"b{n}", history=True) for n in range(8)]
        live = [submission(reference=f"l{n}") for n in range(4)]
        answers = await together(*(intake.post(body) for body in (*bulk, *live)))

        emergency = await intake.post(submission(reference="e", urgency="emergency"))

        assert {429, 202} == {a.status_code for a in answers}
        assert emergency.status_code == 202
