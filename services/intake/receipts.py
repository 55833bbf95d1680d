"""The key that signs receipts: intake's own, apart from the key of the ledger, so that it cannot sign checkpoints."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.chassis.errors import SettingsError
from services.chassis.integrity.errors import KeyInvalid
from services.chassis.integrity.note import Signer
from services.chassis.settings import Settings

KEY_FILE: Final = "RELAY_RECEIPT_KEY_FILE"
ORIGIN: Final = "RELAY_LEDGER_ORIGIN"
ORIGIN_LOCAL: Final = "concern-relay.local/ledger"
SEED_BYTES: Final = 32


def signer_of(settings: Settings) -> Signer:
    """Give the receipt key; a local one is made on first use (file mode 0600).

    Raises:
        SettingsError: production without a key file, or a file that holds no such key.
    """
    given = os.environ.get(KEY_FILE)
    if given is None and settings.profile == "production":
        raise SettingsError(f"{KEY_FILE} is not set: give the file that holds the receipt key (PRIVATE+KEY+…)")
    path = Path(given) if given else settings.state_dir / "secrets" / "receipts.key"
    if given is None:
        _make(path)
    try:
        return Signer.parse(path.read_text().strip())
    except (OSError, KeyInvalid) as error:
        raise SettingsError(f"{path.name} holds no receipt key; restore it from where secrets are kept") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    signer = Signer(f"{os.environ.get(ORIGIN, ORIGIN_LOCAL)}/receipts", secrets.token_bytes(SEED_BYTES))
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(signer.secret() + "\n")
