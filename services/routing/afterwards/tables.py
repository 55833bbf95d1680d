"""Tables of what follows a share, in routing's database. Ids, agencies, codes and times; no content, sealed or clear.

Projections, filled in the transaction that records the events, and to be rebuilt from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from services.chassis import database
from services.chassis.codes import word_of
from services.chassis.event import Fact

# event_ids: the events whose sealed words a party may read.
SCHEMA: Final = """
ALTER TABLE share ADD COLUMN IF NOT EXISTS recalled_at timestamptz;
ALTER TABLE share ADD COLUMN IF NOT EXISTS reopened_at timestamptz;
ALTER TABLE share ADD COLUMN IF NOT EXISTS closed_part_ids text[] NOT NULL DEFAULT '{}';
ALTER TABLE share ADD COLUMN IF NOT EXISTS receipts text[] NOT NULL DEFAULT '{}';
ALTER TABLE share ADD COLUMN IF NOT EXISTS files text[] NOT NULL DEFAULT '{}';
ALTER TABLE share ADD COLUMN IF NOT EXISTS covered_role text NOT NULL DEFAULT '';
ALTER TABLE share ADD COLUMN IF NOT EXISTS cover_agency_id text NOT NULL DEFAULT '';
ALTER TABLE share ADD COLUMN IF NOT EXISTS replaces_share_id text NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS share_of_concern ON share (concern_id, agency_id);
CREATE TABLE IF NOT EXISTS disagreement (
    disagreement_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    share_id uuid NOT NULL,
    recipient_agency_id text NOT NULL,
    raised_by_agency_id text NOT NULL,
    about text NOT NULL,
    stage smallint NOT NULL,
    role text NOT NULL,
    due timestamptz NOT NULL,
    clock_code text NOT NULL,
    overdue boolean NOT NULL DEFAULT false,
    raised_at timestamptz NOT NULL,
    resolution text NOT NULL DEFAULT '',
    resolved_at timestamptz,
    event_ids uuid[] NOT NULL
);
CREATE TABLE IF NOT EXISTS erasure (
    erasure_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    share_id text NOT NULL,
    agency_id text NOT NULL,
    reason text NOT NULL,
    part_ids text[] NOT NULL,
    due timestamptz NOT NULL,
    clock_code text NOT NULL,
    overdue boolean NOT NULL DEFAULT false,
    stage smallint NOT NULL DEFAULT 0,
    role text NOT NULL DEFAULT '',
    asked_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT '',
    ground text NOT NULL DEFAULT '',
    answered_at timestamptz
);
CREATE INDEX IF NOT EXISTS erasure_agency ON erasure (agency_id, asked_at);
CREATE TABLE IF NOT EXISTS breach (
    breach_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    share_id uuid NOT NULL,
    recipient_agency_id text NOT NULL,
    controller_agency_id text NOT NULL,
    reason text NOT NULL,
    hidden_address boolean NOT NULL,
    aware_at timestamptz NOT NULL,
    report_by timestamptz NOT NULL,
    clock_code text NOT NULL,
    call_by timestamptz,
    called_at timestamptz,
    call_overdue boolean NOT NULL DEFAULT false,
    overdue boolean NOT NULL DEFAULT false,
    closed text NOT NULL DEFAULT '',
    closed_at timestamptz
);
CREATE INDEX IF NOT EXISTS breach_controller ON breach (controller_agency_id, aware_at);
CREATE TABLE IF NOT EXISTS information_request (
    request_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    asked_agency_id text NOT NULL,
    band text NOT NULL,
    power text NOT NULL,
    due timestamptz,
    clock_code text NOT NULL,
    overdue boolean NOT NULL DEFAULT false,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    late boolean NOT NULL DEFAULT false,
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,
    event_ids uuid[] NOT NULL
);
CREATE INDEX IF NOT EXISTS request_asked ON information_request (asked_agency_id, asked_at);
CREATE INDEX IF NOT EXISTS request_asking ON information_request (agency_id, asked_at);
"""

_Change = tuple[str, tuple[Any, ...]]


def changes(data: Message, fact: Fact) -> list[_Change]:  # noqa: C901, PLR0912  (a table: one row an event)
    """Give what one of routing's events means for these tables: statements with their values."""
    at = fact.recorded
    match data:
        case shares.SharePlanned() if data.replaces_share_id:
            sql = "UPDATE share SET replaces_share_id = $2 WHERE share_id = $1"
            return [(sql, (_id(data.share_id), data.replaces_share_id))]
        case shares.ShareRecalled():
            share_id = _id(data.share_id)
            return [
                ("UPDATE share SET recalled_at = $2 WHERE share_id = $1", (share_id, at)),
                ("DELETE FROM delivery_job WHERE share_id = $1", (share_id,)),
            ]
        case shares.OutcomeReopened():
            return [("UPDATE share SET reopened_at = $2 WHERE share_id = $1", (_id(data.share_id), at))]
        case shares.OutcomeGiven():
            return [("UPDATE share SET reopened_at = NULL WHERE share_id = $1", (_id(data.share_id),))]
        case shares.AttachmentReceived():
            sql = (
                "UPDATE share SET receipts = array_append(receipts, $2) WHERE share_id = $1 AND NOT $2 = ANY(receipts)"
            )
            return [(sql, (_id(data.share_id), data.part_id))]
        case shares.AttachmentOffered():
            sql = "UPDATE share SET files = array_append(array_remove(files, $2), $2) WHERE share_id = $1"
            return [(sql, (_id(data.share_id), data.attachment_id))]
        case shares.AttachmentOfferEnded():
            sql = "UPDATE share SET files = array_remove(files, $2) WHERE share_id = $1"
            return [(sql, (_id(data.share_id), data.attachment_id))]
        case shares.ShareEscalated():
            sql = "UPDATE share SET covered_role = $2, cover_agency_id = $3 WHERE share_id = $1"
            return [(sql, (_id(data.share_id), data.covered_role_code, data.cover_agency_id))]
        case shares.DisagreementRaised() | shares.DisagreementMoved():
            return [_disagreement(data, fact)]
        case shares.DisagreementOverdue():
            return [("UPDATE disagreement SET overdue = true WHERE disagreement_id = $1", (_id(data.disagreement_id),))]
        case shares.DisagreementResolved():
            word = word_of(codes.DisagreementResolution, data.resolution)
            sql = (
                "UPDATE disagreement SET resolution = $2, resolved_at = $3, event_ids = array_append(event_ids, $4) "
                "WHERE disagreement_id = $1"
            )
            return [(sql, (_id(data.disagreement_id), word, at, fact.id))]
        case shares.ErasureRequested():
            return _erasure(data, fact)
        case shares.ErasureOverdue():
            sql = "UPDATE erasure SET overdue = true, stage = $2, role = $3 WHERE erasure_id = $1"
            return [(sql, (_id(data.erasure_id), data.stage, data.role_code))]
        case shares.ErasureConfirmed() | shares.ErasureDeclined():
            declined = isinstance(data, shares.ErasureDeclined)
            ground = word_of(codes.ErasureGround, data.ground) if isinstance(data, shares.ErasureDeclined) else ""
            sql = "UPDATE erasure SET answer = $2, ground = $3, answered_at = $4 WHERE erasure_id = $1"
            return [(sql, (_id(data.erasure_id), "declined" if declined else "confirmed", ground, at))]
        case _:
            return [*_breach(data, at), *_request(data, fact)]


