"""Objects in a bucket: the same contract as the folder, on a server that speaks S3 (moto, fetched and run by uv)."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from services.chassis.objects import ObjectMissing, StoreAway, new_object_id, objects_of
from services.chassis.objects.port import Objects
from services.chassis.settings import Settings

MOTO = "moto[s3,server]==5.2.5"
START_DEADLINE_S = 90.0
BUCKET = "attachments"
MEBI = 1024 * 1024
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server that speaks S3, with a bucket; skipped here and failed in CI where it cannot be had."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", MOTO, "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not _answers(url, process):
            what = "no server that speaks S3 could be had: is a package registry reached?"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)
        assert httpx.put(f"{url}/{BUCKET}").status_code == 200
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(url, timeout=1).status_code < 500
        except httpx.HTTPError:
            time.sleep(0.1)
    return False


@pytest.fixture
def store(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    """A store of its own in the bucket."""
    for name, value in {
        "AWS_ENDPOINT": address,
        "AWS_REGION": "eu-west-2",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "RELAY_OBJECTS": f"s3://{BUCKET}/{new_object_id()}",
    }.items():
        monkeypatch.setenv(name, value)
    return objects_of(Settings("intake", state_dir=tmp_path))


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 70_001):
        yield content[at : at + 70_001]


async def _all(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _found(store: Objects) -> list[str]:
    return [one.object_id async for one in store.found()]


@pytest.mark.parametrize("length", [0, 1, MEBI, 12 * MEBI + 7])
def test_a_bucket_keeps_an_object_and_gives_it_back(store: Objects, length: int) -> None:
    """Given an object of one part or several, when it was put, then it is found, given, and removed."""
    content, object_id = os.urandom(length), new_object_id()

    async def play() -> tuple[int, bool, list[str], list[str]]:
        size = await store.put(object_id, _stream(content))
        same = await _all(store.get(object_id)) == content
        found = await _found(store)
        await store.remove(object_id)
        await store.remove(object_id)
        return size, same, found, await _found(store)

    assert asyncio.run(play()) == (length, True, [object_id], [])


@pytest.mark.parametrize("before", [0, 6 * MEBI])
def test_what_ends_on_the_way_is_not_there(store: Objects, before: int) -> None:
    """Given bytes that stop with an error, also after a whole part, then there is no object."""

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * before
        raise ConnectionResetError

    async def play() -> list[str]:
        with pytest.raises(ConnectionResetError):
            await store.put(new_object_id(), breaking())
        return await _found(store)

    assert asyncio.run(play()) == []


def test_a_bucket_that_is_not_there_is_no_missing_object(address: str, store: Objects, monkeypatch, tmp_path) -> None:
    """Given a name of no bucket, when an object is put, then the store is said to be away, not the object gone."""
    del address, store
    monkeypatch.setenv("RELAY_OBJECTS", "s3://another-bucket")

    with pytest.raises(StoreAway, match="bucket"):
        asyncio.run(objects_of(Settings("intake", state_dir=tmp_path)).put(new_object_id(), _stream(b"x")))


def test_what_is_not_there_is_missing(store: Objects) -> None:
    """Given an id of no object, then it is missing."""
    with pytest.raises(ObjectMissing):
        asyncio.run(_all(store.get(new_object_id())))


def test_a_store_that_does_not_answer_is_away(store: Objects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Given an address nobody listens at, then the store is said to be away."""
    del store
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    away = objects_of(Settings("intake", state_dir=tmp_path))

    with pytest.raises(StoreAway):
        asyncio.run(away.put(new_object_id(), _stream(b"x")))
