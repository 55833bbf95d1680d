"""What basis assessment keeps beside its journal: decisions that wait, and the newest assessment of each concern."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from concern_relay.v1.assessments_pb2 import (
    BasisAssessed,
    DecisionEscalated,
    DecisionOverdue,
    DecisionRecorded,
    DecisionRequested,
    SubjectAccessDecided,
    SubjectAccessOverdue,
    SubjectAccessRequested,
)
from services.basis_assessment.core.state import about, waits
from services.chassis.event import Fact

LIST_MAX = 500

SCHEMA = """
CREATE TABLE IF NOT EXISTS decision (
    decision_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    requested bytea NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'overdue', 'recorded', 'withdrawn'))
);
ALTER TABLE decision ADD COLUMN IF NOT EXISTS escalated bytea;
ALTER TABLE decision ADD COLUMN IF NOT EXISTS escalated_to text;
ALTER TABLE decision ADD COLUMN IF NOT EXISTS recorded bytea;
CREATE INDEX IF NOT EXISTS decision_open ON decision (agency_id, due_at) WHERE state IN ('open', 'overdue');
CREATE INDEX IF NOT EXISTS decision_concern ON decision (concern_id) WHERE state IN ('open', 'overdue');
CREATE TABLE IF NOT EXISTS subject_access (
    request_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    agency_id text NOT NULL,
    requested bytea NOT NULL,
    decided bytea,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'overdue', 'decided'))
);
CREATE INDEX IF NOT EXISTS subject_access_open ON subject_access (agency_id, due_at);
CREATE TABLE IF NOT EXISTS assessment (
    concern_id uuid PRIMARY KEY,
    agency_id text NOT NULL,
    event_id uuid,
    assessed bytea,
    recorded timestamptz
);
ALTER TABLE assessment ADD COLUMN IF NOT EXISTS test boolean NOT NULL DEFAULT false;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decision that waits for a person, or was made.

    Attributes:
        escalated: to whom it was passed on last, because nobody answered in time.
        recorded: what was decided.
    """

    decision: DecisionRequested
    state: str
    escalated: DecisionEscalated | None = None
    recorded: DecisionRecorded | None = None


@dataclass(frozen=True, slots=True)
class Assessed:
    """The newest assessment of a concern; none yet for one that waits or is history."""

    agency_id: str
    event_id: UUID | None
    assessed: BasisAssessed | None
    recorded: datetime | None


@dataclass(frozen=True, slots=True)
class AccessAsked:
    """A request for a copy, and what was decided."""

    asked: SubjectAccessRequested
    decided: SubjectAccessDecided | None
    state: str


class BasisStore:
    """The tables, filled in the journal's own transaction."""

    schema = SCHEMA

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Write what an input and its effects mean for these tables."""
        if fact.type == "ConcernRaised" and fact.data is not None:
            await connection.execute(
                "INSERT INTO assessment (concern_id, agency_id, test) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                UUID(fact.concern_id),
                fact.agency_id,
                fact.data.test,  # type: ignore[attr-defined]
            )
        for effect in effects:
            await _keep(connection, effect)


async def _keep(connection: asyncpg.Connection[Any], effect: Fact) -> None:
    data = effect.data
    if isinstance(data, BasisAssessed):
        await connection.execute(
            "UPDATE assessment SET event_id = $2, assessed = $3, recorded = $4 WHERE concern_id = $1",
            UUID(effect.concern_id),
            effect.id,
            data.SerializeToString(deterministic=True),
            effect.recorded,
        )
        await _withdraw(connection, effect.concern_id, data)
    elif isinstance(data, DecisionRequested):
        await connection.execute(
            "INSERT INTO decision (decision_id, concern_id, agency_id, requested, due_at, state) "
            "VALUES ($1, $2, $3, $4, $5, 'open') ON CONFLICT (decision_id) DO UPDATE "
            "SET requested = excluded.requested, due_at = excluded.due_at, state = 'open'",
            UUID(data.decision_id),
            UUID(data.concern_id),
            data.agency_id,
            data.SerializeToString(deterministic=True),
            data.due_at.ToDatetime(UTC),
        )
    elif isinstance(data, DecisionRecorded):
        await connection.execute(
            "UPDATE decision SET state = 'recorded', recorded = $2 WHERE decision_id = $1",
            UUID(data.decision_id),
            data.SerializeToString(deterministic=True),
        )
    elif isinstance(data, DecisionOverdue):
        await connection.execute("UPDATE decision SET state = 'overdue' WHERE decision_id = $1", UUID(data.decision_id))
    elif isinstance(data, DecisionEscalated):
        await connection.execute(
            "UPDATE decision SET escalated = $2, escalated_to = $3 WHERE decision_id = $1",
            UUID(data.decision_id),
            data.SerializeToString(deterministic=True),
            data.agency_id,
        )

    else:
        await _keep_access(connection, effect.data)


async def _keep_access(connection: asyncpg.Connection[Any], data: Any) -> None:
    if isinstance(data, SubjectAccessRequested):
        await connection.execute(
            "INSERT INTO subject_access (request_id, concern_id, agency_id, requested, due_at, state) "
            "VALUES ($1, $2, $3, $4, $5, 'open') ON CONFLICT DO NOTHING",
            UUID(data.request_id),
            UUID(data.concern_id),
            data.agency_id,
            _without_parts(data).SerializeToString(deterministic=True),
            data.due_at.ToDatetime(UTC),
        )
    elif isinstance(data, SubjectAccessDecided):
        await connection.execute(
            "UPDATE subject_access SET state = 'decided', decided = $2 WHERE request_id = $1",
            UUID(data.request_id),
            _without_parts(data).SerializeToString(deterministic=True),
        )
    elif isinstance(data, SubjectAccessOverdue):
        await connection.execute(
            "UPDATE subject_access SET state = 'overdue' WHERE request_id = $1", UUID(data.request_id)
        )


def _without_parts(data: Any) -> Any:
    """Give a message without its sealed parts: codes and times are enough for a list."""
    found = type(data)()
    found.CopyFrom(data)
    del found.parts[:]
    return found


async def _withdraw(connection: asyncpg.Connection[Any], concern_id: str, data: BasisAssessed) -> None:
    """Take back what is asked no longer, by the core's own rule."""
    rows = await connection.fetch(
        "SELECT decision_id, requested FROM decision WHERE concern_id = $1 AND state IN ('open', 'overdue')",
        UUID(concern_id),
    )
    waiting = waits(data)
    gone = [r["decision_id"] for r in rows if about(DecisionRequested.FromString(bytes(r["requested"]))) not in waiting]
    if gone:
        await connection.execute("UPDATE decision SET state = 'withdrawn' WHERE decision_id = ANY($1)", gone)


