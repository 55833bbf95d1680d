"""Run by the tests as a process of its own: the servers and one program, as `make run` has them.

python a_run.py STATE_DIR SEEN     writes to the file SEEN, as JSON, what it runs, once all is ready
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from services.workbench.servers import Lines, running
from services.workbench.servers.state import StateDir
from services.workbench.supervisor import Program, Supervised, Supervisor, stopping_on_signals

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def main() -> None:
    """Run until asked to stop."""
    state_dir, seen = Path(sys.argv[1]), Path(sys.argv[2])
    state, reporter = StateDir.at(state_dir), Lines()
    argv = (sys.executable, "-I", "-S", "-c", DEAF)
    deaf = Program("deaf", argv, state.log("deaf"), env={"PATH": os.environ["PATH"]}, drain_s=0.3)
    with (
        running(state_dir, frozenset({"kafka", "postgres"}), reporter, exclusive=True) as servers,
        stopping_on_signals() as asked,
        Supervisor([Supervised(deaf)], state.records, reporter.say) as supervisor,
    ):
        supervisor.await_ready(30)
        pids = {path.stem: json.loads(path.read_text())["pid"] for path in state.records.glob("*.json")}
        draft = seen.with_suffix(".draft")
        draft.write_text(
            json.dumps(
                {
                    "pids": pids,
                    "bootstrap": servers.kafka.bootstrap,
                    "database": servers.database_url("audit"),
                    "connection": servers.kafka.connection("admin"),
                }
            )
        )
        draft.replace(seen)
        supervisor.wait(asked)


main()
