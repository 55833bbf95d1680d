"""How a submission and its answer lie on Kafka.

A submission is the JSON of ``POST /v1/concerns``, sealed with HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256),
HKDF-SHA256, AES-256-GCM) to a key of ``/v1/submission-key``. The value is the encapsulated key and the ciphertext; the
``info`` names the agency and the submission, so that nobody can send what another has sealed:

    concern-relay submission v1 ⏎ <agency> ⏎ <ce_id>

Headers: ``ce_id`` the sender's own name for this submission, ``ce_keyid`` the key it is sealed to, and, if it is in a
hurry, ``ce_urgency`` (emergency, urgent). An answer is the body that HTTP would give, with the status in a header.

A follow-up says in ``ce_type`` what it is (``concern_relay.v1.InformationAdded``, …) and in ``ce_subject`` of which
concern. Both are lines of its ``info`` too, so that it is no follow-up of another concern, and no other kind:

    concern-relay submission v1 ⏎ <agency> ⏎ <ce_id> ⏎ <ce_type> ⏎ <ce_subject>
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from services.chassis.envelope import Headers, Record, header, timestamp
from services.intake.errors import Malformed
from services.intake.submission_keys import SubmissionKeys

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_NAME: Final = "DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM"
INFO: Final = "concern-relay submission v1"
TOPICS: Final = r"^submissions\.([a-z][a-z0-9_-]*)\.v1$"
ID_CHARS_MAX: Final = 200
HASTY: Final = frozenset({b"emergency", b"urgent"})
TYPE_PREFIX: Final = "concern_relay.v1."
"""Of a ``ce_type`` that is ours. Any other is the sender's own, and what it sends is a concern."""
RAISED: Final = "ConcernRaised"
FOLLOW_UPS: Final = (
    "InformationAdded", "InformationCorrected", "ConsentGiven", "ConsentWithdrawn", "ChildMoved", "RecordsLinked",
    "RecordsUnlinked",
)  # fmt: skip
"""What may be sent of a concern that was raised."""

_TOPIC = re.compile(TOPICS)
_ID = re.compile(rb"[\x21-\x7e]{1,200}")
_RECEIPTS = UUID("0f6f3f0e-4b1c-5d0a-8a6e-2f6f5b0a7c11")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a submission.

    Attributes:
        status: as over HTTP.
        body: as over HTTP.
        kind: CloudEvents type.
        traceparent: of the step that took it.
    """

    status: int
    body: dict[str, Any] = field(repr=False)
    traceparent: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is recorded for good."""
        return self.status < 300


def agency_of(topic: str) -> str:
    """Give whose topic it is: the broker lets nobody else write there, so this is who sent it."""
    found = _TOPIC.match(topic)
    assert found is not None, "only these topics are read"
    return found[1]


def hasty(record: Record) -> bool:
    """Whether the sender marked it to go before what is not in a hurry."""
    return header(record, "ce_urgency") in HASTY


def kind_of(record: Record) -> str:
    """Give what kind of follow-up it is; empty for a concern that is raised.

    Raises:
        Malformed: a kind that is not taken.
    """
    kind = header(record, "ce_type").decode("ascii", "replace")
    name = kind.removeprefix(TYPE_PREFIX)
    if name in (kind, RAISED):
        return ""
    if name not in FOLLOW_UPS:
        raise Malformed(
            400,
            "kind_not_known",
            f"Give as ce_type one that is taken: {', '.join(TYPE_PREFIX + each for each in (RAISED, *FOLLOW_UPS))}; or "
            "leave it out to raise a concern.",
        )
    return name


def concern_of(record: Record) -> str:
    """Give the concern that is followed up.

    Raises:
        Malformed: it names none.
    """
    try:
        return str(UUID(header(record, "ce_subject").decode("ascii")))
    except ValueError:
        raise Malformed(
            400, "no_concern_id", "Give the header ce_subject: the concern_id that the receipt of the concern says."
        ) from None


def _info(record: Record) -> bytes:
    lines = [INFO.encode(), agency_of(record.topic).encode(), header(record, "ce_id")]
    if kind_of(record):
        concern_of(record)  # said before it is found not to open
        lines += [header(record, "ce_type"), header(record, "ce_subject")]
    return b"\n".join(lines)


def opened(record: Record, keys: SubmissionKeys, now: datetime) -> bytes:
    """Open a submission.

    Raises:
        Malformed: it cannot be opened; says what to do.
    """
    submission_id = header(record, "ce_id")
    if not _ID.fullmatch(submission_id):
        raise Malformed(
            400, "no_submission_id", f"Give the header ce_id: 1 to {ID_CHARS_MAX} printable characters, no blanks."
        )
    key = keys.find(header(record, "ce_keyid").decode("ascii", "replace"), now)
    if key is None:
        raise Malformed(
            400,
            "submission_key_not_known",
            "Seal it anew to the key at /v1/submission-key and name that in the header ce_keyid: the key it names is "
            "not known, or was replaced over 30 days ago.",
        )
    info = _info(record)
    try:
        return SUITE.decrypt(record.value, key.private, info)
    except (InvalidTag, ValueError):
        raise Malformed(
            400,
            "cannot_be_opened",
            "Seal it anew: HPKE base mode, X25519, HKDF-SHA256, AES-256-GCM; the encapsulated key before the "
            f'ciphertext; info "{INFO}", your agency id and ce_id, for a follow-up also ce_type and ce_subject, a line '
            "feed between them; no associated data.",
        ) from None


def receipt_record(record: Record, answer: Answer, now: datetime) -> tuple[str, bytes, bytes, Headers]:
    """Give the answer as it lies on Kafka: topic, key, value, headers.

    Its id follows from where the submission lies: taken again after a crash, it is answered under the same id.
    """
    agency = agency_of(record.topic)
    submission_id = header(record, "ce_id")
    known = submission_id if _ID.fullmatch(submission_id) else b""
    receipt_id = uuid5(_RECEIPTS, f"{record.topic}/{record.partition}/{record.offset}")
    said = {
        "ce_specversion": "1.0",
        "ce_id": str(receipt_id),
        "ce_source": "//concern-relay/intake",
        "ce_type": f"concern_relay.v1.Submission{'Accepted' if answer.accepted else 'Refused'}",
        "ce_time": timestamp(now),
        "ce_status": str(answer.status),
        "ce_submissionid": known.decode("ascii"),
        "ce_submissionpartition": str(record.partition),
        "ce_submissionoffset": str(record.offset),
        "content-type": "application/json" if answer.accepted else "application/problem+json",
        **({"traceparent": answer.traceparent} if answer.traceparent else {}),
    }
    headers = tuple((name, value.encode()) for name, value in said.items())
    return f"receipts.{agency}.v1", known or str(receipt_id).encode(), json.dumps(answer.body).encode(), headers
