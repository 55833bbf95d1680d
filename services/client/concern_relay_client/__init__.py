"""A client for those who raise concerns: typed, with deadlines, retries that are harmless, and checked receipts.

It needs httpx, pydantic and cryptography; ``concern_relay_client.kafka`` also aiokafka. How to use it, and the same in
curl and Java: docs/for-suppliers.md.
"""

from concern_relay_client.client import Client
from concern_relay_client.models import (
    Accepted,
    Attachment,
    Authority,
    Detail,
    Identifier,
    Item,
    Name,
    Person,
    RaisedBy,
    Status,
    Submission,
)
from concern_relay_client.problems import (
    Conflict,
    FieldError,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    NotValid,
    Problem,
    ReceiptNotGenuine,
    RelayError,
    SuiteNotKnown,
    TooMany,
)
from concern_relay_client.receipts import check_receipt

__all__ = [
    "Accepted",
    "Attachment",
    "Authority",
    "Client",
    "Conflict",
    "Detail",
    "FieldError",
    "Identifier",
    "Item",
    "Name",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotReady",
    "NotValid",
    "Person",
    "Problem",
    "RaisedBy",
    "ReceiptNotGenuine",
    "RelayError",
    "Status",
    "Submission",
    "SuiteNotKnown",
    "TooMany",
    "check_receipt",
]
