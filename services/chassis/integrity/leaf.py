r"""The leaf: the bytes of one record that the ledger commits to.

A leaf names what a record says and not where it lies, so the same bytes sent again, or copied to another broker, give
the same leaf; there is no offset in it. It holds digests of ciphertext, so the destruction of a key changes no leaf.

    leaf          = "concern-relay leaf v1\n" field(topic) field(event id) field(key)
                    field(header digest) field(value digest)
    header digest = SHA-256(field(name) field(value) for each header that counts, by the UTF-8 bytes of its name;
                    headers of one name keep their order)
    value digest  = SHA-256(value), null for a record without a value
    field(x)      = length of x as 4 bytes, big endian, then x; FF FF FF FF alone when x is null
    event id      = the value of the first ``ce_id`` header, null when there is none

Length prefixes make the encoding one to one: no two records share a leaf unless they share every field.
"""

from collections.abc import Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Final

#: Header names that do not count: W3C trace context, which a transport may rewrite without changing the record.
HEADERS_LEFT_OUT: Final = frozenset({"traceparent", "tracestate"})

_TAG: Final = b"concern-relay leaf v1\n"
_NULL: Final = b"\xff\xff\xff\xff"
_EVENT_ID: Final = "ce_id"
_NAME = itemgetter(0)


def leaf_of(topic: str, key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> bytes:
    """Return the leaf of a record, in the encoding described above.

    Total for every record that Kafka can hold, so that a malformed one is sequenced like any other and cannot stop
    the ledger.

    Args:
        topic: the topic the record lies on.
        key: the record's key, None for none.
        headers: names and values as on the record, in any order.
        value: the record's value (sealed, as sent), None for none.
    """
    counted = sorted((h for h in headers if h[0] not in HEADERS_LEFT_OUT), key=_NAME)
    event_id = next((v for name, v in counted if name == _EVENT_ID), None)
    header_bytes = b"".join([_field(part) for name, v in counted for part in (name.encode(), v)])
    fields = (
        topic.encode(),
        event_id,
        key,
        sha256(header_bytes).digest(),
        None if value is None else sha256(value).digest(),
    )
    return _TAG + b"".join([_field(part) for part in fields])


def leaf_hash(leaf: bytes) -> bytes:
    """Return the 32 bytes under which a leaf stands in the tree (RFC 6962 section 2.1: SHA-256 of 0x00 and it)."""
    return sha256(b"\x00" + leaf).digest()


def _field(part: bytes | None) -> bytes:
    return _NULL if part is None else len(part).to_bytes(4, "big") + part