def _disagreement(data: shares.DisagreementRaised | shares.DisagreementMoved, fact: Fact) -> _Change:
    staged = (data.stage, data.role_code, _at(data.due_at), data.clock_code)
    own = _id(data.disagreement_id)
    if isinstance(data, shares.DisagreementRaised):
        word = word_of(codes.DisagreementAbout, data.about)
        first = (own, _id(data.concern_id), _id(data.share_id), data.recipient_agency_id, data.agency_id, word)
        sql = (
            "INSERT INTO disagreement (disagreement_id, concern_id, share_id, recipient_agency_id, "
            "raised_by_agency_id, about, stage, role, due, clock_code, raised_at, event_ids) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ARRAY[$12::uuid]) ON CONFLICT DO NOTHING"
        )
        return sql, (*first, *staged, fact.recorded, fact.id)
    sql = (
        "UPDATE disagreement SET stage = $2, role = $3, due = $4, clock_code = $5, overdue = false, "
        "event_ids = array_append(event_ids, $6) WHERE disagreement_id = $1"
    )
    return sql, (own, *staged, fact.id)


def _erasure(data: shares.ErasureRequested, fact: Fact) -> list[_Change]:
    sql = (
        "INSERT INTO erasure "
        "(erasure_id, concern_id, share_id, agency_id, reason, part_ids, due, clock_code, asked_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
    )
    own = (_id(data.erasure_id), _id(data.concern_id), data.share_id, data.recipient_agency_id, data.reason_code)
    found: list[_Change] = [(sql, (*own, list(data.part_ids), _at(data.due_at), data.clock_code, fact.recorded))]
    if data.share_id and data.part_ids:
        closing = "UPDATE share SET closed_part_ids = closed_part_ids || $2::text[] WHERE share_id = $1"
        found.append((closing, (_id(data.share_id), list(data.part_ids))))
    return found


