"""Re-wrapping: an old copy opens nothing, and no run that is cut off loses a key."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.errors import KeyUnavailable
from services.chassis.event import KeyScope
from services.chassis.keys import CACHE_S_MAX, LocalKms, Unwrapped, Wrapped
from services.vault import store
from services.vault.nightly import is_due
from services.vault.wrapping import RewrapRunning, ensure_wrapping_key, rewrap

pytestmark = pytest.mark.database
ROOT = Path(__file__).parents[2]


def scopes_of(count: int) -> list[KeyScope]:
    """As many scopes, each of a concern of its own."""
    return [KeyScope(str(uuid4())) for _ in range(count)]


async def states(vault) -> list[str]:
    """States of the wrapping keys, in the order they were made."""
    rows = await vault.owner.fetch("SELECT state FROM vault.wrapping_key ORDER BY made_at")
    return [row["state"] for row in rows]


async def test_all_live_keys_open_as_before(new_vault) -> None:
    """Active and suspended ones and the id-key are wrapped anew; the old wrapping key is gone."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        scopes = scopes_of(3)
        keys = await intake.issue(scopes)
        id_key = await intake.id_key()
        held_back = keys[scopes[0]].key_id
        await intake.suspend(scopes[0].concern_id, key_ids=[held_back], reason="consent_withdrawn")
        await store.destroy(vault.owner, scopes[1].concern_id, reason="erased")

        done = await rewrap(vault.owner, vault.kms)

        assert (done.keys, done.lost, len(done.destroyed)) == (3, 0, 1)  # one active, one suspended, the id-key
        assert await states(vault) == ["destroyed", "active"]
        await store.resume(vault.owner, scopes[0].concern_id, key_ids=[held_back], reason="resumed")
        ids = [key.key_id for key in keys.values()]
        expected = {keys[s].key_id: keys[s] for s in (scopes[0], scopes[2])}
        assert await routing.open(ids, purpose="route") == expected
        async with vault.keys("intake") as another:
            assert await another.id_key() == id_key


async def test_a_restored_backup_opens_nothing(new_vault) -> None:
    """Rows from before the night, a destroyed key's among them, are put back: none of them unwraps."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        scopes = scopes_of(3)
        keys = await intake.issue(scopes)
        await vault.owner.execute("CREATE TABLE backup AS SELECT * FROM vault.key")
        await store.destroy(vault.owner, scopes[0].concern_id, reason="erased")
        await rewrap(vault.owner, vault.kms)

        await vault.owner.execute("DELETE FROM vault.key; INSERT INTO vault.key SELECT * FROM backup")

        assert await routing.open([key.key_id for key in keys.values()], purpose="route") == {}


async def test_who_holds_an_old_wrapping_key_is_told(new_vault) -> None:
    """A client that wrapped under the old one before the night wraps again under the new, unseen by its caller."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        await intake.issue(scopes_of(1))
        await rewrap(vault.owner, vault.kms)

        (key,) = (await intake.issue(scopes_of(1))).values()

        assert await routing.open([key.key_id], purpose="route") == {key.key_id: key}


