"""One share's view, from the journal: the sealed parts it was planned with, opened under the share's own keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis import database
from services.chassis.arrangement import Book, MatrixRow
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.envelope import Event, decode
from services.chassis.errors import RelayError
from services.chassis.journal import Journal, sealed_parts
from services.chassis.journal.transaction import entry_record
from services.chassis.keys import Key, Keys
from services.chassis.sealing import open_part

EVENTS_MAX: Final = 20_000
"""Most events that are looked at for one batch of shares; what lies beyond is tried again in a smaller batch."""

_ENTRIES = """
SELECT concern_id, topic, headers, value FROM entry
WHERE concern_id = ANY($1) AND (event_id = ANY($2) OR (origin = 'e' AND type = ANY($3))) ORDER BY seq LIMIT $4
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
    found = await sealed_views(journal, (concern_id,), (planned_event_id,))
    if planned_event_id not in found:
        raise ViewMissing("the event that planned this share is not in the journal; nothing was sent")
    return found[planned_event_id]


async def sealed_views(
    journal: Journal[Any], concern_ids: Collection[UUID], planned_event_ids: Collection[UUID]
) -> dict[UUID, SealedView]:
    """Find the views of several shares, by the event that planned them; what is not there is left out."""
    wanted = set(planned_event_ids)
    async with database.borrowed(journal.pool) as connection:
        rows = await connection.fetch(
            _ENTRIES, [str(one) for one in set(concern_ids)], list(wanted), sorted(CONTENT_EVENTS), EVENTS_MAX
        )
    events = [decode(entry_record(row)) for row in rows]
    sources: dict[tuple[str, str], str] = {}
    for event in events:
        if event.id not in wanted:
            sources.update({(event.concern_id, part.part_id): part.key_id for part in sealed_parts(event.data)})
    views: dict[UUID, SealedView] = {}
    for event in events:
        if event.id in wanted and isinstance(event.data, SharePlanned):
            places = [(event.concern_id, part.part_id) for part in event.data.parts]
            made_from = frozenset(sources[place] for place in places if place in sources)
            views[event.id] = SealedView(event, event.data, made_from)
    return views


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


async def keys_now(keys: Keys, views: Collection[SealedView], *, purpose: str) -> dict[str, Key]:
    """Ask the vault itself which keys of some views, and of what they were made from, open at this moment."""
    wanted = {sealed.key_id for view in views for sealed in view.data.parts}
    return await keys.open(wanted.union(*(view.source_key_ids for view in views)), purpose=purpose, fresh=True)


def all_open(view: SealedView, found: Mapping[str, Key]) -> Mapping[str, Part] | None:
    """Open a view for sending: None when any key of it, or of what it was made from, does not open any more.

    Raises:
        SealBroken: a part was altered or moved.
    """
    own = {sealed.key_id for sealed in view.data.parts}
    if not found.keys() >= own | view.source_key_ids:
        return None
    return {sealed.part_id: open_part(found[sealed.key_id], view.planned.id, sealed) for sealed in view.data.parts}


def row_of(book: Book, view: SealedView) -> MatrixRow | None:
    """Give the matrix row a share was planned under, as narrow as its view; None without its arrangement at hand."""
    arrangement = book.by_digest(view.data.arrangement_sha256)
    row = arrangement.matrix.get(view.data.recipient_class) if arrangement is not None else None
    return None if row is None else row.seen_as(view.data.view_code)
