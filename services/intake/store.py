"""What intake keeps beside its journal: where each concern stands for its sender, and the requests it has answered.

There is no table of references and none of content. The id of a concern is made from its reference and the id of an act
from the keyed digest of its content, so the journal's primary key already knows every resend, for good.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.concerns_pb2 import ConsentWithdrawn
from services.chassis.envelope import Record
from services.chassis.event import Fact, FactKind
from services.chassis.journal.transaction import entry_record
from services.intake.attachments import table as attachments
from services.intake.status import FOLDED, Status, Told, Watch, with_fact

UNDER_REFERENCE_MAX: Final = 50
"""Concerns under one reference that are compared with what comes; more is a sender that numbers nothing."""
PAGE_MAX: Final = 200
DEADLINE_S: Final = 5.0
_CONTENT: Final = ("ConcernRaised", "InformationCorrected")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS intake_status (
    concern_id uuid PRIMARY KEY,
    agency_id text NOT NULL,
    received timestamptz NOT NULL,
    same_reference_as uuid,
    state text NOT NULL,
    status jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS intake_status_agency ON intake_status (agency_id, received DESC, concern_id DESC);
CREATE INDEX IF NOT EXISTS intake_status_reference ON intake_status (same_reference_as)
    WHERE same_reference_as IS NOT NULL;
CREATE TABLE IF NOT EXISTS intake_request (
    agency_id text NOT NULL,
    key_digest bytea NOT NULL,
    fingerprint bytea NOT NULL,
    started timestamptz NOT NULL,
    event_id uuid,
    PRIMARY KEY (agency_id, key_digest)
);
CREATE TABLE IF NOT EXISTS intake_withdrawal (
    concern_id uuid NOT NULL,
    consent_ref text NOT NULL,
    event_id uuid NOT NULL,
    assessed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (concern_id, consent_ref)
);
CREATE INDEX IF NOT EXISTS intake_withdrawal_assessed ON intake_withdrawal (concern_id) WHERE assessed;
CREATE INDEX IF NOT EXISTS intake_request_started ON intake_request (started);
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A concern and where it stands."""

    concern_id: str
    status: Status


class IntakeStore:
    """Fills the status in the transaction of the journal, by the same fold as the core."""

    schema = _SCHEMA + attachments.SCHEMA

    async def project(self, connection: asyncpg.Connection[Any], fact: Fact, effects: Sequence[Fact]) -> None:
        """Fold an input and its effects into the status; an act is what its effects are."""
        await self.project_together(connection, [(fact, effects)])

    async def project_together(
        self, connection: asyncpg.Connection[Any], taken: Sequence[tuple[Fact, Sequence[Fact]]]
    ) -> None:
        """Do the same for several inputs: each concern is read and written once."""
        told = [(fact, [*([] if fact.kind is FactKind.ACT else [fact]), *effects]) for fact, effects in taken]
        await _note_withdrawals(connection, [each for _, facts in told for each in facts])
        for _, effects in taken:
            await attachments.project(connection, effects)
        news: dict[UUID, list[Fact]] = {}
        for fact, facts in told:
            if folded := [each for each in facts if each.type in FOLDED]:
                news.setdefault(UUID(fact.concern_id), []).extend(folded)
        if news:
            await _fold_in(connection, news)


_STANDS: Final = """
INSERT INTO intake_status (concern_id, agency_id, received, same_reference_as, state, status)
VALUES ($1, $2, $3, $4, $5, $6::jsonb)
ON CONFLICT (concern_id) DO UPDATE SET state = excluded.state, status = excluded.status
"""


async def _fold_in(connection: asyncpg.Connection[Any], news: Mapping[UUID, Sequence[Fact]]) -> None:
    """Fold facts into the status of their concerns."""
    rows = await connection.fetch("SELECT concern_id, status FROM intake_status WHERE concern_id = ANY($1)", list(news))
    stood = {row["concern_id"]: load(row["status"]) for row in rows}
    changed = []
    for concern_id, facts in news.items():
        before = after = stood.get(concern_id, Status())
        for each in facts:
            after = with_fact(after, each)
        if after == before or after.received is None:
            continue
        same = UUID(after.same_reference_as) if after.same_reference_as else None
        changed.append((concern_id, after.agency_id, after.received, same, after.state.value, dump(after)))
    if changed:
        await connection.executemany(_STANDS, changed)


