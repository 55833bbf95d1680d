"""Signing a message: the Standard Webhooks specification 1.0, symmetric scheme ``v1`` (HMAC-SHA-256).

The signed content is ``id.timestamp.body``. While a secret is being rotated both are signed with, separated by a space,
so that a recipient may change over whenever it wants within the overlap.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  (the form of a secret, not one)
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64 bytes."""


def new_secret() -> str:
    """Make a secret, in the form recipients' libraries take."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(message_id: str, at: datetime, body: bytes, secret_words: Sequence[str]) -> dict[str, str]:
    """Give the headers of a message.

    Args:
        message_id: the same however often it is sent; without a dot, which the signed content is split by.
        at: when this attempt is made; recipients refuse what is older than a few minutes.
        body: exactly the bytes that are sent.
        secret_words: secrets to sign with, the newest first.

    Raises:
        ValueError: an id with a dot, or nothing to sign with.
    """
    if "." in message_id or not secret_words:
        raise ValueError("a message needs an id without a dot and a secret to be signed with")
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(word, content) for word in secret_words),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
