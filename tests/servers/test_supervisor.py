"""Programs under supervision: started, watched, restarted, and ended with whoever started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from services.workbench.supervisor import GaveUpError, NotReadyInTimeError, Program, Supervised, Supervisor, supervise
from services.workbench.supervisor.child import birth, end_stale, spawn
from services.workbench.supervisor.deadline import Deadline
from services.workbench.supervisor.supervise import backoff_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEADLINE_S = 20.0

ANSWERS = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""

NOTES_ITS_END = """
import os, signal, sys, threading
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
def note(what):
    with open(sys.argv[1], "a") as notes: notes.write(f"{sys.argv[2]} {what}\\n")
note("began")
asked.wait(60)
note("ended")
"""

DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("deaf\\n")
time.sleep(60)
"""

STARTS_ANOTHER = """
import subprocess, sys, time
other = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{other.pid}\\n")
time.sleep(60)
"""


def _python(tmp_path: Path, name: str, source: str, *args: object, drain_s: float = 5.0) -> Program:
    argv = (sys.executable, "-I", "-S", "-c", source, *map(str, args))
    return Program(name, argv, tmp_path / "logs" / f"{name}.log", env={"PATH": os.environ["PATH"]}, drain_s=drain_s)


def _eventually(what: str, holds: Callable[[], Any]) -> Any:
    deadline = Deadline(DEADLINE_S)
    while not (value := holds()):
        assert not deadline.passed(), f"not within {DEADLINE_S:.0f} s: {what}"
        deadline.pause(0.02)
    return value


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _pid_of(records: Path, name: str) -> int:
    return int(json.loads((records / f"{name}.json").read_text())["pid"])


def test_a_program_is_ready_when_its_url_answers(tmp_path: Path, free_port: int):
    """Given a program that answers its readiness URL, it is ready from then on, and ends with the block."""
    url = f"http://127.0.0.1:{free_port}/readyz"
    program = _python(tmp_path, "answers", ANSWERS, free_port)

    with Supervisor([Supervised(program, url)], tmp_path / "pids", print) as supervisor:
        supervisor.await_ready(DEADLINE_S)
        assert supervisor.status() == {"answers": "ready"}
        pid = _pid_of(tmp_path / "pids", "answers")

    assert birth(pid) is None
    assert list((tmp_path / "pids").iterdir()) == []


def test_a_program_that_never_answers_is_named(tmp_path: Path, free_port: int):
    """Given a program that does not answer, waiting for readiness ends with its name, in time."""
    program = _python(tmp_path, "mute", "import time; time.sleep(60)")
    supervised = Supervised(program, f"http://127.0.0.1:{free_port}/readyz", ready_s=0.3)

    with (
        pytest.raises(NotReadyInTimeError, match=r"mute did not answer .*mute\.log"),
        Supervisor([supervised], tmp_path / "pids", print) as supervisor,
    ):
        supervisor.await_ready(DEADLINE_S)


def test_waves_start_in_order_and_stop_in_reverse(tmp_path: Path):
    """Given two waves, the first starts first and stops last."""
    notes = tmp_path / "notes"
    supervised = [
        Supervised(_python(tmp_path, "user", NOTES_ITS_END, notes, "user"), wave=1),
        Supervised(_python(tmp_path, "base", NOTES_ITS_END, notes, "base"), wave=0),
    ]

    with Supervisor(supervised, tmp_path / "pids", print) as supervisor:
        supervisor.await_ready(DEADLINE_S)
        _eventually("both begin", lambda: len(_lines(notes)) == 2)

    assert _lines(notes)[2:] == ["user ended", "base ended"]


def test_a_program_that_ends_is_started_again(tmp_path: Path):
    """Given a program killed with -9, it is started again, and that is said."""
    notes, said = tmp_path / "notes", list[str]()
    program = _python(tmp_path, "phoenix", NOTES_ITS_END, notes, "phoenix")

    with Supervisor([Supervised(program)], tmp_path / "pids", said.append) as supervisor:
        supervisor.await_ready(DEADLINE_S)
        _eventually("it begins", lambda: _lines(notes))
        os.kill(_pid_of(tmp_path / "pids", "phoenix"), signal.SIGKILL)
        _eventually("it begins again", lambda: len(_lines(notes)) == 2)

    assert _lines(notes) == ["phoenix began", "phoenix began", "phoenix ended"]
    assert said == ["phoenix ended (code -9); starting it again in 0.5 s, see its log"]


