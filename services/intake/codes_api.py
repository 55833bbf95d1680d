"""``/v1/codes``: the lists of codes, with what each means and which version of the contract they are of.

An answer has an ``ETag``: a system asks with ``If-None-Match`` and gets 304 until a list changed. Values are only ever
added (docs/versions.md), so a list kept from last week is never wrong, only short.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from concern_relay.v1 import census_pb2, codes_pb2
from services.chassis.codes import word_of, words
from services.chassis.contract import schema_urn
from services.chassis.problems import problem
from services.intake.documented import PROBLEM
from services.intake.meanings import comments

CACHE_CONTROL: Final = "public, max-age=3600"
VERSION_HEADER: Final = "Relay-Contract"
_ENUMS: Final = {
    name: getattr(module, name)
    for module in (codes_pb2, census_pb2)
    for name in sorted(module.DESCRIPTOR.enum_types_by_name)
}
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Unchanged since the ETag that was sent."}}
Etag = Annotated[str, Header(max_length=200, description="The ETag of the answer you hold.")]


class CodeMeaning(BaseModel):
    """One code."""

    code: str
    number: int = Field(description="Its number in the contract's enum; it never changes.")
    description: str


class CodeList(BaseModel):
    """One list of codes, each with its meaning."""

    name: str
    description: str
    version: str = Field(description="Digest of the contract this list is of.")
    codes: list[CodeMeaning]


def code_routes() -> APIRouter:
    """Give the routes of code lists; they hold nothing about anybody, and need no token."""
    routes = APIRouter(prefix="/v1/codes", tags=["reference"])

    @routes.get("", summary="Every list of codes, by name", responses=_UNCHANGED, response_model=dict[str, list[str]])
    async def code_lists(if_none_match: Etag = "") -> Response:
        return _answer({name: list(words(enum)) for name, enum in _ENUMS.items()}, if_none_match)

    @routes.get(
        "/{name}", summary="One list of codes", responses={**_UNCHANGED, 404: PROBLEM}, response_model=list[str]
    )
    async def code_list(name: str, if_none_match: Etag = "") -> Response:
        return _answer(list(words(_enum(name))), if_none_match)

    @routes.get(
        "/{name}/meanings",
        summary="One list of codes, with what each means",
        responses={**_UNCHANGED, 404: PROBLEM},
        response_model=CodeList,
    )
    async def meanings(name: str, if_none_match: Etag = "") -> Response:
        return _answer(_meanings(name).model_dump(), if_none_match)

    return routes


def _enum(name: str) -> Any:
    if name not in _ENUMS:
        raise problem(404, "no_such_list", f"one of: {', '.join(_ENUMS)}")
    return _ENUMS[name]


def _meanings(name: str) -> CodeList:
    enum = _enum(name)
    said = comments()[name]
    values = [value for value in enum.DESCRIPTOR.values if value.number]
    return CodeList(
        name=name,
        description=said[""],
        version=schema_urn(),
        codes=[
            CodeMeaning(code=word_of(enum, value.number), number=value.number, description=said[value.name])
            for value in values
        ],
    )


def _answer(content: Any, held: str) -> Response:
    """Answer with a list, or that it is what the caller holds."""
    body = json.dumps(content, ensure_ascii=False).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL, VERSION_HEADER: schema_urn()}
    asked = {each.strip().removeprefix("W/") for each in held.split(",")}
    if etag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