class Decisions:
    """Reads of these tables."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def waiting(self, agencies: Collection[str], *, test: bool = False) -> list[Waiting]:
        """Give the decisions that wait for people of some agencies, the most pressing first; of practice apart."""
        rows = await self._pool.fetch(
            "SELECT * FROM decision WHERE (agency_id = ANY($1) OR escalated_to = ANY($1)) "
            "AND state IN ('open', 'overdue') "
            "AND EXISTS (SELECT FROM assessment AS one WHERE one.concern_id = decision.concern_id AND one.test) = $3 "
            "ORDER BY due_at, decision_id LIMIT $2",
            *(list(agencies), LIST_MAX, test),
        )
        return [_waiting(row) for row in rows]

    async def one(self, decision_id: UUID) -> Waiting | None:
        """Give a decision, whatever became of it."""
        row = await self._pool.fetchrow("SELECT * FROM decision WHERE decision_id = $1", decision_id)
        return None if row is None else _waiting(row)

    async def of_concern(self, concern_id: UUID) -> list[Waiting]:
        """Give every decision of a concern, in the order they fall due."""
        rows = await self._pool.fetch(
            "SELECT * FROM decision WHERE concern_id = $1 ORDER BY due_at, decision_id LIMIT $2", concern_id, LIST_MAX
        )
        return [_waiting(row) for row in rows]

    async def newest_assessed(self, limit: int) -> list[BasisAssessed]:
        """Give the newest assessments, of any concern."""
        rows = await self._pool.fetch(
            "SELECT assessed FROM assessment WHERE assessed IS NOT NULL ORDER BY recorded DESC LIMIT $1", limit
        )
        return [BasisAssessed.FromString(bytes(row["assessed"])) for row in rows]

    async def access(self, agencies: Collection[str], *, test: bool = False) -> list[AccessAsked]:
        """Give the requests for a copy at some agencies, open ones first; those of practice apart."""
        rows = await self._pool.fetch(
            "SELECT * FROM subject_access WHERE agency_id = ANY($1) "
            "AND EXISTS (SELECT FROM assessment AS one WHERE one.concern_id = subject_access.concern_id AND one.test) "
            "= $3 ORDER BY state = 'decided', due_at LIMIT $2",
            *(list(agencies), LIST_MAX, test),
        )
        return [_asked_for(row) for row in rows]

    async def one_access(self, request_id: UUID) -> AccessAsked | None:
        """Give a request for a copy."""
        row = await self._pool.fetchrow("SELECT * FROM subject_access WHERE request_id = $1", request_id)
        return None if row is None else _asked_for(row)

    async def assessed(self, concern_id: UUID) -> Assessed | None:
        """Give the newest assessment of a concern."""
        row = await self._pool.fetchrow("SELECT * FROM assessment WHERE concern_id = $1", concern_id)
        if row is None:
            return None
        found = None if row["assessed"] is None else BasisAssessed.FromString(bytes(row["assessed"]))
        return Assessed(row["agency_id"], row["event_id"], found, row["recorded"])


def _waiting(row: asyncpg.Record) -> Waiting:
    escalated, recorded = row["escalated"], row["recorded"]
    return Waiting(
        DecisionRequested.FromString(bytes(row["requested"])),
        row["state"],
        None if escalated is None else DecisionEscalated.FromString(bytes(escalated)),
        None if recorded is None else DecisionRecorded.FromString(bytes(recorded)),
    )


def _asked_for(row: asyncpg.Record) -> AccessAsked:
    decided = row["decided"]
    return AccessAsked(
        SubjectAccessRequested.FromString(bytes(row["requested"])),
        None if decided is None else SubjectAccessDecided.FromString(bytes(decided)),
        row["state"],
    )
