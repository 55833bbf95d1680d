"""Codes between the contract's enums and the words used in JSON and YAML: ``URGENCY_EMERGENCY`` is ``emergency``."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

from google.protobuf.descriptor import EnumDescriptor


def _prefix(descriptor: EnumDescriptor) -> str:
    """Give the part all value names share: the zero value's name without UNSPECIFIED."""
    return str(descriptor.values_by_number[0].name).removesuffix("UNSPECIFIED")


@cache
def _words(descriptor: EnumDescriptor) -> dict[int, str]:
    prefix = _prefix(descriptor)
    return {v.number: v.name.removeprefix(prefix).lower() for v in descriptor.values if v.number}


@cache
def _numbers(descriptor: EnumDescriptor) -> dict[str, int]:
    return {word: number for number, word in _words(descriptor).items()}


def words(enum: Any) -> tuple[str, ...]:
    """Give every word of an enum, in order; the unspecified value has none."""
    return tuple(_words(enum.DESCRIPTOR).values())


def word_of(enum: Any, number: int) -> str:
    """Give the word of a value: empty when unspecified, its number when newer than this code."""
    return _words(enum.DESCRIPTOR).get(number, "" if number == 0 else str(number))


def number_of(enum: Any, word: str) -> Any:
    """Give the value of a word; an empty word is unspecified.

    Raises:
        ValueError: for a word the contract does not have; names the words it has.
    """
    if not word:
        return 0
    found = _numbers(enum.DESCRIPTOR).get(word)
    if found is None:
        raise ValueError(f"unknown {enum.DESCRIPTOR.name} {word!r}; one of: {', '.join(words(enum))}")
    return found


@cache
def _str_enum(descriptor: EnumDescriptor) -> type[StrEnum]:
    return StrEnum(descriptor.name, {word.upper(): word for word in _numbers(descriptor)})  # type: ignore[return-value]


def str_enum(enum: Any) -> Any:
    """Give a StrEnum of an enum's words, for pydantic models and JSON Schema."""
    return _str_enum(enum.DESCRIPTOR)
