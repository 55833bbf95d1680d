"""What somebody holds against a ledger: its public keys, receipts, checkpoints kept from earlier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.audit.signer import PUBLIC_FILE

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
#: File of the state folder with the public keys of receipts; intake writes it.
RECEIPT_KEYS_FILE: Final = "receipts.keys"


class NotUsable(Exception):  # noqa: N818  (usage)
    """Something that was given cannot be used; the message says what and why."""


@dataclass(frozen=True)
class Given:
    """What to verify against.

    Attributes:
        keys: verifier keys of the ledger.
        receipts: receipts of 202s.
        receipt_keys: verifier keys of receipts.
        held: checkpoints kept from earlier.
    """

    keys: list[str]
    receipts: list[dict[str, Any]] = field(default_factory=list)
    receipt_keys: list[str] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)


def given(
    state_dir: Path,
    keys: Sequence[str],
    receipts: Sequence[Path],
    receipt_keys: Sequence[str],
    held: Sequence[Path],
) -> Given:
    """Read what was given; the keys of the state folder stand in for keys that were not.

    Raises:
        NotUsable: a file cannot be read, or no key is known.
    """
    ledger = _keys(keys) or _published(state_dir / PUBLIC_FILE)
    if not ledger:
        raise NotUsable(
            f"no public key of the ledger: give --key, or fetch it from /v1/ledger/keys ({PUBLIC_FILE} is not here)"
        )
    found = [receipt for path in receipts for receipt in _receipts(path)]
    of_receipts = _keys(receipt_keys) or _published(state_dir / RECEIPT_KEYS_FILE)
    if found and not of_receipts:
        raise NotUsable("no public key of receipts: give --receipt-key, or fetch it from intake's /v1/receipt-key")
    return Given(ledger, found, of_receipts, [_bytes(path) for path in held])


def _keys(texts: Sequence[str]) -> list[str]:
    """A verifier key has plus signs and no file of keys is called so; anything else is a file of them."""
    found: list[str] = []
    for text in texts:
        found += [text] if text.count("+") >= 2 and not Path(text).exists() else _bytes(Path(text)).decode().split()
    return found


def _published(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _receipts(path: Path) -> list[dict[str, Any]]:
    """Read a receipt, the whole answer it came in, a list of either, or one a line."""
    text = _bytes(path).decode("utf-8", "replace")
    try:
        found = [json.loads(text)]
    except ValueError:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise NotUsable(f"{path} is neither JSON nor lines of JSON") from None
    return [_receipt(path, one) for each in found for one in (each if isinstance(each, list) else [each])]


def _receipt(path: Path, found: Any) -> dict[str, Any]:
    inner = found.get("receipt", found) if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        raise NotUsable(f"{path} holds something that is no receipt")
    return inner


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise NotUsable(f"{path} is larger than {FILE_BYTES_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NotUsable(f"{path} cannot be read: {error.strerror}") from None
