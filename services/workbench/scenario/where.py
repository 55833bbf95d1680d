"""Where scenarios play: in this process, on the running house, or on a house of their own that ends with them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.workbench.calls import CallError, local_calls
from services.workbench.house import house
from services.workbench.scenario.after import OPERATOR
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.live import Live
from services.workbench.scenario.stage import SceneError, Stagehand
from services.workbench.servers import ServersError, reporting
from services.workbench.supervisor import ProcessError

STATE: Final = "RELAY_STATE_DIR"


@contextmanager
def stagehands(*, live: bool, quiet: bool) -> Iterator[Callable[[], Stagehand]]:
    """Give what makes a stagehand for each scenario.

    Args:
        live: on a running house; where none runs whose time can be moved, on one of their own, with a clock, ports and
            state of its own, so that nothing else is touched.
        quiet: show no progress.

    Raises:
        SceneError: no house could be started.
    """
    if not live:
        yield InProcess
    elif _time_can_be_moved():
        yield Live
    else:
        with _own_house(quiet=quiet):
            yield Live


def _time_can_be_moved() -> bool:
    try:
        local_calls()("intake", "POST", "/v1/test/clock", agency=OPERATOR, json={"advance_s": 0})
    except CallError:
        return False
    return True


@contextmanager
def _own_house(*, quiet: bool) -> Iterator[None]:
    before = os.environ.get(STATE)
    with tempfile.TemporaryDirectory(prefix="relay-scenarios-", ignore_cleanup_errors=True) as folder:
        os.environ[STATE] = folder
        try:
            with (
                reporting(silent=quiet) as reporter,
                house(Path(folder), reporter, environment={"RELAY_CLOCK": "test"}),
            ):
                yield
        except (ServersError, ProcessError) as error:
            raise SceneError(f"no house for the scenarios: {error}") from error
        finally:
            os.environ.pop(STATE)
            if before is not None:
                os.environ[STATE] = before
