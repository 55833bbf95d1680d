"""Starts named programs, watches them, restarts those that end, and stops all of them in order.

    with running(exclusive=True) as servers, stopping_on_signals() as asked:
        with Supervisor(services, records, say=print) as supervisor:
            supervisor.await_ready(60)
            supervisor.wait(asked)

In this order a Ctrl-C while the servers are still being fetched interrupts at once.

A wave is started when the one before it is ready, and stopped when the ones after it have ended: what others need while
they drain has a low number.

Errors:
    ProcessError
    ├── NotReadyInTimeError   a program did not answer its readiness URL in time
    └── GaveUpError           a program kept ending; it was restarted as often as is allowed
"""

from __future__ import annotations

import contextlib
import http.client
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from services.workbench.supervisor.child import Child, ProcessError, Program, spawn
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

WATCH_S: Final = 0.1
PROBE_DEADLINE_S: Final = 2.0
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 10.0
RESTARTS_MAX: Final = 5
RESTARTS_WINDOW_S: Final = 120.0
STOP_DEADLINE_S: Final = 60.0
TRIM_EVERY: Final = 100
"""Rounds of the watch between two looks at the size of the logs."""


class NotReadyInTimeError(ProcessError):
    """A program did not answer its readiness URL in time."""


class GaveUpError(ProcessError):
    """A program kept ending."""


@dataclass(frozen=True, slots=True)
class Supervised:
    """A program under supervision.

    Attributes:
        ready_url: answers 200 when it is ready; None: ready once started.
        wave: 0 starts first and stops last.
        ready_s: how long it may take to become ready.
    """

    program: Program
    ready_url: str | None = None
    wave: int = 0
    ready_s: float = 60.0


@dataclass(slots=True)
class _Life:
    supervised: Supervised
    child: Child | None = None
    ready: bool = False
    ends: list[float] = field(default_factory=list)
    start_at: float = 0.0

    @property
    def name(self) -> str:
        return self.supervised.program.name


def backoff_s(restart: int) -> float:
    """How long to wait before the nth restart, from 0: doubling from 0.5 s, at most 10 s."""
    return min(BACKOFF_FIRST_S * 2.0**restart, BACKOFF_MAX_S)


class Supervisor:
    """Keeps the programs running from `start` to `stop`, in a thread of its own; use as a context manager.

    Args:
        supervised: unique by name.
        records: folder of the pid records (StateDir.records).
        say: is told of restarts and failures, one line each.
    """

    def __init__(self, supervised: Sequence[Supervised], records: Path, say: Callable[[str], None]) -> None:
        self._lives = [_Life(one) for one in supervised]
        assert len({life.name for life in self._lives}) == len(self._lives), "names are unique"
        self._records = records
        self._say = say
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._failure: ProcessError | None = None
        self._thread = threading.Thread(target=self._live, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def await_ready(self, deadline_s: float) -> None:
        """Wait until every program is ready.

        Raises:
            ProcessError: one could not be started, gave up, or was not ready in time; says which and why.
        """
        deadline = Deadline(deadline_s)
        with self._changed:
            while not all(life.ready for life in self._lives):
                self.raise_failure()
                if deadline.passed():
                    late = ", ".join(life.name for life in self._lives if not life.ready)
                    raise NotReadyInTimeError(f"not ready within {deadline_s:.0f} s: {late}; see their logs")
                self._changed.wait(min(WATCH_S, deadline.left_s()))

    def wait(self, asked: threading.Event) -> None:
        """Wait until `asked` is set.

        Raises:
            ProcessError: before that, a program gave up.
        """
        while not asked.wait(WATCH_S):
            self.raise_failure()

    def status(self) -> dict[str, str]:
        """Per program: starting, ready or down."""
        with self._changed:
            return {life.name: "ready" if life.ready else "starting" if life.child else "down" for life in self._lives}

    def stop(self) -> None:
        """Stop all in order, the last wave first; each has its drain time, then it is killed."""
        self._stopping.set()
        self._thread.join(STOP_DEADLINE_S)
        if self._thread.is_alive():
            self._say(f"not all stopped within {STOP_DEADLINE_S:.0f} s; the rest ends with this process")

    def raise_failure(self) -> None:
        """Raise what stopped a program for good, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _live(self) -> None:
        """The thread's life. All children are started here: their leash is tied to this thread."""
        rounds = 0
        try:
            while not self._stopping.wait(WATCH_S if rounds else 0):
                rounds += 1
                self._round(trim=rounds % TRIM_EVERY == 0)
                if self._failure is not None:
                    self._stopping.wait()
        except Exception as cause:  # noqa: BLE001 (a defect of ours: whoever waits hears of it, and all is stopped)
            self._fail(ProcessError(f"the supervisor failed: {cause!r}"))
        finally:
            self._stop_in_order()

    def _round(self, *, trim: bool) -> None:
        waves = sorted({life.supervised.wave for life in self._lives if not life.ready})
        for life in self._lives:
            try:
                self._look_after(life, may_start=not waves or life.supervised.wave <= waves[0])
            except ProcessError as cause:
                self._fail(cause)
            if trim and life.child is not None:
                life.child.trim_log()

    def _look_after(self, life: _Life, *, may_start: bool) -> None:
        now = time.monotonic()
        if life.child is None:
            if may_start and now >= life.start_at:
                life.child = spawn(life.supervised.program, self._records)
                life.start_at = now
        elif (code := life.child.exit_code()) is not None:
            self._ended(life, code, now)
        elif not life.ready:
            if answers(life.supervised.ready_url):
                self._mark(life, ready=True)
            elif now - life.start_at > life.supervised.ready_s:
                raise NotReadyInTimeError(
                    f"{life.name} did not answer {life.supervised.ready_url} within {life.supervised.ready_s:.0f} s; "
                    f"see {life.supervised.program.log}"
                )

    def _ended(self, life: _Life, code: int, now: float) -> None:
        assert life.child is not None
        tail = life.child.last_lines()
        life.child.finish()
        life.child = None
        self._mark(life, ready=False)
        life.ends = [*(end for end in life.ends if now - end < RESTARTS_WINDOW_S), now]
        if len(life.ends) > RESTARTS_MAX:
            raise GaveUpError(
                f"{life.name} ended {len(life.ends)} times within {RESTARTS_WINDOW_S:.0f} s, last with code {code}; "
                f"see {life.supervised.program.log}:\n{tail}"
            )
        pause_s = backoff_s(len(life.ends) - 1)
        life.start_at = now + pause_s
        self._say(f"{life.name} ended (code {code}); starting it again in {pause_s:g} s, see its log")

    def _mark(self, life: _Life, *, ready: bool) -> None:
        with self._changed:
            life.ready = ready
            self._changed.notify_all()

    def _fail(self, cause: ProcessError) -> None:
        with self._changed:
            self._failure = self._failure or cause
            self._changed.notify_all()

    def _stop_in_order(self) -> None:
        for wave in sorted({life.supervised.wave for life in self._lives}, reverse=True):
            running = [life.child for life in self._lives if life.supervised.wave == wave and life.child]
            for child in running:
                child.ask()
            for child in running:
                try:
                    child.finish()
                except ProcessError as cause:
                    self._say(str(cause))


def answers(url: str | None) -> bool:
    """Whether a readiness URL answers 200 now; None is always ready. Never by way of a proxy."""
    if url is None:
        return True
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_DEADLINE_S)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second SIGINT interrupts at once. Main thread only."""
    asked = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
