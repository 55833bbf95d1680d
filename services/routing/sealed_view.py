"""One share's view, from the journal: the sealed parts it was planned with, opened under the share's own keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis.arrangement import ArrangementBook, MatrixRow
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.envelope import Event, decode
from services.chassis.errors import RelayError
from services.chassis.journal import Journal, sealed_parts
from services.chassis.journal.transaction import entry_record
from services.chassis.keys import Keys
from services.chassis.sealing import SealBroken, open_part

EVENTS_MAX: Final = 2000
"""Most content events of one concern that are looked at for a share; a concern with more is asked for by hand."""

_ENTRIES = """
SELECT concern_id, topic, headers, value FROM entry
WHERE concern_id = $1 AND (event_id = $2 OR (origin = 'e' AND type = ANY($3))) ORDER BY seq LIMIT $4
"""


class ViewMissing(RelayError):  # noqa: N818  (a finding with a name of its own)
    """The event a share was planned with is not in the journal; look at the database, nothing was sent."""


@dataclass(frozen=True, slots=True)
class SealedView:
    """A share as planned, and the keys its content came under.

    Attributes:
        planned: the SharePlanned event, still sealed.
        data: its message.
        source_key_ids: keys of the parts the view was made from, as the concern's own events hold them.
    """

    planned: Event
    data: SharePlanned
    source_key_ids: frozenset[str]


async def sealed_view(journal: Journal[Any], concern_id: UUID, planned_event_id: UUID) -> SealedView:
    """Find a share's view and what it was made from.

    Raises:
        ViewMissing: the journal does not hold it.
    """
    rows = await journal.pool.fetch(_ENTRIES, concern_id, planned_event_id, sorted(CONTENT_EVENTS), EVENTS_MAX)
    events = [decode(entry_record(row)) for row in rows]
    planned = next((event for event in events if event.id == planned_event_id), None)
    if planned is None or not isinstance(planned.data, SharePlanned):
        raise ViewMissing("the event that planned this share is not in the journal; nothing was sent")
    sources: dict[str, str] = {}
    for event in events:
        if event.id != planned_event_id:
            sources.update({sealed.part_id: sealed.key_id for sealed in sealed_parts(event.data)})
    wanted = {sealed.part_id for sealed in planned.data.parts}
    return SealedView(planned, planned.data, frozenset(key for part, key in sources.items() if part in wanted))


async def opened_view(keys: Keys, view: SealedView, *, purpose: str) -> dict[str, Part]:
    """Open a view, asking the vault itself; parts whose key is suspended or gone are not in the answer.

    Raises:
        SealBroken: a part was altered or moved.
    """
    found = await keys.open({sealed.key_id for sealed in view.data.parts}, purpose=purpose, fresh=True)
    return {
        sealed.part_id: open_part(found[sealed.key_id], view.planned.id, sealed)
        for sealed in view.data.parts
        if sealed.key_id in found
    }


async def all_open(keys: Keys, view: SealedView, *, purpose: str) -> Mapping[str, Part] | None:
    """Open a view for sending: None when any key of it, or of what it was made from, does not open any more.

    Raises:
        SealBroken: a part was altered or moved.
    """
    own = {sealed.key_id for sealed in view.data.parts}
    found = await keys.open(own | view.source_key_ids, purpose=purpose, fresh=True)
    if len(found) < len(own | view.source_key_ids):
        return None
    return {sealed.part_id: open_part(found[sealed.key_id], view.planned.id, sealed) for sealed in view.data.parts}


def row_of(book: ArrangementBook, view: SealedView) -> MatrixRow | None:
    """Give the matrix row a share was planned under; None when its arrangement is not at hand any more."""
    arrangement = book.by_digest(view.data.arrangement_sha256)
    return None if arrangement is None else arrangement.matrix.get(view.data.recipient_class)


__all__ = ["SealBroken", "SealedView", "ViewMissing", "all_open", "opened_view", "row_of", "sealed_view"]
