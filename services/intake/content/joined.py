"""Joining what is said now to what was known: what is stated counts, what is left out stands."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def joined(before: M, said: M, *, extend: bool) -> M:
    """Give what is known with what is said now.

    Args:
        before: what was known.
        said: what is stated now; unset fields say nothing.
        extend: lists are added to (names, addresses, authorities); otherwise a stated list takes the place of the old.
    """
    after = type(before)()
    after.CopyFrom(before)
    for descriptor, values in said.ListFields():
        if not descriptor.is_repeated:
            continue
        name = descriptor.name
        if not extend:
            after.ClearField(name)
        kept = getattr(after, name)
        kept.extend(value for value in values if value not in kept)
    scalars = type(said)()
    scalars.CopyFrom(said)
    for descriptor, _ in said.ListFields():
        if descriptor.is_repeated:
            scalars.ClearField(descriptor.name)
    after.MergeFrom(scalars)
    return after