class Concerns:
    """Reads of intake's own database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def standing(self, concern_id: str) -> Standing | None:
        """Give where one concern stands."""
        row = await self._pool.fetchrow(
            "SELECT concern_id, status FROM intake_status WHERE concern_id = $1", UUID(concern_id), timeout=DEADLINE_S
        )
        return None if row is None else _standing(row)

    async def under(self, first_id: str) -> list[Standing]:
        """Give the concerns under one reference, the first first."""
        rows = await self._pool.fetch(
            "SELECT concern_id, status FROM intake_status WHERE concern_id = $1 OR same_reference_as = $1 "
            "ORDER BY received, concern_id LIMIT $2",
            UUID(first_id),
            UNDER_REFERENCE_MAX,
            timeout=DEADLINE_S,
        )
        return [_standing(row) for row in rows]

    async def page(self, agency_id: str, *, limit: int, before: tuple[datetime, str] | None) -> list[Standing]:
        """Give the concerns of an agency, newest first.

        Args:
            agency_id: the agency.
            limit: how many at most.
            before: received time and id of the last one seen.
        """
        at, concern_id = (None, None) if before is None else (before[0], UUID(before[1]))
        rows = await self._pool.fetch(
            "SELECT concern_id, status FROM intake_status WHERE agency_id = $1 "
            "AND ($2::timestamptz IS NULL OR (received, concern_id) < ($2, $3::uuid)) "
            "ORDER BY received DESC, concern_id DESC LIMIT $4",
            agency_id,
            at,
            concern_id,
            min(limit, PAGE_MAX),
            timeout=DEADLINE_S,
        )
        return [_standing(row) for row in rows]

    async def led_to(self, act_ids: Collection[UUID]) -> dict[UUID, Record]:
        """Give, for acts that were done, the record each led to."""
        rows = await self._pool.fetch(
            "SELECT cause_id, concern_id, topic, headers, value FROM entry WHERE cause_id = ANY($1) AND origin = 'o' "
            "ORDER BY seq DESC",  # the first that an act led to is what was asked; the others follow from it
            list(act_ids),
            timeout=DEADLINE_S,
        )
        return {row["cause_id"]: entry_record(row) for row in rows}

    async def record(self, event_id: UUID) -> Record | None:
        """Give a recorded event as it lies in the outbox."""
        row = await self._pool.fetchrow(
            "SELECT concern_id, topic, headers, value FROM entry WHERE event_id = $1", event_id, timeout=DEADLINE_S
        )
        return None if row is None else entry_record(row)

    async def newest(self, concern_id: str, *types: str) -> Record | None:
        """Give the newest record of these types, or that last raised or corrected the concern."""
        row = await self._pool.fetchrow(
            "SELECT concern_id, topic, headers, value FROM entry WHERE concern_id = $1 AND origin = 'o' "
            "AND type = ANY($2) ORDER BY type = ANY($3) DESC, seq DESC LIMIT 1",
            UUID(concern_id),
            [*types, *_CONTENT],
            list(types or _CONTENT),
            timeout=DEADLINE_S,
        )
        return None if row is None else entry_record(row)

    async def assessed_withdrawals(self, limit: int) -> list[tuple[str, str]]:
        """Give concerns and consents that were withdrawn, where an assessment was made since."""
        rows = await self._pool.fetch(
            "SELECT concern_id, consent_ref FROM intake_withdrawal WHERE assessed LIMIT $1", limit, timeout=DEADLINE_S
        )
        return [(str(row["concern_id"]), row["consent_ref"]) for row in rows]

    async def unsettled_withdrawals(self, limit: int) -> list[tuple[str, str]]:
        """Give concerns and consents that were withdrawn, oldest concern ids first, until they are settled."""
        rows = await self._pool.fetch(
            "SELECT concern_id, consent_ref FROM intake_withdrawal ORDER BY concern_id LIMIT $1",
            limit,
            timeout=DEADLINE_S,
        )
        return [(str(row["concern_id"]), row["consent_ref"]) for row in rows]

    async def withdrawal_settled(self, concern_id: str, consent_ref: str) -> None:
        """Look at a withdrawal no more."""
        await self._pool.execute(
            "DELETE FROM intake_withdrawal WHERE concern_id = $1 AND consent_ref = $2",
            UUID(concern_id),
            consent_ref,
            timeout=DEADLINE_S,
        )


async def _note_withdrawals(connection: asyncpg.Connection[Any], facts: Sequence[Fact]) -> None:
    """Keep in mind which withdrawals wait for the assessment that says whether anything had rested on the consent."""
    assessed: list[tuple[UUID, str]] = []
    for fact in facts:
        if isinstance(fact.data, ConsentWithdrawn):
            await connection.execute(
                "INSERT INTO intake_withdrawal VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                UUID(fact.concern_id),
                fact.data.consent_ref,
                fact.id,
            )
        elif isinstance(fact.data, BasisAssessed):
            assessed.append((UUID(fact.concern_id), fact.data.assessed_event_id))
    if assessed:
        await connection.executemany(
            "UPDATE intake_withdrawal SET assessed = true WHERE concern_id = $1 AND event_id::text = $2", assessed
        )


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(str(row["concern_id"]), load(row["status"]))


def dump(status: Status) -> str:
    """Write a status as JSON: ids, times and codes, no content."""
    told = {
        share_id: [
            t.rank,
            _text(t.acknowledged),
            t.outcome,
            _text(t.outcome_at),
            t.outcome_event,
            _text(t.follow_up_by),
        ]
        for share_id, t in status.told.items()
    }
    return json.dumps(
        {
            "agency_id": status.agency_id,
            "received": _text(status.received),
            "urgency": status.urgency,
            "history": status.history,
            "test": status.test,
            "version": status.version,
            "watch": status.watch.value,
            "watched_from": _text(status.watched_from),
            "same_reference_as": status.same_reference_as,
            "told": told,
        }
    )


def load(text: str) -> Status:
    """Read what :func:`dump` wrote."""
    found: dict[str, Any] = json.loads(text)
    told = {share_id: _told(*row) for share_id, row in found.pop("told").items()}
    found |= {name: _time(found[name]) for name in ("received", "watched_from")}
    return Status(**{**found, "told": told, "watch": Watch(found["watch"])})


def _told(rank: int, acknowledged: str | None, outcome: int, outcome_at: str | None, *later: str | None) -> Told:
    """Read one recipient; what stands at the end came later than the others, and older rows lack it."""
    event, follow_up_by = (*later, None, None)[:2]
    return Told(rank, _time(acknowledged), outcome, _time(outcome_at), event or "", _time(follow_up_by))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
