"""Answers to submissions, written to the agency's own topic and acknowledged by the broker before the offset moves."""

from __future__ import annotations

import time
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from services.chassis.clock import Clock
from services.chassis.envelope import Record
from services.chassis.kafka import REQUEST_DEADLINE_S, within
from services.chassis.log import Log
from services.intake.submissions.wire import Answer, receipt_record

NOWHERE: Final = (
    InvalidTopicError, MessageSizeTooLargeError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError,
)  # fmt: skip
_log = Log(__name__)


class Sending:
    """Sends answers."""

    def __init__(self, client: AIOKafkaProducer, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, record: Record, answer: Answer) -> None:
        """Send one, and wait until it lies there.

        An agency that has no topic of receipts gets none: what it sent is recorded all the same, and the others must
        not wait for it.

        Raises:
            KafkaError, DeadlineExceeded: the broker is away.
        """
        topic, key, value, headers = receipt_record(record, answer, self._clock.now())
        sending = self._client.send_and_wait(
            topic, value, key=key, headers=list(headers), timestamp_ms=int(time.time() * 1000)
        )
        try:
            await within(REQUEST_DEADLINE_S * 2, "sending a receipt", sending)
        except NOWHERE as error:
            _log.error("no topic for this agency's receipts: `agency add` makes it", error=type(error).__name__)
