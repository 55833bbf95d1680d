"""Acts that come side by side share a transaction, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.chassis.event import FactKind, Refused
from services.chassis.journal.gathering import AT_ONCE_MAX, GATHERED_MAX, Gathering
from services.chassis.journal.rows import Incoming, Recorded

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Transactions:
    """Transactions that wait until they are let go, and break where an act of theirs is bad."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.go = asyncio.Event()
        self.bad: dict[int, Exception] = {}

    async def run(self, inputs: Sequence[Incoming]) -> list[Recorded]:
        """Do them all, or none."""
        return await self._run(inputs)

    async def _run(self, inputs: Sequence[Incoming]) -> list[Recorded]:
        numbers = [incoming.id.int for incoming in inputs]
        self.seen.append(numbers)
        await self.go.wait()
        for number in numbers:
            if number in self.bad:
                raise self.bad[number]
        return [Recorded(incoming.id, NOW) for incoming in inputs]


def act(number: int) -> Incoming:
    """Give an act by its number."""
    return Incoming(FactKind.ACT, UUID(int=number), str(UUID(int=number)), b"")


async def under_way(gathering: Gathering) -> list[asyncio.Future[Recorded]]:
    """Have as many transactions under way as may be, one act each."""
    first = []
    for n in range(1, AT_ONCE_MAX + 1):
        first.append(asyncio.ensure_future(gathering.act(act(n))))
        for _ in range(3):
            await asyncio.sleep(0)
    return first


async def gathered(transactions: Transactions, count: int) -> list[Recorded | BaseException]:
    """Have acts come at one moment, and the transactions go on once all have come."""
    gathering = Gathering(transactions.run, (OSError,))
    asked = [asyncio.ensure_future(gathering.act(act(n))) for n in range(1, count + 1)]
    for _ in range(3):
        await asyncio.sleep(0)
    transactions.go.set()
    return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)


def test_what_comes_while_transactions_are_under_way_goes_with_the_next() -> None:
    """Given transactions under way, acts that come meanwhile share one, and each has its own answer."""

    async def scene() -> None:
        transactions = Transactions()
        gathering = Gathering(transactions.run, (OSError,))
        first = await under_way(gathering)
        later = [asyncio.ensure_future(gathering.act(act(n))) for n in (7, 8, 9)]
        await asyncio.sleep(0)
        transactions.go.set()

        answers = await asyncio.wait_for(asyncio.gather(*first, *later), 5)

        assert [7, 8, 9] in transactions.seen
        assert [a.id.int for a in answers] == [*range(1, AT_ONCE_MAX + 1), 7, 8, 9]

    asyncio.run(scene())


def test_one_that_is_refused_holds_back_none_of_the_others() -> None:
    """Given a refused act among others of a transaction, it alone is refused."""

    async def scene() -> None:
        transactions = Transactions()
        transactions.bad[3] = Refused(409, "no", "no")

        answers = await gathered(transactions, 6)

        assert isinstance(answers[2], Refused)
        assert [a.id.int for a in answers if isinstance(a, Recorded)] == [1, 2, 4, 5, 6]

    asyncio.run(scene())


def test_a_server_that_is_away_is_told_to_all_and_nothing_is_tried_one_by_one() -> None:
    """Given that the database is away, all of a transaction are told so."""

    async def scene() -> None:
        transactions = Transactions()
        transactions.bad = {n: OSError("away") for n in range(1, 7)}

        answers = await gathered(transactions, 6)

        assert all(isinstance(a, OSError) for a in answers)
        assert sum(len(each) for each in transactions.seen) == 6

    asyncio.run(scene())


def test_a_transaction_is_bounded() -> None:
    """However many come, no transaction has more than so many."""

    async def scene() -> None:
        transactions = Transactions()

        answers = await gathered(transactions, 3 * GATHERED_MAX)

        assert len(answers) == 3 * GATHERED_MAX
        assert max(map(len, transactions.seen)) <= GATHERED_MAX

    asyncio.run(scene())


def test_who_gave_up_before_anything_was_done_is_left_out() -> None:
    """Given an act whose caller went away while it waited, it is not done."""

    async def scene() -> None:
        transactions = Transactions()
        gathering = Gathering(transactions.run, (OSError,))
        first = await under_way(gathering)
        gone, stays = (asyncio.ensure_future(gathering.act(act(n))) for n in (7, 8))
        await asyncio.sleep(0)
        gone.cancel()
        transactions.go.set()
        await asyncio.wait_for(asyncio.gather(*first, gone, stays, return_exceptions=True), 5)

        assert not any(7 in each for each in transactions.seen)
