"""What every route of ``afterwards`` does: who may call, who acts, a row as an answer, words opened."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import asyncpg
from fastapi import Depends, Query
from pydantic import BaseModel

from concern_relay.v1.facts_pb2 import NamedPerson
from services.chassis.auth import Caller, require
from services.routing.afterwards import answers
from services.routing.afterwards.acting import Afterwards, said_by
from services.routing.answers import NamedBody, ViewPart, part_in_words

A = TypeVar("A", bound=BaseModel)

PAGE_MAX: Final = 500
Anybody = Annotated[Caller, Depends(require("inbox", "raise"))]
Sender = Annotated[Caller, Depends(require("raise"))]
Practice = Annotated[bool, Query(description="Those of practice concerns instead of real ones.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


async def opened(
    after: Afterwards, row: asyncpg.Record, who: NamedPerson, caller: Caller, purpose: str
) -> answers.Opened:
    """Open the words of a disagreement or a request for a named person; that it was opened is recorded."""
    events = await after.words(row, who, caller.agency_id, purpose)
    return answers.Opened(
        said=[
            answers.Said(
                type=event.type,
                recorded_at=event.recorded,
                parts=[ViewPart(**part_in_words(part_id, part)) for part_id, part in sorted(parts.items())],
            )
            for event, parts in events
        ]
    )


def saying(body: NamedBody, words: str) -> Any:
    """Give what makes the parts of an act: who, and in which words."""
    return lambda concern_id, about: said_by(concern_id, about, who(body), words)


def answer(kind: type[A], row: asyncpg.Record) -> A:
    """Give a row as an answer."""
    return kind(**dict(row.items()))


def who(body: NamedBody) -> NamedPerson:
    """Give who acts."""
    return NamedPerson(name=body.name, role=body.role)