def _breach(data: Message, at: datetime) -> list[_Change]:
    match data:
        case shares.BreachRecorded():
            sql = (
                "INSERT INTO breach (breach_id, concern_id, share_id, recipient_agency_id, controller_agency_id, "
                "reason, hidden_address, aware_at, report_by, clock_code, call_by) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
            )
            call_by = _at(data.call_by) if data.HasField("call_by") else None
            first = (_id(data.breach_id), _id(data.concern_id), _id(data.share_id), data.recipient_agency_id)
            second = (data.controller_agency_id, word_of(codes.RecallReason, data.reason), data.hidden_address)
            return [(sql, (*first, *second, _at(data.aware_at), _at(data.report_by), data.clock_code, call_by))]
        case shares.SafetyCallMade():
            return [("UPDATE breach SET called_at = $2 WHERE breach_id = $1", (_id(data.breach_id), at))]
        case shares.SafetyCallOverdue():
            return [("UPDATE breach SET call_overdue = true WHERE breach_id = $1", (_id(data.breach_id),))]
        case shares.BreachOverdue():
            return [("UPDATE breach SET overdue = true WHERE breach_id = $1", (_id(data.breach_id),))]
        case shares.BreachReported() | shares.BreachNotReportable():
            word = "reported" if isinstance(data, shares.BreachReported) else "not_reportable"
            sql = "UPDATE breach SET closed = $2, closed_at = $3 WHERE breach_id = $1"
            return [(sql, (_id(data.breach_id), word, at))]
        case _:
            return []


_ASKED = """
INSERT INTO information_request (request_id, concern_id, agency_id, asked_agency_id, band, power, due, clock_code,
    state, reason, asked_at, event_ids)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ARRAY[$12::uuid]) ON CONFLICT DO NOTHING
"""
_ANSWERED = """
UPDATE information_request SET state = $2, reason = $3, late = $4, answered_at = $5,
    event_ids = array_append(event_ids, $6) WHERE request_id = $1
"""


def _request(data: Message, fact: Fact) -> list[_Change]:
    match data:
        case shares.InformationRequested():
            words = (word_of(codes.RequestBand, data.band), word_of(codes.Gateway, data.power))
            clock = (_at(data.due_at), data.clock_code, "open", "")
        case shares.InformationRequestReturned():
            return [(_ASKED, (*_asked(data), "", "", None, "", "returned", data.reason_code, fact.recorded, fact.id))]
        case shares.InformationRequestOverdue():
            return [("UPDATE information_request SET overdue = true WHERE request_id = $1", (_id(data.request_id),))]
        case shares.InformationProvided():
            return [(_ANSWERED, (_id(data.request_id), "provided", "", data.late, fact.recorded, fact.id))]
        case shares.InformationRefused():
            reason = word_of(codes.RequestRefusal, data.reason)
            return [(_ANSWERED, (_id(data.request_id), "refused", reason, data.late, fact.recorded, fact.id))]
        case shares.NothingHeld():
            return [(_ANSWERED, (_id(data.request_id), "nothing_held", "", data.late, fact.recorded, fact.id))]
        case _:
            return []
    return [(_ASKED, (*_asked(data), *words, *clock, fact.recorded, fact.id))]


