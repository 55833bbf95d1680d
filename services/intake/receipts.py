"""The key that signs receipts: intake's own, apart from the key of the ledger, so that it cannot sign checkpoints."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.chassis.errors import SettingsError
from services.chassis.integrity.errors import IntegrityError
from services.chassis.integrity.note import Signer, Verifier
from services.chassis.integrity.origin import receipts_origin
from services.chassis.settings import Settings

KEY_FILE: Final = "RELAY_RECEIPT_KEY_FILE"
#: File of the state folder with the public keys of receipts, one verifier key a line: the newest first.
PUBLIC_FILE: Final = "receipts.keys"
SEED_BYTES: Final = 32


def signer_of(settings: Settings) -> Signer:
    """Give the receipt key; a local one is made on first use (file mode 0600).

    Raises:
        SettingsError: production without a key file, or a file that holds no such key of this origin.
    """
    given = os.environ.get(KEY_FILE)
    if not given and settings.profile == "production":
        raise SettingsError(f"{KEY_FILE} is not set: production signs receipts with a key that is kept, not made")
    path = Path(given) if given else settings.state_dir / "secrets" / "receipts.key"
    if not given:
        _make(path)
    try:
        signer = Signer.parse(path.read_text().strip())
    except (OSError, IntegrityError) as error:
        raise SettingsError(f"{path.name} holds no receipt key; restore it from where secrets are kept") from error
    if signer.name != receipts_origin():
        raise SettingsError(
            f"{path.name} signs for {signer.name}, and receipts here are {receipts_origin()}'s: give its key"
        )
    return signer


def publish_key(state_dir: Path, verifier: Verifier) -> None:
    """Put the public key where verifiers look, before those of earlier keys: old receipts stay good."""
    path = state_dir / PUBLIC_FILE
    known = path.read_text().split() if path.exists() else []
    keys = (str(verifier), *(key for key in known if key != str(verifier)))
    beside = path.with_suffix(".new")
    beside.write_text("".join(f"{key}\n" for key in keys))
    beside.replace(path)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(Signer(receipts_origin(), os.urandom(SEED_BYTES)).secret() + "\n")
