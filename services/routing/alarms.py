"""``/v1/alarms``: concerns that nobody had in time, for the front door that telephones their senders.

An alarm goes once a person has acknowledged a share of the concern. Ids, agencies and times only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from concern_relay.v1.shares_pb2 import FrontDoorAlarmed
from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.auth import Caller, require
from services.chassis.event import Fact

PAGE_MAX: Final = 500
TELEPHONE: Final = (
    "Nobody had this concern in time. Telephone the agency that raised it now; do not wait for the inbox."
)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS alarm (
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    sender_agency_id text NOT NULL,
    meant_agency_id text NOT NULL,
    due_at timestamptz NOT NULL,
    alarmed_at timestamptz NOT NULL,
    PRIMARY KEY (concern_id, agency_id, due_at)
);
CREATE INDEX IF NOT EXISTS alarm_agency ON alarm (agency_id, alarmed_at);
"""
RAISE: Final = "INSERT INTO alarm VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
_OPEN: Final = """
SELECT * FROM alarm WHERE ($1 = '' OR agency_id = $1) AND NOT EXISTS (
    SELECT FROM share WHERE share.concern_id = alarm.concern_id AND share.acknowledged_at IS NOT NULL
) ORDER BY alarmed_at LIMIT $2
"""

Reader = Annotated[Caller, Depends(require("inbox", "operate"))]


class AlarmAnswer(BaseModel):
    """A concern that nobody had in time."""

    concern_id: str
    agency_id: str = Field(description="Who is alarmed.")
    telephone: str = Field(description="Id of the agency to telephone: the one that raised it.")
    telephone_name: str
    stands_in_for: str = Field(description="The front door this one covers for; empty when it is its own.")
    watch_ran_out_at: datetime
    alarmed_at: datetime
    notice: str = TELEPHONE


class AlarmsAnswer(BaseModel):
    """Open alarms, oldest first."""

    alarms: list[AlarmAnswer]


def row_of(data: FrontDoorAlarmed, fact: Fact) -> tuple[Any, ...]:
    """Give the values of ``RAISE`` after the concern's id."""
    due = data.due_at.ToDatetime(tzinfo=fact.recorded.tzinfo)
    return data.agency_id, data.sender_agency_id, data.meant_agency_id, due, fact.recorded


def alarm_routes(pool: asyncpg.Pool, book: Book) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/alarms", tags=["alarms"])

    @routes.get("", summary="Concerns that nobody had in time: yours to telephone about, or all for an operator")
    async def list_alarms(caller: Reader, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX) -> AlarmsAnswer:
        whose = "" if "operate" in caller.scopes else caller.agency_id
        async with database.borrowed(pool) as connection:
            rows = await connection.fetch(_OPEN, whose, limit)
        return AlarmsAnswer(alarms=[_answer(row, book) for row in rows])

    return routes


def _answer(row: asyncpg.Record, book: Book) -> AlarmAnswer:
    sender = book.on(row["alarmed_at"].date()).agency(row["sender_agency_id"])
    return AlarmAnswer(
        concern_id=str(row["concern_id"]),
        agency_id=row["agency_id"],
        telephone=row["sender_agency_id"],
        telephone_name=sender.name if sender is not None else "",
        stands_in_for=row["meant_agency_id"],
        watch_ran_out_at=row["due_at"],
        alarmed_at=row["alarmed_at"],
    )