def test_a_program_that_keeps_ending_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a program that ends at once, it is restarted five times and then given up, with the end of its log."""
    monkeypatch.setattr(supervise, "BACKOFF_FIRST_S", 0.001)
    program = _python(tmp_path, "hopeless", "print('no such setting'); raise SystemExit(2)")

    with (
        pytest.raises(GaveUpError, match=r"(?s)hopeless ended 6 times .* code 2; .*no such setting"),
        Supervisor([Supervised(program)], tmp_path / "pids", print) as supervisor,
    ):
        supervisor.wait(threading.Event())


def test_the_pause_before_a_restart_doubles_up_to_a_limit():
    """Restarts wait 0.5 s, 1 s, 2 s and so on, never over 10 s."""
    assert [backoff_s(n) for n in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_program_that_does_not_drain_is_killed(tmp_path: Path):
    """Given a program deaf to SIGTERM, it is killed when its drain time is over."""
    heard = tmp_path / "heard"
    child = spawn(_python(tmp_path, "deaf", DEAF, heard, drain_s=0.2), tmp_path / "pids")
    _eventually("it is deaf", lambda: _lines(heard))

    assert child.stop() == -signal.SIGKILL


def test_what_a_program_started_ends_with_it(tmp_path: Path):
    """Given a program that started another and was killed, the other is ended too."""
    note = tmp_path / "note"
    child = spawn(_python(tmp_path, "parent", STARTS_ANOTHER, note), tmp_path / "pids")
    other = int(_eventually("it starts another", lambda: _lines(note))[0])

    os.kill(child.pid, signal.SIGKILL)
    _eventually("the end is noticed", lambda: child.exit_code() is not None)

    _eventually("the other ends", lambda: birth(other) is None)
    child.stop()


def test_children_end_when_their_starter_is_killed(tmp_path: Path):
    """Given a process that started a child, when it is killed with -9, the child is asked to end, and does."""
    notes, pid_file = tmp_path / "notes", tmp_path / "pid"
    starter = f"""
import pathlib, time
from services.workbench.supervisor.child import Program, spawn
argv = ({sys.executable!r}, "-I", "-S", "-c", {NOTES_ITS_END!r}, {str(notes)!r}, "orphan")
folder = pathlib.Path({str(tmp_path)!r})
child = spawn(Program("orphan", argv, folder / "log"), folder / "pids")
pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", starter])
    _eventually("the child begins", lambda: _lines(notes) and _lines(pid_file))

    process.kill()
    process.wait(DEADLINE_S)

    _eventually("the child ends", lambda: _lines(notes) == ["orphan began", "orphan ended"])
    _eventually("it is gone", lambda: birth(int(_lines(pid_file)[0])) is None)


def test_a_stale_record_ends_its_own_process(tmp_path: Path):
    """Given a record of a process that still runs, the next start ends it, deaf or not."""
    heard = tmp_path / "heard"
    child = spawn(_python(tmp_path, "deaf", DEAF, heard, drain_s=0.2), tmp_path / "pids")
    _eventually("it is deaf", lambda: _lines(heard))

    ended = end_stale(tmp_path / "pids")

    assert ended == ("deaf",)
    assert birth(child.pid) is None
    assert child.exit_code() == -signal.SIGKILL
    assert list((tmp_path / "pids").iterdir()) == []


def test_a_stale_record_never_ends_a_stranger(tmp_path: Path):
    """Given a record whose pid now belongs to another process, the next start leaves that one alone."""
    stranger = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
    records = tmp_path / "pids"
    records.mkdir()
    record = {"name": "kafka", "pid": stranger.pid, "birth": "an earlier boot:1", "stop_signal": 15, "drain_s": 1.0}
    (records / "kafka.json").write_text(json.dumps(record))
    (records / "torn.json").write_text('{"name": "po')

    ended = end_stale(records)

    assert ended == ()
    assert stranger.poll() is None
    assert list(records.iterdir()) == []
    stranger.kill()
    stranger.wait(DEADLINE_S)


def test_a_log_stays_within_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a log past its limit, it is begun anew while the program goes on writing, and one older is kept."""
    monkeypatch.setattr("services.workbench.supervisor.child.LOG_BYTES_MAX", 1000)
    chatty = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    child = spawn(_python(tmp_path, "chatty", chatty), tmp_path / "pids")
    log = child.program.log
    _eventually("it writes much", lambda: log.exists() and log.stat().st_size > 2000)

    child.trim_log()
    _eventually("it goes on", lambda: log.stat().st_size > 0)
    child.stop()

    assert log.with_suffix(".1.log").stat().st_size > 1000
    assert log.read_bytes().lstrip(b"\n")[:1] == b"x"
