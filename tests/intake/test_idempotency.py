"""Idempotency-Key: the same request again gets the first answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.intake.idempotency import KEPT, LEASE, Request, Requests
from tests.intake.rig import together
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database


async def test_the_same_key_and_body_get_the_first_answer(new_intake):
    """Also when the concern was corrected in between: a retry is a retry."""
    async with new_intake() as intake:
        first = (await intake.post(submission(), Idempotency_Key='"8e03978e"')).json()
        await intake.post(submission(text="More."))

        again = (await intake.post(submission(), Idempotency_Key="8e03978e")).json()

        assert again["repeated"]
        assert again["receipt"] == first["receipt"]
        assert len(await intake.recorded()) == 2


async def test_a_key_used_for_another_body_is_refused(new_intake):
    """The sender has mixed something up; nothing is recorded for it."""
    async with new_intake() as intake:
        await intake.post(submission(), Idempotency_Key="k")

        answer = await intake.post(submission(text="More."), Idempotency_Key="k")

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert len(await intake.recorded()) == 1


async def test_keys_of_two_agencies_never_meet(new_intake):
    """Everybody may count from one."""
    async with new_intake() as intake:
        one = await intake.post(submission(), Idempotency_Key="1")
        other = await intake.post(submission(text="x"), agency="stourside-academy", Idempotency_Key="1")

        assert (one.status_code, other.status_code) == (202, 202)


async def test_while_the_first_is_at_work_the_second_waits(new_intake):
    """Ten at once: one is recorded; the others get its answer or are told to wait."""
    async with new_intake() as intake:
        answers = await together(*(intake.post(submission(), Idempotency_Key="k") for _ in range(10)))

        assert {a.status_code for a in answers} <= {202, 409}
        assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_key_in_progress"}
        assert len(await intake.recorded()) == 1


async def test_a_key_whose_process_was_killed_is_free_again_after_its_lease(new_intake):
    """What it may have recorded is found, not recorded again."""
    async with new_intake() as intake:
        first = (await intake.post(submission(), Idempotency_Key="k")).json()
        await intake.pool.execute("UPDATE intake_request SET event_id = NULL")

        held = await intake.post(submission(), Idempotency_Key="k")
        intake.clock.offset += LEASE + timedelta(seconds=1)
        freed = await intake.post(submission(), Idempotency_Key="k")

        assert (held.status_code, held.json()["code"]) == (409, "idempotency_key_in_progress")
        assert freed.json()["receipt"] == first["receipt"]
        assert len(await intake.recorded()) == 1


async def test_a_request_that_was_refused_frees_its_key(new_intake):
    """Nothing was recorded, so the mended body may use the same key."""
    async with new_intake() as intake:
        broken = await intake.post(submission(reference=""), Idempotency_Key="k")
        mended = await intake.post(submission(), Idempotency_Key="k")

        assert (broken.status_code, mended.status_code) == (422, 202)


@pytest.mark.parametrize("key", ["", "x" * 256, '"a', "a\x7f", "é"], ids=["empty", "long", "half", "control", "accent"])
async def test_a_key_that_is_none_is_refused(shared_intake, key):
    """Printable ASCII, 1 to 255."""
    answer = await shared_intake.client.post(
        "/v1/concerns",
        json=submission(),
        headers=[
            (b"Authorization", f"Bearer {shared_intake.token('larkfield-primary')}".encode()),
            (b"Idempotency-Key", key.encode("latin-1")),
        ],
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_wrong"


async def test_keys_are_forgotten_after_their_time(new_intake):
    """Thirty days; what they led to stays."""
    async with new_intake() as intake:
        requests = Requests(intake.pool)
        now = intake.clock.now()
        await requests.begin(Request("a", b"old", b"f"), now - KEPT - timedelta(seconds=1))
        await requests.begin(Request("a", b"new", b"f"), now)

        await requests.sweep(now)

        rows = await intake.pool.fetch("SELECT key_digest FROM intake_request")
        assert [bytes(r["key_digest"]) for r in rows] == [b"new"]
