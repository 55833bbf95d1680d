"""Acts: what a person or an agency's system did, once and for good."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from concern_relay.v1.assessments_pb2 import DecisionRecorded
from concern_relay.v1.facts_pb2 import Note, Part
from services.chassis.errors import IdConflict
from services.chassis.event import Content, KeyScope, Refused
from tests.chassis.rig import CANARY

pytestmark = [pytest.mark.broker, pytest.mark.database]


def decided(concern_id: str, decision_id: str = "d1", **options) -> DecisionRecorded:
    """Give what a person asks to have recorded."""
    return DecisionRecorded(concern_id=concern_id, decision_id=decision_id, **options)


def note(concern_id: str, text: str = CANARY) -> Content:
    """Give words that belong to it."""
    return Content("note-1", KeyScope(concern_id), Part(note=Note(text=text)))


async def test_an_act_done_again_gives_what_it_led_to(new_rig):
    """Given an act that was done, the same act again adds nothing and gives the same events, byte for byte."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        do = lambda: rig.journal().act(  # noqa: E731
            concern_id, decided(concern_id), agency_id="school-a", key="k", contents=[note(concern_id)]
        )

        first, again = await do(), await do()

        assert (first.repeated, again.repeated) == (False, True)
        assert again.id == first.id
        assert again.recorded == first.recorded
        assert [(r.value, r.headers) for r in again.records] == [(r.value, r.headers) for r in first.records]
        assert len(await rig.rows("SELECT 1 FROM outbox")) == 1


@pytest.mark.parametrize("other", ["message", "content"])
async def test_the_same_act_with_other_content_is_a_conflict(new_rig, other):
    """Given an act that was done, the same key with another message or other words is refused, and nothing changes."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        journal = rig.journal()
        await journal.act(concern_id, decided(concern_id), agency_id="a", key="k", contents=[note(concern_id)])
        changed = decided(concern_id, reason_code="other" if other == "message" else "")
        words = note(concern_id, "others" if other == "content" else CANARY)

        with pytest.raises(IdConflict) as caught:
            await journal.act(concern_id, changed, agency_id="a", key="k", contents=[words])

        assert CANARY not in str(caught.value)
        assert len(await rig.rows("SELECT 1 FROM entry")) == 2


async def test_the_key_is_one_agencys_own(new_rig):
    """Given two agencies that use the same key, both acts are done."""
    async with new_rig() as rig:
        concern_id = str(uuid4())

        done = [
            await rig.journal().act(concern_id, decided(concern_id, who), agency_id=who, key="k") for who in ("a", "b")
        ]

        assert [r.repeated for r in done] == [False, False]


async def test_an_act_that_is_refused_leaves_nothing(new_rig):
    """Given a core that says no, nothing is recorded, and the same act may be asked again."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        for _ in range(2):
            with pytest.raises(Refused, match="always refused"):
                await rig.journal().act(concern_id, decided(concern_id, reason_code="refuse"), agency_id="a", key="k")

        assert await rig.rows("SELECT 1 FROM entry") == []


async def test_the_same_act_ten_times_at_once_is_done_once(new_rig):
    """Given an agency's system that sends the same act ten times at once, one is done and nine are told of it."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        journals = [rig.journal(), rig.journal()]

        results = await asyncio.gather(
            *(journals[n % 2].act(concern_id, decided(concern_id), agency_id="a", key="k") for n in range(10))
        )

        assert sorted(r.repeated for r in results) == [False] + [True] * 9
        assert len({r.records[0].value for r in results}) == 1
        assert len(await rig.rows("SELECT 1 FROM entry WHERE origin = 'o'")) == 1


async def test_acts_on_a_concern_take_turns(new_rig):
    """Given different acts on one concern at once, each sees those before it, and times follow the order."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        journals = [rig.journal(), rig.journal()]

        await asyncio.gather(
            *(
                journals[n % 2].act(concern_id, decided(concern_id, f"d{n}"), agency_id="a", key=str(n))
                for n in range(20)
            )
        )
        state, facts = await rig.journal().state(concern_id)

        assert len(state.events) == 20
        assert [f.recorded for f in facts] == sorted(f.recorded for f in facts)


async def test_what_is_sealed_for_an_act_opens_again(new_rig):
    """Given an act with words, the record holds them sealed only, and the fold gives them back."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

        done = await rig.journal().act(
            concern_id, decided(concern_id), agency_id="a", key="k", contents=[note(concern_id)], time=when
        )
        (fact,) = await rig.journal().facts(concern_id)

        assert CANARY.encode() not in done.records[0].value
        assert fact.parts["note-1"].note.text == CANARY
        assert fact.time == when


async def test_an_act_on_suspended_keys_is_refused(new_rig):
    """Given a concern whose keys are destroyed, an act with words is refused with a code, and nothing is recorded."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        rig.keys.destroy(concern_id)

        with pytest.raises(Refused) as caught:
            await rig.journal().act(
                concern_id, decided(concern_id), agency_id="a", key="k", contents=[note(concern_id)]
            )

        assert (caught.value.status, caught.value.code) == (409, "key_unavailable")
        assert await rig.rows("SELECT 1 FROM entry") == []


async def test_an_act_too_large_for_a_record_is_refused(new_rig):
    """Given more words than a record may hold, the act is refused and not jammed in the outbox."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        words = note(concern_id, "x" * 1_000_000)

        with pytest.raises(Refused) as caught:
            await rig.journal().act(concern_id, decided(concern_id), agency_id="a", key="k", contents=[words])

        assert (caught.value.status, caught.value.code) == (413, "too_large")


async def test_an_act_without_a_zone_or_with_an_endless_key_is_an_error(new_rig):
    """Given a naive time or a key of a thousand characters, the caller is told."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        with pytest.raises(ValueError, match="zone"):
            await rig.journal().act(
                concern_id,
                decided(concern_id),
                agency_id="a",
                key="k",
                time=datetime(2026, 1, 1),  # noqa: DTZ001
            )
        with pytest.raises(ValueError, match="key"):
            await rig.journal().act(concern_id, decided(concern_id), agency_id="a", key="k" * 1000)
