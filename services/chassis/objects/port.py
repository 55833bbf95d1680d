"""The port: what is asked of an object store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from services.chassis.errors import RelayError


class ObjectMissing(RelayError):  # noqa: N818  (a finding with a name of its own)
    """There is no whole object of that id."""


class StoreAway(RelayError):  # noqa: N818  (a finding with a name of its own)
    """The store does not answer, or has no room; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object that lies in the store.

    Attributes:
        object_id: its id.
        since: when it became whole.
    """

    object_id: str
    since: datetime


class Objects(Protocol):
    """A store of whole objects. Each method raises ``StoreAway`` when the store does not answer in time."""

    async def put(self, object_id: str, pieces: AsyncIterator[bytes]) -> int:
        """Keep an object, and give how many bytes it has. It is there whole and for good, or not at all.

        Args:
            object_id: a new id; see :func:`new_object_id`.
            pieces: its bytes. What they raise ends it, and nothing is kept.
        """

    def get(self, object_id: str) -> AsyncIterator[bytes]:
        """Give the bytes of an object, piece by piece.

        Raises:
            ObjectMissing: there is none.
        """

    async def remove(self, object_id: str) -> None:
        """Remove an object; one that is not there is removed already."""

    def found(self) -> AsyncIterator[Found]:
        """Give every whole object, in no order."""

    async def sweep(self, before: datetime) -> int:
        """Remove what was begun before a moment and never became whole; give how many."""


def new_object_id() -> str:
    """Give the id of a new object: random, so that it says nothing."""
    return str(uuid4())


def checked(object_id: str) -> str:
    """Give back an id; ids become file names.

    Raises:
        ObjectMissing: it is none.
    """
    try:
        if str(UUID(object_id)) == object_id:
            return object_id
    except ValueError:
        pass
    raise ObjectMissing("an object id is a UUID in lower case")
