"""Objects in a bucket that speaks S3.

Address, region and credentials come from the variables every S3 client reads: ``AWS_ENDPOINT``, ``AWS_REGION``,
``AWS_ACCESS_KEY_ID`` and so on. An object is written in parts and is there once the last one was confirmed; parts of an
upload that never ended are the bucket's to expire (AbortIncompleteMultipartUpload).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.chassis.objects.port import Found, ObjectMissing, StoreAway, checked

CALL_DEADLINE: Final = timedelta(seconds=30)
RETRY_DEADLINE: Final = timedelta(seconds=60)
RETRIES_MAX: Final = 3
PART_BYTES: Final = 5 * 1024 * 1024
"""The least a part may have, but for the last."""
PARTS_AT_ONCE: Final = 2
READ_BYTES: Final = 256 * 1024


class S3Objects:
    """A bucket of objects.

    Args:
        bucket: its name.
        prefix: put before every id.
    """

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={
                "timeout": CALL_DEADLINE,
                "allow_http": os.environ.get("AWS_ENDPOINT", "").startswith("http://"),
            },
            retry_config={"max_retries": RETRIES_MAX, "retry_timeout": RETRY_DEADLINE},
        )

    async def put(self, object_id: str, pieces: AsyncIterator[bytes]) -> int:
        """Keep an object."""
        size, path = 0, checked(object_id)
        ended: Exception | None = None

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size, ended
            try:
                async for piece in pieces:
                    size += len(piece)
                    yield piece
            except Exception as error:
                ended = error  # the library may wrap it in an error of its own
                raise

        try:
            with _answering():
                await obstore.put_async(
                    self._store, path, counted(), chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
                )
        except Exception as error:
            if ended is not None:
                raise ended from None
            if isinstance(error, ObjectMissing):
                raise StoreAway("the object store has no such bucket: make it, or mend RELAY_OBJECTS") from error
            raise
        return size

    async def get(self, object_id: str) -> AsyncIterator[bytes]:
        """Give the bytes of an object."""
        with _answering():
            found = await obstore.get_async(self._store, checked(object_id))
            async for piece in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(piece)

    async def remove(self, object_id: str) -> None:
        """Remove an object."""
        try:
            with _answering():
                await obstore.delete_async(self._store, checked(object_id))
        except ObjectMissing:
            return

    async def found(self) -> AsyncIterator[Found]:
        """Give every whole object."""
        with _answering():
            async for page in obstore.list(self._store):
                for one in page:
                    yield Found(one["path"].rpartition("/")[2], one["last_modified"])

    async def sweep(self, before: datetime) -> int:
        """Leave uploads that never ended to the bucket's own rule; no object is ever half here."""
        del before
        return 0


@contextmanager
def _answering() -> Iterator[None]:
    """Say in our words what a store says.

    Raises:
        ObjectMissing: there is no such object.
        StoreAway: anything else the store says, or does not say in time.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing("there is no such object in the store") from error
    except (BaseError, OSError) as error:
        raise StoreAway(
            f"the object store says no ({type(error).__name__}): is it up, and are its keys good?"
        ) from error
