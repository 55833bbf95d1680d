"""What stands in parts, to look for words in: as a person reads it, and as the contract writes it.

The text form of protobuf escapes an apostrophe and writes a letter outside ASCII by its number: a word looked for would
not be found, and one that must not be there would never be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part


def words_in(parts: Iterable[Part]) -> str:
    """Give every text of some parts as it was written, then their fields and codes."""
    found = list(parts)
    return "\n".join([*(text for part in found for text in _texts(part)), *(str(part) for part in found)])


def _texts(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from _texts(one)
            elif isinstance(one, str):
                yield one
