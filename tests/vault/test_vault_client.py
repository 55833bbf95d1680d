"""The vault's client and its database: races, what is held and how long, deadlines, the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.chassis.errors import DeadlineExceeded, KeyUnavailable
from services.chassis.event import KeyScope
from services.chassis.keys import CACHE_S_MAX, LocalKms, VaultKeys
from services.vault import store

pytestmark = pytest.mark.database


def scopes_of(count: int) -> list[KeyScope]:
    """As many scopes, each of a concern of its own."""
    return [KeyScope(str(uuid4())) for _ in range(count)]


async def test_two_roles_that_race_get_one_key(new_vault) -> None:
    """Intake and routing ask for the same scopes at the same moment, in opposite order: one key each, one row each."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        scopes = scopes_of(40)
        asking = [
            client.issue(order) for _ in range(4) for client, order in ((intake, scopes), (routing, scopes[::-1]))
        ]

        answers = await asyncio.gather(*asking)

        assert all(answer == answers[0] for answer in answers)
        assert await vault.owner.fetchval("SELECT count(*) FROM vault.key") == len(scopes)


async def test_what_another_service_issued_opens_elsewhere(new_vault) -> None:
    """Basis assessment opens, as the same secret, what intake issued."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("basis_assessment") as basis:
        (key,) = (await intake.issue(scopes_of(1))).values()

        assert await basis.open([key.key_id], purpose="assess") == {key.key_id: key}


async def test_a_suspended_key_is_held_five_seconds_at_most(new_vault) -> None:
    """Another client suspends it: until five seconds after it was asked for it may still be served, then no more."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        scope = scopes_of(1)[0]
        (key,) = (await intake.issue([scope])).values()
        await routing.open([key.key_id], purpose="route")
        await intake.suspend(scope.concern_id, key_ids=[key.key_id], reason="consent_withdrawn")

        vault.clock.advance(timedelta(seconds=CACHE_S_MAX - 0.001))
        assert set(await routing.open([key.key_id], purpose="route")) == {key.key_id}

        vault.clock.advance(timedelta(seconds=0.001))
        assert await routing.open([key.key_id], purpose="route") == {}


async def test_who_suspends_serves_it_no_longer(new_vault) -> None:
    """The client through which it was suspended forgets it at once, by id and by scope."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        scope = KeyScope(str(uuid4()), "p", "c")
        (key,) = (await intake.issue([scope])).values()

        await intake.suspend(scope.concern_id, consent_ref="c", reason="consent_withdrawn")

        assert await intake.open([key.key_id], purpose="receive") == {}
        assert await intake.issue([scope]) == {}


async def test_asking_fresh_asks_the_vault(new_vault) -> None:
    """At the moment of sending nothing held counts; and what fresh asking did not find is held no longer."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        scope = scopes_of(1)[0]
        (key,) = (await routing.issue([scope])).values()
        await intake.suspend(scope.concern_id, key_ids=[key.key_id], reason="consent_withdrawn")

        assert set(await routing.open([key.key_id], purpose="send")) == {key.key_id}
        assert await routing.open([key.key_id], purpose="send", fresh=True) == {}
        assert await routing.open([key.key_id], purpose="send") == {}
        assert await routing.issue([scope]) == {}


async def test_what_is_held_is_not_asked_again(new_vault) -> None:
    """One call of the database a collection, none for what is held."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        scopes = scopes_of(30)
        keys = await intake.issue(scopes)
        ids = [key.key_id for key in keys.values()]
        await intake.issue(scopes)
        await intake.open(ids, purpose="receive")

        assert await vault.openings() == [("relay_intake", "issue", 30, 0)]

        vault.clock.advance(timedelta(seconds=CACHE_S_MAX))
        await intake.open(ids, purpose="receive")

        assert (await vault.openings())[1:] == [("relay_intake", "receive", 30, 0)]


async def test_every_opening_is_logged(new_vault) -> None:
    """Who, which, for what, how many; and what was asked for and not given."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("patterns") as patterns:
        scopes = scopes_of(2)
        kept, lost = (await intake.issue(scopes)).values()
        await store.destroy(vault.owner, scopes[1].concern_id, reason="erased")
        unknown = str(uuid4())

        await patterns.open([kept.key_id, lost.key_id, unknown], purpose="match")

        row = await vault.owner.fetchrow("SELECT * FROM vault.opening ORDER BY opening_id DESC LIMIT 1")
        assert (row["role"], row["purpose"], row["count"]) == ("relay_patterns", "match", 1)
        assert row["key_ids"] == [UUID(kept.key_id)]
        assert set(row["refused"]) == {UUID(lost.key_id), UUID(unknown)}


async def test_the_id_key_is_intakes_alone_and_logged(new_vault) -> None:
    """Who opens the key that concern ids are made with is in the log; a second process gets the same."""
    async with new_vault() as vault, vault.keys("intake") as one, vault.keys("intake") as two:
        assert await one.id_key() == await two.id_key()

        assert await vault.openings() == [("relay_intake", "id_key", 1, 0)] * 2


