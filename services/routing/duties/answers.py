"""Duties in words, for the agency whose they are: what, by when, what asks for it, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.clock import Clock

RUNNING: Final = "running"

_LIST: Final = """
SELECT * FROM duty WHERE ($1 = '' OR agency_id = $1) AND test = $2
    AND ($3 = '' OR ($3 = 'done') = (done_at IS NOT NULL)) AND ($4::uuid IS NULL OR concern_id = $4)
ORDER BY done_at IS NOT NULL, due, duty_id LIMIT $5
"""


class DutyAnswer(BaseModel):
    """Something an agency has to do by a time, with where that comes from."""

    duty_id: UUID
    concern_id: UUID
    agency_id: str
    duty: str = Field(description="Code of the rule, as transfer_in_conference.")
    state: Literal["running", "overdue", "done"]
    due: datetime
    counts_from: datetime
    clock_code: str
    cite: str = Field(description="What asks for it.")
    personal: bool = Field(description="The professional's own: nobody else can discharge it (FGM Act 2003 s5B).")
    follows_duty_id: str = Field(description="The duty after which this one follows; empty for a first.")
    late: bool = Field(description="Done after it was due.")
    done_at: datetime | None
    test: bool


class DutyList(BaseModel):
    """What is to be done first, the earliest due on top; then what was done."""

    duties: list[DutyAnswer]
    as_of: datetime = Field(description="The moment at which it stood so: what is due before it was not done in time.")


@dataclass(frozen=True, slots=True)
class Duties:
    """Looks duties up, and gives them with their citation."""

    pool: asyncpg.Pool
    book: Book
    clock: Clock

    async def one(self, duty_id: UUID, agency_id: str) -> DutyAnswer | None:
        """Give a duty of an agency; None where there is none of it."""
        async with database.borrowed(self.pool) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM duty WHERE duty_id = $1 AND agency_id = $2", duty_id, agency_id
            )
        return None if row is None else self.answer(row)

    async def of(
        self, agency_id: str, *, test: bool = False, state: str = "", concern_id: UUID | None = None, limit: int
    ) -> list[DutyAnswer]:
        """Give an agency's duties, or everybody's when empty: ``running`` (overdue ones too), ``done``, or both."""
        async with database.borrowed(self.pool) as connection:
            rows = await connection.fetch(_LIST, agency_id, test, state, concern_id, limit)
        return [self.answer(row) for row in rows]

    def answer(self, row: asyncpg.Record) -> DutyAnswer:
        """Give a duty in words."""
        arrangement = self.book.by_digest(row["arrangement_sha256"]) or self.book.on(row["counts_from"].date())
        rule = arrangement.timed.get(row["code"])
        state = "done" if row["done_at"] is not None else "overdue" if row["overdue"] else RUNNING
        said = {"duty": row["code"], "state": state, "cite": rule.cite if rule is not None else ""}
        return DutyAnswer(**dict(row.items()), **said)

    def reached_by_hand(self, row: asyncpg.Record) -> bool:
        """Whether a duty's agency is not on the network: whoever brings its shares records for it (practice 23)."""
        agency = self.book.on(row["counts_from"].date()).agency(row["agency_id"])
        return agency is not None and agency.outside
