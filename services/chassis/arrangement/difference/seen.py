"""What a class may be shown, in the whole and in each of its narrower views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from concern_relay.v1.codes_pb2 import AgencyClass, Category, IdentifierKind, PersonRole
from services.chassis.arrangement.difference.change import Change, Way, more_or_less
from services.chassis.arrangement.model import Arrangement, MatrixRow
from services.chassis.codes import word_of


def matrix(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    """Give what the matrix changes."""
    for agency_class in {*before.matrix, *after.matrix}:
        subject = word_of(AgencyClass, agency_class)
        old, new = before.matrix.get(agency_class), after.matrix.get(agency_class)
        if old is None or new is None:
            way, words = (Way.MORE, "may be told at all") if old is None else (Way.LESS, "may be told nothing any more")
            yield Change("category", subject, way, words)
            continue
        yield from _shown(subject, old, new)
        yield from _views(subject, old, new)
        for name, was, becomes in (
            ("purpose", old.purpose_code, new.purpose_code),
            ("gateway", old.gateway, new.gateway),
            ("how it is found", old.select, new.select),
        ):
            if was != becomes:
                yield Change("standing", subject, Way.OTHER, f"{name} changes")


def _views(subject: str, old: MatrixRow, new: MatrixRow) -> Iterator[Change]:
    for code in {*old.views, *new.views}:
        was, becomes = old.views.get(code), new.views.get(code)
        if was is None:
            yield Change("view", subject, Way.OTHER, f"has the view {code} now")
        elif becomes is None:
            yield Change("view", subject, Way.OTHER, f"no longer: has the view {code}")
        else:
            yield from _shown(f"{subject} (view {code})", was, becomes, (old, new))


def _shown(
    subject: str, old: MatrixRow, new: MatrixRow, whole: tuple[MatrixRow, MatrixRow] | None = None
) -> Iterator[Change]:
    """Give what is shown more or less; of a view only what does not follow from its whole row (``whole``)."""
    named: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("category", "categories", lambda one: word_of(Category, one)),
        ("person", "person_roles", lambda one: word_of(PersonRole, one)),
        ("number", "identifiers", lambda one: word_of(IdentifierKind, one)),
        ("detail", "detail", str),
    )
    for kind, field, word in named:
        was, becomes = getattr(old, field), getattr(new, field)
        more, less = becomes - was, was - becomes
        if whole is not None:
            row_was, row_becomes = (getattr(row, field) for row in whole)
            more, less = more - (row_becomes - row_was), less - (row_was - row_becomes)
        yield from more_or_less(kind, subject, map(word, more), map(word, less), "may be shown {}")
