"""What people decided elsewhere is done to the keys: once, to just the copy it is about."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from concern_relay.v1.concerns_pb2 import ErasureApproved
from concern_relay.v1.shares_pb2 import ErasureConfirmed, ErasureDeclined
from services.chassis.envelope import Event, encode
from services.chassis.event import KeyScope
from tests.vault.test_told import a_journal

pytestmark = pytest.mark.database


async def takes(vault, journal, data, topic: str = "concerns.v1") -> None:
    """Let the vault take an event of another service, twice, as after a crash."""
    now = vault.clock.now()
    event = Event(
        uuid4(), data.DESCRIPTOR.name, topic, "//concern-relay/test", now, now, data.concern_id, None, (), data
    )
    record = replace(encode(event), partition=0, offset=abs(hash(event.id)) % 10**9)
    for _ in range(2):
        [result] = await journal.take([record])
        assert not result.parked


@pytest.fixture
def a_concern(new_vault):
    """A vault whose journal is ready, and keys of one concern: two people, a consent, two shares."""

    async def prepared(vault, intake):
        await vault.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        journal = a_journal(vault)
        await journal.migrate()
        concern, share, other = str(uuid4()), str(uuid4()), str(uuid4())
        scopes = {
            "concern": KeyScope(concern),
            "child": KeyScope(concern, "child"),
            "adult": KeyScope(concern, "adult"),
            "consented": KeyScope(concern, "child", "c"),
            "share": KeyScope(concern, share_id=share),
            "share, consented": KeyScope(concern, consent_ref="c", share_id=share),
            "other share, consented": KeyScope(concern, consent_ref="c", share_id=other),
        }
        issued = await intake.issue(scopes.values())
        keys = {name: issued[scope].key_id for name, scope in scopes.items()}

        async def opens() -> set[str]:
            found = await intake.open(keys.values(), purpose="test_look", fresh=True)
            return {name for name, key_id in keys.items() if key_id in found}

        return journal, concern, share, opens

    return prepared


async def test_an_approved_erasure_ends_the_senders_own_copy_alone(new_vault, a_concern) -> None:
    """The whole concern: what recipients were given is theirs to erase or keep (practice 18, 19)."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal, concern, _, opens = await a_concern(vault, intake)

        await takes(vault, journal, ErasureApproved(concern_id=concern, erasure_id="e"))

        assert await opens() == {"share", "share, consented", "other share, consented"}
        assert await vault.owner.fetchval("SELECT count(*) FROM vault.pending_event WHERE type = 'KeyDestroyed'") == 1


async def test_one_adult_is_erased_and_the_child_stays(new_vault, a_concern) -> None:
    """One person of a many-person concern, alone; and nothing is made in that key's place."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal, concern, _, opens = await a_concern(vault, intake)

        await takes(vault, journal, ErasureApproved(concern_id=concern, erasure_id="e", person_id="adult"))

        assert "adult" not in await opens()
        assert {"concern", "child", "consented"} <= await opens()
        assert await intake.issue([KeyScope(concern, "adult")]) == {}


async def test_a_recipient_that_confirms_loses_what_rested_on_the_consent(new_vault, a_concern) -> None:
    """That share's consented parts go for good; another recipient's wait for its own answer."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal, concern, share, opens = await a_concern(vault, intake)
        await intake.suspend(concern, consent_ref="c", reason="consent_withdrawn")
        assert not {"consented", "share, consented", "other share, consented"} & await opens()

        confirmed = ErasureConfirmed(concern_id=concern, erasure_id="e", share_id=share, consent_ref="c")
        await takes(vault, journal, confirmed, "shares.v1")

        states = await vault.owner.fetch("SELECT state, count(*) FROM vault.key WHERE consent_ref = 'c' GROUP BY state")
        assert dict(tuple(row) for row in states) == {"destroyed": 1, "suspended": 2}


async def test_a_recipient_that_keeps_it_for_its_own_duty_can_open_it_again(new_vault, a_concern) -> None:
    """Suspended with the consent at once; declined with ground: it opens again for that share, and for nobody else."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal, concern, share, opens = await a_concern(vault, intake)
        await intake.suspend(concern, consent_ref="c", reason="consent_withdrawn")

        declined = ErasureDeclined(concern_id=concern, erasure_id="e", share_id=share, consent_ref="c")
        await takes(vault, journal, declined, "shares.v1")

        assert "share, consented" in await opens()
        assert not {"consented", "other share, consented"} & await opens()
