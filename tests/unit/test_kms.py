"""The local KMS: what it keeps from whom, and what survives a crash or another process."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.chassis.errors import SettingsError
from services.chassis.keys import LocalKms, Unwrapped, kms_of
from services.chassis.settings import Settings

SECRET = bytes(range(64))


@pytest.fixture
def master(tmp_path: Path) -> Path:
    """A master key of one's own."""
    LocalKms.make_master_key(tmp_path / "master.key")
    return tmp_path / "master.key"


def test_what_was_wrapped_unwraps(master: Path) -> None:
    """In this process and in the next, which reads the same files."""

    async def way() -> None:
        kms = LocalKms(master)
        under = await kms.create()
        wrapped = await kms.wrap(under, [Unwrapped("a", SECRET), Unwrapped("b", SECRET)])

        assert await LocalKms(master).unwrap(wrapped) == [SECRET, SECRET]
        assert wrapped[0].wrapped != wrapped[1].wrapped
        assert SECRET not in wrapped[0].wrapped

    asyncio.run(way())


def test_wrapped_bytes_are_bound_to_their_key(master: Path) -> None:
    """Under another key's id, altered, or under another wrapping key they do not unwrap; the others of a batch do."""

    async def way() -> None:
        kms = LocalKms(master)
        under, other = await kms.create(), await kms.create()
        (good,) = await kms.wrap(under, [Unwrapped("a", SECRET)])
        bad = [
            replace(good, key_id="b"),
            replace(good, wrapped=good.wrapped[:-1] + bytes([good.wrapped[-1] ^ 1])),
            replace(good, wrapping_key_id=other),
            replace(good, wrapping_key_id="unknown"),
            replace(good, wrapped=b""),
        ]

        assert await kms.unwrap([*bad, good]) == [None] * len(bad) + [SECRET]

    asyncio.run(way())


def test_a_destroyed_wrapping_key_is_gone_for_everybody(master: Path) -> None:
    """Another process that had it in use looks, sees, and unwraps no more; destroying again is harmless."""

    async def way() -> None:
        one, two = LocalKms(master), LocalKms(master)
        under, stays = await one.create(), await one.create()
        gone = await two.wrap(under, [Unwrapped("a", SECRET)])
        kept = await two.wrap(stays, [Unwrapped("b", SECRET)])

        await one.destroy(under)
        await one.destroy(under)

        assert await two.unwrap([*gone, *kept]) == [None, SECRET]
        with pytest.raises(KeyError):
            await two.wrap(under, [Unwrapped("c", SECRET)])

    asyncio.run(way())


def _create_some(path: str) -> list[str]:
    kms = LocalKms(Path(path))
    return [asyncio.run(kms.create()) for _ in range(10)]


def test_processes_that_create_at_once_lose_none(master: Path) -> None:
    """The ring is written under a lock: what all of them made is in it."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        made = [wrapping for part in processes.map(_create_some, [str(master)] * 2) for wrapping in part]

    async def all_there() -> bool:
        kms = LocalKms(master)
        return all([await kms.wrap(under, [Unwrapped("a", SECRET)]) for under in made])

    assert len(set(made)) == 20
    assert asyncio.run(all_there())


def test_nothing_is_readable_by_others_or_bare(master: Path) -> None:
    """The files are their owner's alone; a wrapping key lies in the ring sealed."""
    asyncio.run(LocalKms(master).create())
    ring = master.with_suffix(".ring")

    assert [oct(path.stat().st_mode & 0o777) for path in (master, ring)] == ["0o600", "0o600"]


def test_a_ring_of_another_master_key_is_named(master: Path) -> None:
    """The wrong master key is a wrong setting, said as one."""
    asyncio.run(LocalKms(master).create())
    master.unlink()
    LocalKms.make_master_key(master)

    with pytest.raises(SettingsError, match="another master key"):
        asyncio.run(LocalKms(master).wrap("any", []))


@pytest.mark.parametrize(("content", "says"), [(None, "can be read"), (b"!", "no base64"), (b"AAAA", "3 bytes")])
def test_a_master_key_that_is_none(tmp_path: Path, content: bytes | None, says: str) -> None:
    """Missing, garbled or short: it is said what it should be."""
    path = tmp_path / "master.key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=says):
        LocalKms(path)


def test_making_it_again_keeps_it(master: Path) -> None:
    """A second start uses the first one's key."""
    before = master.read_bytes()
    LocalKms.make_master_key(master)

    assert master.read_bytes() == before
    assert [path.name for path in master.parent.iterdir()] == ["master.key"]


def test_production_makes_no_master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a missing one is an error: a fresh one would open nothing. Elsewhere it is made."""
    monkeypatch.delenv("RELAY_MASTER_KEY_FILE", raising=False)
    with pytest.raises(SettingsError, match="no master key"):
        kms_of(Settings(service="vault", profile="production", state_dir=tmp_path))
    monkeypatch.setenv("RELAY_MASTER_KEY_FILE", os.fspath(tmp_path / "elsewhere.key"))

    kms_of(Settings(service="vault", state_dir=tmp_path))

    assert (tmp_path / "elsewhere.key").exists()
