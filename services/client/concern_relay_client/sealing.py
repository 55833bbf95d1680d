"""Sealing a submission for Kafka: HPKE (RFC 9180) to the key that intake publishes."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from concern_relay_client.problems import SuiteNotKnown

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_NAME: Final = "DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM"
INFO: Final = "concern-relay submission v1"


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """The key to seal to.

    Attributes:
        key_id: goes into the header ``ce_keyid``.
        public_key: X25519, 32 bytes.
        ask_again_at: by then another may have taken its place.
    """

    key_id: str
    public_key: bytes
    ask_again_at: datetime

    @classmethod
    def parse(cls, answer: dict[str, Any]) -> SubmissionKey:
        """Read the answer of ``/v1/submission-key``.

        Raises:
            SuiteNotKnown: it asks for another suite.
        """
        if answer["suite"] != SUITE_NAME or answer["info"] != INFO:
            raise SuiteNotKnown("submissions are sealed otherwise by now: update concern_relay_client")
        return cls(answer["key_id"], b64decode(answer["public_key"]), datetime.fromisoformat(answer["ask_again_at"]))


def sealed(
    plain: bytes, key: SubmissionKey, *, agency: str, submission_id: str, follow_up: tuple[str, str] | None = None
) -> bytes:
    """Seal a submission: the encapsulated key, then the ciphertext.

    Args:
        plain: the JSON.
        key: to which.
        agency: the sender; another cannot send it.
        submission_id: its ``ce_id``; it is no other submission.
        follow_up: its ``ce_type`` and ``ce_subject``; it follows up no other concern.
    """
    info = "\n".join((INFO, agency, submission_id, *(follow_up or ()))).encode()
    return SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(key.public_key), info)