async def test_no_key_is_lost_while_keys_are_made(new_vault) -> None:
    """Services issue and open all through several runs: every key opens afterwards, as it was issued."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        issued = {}
        over = asyncio.Event()

        async def keep_issuing(client) -> None:
            while not over.is_set():
                keys = await client.issue(scopes_of(20))
                assert len(keys) == 20
                issued.update({key.key_id: key for key in keys.values()})
                vault.clock.advance(timedelta(seconds=CACHE_S_MAX))
                assert len(await client.open([k.key_id for k in keys.values()], purpose="route")) == 20

        async def keep_rewrapping() -> None:
            for _ in range(5):
                assert (await rewrap(vault.owner, vault.kms)).lost == 0
            over.set()

        await asyncio.gather(keep_issuing(intake), keep_issuing(routing), keep_rewrapping())
        vault.clock.advance(timedelta(seconds=CACHE_S_MAX))

        assert await routing.open(list(issued), purpose="route") == issued
        assert await states(vault) == ["destroyed"] * 5 + ["active"]


class Cut(Exception):  # noqa: N818
    """The power went."""


class CutOff(LocalKms):
    """A KMS that dies when it is asked for the nth time to wrap or to destroy."""

    def __init__(self, *, wraps: int, destroys: int, **place) -> None:
        super().__init__(**place)
        self.left = {"wrap": wraps, "destroy": destroys}

    def _count(self, what: str) -> None:
        self.left[what] -= 1
        if self.left[what] < 0:
            raise Cut(what)

    async def wrap(self, wrapping_key_id: str, keys: Sequence[Unwrapped]) -> list[Wrapped]:
        """Wrap, or die."""
        self._count("wrap")
        return await super().wrap(wrapping_key_id, keys)

    async def destroy(self, wrapping_key_id: str) -> None:
        """Destroy, and die after."""
        await super().destroy(wrapping_key_id)
        self._count("destroy")


@pytest.mark.parametrize(
    "dies", [{"wraps": 0, "destroys": 9}, {"wraps": 1, "destroys": 9}, {"wraps": 9, "destroys": 0}]
)
async def test_a_run_that_was_cut_off_is_finished_by_the_next(new_vault, tmp_path, dies) -> None:
    """Before the first batch, between keys and id-key, or between destroying a wrapping key and noting it."""
    async with new_vault() as vault, vault.keys("intake") as intake, vault.keys("routing") as routing:
        keys = await intake.issue(scopes_of(5))
        id_key = await intake.id_key()
        with pytest.raises(Cut):
            await rewrap(vault.owner, CutOff(master_key_file=tmp_path / "master.key", **dies))

        assert len(await routing.open([k.key_id for k in keys.values()], purpose="route", fresh=True)) == 5
        done = await rewrap(vault.owner, vault.kms)

        assert done.lost == 0
        assert await states(vault) == ["destroyed", "destroyed", "active"]
        assert await routing.open([k.key_id for k in keys.values()], purpose="route", fresh=True) == {
            key.key_id: key for key in keys.values()
        }
        async with vault.keys("intake") as another:
            assert await another.id_key() == id_key


async def test_only_one_run_at_a_time(new_vault) -> None:
    """A second one stands back; the first has not finished."""
    async with new_vault() as vault, vault.owner.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(1986098540, 2)")
        with pytest.raises(RewrapRunning):
            await rewrap(vault.owner, vault.kms)
        await connection.execute("SELECT pg_advisory_unlock(1986098540, 2)")

        assert (await rewrap(vault.owner, vault.kms)).lost == 0


async def test_it_is_due_every_day_and_soon_after_a_destruction(new_vault) -> None:
    """Not before, and not again once it was done."""
    at_once, later = timedelta(), timedelta(hours=1)
    async with new_vault() as vault, vault.keys("intake") as intake:
        scope = scopes_of(1)[0]
        await intake.issue([scope])
        assert not await is_due(vault.owner)
        assert await is_due(vault.owner, every=at_once)

        await store.destroy(vault.owner, scope.concern_id, reason="erased")
        assert await is_due(vault.owner, after=at_once)
        assert not await is_due(vault.owner, after=later)

        await rewrap(vault.owner, vault.kms)
        assert not await is_due(vault.owner, after=at_once)


async def test_by_hand_it_says_what_it_did(new_vault, tmp_path) -> None:
    """One line of JSON and exit 0; exit 2 when it is not told where the vault is."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        await intake.issue(scopes_of(2))
        told = {"RELAY_DATABASE_URL": vault.dsn, "RELAY_MASTER_KEY_FILE": str(tmp_path / "master.key")}

        code, said, _ = await _by_hand(told)
        assert (code, json.loads(said)["keys"], json.loads(said)["lost"]) == (0, 2, 0)

        code, _, complaint = await _by_hand({"RELAY_DATABASE_URL": ""})
        assert (code, complaint.splitlines()) == (
            2, ["RELAY_DATABASE_URL is not set: give the DSN of the vault's database"],
        )  # fmt: skip


async def _by_hand(told: dict[str, str]) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.vault.nightly",
        env={**os.environ, **told}, cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said, complaint = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode is not None
    return process.returncode, said.decode(), complaint.decode()


async def test_the_first_start_makes_one_wrapping_key(new_vault) -> None:
    """Vaults that start together agree on one; what the others made is destroyed."""
    async with new_vault() as vault:
        await vault.owner.execute("DELETE FROM vault.wrapping_key")

        answers = await asyncio.gather(*(ensure_wrapping_key(vault.owner, vault.kms) for _ in range(4)))

        assert len(set(answers)) == 1
        assert await ensure_wrapping_key(vault.owner, vault.kms) == answers[0]


async def test_a_vault_whose_kms_is_another_does_not_start(new_vault, tmp_path) -> None:
    """It says so, and what it means; it does not make a fresh wrapping key beside keys that nothing opens."""
    async with new_vault() as vault:
        LocalKms.make_master_key(tmp_path / "other" / "master.key")

        with pytest.raises(KeyUnavailable, match=r"docs/keys\.md"):
            await ensure_wrapping_key(vault.owner, LocalKms(tmp_path / "other" / "master.key"))
