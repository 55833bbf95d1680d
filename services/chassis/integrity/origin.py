"""The name of the ledger: whoever signs, and whoever verifies, has to mean the same one."""

from __future__ import annotations

import os
from typing import Final

LOCAL: Final = "concern-relay.local/ledger"


def ledger_origin() -> str:
    """Give the name of this ledger: RELAY_LEDGER_ORIGIN, or the local one."""
    return os.environ.get("RELAY_LEDGER_ORIGIN", LOCAL)


def receipts_origin() -> str:
    """Give the name receipts are signed under: that of the ledger, and ``/receipts``."""
    return f"{ledger_origin()}/receipts"
