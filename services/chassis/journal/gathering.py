"""Acts that come side by side share a transaction: one commit, one look at what stands, one wake of the publisher.

What comes alone is done at once, alone. While transactions are under way, what comes meanwhile gathers and goes with
the next. Each act has its own answer, and none is answered before its transaction is committed; where one breaks the
transaction, each is done by itself, so that it holds back none of the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from services.chassis.journal.rows import Incoming, Recorded

AT_ONCE_MAX: Final = 2
"""Transactions under way: one that waits for a concern's lock does not hold back all others."""
GATHERED_MAX: Final = 16
"""Acts of one transaction: none of them waits for more than this many others."""

_Waiting = tuple[Incoming, "asyncio.Future[Recorded]"]


class Gathering:
    """Where single acts of a journal wait for their transaction.

    Args:
        run: does inputs in one transaction, all or none.
        passing: errors that say nothing about an act: a server is away.
    """

    def __init__(
        self, run: Callable[[Sequence[Incoming]], Awaitable[Sequence[Recorded]]], passing: tuple[type[Exception], ...]
    ) -> None:
        self._run = run
        self._passing = passing
        self._waiting: deque[_Waiting] = deque()
        self._working: set[asyncio.Task[None]] = set()

    async def act(self, incoming: Incoming) -> Recorded:
        """Do an act; when this returns, it is committed.

        Raises:
            Exception: whatever doing this act by itself raises.
        """
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, answer))
        if len(self._working) < AT_ONCE_MAX:
            task = asyncio.create_task(self._work(), name="gathered acts")
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            turn = [self._waiting.popleft() for _ in range(min(GATHERED_MAX, len(self._waiting)))]
            # who no longer waits for the answer was given up on before anything was done
            await self._together([each for each in turn if not each[1].done()])

    async def _together(self, turn: Sequence[_Waiting]) -> None:
        if not turn:
            return
        try:
            results = await self._run([incoming for incoming, _ in turn])
        except asyncio.CancelledError:
            for _, answer in turn:
                answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, who asked is told)
            if len(turn) == 1 or isinstance(error, self._passing):
                _answer(turn, error)
            else:
                for each in turn:
                    await self._together([each])
        else:
            _answer(turn, results)


def _answer(turn: Sequence[_Waiting], told: Sequence[Recorded] | Exception) -> None:
    """Tell those who still wait: each its result, or all the same error."""
    for place, (_, answer) in enumerate(turn):
        if answer.done():
            continue
        if isinstance(told, Exception):
            answer.set_exception(told)
        else:
            answer.set_result(told[place])