def _asked(data: shares.InformationRequested | shares.InformationRequestReturned) -> tuple[Any, ...]:
    return _id(data.request_id), _id(data.concern_id), data.agency_id, data.asked_agency_id


def _id(text: str) -> UUID:
    return UUID(text)


def _at(stamp: Any) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)  # type: ignore[no-any-return]


async def project(connection: asyncpg.Connection[Any], effects: Sequence[Fact]) -> None:
    """Write what events mean, in their order: one may rest on another of the same transaction."""
    for effect in effects:
        if effect.data is not None:
            for sql, values in changes(effect.data, effect):
                await connection.execute(sql, *values)


class Found:
    """Looks things up for those who may see them; whoever asks decides that.

    Practice stands on no list of what is real (practice 28); a concern's shares are all practice, or none is.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def one(self, table: str, key: UUID) -> asyncpg.Record | None:
        """Give one disagreement, erasure, breach or information_request by its id."""
        column = {"information_request": "request_id"}.get(table, f"{table}_id")
        rows = await self._fetch(f"SELECT * FROM {table} WHERE {column} = $1", key)  # noqa: S608  (names of this module)
        return rows[0] if rows else None

    async def shares_of(self, concern_id: UUID, agency_id: str) -> list[asyncpg.Record]:
        """Give an agency's shares of a concern, newest first; of all agencies when empty."""
        sql = "SELECT * FROM share WHERE concern_id = $1 AND ($2 = '' OR agency_id = $2) ORDER BY seq DESC"
        return await self._fetch(sql, concern_id, agency_id)

    async def disagreements(self, agency_id: str, *, test: bool = False, limit: int) -> list[asyncpg.Record]:
        """Give the disagreements an agency is a party to, open ones first."""
        return await self._fetch(
            "SELECT disagreement.* FROM disagreement JOIN share USING (share_id) "
            "WHERE (disagreement.recipient_agency_id = $1 OR share.sender_agency_id = $1) AND share.test = $3 "
            "ORDER BY resolved_at IS NOT NULL, raised_at LIMIT $2",
            *(agency_id, limit, test),
        )

    async def erasures(self, agency_id: str, *, test: bool = False, limit: int) -> list[asyncpg.Record]:
        """Give what an agency was asked to erase, and what was asked of others for its concerns; open ones first."""
        return await self._fetch(
            "SELECT * FROM erasure WHERE (agency_id = $1 OR EXISTS (SELECT FROM share "
            "WHERE share.share_id::text = erasure.share_id AND sender_agency_id = $1)) "
            "AND EXISTS (SELECT FROM share AS one WHERE one.concern_id = erasure.concern_id AND one.test) = $3 "
            "ORDER BY answer <> '', asked_at LIMIT $2",
            *(agency_id, limit, test),
        )

    async def breaches(self, agency_id: str, *, test: bool = False, limit: int) -> list[asyncpg.Record]:
        """Give the breaches an agency owns, open ones first."""
        return await self._fetch(
            "SELECT * FROM breach WHERE controller_agency_id = $1 "
            "AND EXISTS (SELECT FROM share AS one WHERE one.concern_id = breach.concern_id AND one.test) = $3 "
            "ORDER BY closed <> '', aware_at LIMIT $2",
            *(agency_id, limit, test),
        )

    async def requests(self, agency_id: str, *, test: bool = False, limit: int) -> list[asyncpg.Record]:
        """Give what an agency was asked, and what it asked; open ones first. A returned one is its asker's alone."""
        return await self._fetch(
            "SELECT * FROM information_request "
            "WHERE (agency_id = $1 OR (asked_agency_id = $1 AND state <> 'returned')) "
            "AND EXISTS (SELECT FROM share AS one WHERE one.concern_id = information_request.concern_id AND one.test) "
            "= $3 ORDER BY state <> 'open', asked_at LIMIT $2",
            *(agency_id, limit, test),
        )

    async def _fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with database.borrowed(self._pool) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows
