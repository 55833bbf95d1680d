"""Two lanes over the submissions of all agencies: what is in a hurry goes first, and no agency holds up another.

The slow lane takes each agency's submissions, a bounded number an agency and turn, those of one concern in order,
agencies side by side; its place is the consumer group's offset. The fast lane (``ahead``) takes what is in a hurry
before; the slow one stands back meanwhile, and finds it taken when it gets there. So a crash loses nothing and at most
takes again what lay ahead, which the door knows and answers under the same receipt id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.chassis.envelope import Record
from services.chassis.errors import DeadlineExceeded, SettingsError
from services.chassis.kafka import REQUEST_DEADLINE_S, consumer, producer, stopped, within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.stage import first_of, record_of
from services.intake.submissions.ahead import Ahead
from services.intake.submissions.sending import Sending
from services.intake.submissions.taking import ONE_TOPIC, PASSING, Taker
from services.intake.submissions.wire import TOPICS

GROUP: Final = "intake-submissions"
PER_TURN: Final = 20
"""Submissions of one agency in one turn of a lane."""
AT_ONCE: Final = 4
"""Submissions of a lane in hand at once: of the ten connections to the database, HTTP keeps some."""
PREFETCH_BYTES: Final = 64 * 1024
"""An agency's, unless one record is larger, and four times that ahead: 320 MB where a thousand have a backlog."""
STAND_BACK_S: Final = 0.5
POLL_MS: Final = 100
NEW_AGENCIES_S: Final = 5.0
COMMIT_EVERY_S: Final = 0.2
RETRY_S: Final = 1.0
MAY_PASS: Final = (*PASSING, KafkaError, SettingsError)
"""A server is away, or the keys' file is: no agency's fault."""

_log = Log(__name__)


class Lanes:
    """Takes the submissions of all agencies, until cancelled.

    Args:
        settings: where the broker is.
        taker: takes one.
        group: the consumer group; its name begins with the service's.
        topics: which topics, a regular expression.
    """

    def __init__(self, settings: Settings, taker: Taker, *, group: str = GROUP, topics: str = TOPICS) -> None:
        self._settings = settings
        self._taker = taker
        self.group = group
        self.topics = topics
        self.answering = False
        self.sending: Sending | None = None

    async def run(self) -> None:
        """Take submissions; with new clients whenever a server was away."""
        while True:
            try:
                await _Session(self._settings, self._taker, self).run()
            except Exception as error:
                self.answering = False
                cause = _leaf(error)
                if not isinstance(cause, MAY_PASS):
                    raise
                _log.warning("submissions wait, trying again", error=type(cause).__name__)
                await asyncio.sleep(RETRY_S)

    async def retake(self, record: Record) -> bool:
        """Take a parked submission again, and answer it; say whether it was accepted.

        Raises:
            DeadlineExceeded: the broker is away, and with it the way to answer.
        """
        if self.sending is None:
            raise DeadlineExceeded("the broker is away: replay it when intake is ready")
        answer = await self._taker.retake(record)
        await self.sending.send(record, answer)
        return answer.accepted


class _Session:
    """The lanes with one set of clients, from where the group stands."""

    def __init__(self, settings: Settings, taker: Taker, lanes: Lanes) -> None:
        self._settings = settings
        self._taker = taker
        self._lanes = lanes
        self._done: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        self._in_hand: dict[tuple[TopicPartition, int], asyncio.Task[None]] = {}
        self._slow_hands, self._fast_hands = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._hurrying = 0
        self._calm = asyncio.Event()
        self._calm.set()

    async def run(self) -> None:
        """Take until something fails."""
        slow = _reader(self._settings, self._lanes.group, PREFETCH_BYTES)
        ahead = _reader(self._settings, None, PREFETCH_BYTES * 4)
        sender = producer(self._settings)
        try:
            for client in (slow, ahead, sender):
                await within(REQUEST_DEADLINE_S * 3, "starting a client", client.start())
            self._lanes.sending = Sending(sender, self._taker.clock)
            slow.subscribe(pattern=self._lanes.topics)
            self._lanes.answering = True
            fast = Ahead(ahead, self._done, self._settled_fast, self._hurry)
            await first_of(self._take_in_order(slow), fast.run(slow))
        finally:
            self._lanes.sending = None
            for task in self._in_hand.values():
                task.cancel()
            await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
            for name, each in (("consumer", slow), ("consumer", ahead), ("producer", sender)):
                await stopped(name, each)

    async def _take_in_order(self, client: AIOKafkaConsumer) -> None:
        committed_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            if not client.assignment():  # no agency has a topic yet; aiokafka would wait without end
                await asyncio.sleep(POLL_MS / 1000)
                continue
            batches = await _batches(client)
            self._measure(client)
            try:
                async with asyncio.TaskGroup() as agencies:
                    for tp, records in batches.items():
                        agencies.create_task(self._take_agency(tp, records))
            except BaseExceptionGroup:
                await self._commit(client)
                raise
            if self._uncommitted and (not batches or loop.time() - committed_at > COMMIT_EVERY_S):
                committed_at = loop.time()
                await self._commit(client)

    def _measure(self, client: AIOKafkaConsumer) -> None:
        ends = {tp: client.highwater(tp) or 0 for tp in client.assignment()}
        behind = sum(max(0, end - self._done[tp]) for tp, end in ends.items() if tp in self._done)
        self._taker.telemetry.lag.labels(ONE_TOPIC).set(behind)

    async def _take_agency(self, tp: TopicPartition, records: Sequence[Record]) -> None:
        """Take an agency's submissions: those that belong together in order, others side by side."""

        async def in_order(under_one: Sequence[Record]) -> None:
            for record in under_one:
                async with self._slow_hands:
                    await self._after_the_hurry()
                    await self._settled(tp, record)

        async with asyncio.TaskGroup() as references:
            for under_one in together(records, self._taker.reference_of):
                references.create_task(in_order(under_one))
        for record in records:
            self._in_hand.pop((tp, record.offset), None)
        self._done[tp] = self._uncommitted[tp] = records[-1].offset + 1

    async def _after_the_hurry(self) -> None:
        """Stand back while something in a hurry is in hand; not for long, or one who always hurries starves others."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), STAND_BACK_S)

    def _hurry(self, busy: bool) -> None:
        self._hurrying += 1 if busy else -1
        if self._hurrying:
            self._calm.clear()
        else:
            self._calm.set()

    async def _settled_fast(self, tp: TopicPartition, record: Record) -> None:
        async with self._fast_hands:
            await self._settled(tp, record)

    async def _settled(self, tp: TopicPartition, record: Record) -> None:
        """Have a record taken and answered, by whichever lane comes first."""
        place = (tp, record.offset)
        task = self._in_hand.get(place)
        if task is None:
            task = self._in_hand[place] = asyncio.create_task(self._take(record))
        await asyncio.shield(task)

    async def _take(self, record: Record) -> None:
        answer = await self._taker.take(record)
        if self._lanes.sending is not None:  # else this session is at its end, and the next takes it again
            await self._lanes.sending.send(record, answer)

    async def _commit(self, client: AIOKafkaConsumer) -> None:
        assigned = client.assignment()
        offsets = {tp: offset for tp, offset in self._uncommitted.items() if tp in assigned}
        self._uncommitted.clear()
        with suppress(CommitFailedError, IllegalStateError):  # another process has the agency now, and takes it again
            if offsets:
                await within(REQUEST_DEADLINE_S, "committing offsets", client.commit(offsets))


def together(records: Sequence[Record], reference_of: Callable[[Record], str]) -> list[list[Record]]:
    """Part records into those that keep their order: under one reference, of one concern, or under one key of Kafka's.

    Args:
        records: of one agency, as they came.
        reference_of: the reference, or what stands for it.
    """
    groups: dict[str | bytes, list[Record]] = {}
    for record in records:
        names: list[str | bytes] = [reference_of(record), *([record.key] if record.key else ())]
        found = list({id(groups[name]): groups[name] for name in names if name in groups}.values())
        joined = sorted((each for group in found for each in group), key=lambda each: each.offset)
        joined.append(record)
        kept = {name for name, group in groups.items() if any(group is one for one in found)}
        groups |= dict.fromkeys((*kept, *names), joined)
    return list({id(group): group for group in groups.values()}.values())


async def _batches(client: AIOKafkaConsumer) -> dict[TopicPartition, list[Record]]:
    """Give what there is of each agency, a bounded number of each."""
    found: dict[TopicPartition, list[ConsumerRecord]] = await within(
        REQUEST_DEADLINE_S * 3, "fetching", client.getmany(timeout_ms=POLL_MS, max_records=PER_TURN)
    )
    for tp in client.assignment() - found.keys() if found else ():
        found |= await within(REQUEST_DEADLINE_S, "fetching", client.getmany(tp, timeout_ms=0, max_records=PER_TURN))
    return {tp: [record_of(each) for each in records] for tp, records in found.items()}


def _reader(settings: Settings, group: str | None, prefetch_bytes: int) -> AIOKafkaConsumer:
    return consumer(settings, group=group, new_topics_after_s=NEW_AGENCIES_S, prefetch_bytes=prefetch_bytes)


def _leaf(error: BaseException) -> BaseException:
    """Give the first error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