async def test_more_keys_than_one_call_takes(new_vault) -> None:
    """A large collection is split; all of it is answered."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        scopes = scopes_of(2_500)
        keys = await intake.issue(scopes)
        vault.clock.advance(timedelta(seconds=CACHE_S_MAX))

        found = await intake.open([key.key_id for key in keys.values()], purpose="receive")

        assert set(keys) == set(scopes)
        assert found == {key.key_id: key for key in keys.values()}
        assert [count for _, _, count, _ in await vault.openings()] == [2_000, 500, 2_000, 500]


async def test_an_old_snapshot_opens_nothing(new_vault) -> None:
    """A transaction begun before the suspension, at an isolation that does not see it, is refused, not served."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        (key,) = (await intake.issue(scopes_of(1))).values()
        connection = await asyncpg.connect(vault.url("basis_assessment"))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="read committed"):
                async with connection.transaction(isolation="repeatable_read"):
                    await connection.fetch("SELECT * FROM vault.open_keys($1, $2)", [UUID(key.key_id)], "assess")
        finally:
            await connection.close()


async def test_suspension_waits_for_keys_being_made(new_vault) -> None:
    """A key that is made while its consent is withdrawn is either suspended with it or not made: never left open."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        concern_id = str(uuid4())
        scopes = [KeyScope(concern_id, f"p{n}", "c") for n in range(60)]

        await asyncio.gather(
            *(routing.issue([scope]) for scope in scopes[:30]),
            intake.suspend(concern_id, consent_ref="c", reason="consent_withdrawn"),
            *(routing.issue([scope]) for scope in scopes[30:]),
        )

        assert await vault.owner.fetchval("SELECT count(*) FROM vault.key WHERE state <> 'suspended'") == 0


async def test_a_vault_that_does_not_answer(new_vault) -> None:
    """The deadline holds, what it left behind is broken off, and the next question is answered."""
    async with new_vault() as vault, vault.keys("intake", deadline_s=0.3) as intake:
        async with vault.owner.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(1986098540, 1)")
            with pytest.raises(DeadlineExceeded, match="did not answer within"):
                await intake.issue(scopes_of(1))

        async with vault.keys("intake") as patient:
            assert len(await patient.issue(scopes_of(1))) == 1


async def test_a_vault_that_cannot_be_reached(new_vault) -> None:
    """That may pass: it is said so, and nothing of the DSN is in the message."""
    async with new_vault() as vault:
        nowhere = "postgresql://relay_intake:a-secret@127.0.0.1:1/relay_vault"
        async with VaultKeys(nowhere, vault.kms, vault.clock, deadline_s=2.0) as keys:
            with pytest.raises(DeadlineExceeded, match="cannot be reached") as error:
                await keys.open([str(uuid4())], purpose="assess")

        assert "a-secret" not in str(error.value)


async def test_a_vault_that_is_not_prepared(new_vault) -> None:
    """Before the vault has run once there is nothing to ask; that passes too."""
    async with new_vault() as vault:
        await vault.owner.execute("DROP SCHEMA vault CASCADE")
        async with vault.keys("intake") as intake:
            # the schema's grants went with it; connecting is still granted
            with pytest.raises(DeadlineExceeded, match="start vault first"):
                await intake.issue(scopes_of(1))


async def test_a_kms_that_does_not_know_the_vault(new_vault, tmp_path) -> None:
    """Another master key: nothing opens, nothing is made, and it is said what to look at."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        (key,) = (await intake.issue(scopes_of(1))).values()
        LocalKms.make_master_key(tmp_path / "other" / "master.key")
        stranger = LocalKms(tmp_path / "other" / "master.key")

        async with VaultKeys(vault.url("intake"), stranger, vault.clock) as keys:
            assert await keys.open([key.key_id], purpose="receive") == {}
            with pytest.raises(DeadlineExceeded, match="with the same KMS"):
                await keys.issue(scopes_of(1))


async def test_a_right_one_does_not_have(new_vault) -> None:
    """Basis assessment may not issue; it is told so as KeyUnavailable, which is not tried again."""
    async with new_vault() as vault, vault.keys("basis_assessment") as basis:
        with pytest.raises(KeyUnavailable, match="not granted"):
            await basis.issue(scopes_of(1))


async def test_the_database_never_holds_a_bare_key(new_vault) -> None:
    """What is stored is wrapped, and bound to its id: rows cannot be swapped."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        one, two = (await intake.issue(scopes_of(2))).values()
        rows = {str(r["key_id"]): r["wrapped"] for r in await vault.owner.fetch("SELECT * FROM vault.key")}
        assert all(key.secret not in rows[key.key_id] for key in (one, two))

        await vault.owner.execute(
            "UPDATE vault.key SET wrapped = $2 WHERE key_id = $1", UUID(one.key_id), rows[two.key_id]
        )

        assert set(await routing.open([one.key_id, two.key_id], purpose="route")) == {two.key_id}
