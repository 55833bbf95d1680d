"""What the user sees while servers are fetched and started: bars on a terminal, one line a step elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Reporter(Protocol):
    """Tells somebody what happens. Called from several threads."""

    def say(self, line: str) -> None:
        """One finished step or notice."""
        ...

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:
        """Begin a download; the returned function is told of every piece's bytes."""
        ...


class Silent:
    """Says nothing: for `--json` and for programs."""

    def say(self, line: str) -> None:
        """Drop the line."""

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:  # noqa: ARG002 (the protocol's names)
        """Count nothing."""
        return lambda _: None


class Lines:
    """One line a step on stderr, for logs and CI; a download says where it is at every quarter."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def say(self, line: str) -> None:
        """Print the line with the seconds since the start."""
        print(f"[{time.monotonic() - self._begun:5.1f} s] {line}", file=sys.stderr, flush=True)  # noqa: T201

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:
        """Say that it begins, and each quarter."""
        self.say(f"downloading {what}, {total_bytes / 1e6:.0f} MB")
        done = told = 0

        def advance(count: int) -> None:
            nonlocal done, told
            done += count
            quarter = 4 * done // max(total_bytes, 1)
            if quarter > told:
                told = quarter
                self.say(f"downloading {what}: {25 * quarter} %")

        return advance


class Bars:
    """Bars and lines on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def say(self, line: str) -> None:
        """Print above the bars."""
        self._bars.console.print(line, highlight=False)

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:
        """Show a bar that goes when it is full."""
        task = self._bars.add_task(what, total=total_bytes)
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self._bars.advance(task, count)
            if done >= total_bytes:
                self._bars.update(task, visible=False)

        return advance


@contextmanager
def reporting(*, silent: bool = False) -> Iterator[Reporter]:
    """The reporter that fits where stderr goes."""
    if silent:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield Bars(bars)
