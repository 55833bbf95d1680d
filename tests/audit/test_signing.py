"""A checkpoint is signed only over what is announced, and only if it continues the one before."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from services.audit.signer import PUBLIC_FILE, load_signer, publish_key
from services.chassis.errors import SettingsError
from services.chassis.integrity.note import Signer
from services.chassis.settings import Settings
from tests.audit.rig import eventually, raised

CONCERN = "0b0e7f3a-5c0e-5b5e-8f57-0d6a1f6f2f11"

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def test_each_checkpoint_continues_the_one_before(new_rig) -> None:
    """Given checkpoints signed on the way, when an outsider holds them all, then the last ledger agrees with each."""
    async with new_rig() as rig:
        for _ in range(3):
            async with rig.running():
                await rig.put(*(raised() for _ in range(70)))
                await rig.holds(len(rig.sent))
        held = [row["note"].encode() for row in await rig.rows("SELECT note FROM checkpoint ORDER BY size")]

        report = await rig.verified(held=held)

        assert report.ok, report.findings
        assert len(held) >= 3
        assert report.signed == 210


async def test_stopping_signs_what_was_recorded_last(new_rig) -> None:
    """Given records just before the end, when audit is told to stop, then a checkpoint covers them all."""
    async with new_rig() as rig:
        async with rig.running():
            await rig.put(*(raised() for _ in range(30)))
            await rig.holds(30)

        assert (await rig.verified()).signed == 30


async def test_nothing_is_signed_that_does_not_continue_the_last_checkpoint(new_rig) -> None:
    """Given a leaf changed under a signed checkpoint, when more comes, then nothing is signed and health says so."""
    async with new_rig() as rig:
        async with rig.running():
            await rig.put(*(raised(CONCERN) for _ in range(9)))
            await rig.holds(9)
        await rig.pool.execute("UPDATE record SET leaf_hash = sha256(leaf_hash) WHERE leaf_index = 7")
        async with rig.running() as audit:
            await rig.put(raised(), raised())
            await rig.holds(11)

            async def refused() -> bool:
                return audit.signing.refused == "ProofRejected"

            await eventually(refused, "refusal")

            assert not audit.health.ready

        assert (await rig.rows("SELECT max(size) AS size FROM checkpoint"))[0]["size"] == 9


async def test_nothing_is_signed_that_is_not_announced(new_rig) -> None:
    """Given a batch still in the outbox, when the signer looks, then it signs nothing."""
    async with new_rig() as rig:
        async with rig.running() as audit:
            await rig.put(*(raised() for _ in range(5)))
            await rig.holds(5)
            await rig.signed(5)
        await rig.pool.execute("INSERT INTO outbox (seq, lane, event_id) SELECT seq, 'x/0', event_id FROM entry")
        await rig.pool.execute("DELETE FROM checkpoint")

        assert await replace_pool(audit.signing, rig).sign() is None


def replace_pool(signing, rig):
    """Give the signer on a pool that is still open."""
    signing._pool = rig.pool
    return signing


def test_the_key_is_made_once_and_kept_to_its_owner(tmp_path) -> None:
    """Given no key, when it is asked for twice, then one is made, readable by its owner only, and it stays the same."""
    settings = Settings(service="audit", state_dir=tmp_path)

    first, again = (load_signer(settings, "relay.example/ledger") for _ in range(2))

    assert first == again
    assert stat.S_IMODE((tmp_path / "secrets" / "ledger.key").stat().st_mode) == 0o600


def test_production_makes_no_key(tmp_path) -> None:
    """Given production without a key file, when the key is asked for, then it refuses to start."""
    settings = replace(Settings(service="audit", state_dir=tmp_path), profile="production")

    with pytest.raises(SettingsError, match="RELAY_LEDGER_KEY_FILE"):
        load_signer(settings, "relay.example/ledger")


def test_earlier_public_keys_stay_published(tmp_path) -> None:
    """Given a new key after an old one, when it is published, then both are there, the newest first."""
    old, new = (Signer("relay.example/ledger", seed * 32).verifier for seed in (b"a", b"b"))

    publish_key(tmp_path, old)
    publish_key(tmp_path, new)

    assert publish_key(tmp_path, new) == (str(new), str(old))
    assert (tmp_path / PUBLIC_FILE).read_text() == f"{new}\n{old}\n"
