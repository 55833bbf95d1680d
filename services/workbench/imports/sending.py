"""Sends what was read to intake: a few at a time, one child's concerns in order, and again where it may pass.

A resend is harmless, so an import that was killed is simply run again.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

from services.workbench.calls import CallError, Calls

LANES: Final = 8
"""Requests at work at once; intake takes four of bulk at once and lets sixteen of an agency wait."""
WAITING_MAX: Final = 8
PATIENCE_S: Final = 120.0
"""How long one concern is tried again before the import stops; run again, it goes on."""
PAUSE_S: Final = 0.25
PAUSE_MAX_S: Final = 10.0
_PASSING: Final = frozenset({0, 429, 500, 502, 503, 504})
_HOPELESS: Final = frozenset({"not_running", "no_token"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one.

    Attributes:
        given: the answer, or None.
        error: why there is none.
    """

    given: dict[str, Any] | None
    error: CallError | None = None


Told = Callable[[Answer], None]


class Sender(AbstractContextManager["Sender"]):
    """Sends concerns of one agency. Leaving it waits until all that was given is answered.

    Args:
        calls: where intake is.
        agency: whose concerns.
        lane: value of ``Relay-Lane``, or empty.
    """

    def __init__(self, calls: Calls, agency: str, lane: str = "bulk") -> None:
        """Start nothing yet."""
        self._calls, self._agency = calls, agency
        self._headers = {"Content-Type": "application/json", **({"Relay-Lane": lane} if lane else {})}
        self._lanes: list[queue.Queue[tuple[bytes, Told] | None]] = [queue.Queue(WAITING_MAX) for _ in range(LANES)]
        self._threads = [threading.Thread(target=self._work, args=(lane,), daemon=True) for lane in self._lanes]
        self._telling = threading.Lock()
        self.stopped: CallError | None = None

    def __enter__(self) -> Self:
        """Start the lanes."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the answers; after an error, only for those under way."""
        for lane in self._lanes:
            if kind is not None:
                while not lane.empty():
                    lane.get_nowait()
            lane.put(None)
        for thread in self._threads:
            thread.join()

    def send(self, key: str, submission: dict[str, Any], told: Told) -> bool:
        """Send one; those of one key go in order. False when the import has stopped.

        Args:
            key: whose it is; never leaves this process.
            submission: the concern.
            told: called with the answer, one at a time.
        """
        if self.stopped is not None:
            return False
        content = json.dumps(submission, ensure_ascii=True).encode()
        self._lanes[crc32(key.encode("utf-8", "replace")) % LANES].put((content, told))
        return True

    def _work(self, lane: queue.Queue[tuple[bytes, Told] | None]) -> None:
        while (work := lane.get()) is not None:
            content, told = work
            if self.stopped is not None:
                continue
            answer = self._answer(content)
            with self._telling:
                if answer.error is not None and (
                    answer.error.status in _PASSING
                    or answer.error.status in (401, 403)
                    or answer.error.code in _HOPELESS
                ):
                    self.stopped = self.stopped or answer.error
                else:
                    told(answer)

    def _answer(self, content: bytes) -> Answer:
        until = time.monotonic() + PATIENCE_S
        pause = PAUSE_S
        while True:
            try:
                return Answer(
                    self._calls(
                        "intake",
                        "POST",
                        "/v1/concerns",
                        agency=self._agency,
                        content=content,
                        headers=dict(self._headers),
                    )
                )
            except CallError as error:
                passing = error.status in _PASSING and error.code not in _HOPELESS
                wait = min(max(pause, error.retry_after_s), PAUSE_MAX_S)
                if not passing or time.monotonic() + wait > until or self.stopped is not None:
                    return Answer(None, error)
                time.sleep(wait)
                pause = min(pause * 2, PAUSE_MAX_S)
