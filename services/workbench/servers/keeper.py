"""One thread per server: prepares, starts, watches, restarts and at last stops it.

The thread lives as long as the server should, because the server's leash is tied to it (see leash.py).
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Protocol

from services.workbench.servers.errors import NotReadyError, ServersError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.workbench.servers.progress import Reporter

WATCH_S: Final = 0.5
RESTARTS_MAX: Final = 5
RESTARTS_WINDOW_S: Final = 60.0
STARTS_MAX: Final = 3
RELEASE_DEADLINE_S: Final = 30.0
PORT_TAKEN: Final = ("Address already in use", "could not create any TCP/IP sockets", "port is already allocated")


class Process(Protocol):
    """A started server: a child process or a container."""

    def exit_code(self) -> int | None:
        """None while it runs."""
        ...

    def stop(self) -> int:
        """Stop it in order, with a deadline."""
        ...

    def trim_log(self) -> None:
        """Keep its log within a limit."""
        ...

    def last_lines(self, count: int = 5) -> str:
        """The end of its log."""
        ...


class Server(Protocol):
    """A server on some rung of the ladder. `launch` and `await_ready` may be called again after it ended."""

    def prepare(self, reporter: Reporter) -> None:
        """Fetch what it needs and make its storage."""
        ...

    def launch(self) -> Any:
        """Start it; returns a Process."""
        ...

    def await_ready(self, child: Any) -> None:
        """Wait until it answers."""
        ...


class CancelledError(ServersError):
    """The run ended while something was still being fetched."""


class StepDownError(ServersError):
    """This rung cannot serve; the message says why. The next one is tried."""


class _Cancellable:
    """A reporter through which a download notices that nobody wants it any more."""

    def __init__(self, reporter: Reporter, released: threading.Event) -> None:
        self._reporter = reporter
        self._released = released

    def say(self, line: str) -> None:
        self._reporter.say(line)

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:
        advance = self._reporter.download(what, total_bytes)

        def advance_unless_released(count: int) -> None:
            if self._released.is_set():
                raise CancelledError(f"the download of {what} was given up")
            advance(count)

        return advance_unless_released


class Keeper(threading.Thread):
    """Keeps one server from its start to `release`.

    Args:
        makers: one per rung, best first; each makes the server with ports that are free now, and is called again if
            one was taken in between.
    """

    def __init__(self, name: str, makers: Sequence[Callable[[], Server]], reporter: Reporter) -> None:
        super().__init__(name=f"keeper-{name}", daemon=True)
        self._server_name = name
        self._makers = tuple(makers)
        self._released = threading.Event()
        self._reporter = _Cancellable(reporter, self._released)
        self.ready: Future[Any] = Future()
        """Resolves to the server once it answers, or raises why it does not."""

    def release(self) -> None:
        """Ask the thread to stop the server; `join` waits for it."""
        self._released.set()

    def run(self) -> None:
        """The thread's life."""
        try:
            server, process = self._start()
        except BaseException as cause:  # noqa: BLE001 (handed to whoever waits; this thread has no other listener)
            self.ready.set_exception(cause)
            return
        self.ready.set_result(server)
        try:
            process = self._watch(server, process)
        finally:
            process.stop()

    def _start(self) -> tuple[Server, Process]:
        *others, last = self._makers
        for make in others:
            try:
                return self._start_on(make)
            except StepDownError as cause:
                self._reporter.say(f"{cause}; going on to packages")
        return self._start_on(last)

    def _start_on(self, make: Callable[[], Server]) -> tuple[Server, Process]:
        for attempt in range(1, STARTS_MAX + 1):
            server = make()
            server.prepare(self._reporter)
            if self._released.is_set():
                break
            process: Process = server.launch()
            try:
                server.await_ready(process)
            except BaseException as cause:
                process.stop()
                taken = isinstance(cause, NotReadyError) and any(sign in str(cause) for sign in PORT_TAKEN)
                if not taken or attempt == STARTS_MAX:
                    raise
                continue
            return server, process
        raise CancelledError(f"the start of {self._server_name} was given up")

    def _watch(self, server: Server, process: Process) -> Process:
        ends: list[float] = []
        while not self._released.wait(WATCH_S):
            if (code := process.exit_code()) is None:
                process.trim_log()
                continue
            now = time.monotonic()
            ends = [*(end for end in ends if now - end < RESTARTS_WINDOW_S), now]
            if len(ends) > RESTARTS_MAX:
                self._reporter.say(f"{self._server_name} ended {len(ends)} times within a minute; it stays down")
                self._released.wait()
                break
            self._reporter.say(f"{self._server_name} ended (code {code}); starting it again")
            process = server.launch()
            try:
                server.await_ready(process)
            except NotReadyError as cause:
                self._reporter.say(str(cause))
        return process
