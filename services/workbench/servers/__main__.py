"""The servers alone, for as long as somebody needs them: `python -m services.workbench.servers --until PID`.

The tests run it, so that several test processes can share one broker; it ends with PID, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.workbench.servers import Lines, ServersError, running
from services.workbench.supervisor.child import birth

if TYPE_CHECKING:
    from types import FrameType

WATCH_S: Final = 0.5


def main() -> int:
    """Run the servers until asked to stop; exit 1 when they cannot run."""
    parser = argparse.ArgumentParser(prog="python -m services.workbench.servers")
    parser.add_argument("--state", type=Path, default=None, help="state folder (RELAY_STATE_DIR, else .relay)")
    parser.add_argument("--want", default="kafka,postgres,zipkin", help="comma-separated")
    parser.add_argument("--until", type=int, default=os.getppid(), help="end when this process ends (the parent)")
    parser.add_argument("--ephemeral", action="store_true", help="the data need not outlive the run")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    began = birth(arguments.until)
    try:
        with running(
            arguments.state,
            frozenset(arguments.want.split(",")),
            Lines(),
            exclusive=True,
            ephemeral=arguments.ephemeral,
        ):
            while birth(arguments.until) == began:
                time.sleep(WATCH_S)
    except KeyboardInterrupt:
        return 0
    except ServersError as cause:
        print(cause, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
