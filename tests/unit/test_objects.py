"""Objects: whole or not at all, sealed so that nothing can be cut, swapped or read; the folder as a store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.chassis.errors import SettingsError
from services.chassis.objects import (
    PIECE_BYTES,
    FolderObjects,
    ObjectBroken,
    ObjectMissing,
    StoreAway,
    new_object_id,
    objects_of,
    opened_pieces,
    sealed_pieces,
)
from services.chassis.sealing import Key
from services.chassis.settings import Settings

KEY = Key("k1", b"s" * 64)
OTHER = Key("k2", b"t" * 64)
ID = "9b0f0e0a-6a52-4a3e-9b3a-6f2f4d6f6a01"
TAG = 16


async def stream(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """Bytes in pieces of an odd size."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
    """Every byte."""
    return b"".join([piece async for piece in pieces])


def sealed(content: bytes, key: Key = KEY, object_id: str = ID) -> bytes:
    """A sealed object."""
    return asyncio.run(all_of(sealed_pieces(key, object_id, stream(content))))


def opened(content: bytes, key: Key = KEY, object_id: str = ID) -> bytes:
    """An opened object."""
    return asyncio.run(all_of(opened_pieces(key, object_id, stream(content, 777))))


@pytest.mark.parametrize("length", [0, 1, 999, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 200_001])
def test_what_is_sealed_opens_again(length) -> None:
    """Whatever the length, the same bytes come back, and each piece grows by its tag alone."""
    content = os.urandom(length)

    kept = sealed(content)

    assert opened(kept) == content
    assert len(kept) == length + TAG * max(1, -(-length // PIECE_BYTES))


def test_nothing_of_it_shows() -> None:
    """Given bytes that say something, then the sealed ones do not, and under another id they look otherwise."""
    content = b"marks on the left arm " * 5000

    assert b"left arm" not in sealed(content)
    assert sealed(content)[:64] != sealed(content, object_id=new_object_id())[:64]


_PIECE = PIECE_BYTES + TAG


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept[:_PIECE],
        lambda kept: kept[: 2 * _PIECE],
        lambda kept: kept[:-1],
        lambda kept: b"",
        lambda kept: kept[_PIECE : 2 * _PIECE] + kept[:_PIECE] + kept[2 * _PIECE :],
        lambda kept: kept[:_PIECE] + kept,
        lambda kept: kept[:-1] + bytes([kept[-1] ^ 1]),
        lambda kept: kept + kept[-100:],
    ],
    ids=["first piece alone", "no last piece", "a byte short", "empty", "swapped", "doubled", "altered", "longer"],
)
def test_what_was_altered_does_not_open(spoil) -> None:
    """Given a sealed object, when pieces are cut off, moved, repeated or changed, then it is said to be broken."""
    kept = sealed(os.urandom(2 * PIECE_BYTES + 5000))

    with pytest.raises(ObjectBroken):
        opened(spoil(kept))


@pytest.mark.parametrize(("key", "object_id"), [(OTHER, ID), (KEY, "0c1d2e3f-0000-4000-8000-000000000002")])
def test_it_opens_only_under_its_key_and_as_itself(key, object_id) -> None:
    """Under another key, or in the place of another object, nothing comes out."""
    with pytest.raises(ObjectBroken):
        opened(sealed(b"x" * 100), key, object_id)


def test_a_folder_keeps_an_object_and_gives_it_back(tmp_path) -> None:
    """Given an object, when it was put, then it is found, given, and removed; removing it twice is harmless."""

    async def play() -> Any:
        store, object_id = FolderObjects(tmp_path), new_object_id()
        size = await store.put(object_id, stream(b"x" * 5000))
        given = await all_of(store.get(object_id))
        found = [one.object_id async for one in store.found()]
        await store.remove(object_id)
        await store.remove(object_id)
        left = [one.object_id async for one in store.found()]
        return size, given, found == [object_id], left

    assert asyncio.run(play()) == (5000, b"x" * 5000, True, [])


def test_what_ends_on_the_way_is_not_there(tmp_path) -> None:
    """Given bytes that stop with an error, then there is no object and no file."""

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 5000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(FolderObjects(tmp_path).put(new_object_id(), breaking()))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_is_no_object_and_is_swept(tmp_path) -> None:
    """Given a file that never became whole, then nothing is found or given; after an hour the sweep removes it."""
    object_id = new_object_id()
    left = tmp_path / object_id[:2] / f"{object_id}.begun"
    left.parent.mkdir()
    left.write_bytes(b"x" * 100)
    store, now = FolderObjects(tmp_path), datetime.now(UTC)

    async def play() -> tuple[list[Any], int, int]:
        found = [one async for one in store.found()]
        return found, await store.sweep(now - timedelta(hours=1)), await store.sweep(now + timedelta(hours=1))

    assert asyncio.run(play()) == ([], 0, 1)
    assert not left.exists()
    with pytest.raises(ObjectMissing):
        asyncio.run(all_of(store.get(object_id)))


@pytest.mark.parametrize("object_id", ["../../etc/passwd", "", "x", ID.upper(), f"{{{ID}}}", "a/b"])
def test_an_id_is_never_a_path(tmp_path, object_id) -> None:
    """Given something that is no id, then it is missing, and no file is looked for."""
    with pytest.raises(ObjectMissing):
        asyncio.run(all_of(FolderObjects(tmp_path).get(object_id)))


def test_a_folder_that_cannot_be_written_is_away(tmp_path) -> None:
    """Given a folder that is a file, when an object is put, then the store is said to be away."""
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreAway):
        asyncio.run(FolderObjects(tmp_path / "store").put(new_object_id(), stream(b"x")))


def test_the_address_says_which_store(tmp_path, monkeypatch) -> None:
    """Without an address it is a folder of the state folder; one that is no store is a wrong setting."""
    settings = Settings("intake", state_dir=tmp_path)
    monkeypatch.delenv("RELAY_OBJECTS", raising=False)
    assert isinstance(objects_of(settings), FolderObjects)

    monkeypatch.setenv("RELAY_OBJECTS", "https://somewhere")
    with pytest.raises(SettingsError):
        objects_of(settings)


def test_a_long_file_needs_no_more_memory_than_a_small_one() -> None:
    """Given a long stream, when it is sealed and opened, then no more than a few pieces are held at once."""
    import tracemalloc  # noqa: PLC0415

    async def long() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * PIECE_BYTES

    async def play() -> int:
        length = 0
        async for piece in opened_pieces(KEY, ID, sealed_pieces(KEY, ID, long())):
            length += len(piece)
        return length

    tracemalloc.start()
    try:
        length = asyncio.run(play())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert length == 1000 * PIECE_BYTES
    assert peak < 4_000_000


def test_a_folder_is_for_its_owner_alone(tmp_path) -> None:
    """Given an object, then its file and folder are readable by the user of the process and nobody else."""
    asyncio.run(FolderObjects(tmp_path / "objects").put(ID, stream(b"x")))

    place: Path = tmp_path / "objects" / ID[:2] / ID
    assert place.stat().st_mode & 0o077 == 0
    assert place.parent.stat().st_mode & 0o077 == 0
