"""One submission from Kafka through the door: opened, read, accepted or refused, and what is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import SpanKind

from concern_relay.v1.codes_pb2 import ParkReason
from services.chassis import database
from services.chassis.arrangement import SANDBOX_PREFIX
from services.chassis.clock import Clock
from services.chassis.envelope import Record, header
from services.chassis.errors import DeadlineExceeded, KeyUnavailable
from services.chassis.event import Refused
from services.chassis.journal import Journal
from services.chassis.log import Log
from services.chassis.problems import Problem, body_of, problem
from services.chassis.telemetry import Telemetry, set_attributes, traceparent_in
from services.intake import answers
from services.intake.acceptance import Acceptance, Sender
from services.intake.core import IntakeState
from services.intake.errors import Malformed
from services.intake.reading import read
from services.intake.submission_keys import SubmissionKeys
from services.intake.submissions.asked import asked_of
from services.intake.submissions.wire import Answer, agency_of, concern_of, kind_of, opened

BUSY_TRIES_MAX: Final = 20
BUSY_PAUSE_S: Final = 0.25
DEADLINE_S: Final = 30.0
ONE_TOPIC: Final = "submissions.v1"
"""The label of metrics: one for all agencies."""
PARKED_MAX: Final = 1000
"""Open at once of one agency; beyond that the receipt alone says no, and the bytes lie on the topic for 14 days."""
PASSING: Final = (*database.PASSING, DeadlineExceeded, KeyUnavailable)

_FAILED: Final = problem(
    500,
    "failed",
    "Something failed here and was logged; the submission is kept, and the operator can take it again. Tell the "
    "operator. If a child is in danger, call 999.",
)
_PARKED: Final = """
SELECT count(*) FROM (SELECT FROM parked WHERE topic = $1 AND state = 'parked' LIMIT $2) AS open
"""
_log = Log(__name__)


@dataclass(frozen=True)
class Taker:
    """Takes submissions.

    Attributes:
        acceptance: the door that HTTP has too.
        keys: what submissions are sealed to.
        journal: where those that are refused are parked.
        clock: the time.
        telemetry: spans and counters.
    """

    acceptance: Acceptance
    keys: SubmissionKeys
    journal: Journal[IntakeState]
    clock: Clock
    telemetry: Telemetry

    async def take(self, record: Record) -> Answer:
        """Take a submission and give its answer; when this returns it is recorded, or parked.

        Raises:
            TimeoutError, OSError, PostgresError, DeadlineExceeded, KeyUnavailable: a server is away; take it again.
        """
        linked = traceparent_in(record)
        with self.telemetry.act("process submissions", linked_to=linked, kind=SpanKind.CONSUMER) as (span, trace):
            async with asyncio.timeout(DEADLINE_S):
                answer = await self._answered(record, trace)
            outcome = "applied" if answer.accepted else "parked"
            self.telemetry.taken.labels(ONE_TOPIC, outcome).inc()
            if span.is_recording():
                set_attributes(span, {"messaging.destination.name": record.topic, "relay.outcome": outcome})
            return answer

    def reference_of(self, record: Record) -> str:
        """Give what a submission keeps its order by: its reference, or the concern; by itself, if it cannot be read."""
        try:
            if kind_of(record):
                return f"\n{concern_of(record)}"  # no reference has a line feed
            return read(opened(record, self.keys, self.clock.now())).submission.reference
        except Malformed:
            return f"\n{record.offset}"

    async def retake(self, record: Record) -> Answer:
        """Take a parked submission again; refused, it stays parked."""
        return await self._tried(record, "")

    async def _answered(self, record: Record, trace: str) -> Answer:
        try:
            answer = await self._tried(record, trace)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001  (whatever one submission does to us must not stop the others)
            _log.error("a submission failed", error=type(error).__name__, offset=record.offset)
            await self._park(record, ParkReason.PARK_REASON_CORE_RAISED, type(error).__name__)
            return Answer(_FAILED.status, body_of(_FAILED), trace)
        if not answer.accepted:
            await self._park(record, ParkReason.PARK_REASON_SUBMISSION_REFUSED, str(answer.body["code"]))
        return answer

    async def _tried(self, record: Record, trace: str) -> Answer:
        try:
            asked = asked_of(record, opened(record, self.keys, self.clock.now()), self.acceptance)
            sender = Sender(agency_of(record.topic))
            for _ in range(BUSY_TRIES_MAX):
                try:
                    found = await asked.accept(sender)
                except Refused as refused:
                    if refused.status != 503:
                        raise
                    await asyncio.sleep(BUSY_PAUSE_S)  # others of the same concern are being accepted
                else:
                    said = answers.accepted(found, history=asked.history, myths=asked.myths)
                    return Answer(202, said.model_dump(mode="json"), trace)
        except Malformed as malformed:
            return _refusal(answers.mended(malformed), trace)
        except Refused as refused:
            return _refusal(problem(refused.status, refused.code, str(refused)), trace)
        raise DeadlineExceeded("others of the same concern were being accepted all the time")

    async def _park(self, record: Record, reason: ParkReason, error: str) -> None:
        """Keep a submission that was not accepted where an operator sees it; what a sandbox tries out alarms nobody."""
        if agency_of(record.topic).startswith(SANDBOX_PREFIX) and reason == ParkReason.PARK_REASON_SUBMISSION_REFUSED:
            return
        async with database.borrowed(self.journal.pool) as connection:
            open_ = await connection.fetchval(_PARKED, record.topic, PARKED_MAX)
        if open_ >= PARKED_MAX:
            _log.error("an agency's submissions are refused again and again: only answered from here on", count=open_)
            return
        emergency = header(record, "ce_urgency") == b"emergency"
        await self.journal.park(record, reason, error, emergency=emergency)


def _refusal(found: Problem, trace: str) -> Answer:
    return Answer(found.status, body_of(found), trace)
