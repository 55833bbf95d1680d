"""Checking the signed receipt of an acceptance, with nothing of ours: the text that is signed, and Ed25519.

The signature is that of a C2SP signed note. The key stands at ``/v1/receipt-key``; who wants to trust nobody's first
answer takes it by another way and pins it.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from concern_relay_client.problems import ReceiptNotGenuine

HEADING: Final = "concern-relay receipt v1"
FIELDS: Final = ("origin", "concern_id", "event_id", "agency", "recorded_time", "leaf")
_ED25519: Final = b"\x01"


def check_receipt(receipt: Mapping[str, Any], verifier: str) -> None:
    """Check a receipt against a verifier key, ``name+hexid+base64``.

    Raises:
        ReceiptNotGenuine: it is no receipt, of another key, or altered.
    """
    try:
        name, _, encoded = verifier.split("+", 2)
        material = b64decode(encoded, validate=True)
        signature = b64decode(receipt["signature"], validate=True)
        lines = [HEADING, *(str(receipt[field]) for field in FIELDS)]
        public = Ed25519PublicKey.from_public_bytes(material[1:])
    except (KeyError, ValueError, TypeError) as error:
        raise ReceiptNotGenuine("this is no receipt, or no verifier key: name+hexid+base64") from error
    key_id = sha256(name.encode() + b"\n" + material).digest()[:4]
    if material[:1] != _ED25519 or receipt["origin"] != name or signature[:4] != key_id:
        raise ReceiptNotGenuine("signed by another key: fetch /v1/receipt-key, or pin the new one")
    try:
        public.verify(signature[4:], "".join(f"{line}\n" for line in lines).encode())
    except InvalidSignature as error:
        raise ReceiptNotGenuine("the signature does not hold: do not take this for a yes") from error
