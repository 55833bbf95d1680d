"""Objects in a folder: written beside their place, brought to disk, then moved into it, so that none is ever half."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from services.chassis.objects.port import Found, ObjectMissing, StoreAway, checked

READ_BYTES: Final = 256 * 1024
_BEGUN: Final = ".begun"
T = TypeVar("T")


class FolderObjects:
    """A folder of objects, spread over 256 folders by the first byte of their id.

    Args:
        folder: made on first use, readable by this user alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, object_id: str, pieces: AsyncIterator[bytes]) -> int:
        """Keep an object; a process that is killed on the way leaves a file that the sweep removes."""
        place = self._place(object_id)
        begun = place.with_name(place.name + _BEGUN)
        out = await _threaded(lambda: _begin(begun))
        size = 0
        try:
            async for piece in pieces:
                size += len(piece)
                await _threaded(lambda piece=piece: out.write(piece))  # type: ignore[misc]
            await _threaded(lambda: _finish(out.fileno()))
        except BaseException:
            out.close()
            begun.unlink(missing_ok=True)
            raise
        out.close()
        await _threaded(lambda: _move(begun, place))
        return size

    async def get(self, object_id: str) -> AsyncIterator[bytes]:
        """Give the bytes of an object."""
        place = self._place(object_id)
        source = await _threaded(lambda: place.open("rb"))
        with source:
            while piece := await _threaded(lambda: source.read(READ_BYTES)):
                yield piece

    async def remove(self, object_id: str) -> None:
        """Remove an object."""
        place = self._place(object_id)
        await _threaded(lambda: place.unlink(missing_ok=True))

    async def found(self) -> AsyncIterator[Found]:
        """Give every whole object."""
        for path, since in await _threaded(lambda: list(self._files())):
            if not path.name.endswith(_BEGUN):
                with suppress(ObjectMissing):
                    yield Found(checked(path.name), since)

    async def sweep(self, before: datetime) -> int:
        """Remove what was begun before a moment and never became whole."""
        old = [path for path, since in await _threaded(lambda: list(self._files())) if since < before]
        left = [path for path in old if path.name.endswith(_BEGUN)]
        for path in left:
            await _threaded(lambda path=path: path.unlink(missing_ok=True))  # type: ignore[misc]
        return len(left)

    def _place(self, object_id: str) -> Path:
        known = checked(object_id)
        return self._folder / known[:2] / known

    def _files(self) -> list[tuple[Path, datetime]]:
        files = []
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # removed while we looked
                files.append((path, datetime.fromtimestamp(path.stat().st_mtime, UTC)))
        return files


def _begin(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202  (a file)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(handle, "wb", buffering=0)


def _finish(handle: int) -> None:
    os.fsync(handle)


def _move(begun: Path, place: Path) -> None:
    begun.rename(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _threaded(work: Callable[[], T]) -> T:
    """Do what waits for a disk beside the loop.

    Raises:
        ObjectMissing: there is no such file.
        StoreAway: the disk says no.
    """
    try:
        return await asyncio.to_thread(work)
    except FileNotFoundError as error:
        raise ObjectMissing("there is no such object in the store") from error
    except OSError as error:
        raise StoreAway(f"the object store says no ({type(error).__name__}): is there room?") from error
