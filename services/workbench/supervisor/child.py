"""One child process: started on a leash, recorded on disk, stopped with a deadline.

The record (pid and birth) lets a later start find what a kill -9 left behind, and end just that: a pid alone may by
then belong to somebody else.

Errors:
    ProcessError (a RelayError)
    ├── ProgramNotFoundError   there is no such program
    └── StillRunningError      a process survived even SIGKILL
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from services.chassis.errors import RelayError
from services.workbench.supervisor.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEASH: Final = Path(__file__).with_name("leash.py")
KILL_DEADLINE_S: Final = 5.0
LOG_BYTES_MAX: Final = 16 * 1024 * 1024
POLL_S: Final = 0.02


class ProcessError(RelayError):
    """Whatever goes wrong with a child process."""


class ProgramNotFoundError(ProcessError):
    """There is no such program."""


class StillRunningError(ProcessError):
    """A process survived even SIGKILL; only the kernel's own waiting does that."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start.

    Attributes:
        log: receives stdout and stderr, appended to; begun anew at 16 MiB by `trim_log`, one older file kept.
        stop_signal: asks it to finish; also what it gets when its parent is killed.
        drain_s: how long it may take to finish before SIGKILL.
        unrooted: set where it must not run as root (PostgreSQL): the folder that is its own.
        niceness: 0 to 19, higher yields to others.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    drain_s: float = 10.0
    unrooted: Path | None = None
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A process as written down: the pid, and the birth that makes it unmistakable."""

    name: str
    pid: int
    birth: str
    stop_signal: int
    drain_s: float


class Child:
    """A running child. Not thread-safe; start it from a thread that outlives it (see leash.py)."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], record_path: Path) -> None:
        self.program = program
        self.pid = process.pid
        self._process = process
        self._record_path = record_path
        self._asked = Deadline(0.0)

    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it. What it left of its group is killed."""
        if self._process.returncode is None and self._ended():
            _kill_group(self.pid)  # before it is reaped: until then no other group can have its number
            self._process.poll()
        return self._process.returncode

    def stop(self) -> int:
        """Ask it to finish, wait its drain time, then kill what is left of its process group.

        Raises:
            StillRunningError: it outlived SIGKILL by 5 s.
        """
        self.ask()
        return self.finish()

    def ask(self) -> None:
        """Ask it to finish, and do not wait."""
        if self.exit_code() is None:
            self._asked = Deadline(self.program.drain_s)
            self._process.send_signal(self.program.stop_signal)

    def finish(self) -> int:
        """Wait until it ends: what is left of its drain time since `ask`, then SIGKILL; returns its exit code.

        Raises:
            StillRunningError: it outlived SIGKILL by 5 s.
        """
        if self.exit_code() is None and not self._ends_within(self._asked.left_s()):
            _kill_group(self.pid)
            if not self._ends_within(KILL_DEADLINE_S):
                raise StillRunningError(f"{self.program.name} (pid {self.pid}) survived SIGKILL")
        code = self.exit_code()
        assert code is not None
        self._record_path.unlink(missing_ok=True)
        return code

    def trim_log(self) -> None:
        """Begin the log anew if it has grown past its limit; it is appended to, so the child need not know."""
        log = self.program.log
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(log, log.with_suffix(".1.log"))
                os.truncate(log, 0)

    def _ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _ends_within(self, seconds: float) -> bool:
        deadline = Deadline(seconds)
        while not self._ended():
            if deadline.passed():
                return False
            deadline.pause(POLL_S)
        return True

    def last_lines(self, count: int = 5) -> str:
        """The end of its log, for an error message."""
        try:
            lines = self.program.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-count:])


def spawn(program: Program, records: Path) -> Child:
    """Start a program on a leash, in a process group of its own, and write down its pid.

    Args:
        program: what to start.
        records: folder of the pid records, one file per name.

    Raises:
        ProgramNotFoundError: its first argument names no executable.
    """
    executable = shutil.which(program.argv[0], path=program.env.get("PATH", os.environ.get("PATH")))
    if executable is None:
        raise ProgramNotFoundError(f"{program.name}: no program {program.argv[0]!r}; run `make setup`")
    argv = leashed(
        (executable, *program.argv[1:]),
        death_signal=program.stop_signal,
        niceness=program.niceness,
        unrooted=program.unrooted,
    )
    program.log.parent.mkdir(parents=True, exist_ok=True)
    records.mkdir(parents=True, exist_ok=True)
    try:
        with program.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (argv is a list and ours)
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**program.env},
                cwd=program.cwd,
                start_new_session=True,  # Ctrl-C at the terminal reaches the supervisor alone, which stops all in order
            )
    except OSError as cause:
        raise ProcessError(f"could not start {program.name}: {cause}") from cause
    path = records / f"{program.name}.json"
    record = Record(program.name, process.pid, birth(process.pid) or "", int(program.stop_signal), program.drain_s)
    path.write_text(json.dumps({slot: getattr(record, slot) for slot in Record.__slots__}))
    return Child(program, process, path)


def leashed(
    argv: Sequence[str], *, death_signal: int = signal.SIGKILL, niceness: int = 0, unrooted: Path | None = None
) -> tuple[str, ...]:
    """The same command, tied to the calling thread's life (see leash.py)."""
    identity = str(unrooted) if unrooted and os.geteuid() == 0 else "ROOT"
    leash = (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(death_signal)), str(niceness), identity)
    return (*leash, "--", *argv)


def end_stale(records: Path) -> tuple[str, ...]:
    """End the processes that an earlier run left behind, and no other; returns their names.

    All are asked at once, each is waited for and then killed.
    """
    alive: list[tuple[Record, psutil.Process]] = []
    for path, record in _recorded(records):
        process = _same_process(record) if record else None
        if record and process:
            _signal(process, signal.Signals(record.stop_signal))
            alive.append((record, process))
        else:
            path.unlink(missing_ok=True)
    for record, process in alive:
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(record.drain_s)
        if _same_process(record):
            _kill_group(record.pid)
        deadline = Deadline(KILL_DEADLINE_S)
        while _same_process(record):
            if deadline.passed():
                raise StillRunningError(f"{record.name} (pid {record.pid}) of an earlier run survived SIGKILL")
            deadline.pause(POLL_S)
        (records / f"{record.name}.json").unlink(missing_ok=True)
    return tuple(record.name for record, _ in alive)


def birth(pid: int) -> str | None:
    """What tells a process from a later one with its pid; None when there is none, or only its corpse.

    On Linux the boot and the clock tick of its start, which no step of the wall clock moves.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            ticks = stat.read_text().rpartition(")")[2].split()[19]  # proc(5), field 22, starttime
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"
        return f"{process.create_time():.2f}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _recorded(records: Path) -> Iterator[tuple[Path, Record | None]]:
    for path in sorted(records.glob("*.json")):
        try:
            yield path, Record(**json.loads(path.read_text()))
        except (ValueError, TypeError):  # cut short by a crash: it names no process that could be ended
            yield path, None


def _same_process(record: Record) -> psutil.Process | None:
    if not record.birth or birth(record.pid) != record.birth:
        return None
    try:
        return psutil.Process(record.pid)
    except psutil.NoSuchProcess:
        return None


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
