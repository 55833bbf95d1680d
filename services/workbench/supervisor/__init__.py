"""Child processes: started, watched, restarted, and ended with whoever started them."""

from services.workbench.supervisor.child import ProcessError, Program
from services.workbench.supervisor.supervise import (
    GaveUpError,
    NotReadyInTimeError,
    Supervised,
    Supervisor,
    stopping_on_signals,
)

__all__ = [
    "GaveUpError",
    "NotReadyInTimeError",
    "ProcessError",
    "Program",
    "Supervised",
    "Supervisor",
    "stopping_on_signals",
]
