"""What OpenAPI says of intake's doors: bodies that are read by hand, headers, problems."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from services.intake.idempotency import KEY_CHARS_MAX

PROBLEM: Final = {
    "description": "A problem (RFC 9457): code, remedy, and under errors each field by JSON pointer.",
    "content": {"application/problem+json": {}},
}
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    400: PROBLEM, 404: PROBLEM, 409: PROBLEM, 413: PROBLEM, 415: PROBLEM, 422: PROBLEM, 429: PROBLEM,
    503: PROBLEM,
}  # fmt: skip
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Kept 30 days. Not needed for resends to be harmless; a new key says that content accepted before "
    "is meant anew.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX + 2},
}
RELAY_LANE: Final = {
    "name": "Relay-Lane",
    "in": "header",
    "required": False,
    "description": "bulk: many routine concerns that may wait. Practice and history are bulk anyway; what is urgent "
    "never is.",
    "schema": {"type": "string", "examples": ["bulk"]},
}


def body_of(model: type[BaseModel], example: dict[str, Any] | None = None, *, required: bool = True) -> dict[str, Any]:
    """Document a body that is read by hand, within bounds that a framework does not keep."""
    content: dict[str, Any] = {"schema": deepcopy(_schema_of(model))}
    if example is not None:
        content["example"] = example
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


@cache
def _schema_of(model: type[BaseModel]) -> Any:
    schema = model.model_json_schema()
    return inlined(schema, schema.get("$defs", {}))


def inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Write a schema without references: it stands in OpenAPI, where the model's own would point nowhere."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {name: inlined(value, definitions) for name, value in schema.items() if name != "$defs"}
    if isinstance(schema, list):
        return [inlined(each, definitions) for each in schema]
    return schema
