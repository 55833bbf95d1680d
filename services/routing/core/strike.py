"""Striking words that must not travel: a hidden address, a protected source, somebody who asked not to be named.

The words are taken out without a mark, because a mark would tell the reader that something was there. Everything else
of a text stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from concern_relay.v1.facts_pb2 import Address
from services.chassis.concern import Concern

LINE_CHARACTERS_MIN: Final = 5
"""Shorter address lines ("Flat 2") are no address by themselves; striking them would mutilate texts."""

NAME_CHARACTERS_MIN: Final = 3

_SPACES = re.compile(r"[ \t]{2,}")
_BEFORE_STOP = re.compile(r"[ \t]+([,.;:!?)])")
_TWO_STOPS = re.compile(r"([,;:])(?:[ \t]*[,;:])+")
_EMPTY = re.compile(r"[ \t]*(?:\([ \t]*\)|\[[ \t]*\])")


@dataclass(frozen=True, slots=True)
class Struck:
    """What must not travel with a concern.

    Attributes:
        pattern: finds its words in a text; None when there is nothing to find.
        addresses: keys of the addresses that are hidden, wherever they stand.
    """

    pattern: re.Pattern[str] | None
    addresses: frozenset[str]

    def clean(self, text: str) -> str:
        """Give a text without the words."""
        if self.pattern is None or not text:
            return text
        cleaned, found = self.pattern.subn("", text)
        if not found:
            return text
        tidied = _BEFORE_STOP.sub(r"\1", _SPACES.sub(" ", _EMPTY.sub("", cleaned)))
        return _TWO_STOPS.sub(r"\1", tidied).strip(" ,;:")

    def hides(self, address: Address) -> bool:
        """Say whether an address is hidden, here or on anybody else of the concern."""
        return bool(address.hidden) or not self.addresses.isdisjoint(address_keys(address))


def address_keys(address: Address) -> frozenset[str]:
    """Give what an address is known by: its property number, and its postcode with its first line."""
    keys = {f"uprn {address.uprn.strip()}"} if address.uprn.strip() else set()
    postcode = "".join(address.postcode.split()).casefold()
    first = " ".join(address.lines[0].split()).casefold() if address.lines else ""
    if postcode or first:
        keys.add(f"{postcode} {first}")
    return frozenset(keys)


def struck_of(concern: Concern) -> Struck:
    """Find out what must not travel with a concern (practice 9: in emergencies too)."""
    hidden = [a for person in concern.people for a in person.addresses if a.hidden]
    hidden += [place.address for place in concern.places if place.address.hidden]
    words: list[str] = []
    for address in hidden:
        words += _address_words(address)
    detail = concern.detail
    if detail.referrer_anonymous:
        words += [detail.raised_by.name, detail.raised_by.contact]
    words += [item.source for item in concern.items if item.source_protected]
    kept = tuple(sorted({word.strip() for word in words if len(word.strip()) >= NAME_CHARACTERS_MIN}))
    return Struck(
        _pattern(kept) if kept else None, frozenset(key for address in hidden for key in address_keys(address))
    )


def _address_words(address: Address) -> Iterable[str]:
    yield address.postcode
    yield address.uprn
    for line in address.lines:
        if len(line.strip()) >= LINE_CHARACTERS_MIN:
            yield line


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Give a pattern for the longest words first, blind to case and to how they are spaced (ME141XX, ME14 1XX)."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile("|".join(_loosely(word) for word in ordered), re.IGNORECASE)


def _loosely(word: str) -> str:
    spaced = r"\s+".join(re.escape(piece) for piece in word.split())
    if any(c.isdigit() for c in word) and len(word) <= 9:
        # A postcode: written with or without the space before its last three characters.
        spaced = r"\s*".join(re.escape(character) for character in "".join(word.split()))
    return rf"(?<!\w){spaced}(?!\w)"
