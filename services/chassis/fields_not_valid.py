"""What is wrong with fields, said without what was in them.

pydantic's own messages can hold the value: the tag of a union, the text of a ``ValueError``, a character of an id that
could not be read. So its message is not passed on: the words below depend on the kind of error and on the schema only.
Errors that our own models raise by name (``PydanticCustomError``) are written by us and pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic_core.core_schema import ErrorType

ERRORS_MAX: Final = 100
_PYDANTICS_OWN: Final = frozenset(get_args(ErrorType))
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_PLACES: Final = frozenset({"query", "path", "header", "cookie"})

_INSTANT: Final = ("is not an instant", "send ISO 8601 with its zone, as 2026-03-02T09:00:00Z")
_DAY: Final = ("is not a date", "send ISO 8601, as 2026-03-02")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("is not a field here", "leave it out, or mend its name; see /v1/openapi.json"),
    "enum": ("is not one of the words known here", "send one of: {expected}"),
    "literal_error": ("is not one of the words known here", "send one of: {expected}"),
    "union_tag_invalid": ("is of no kind known here", "send one of: {expected_tags}"),
    "union_tag_not_found": ("does not say of what kind it is", "add it: {discriminator}"),
    "string_too_short": ("is too short", "send at least {min_length} characters"),
    "string_too_long": ("is too long", "send at most {max_length} characters"),
    "string_pattern_mismatch": ("has the wrong form", "send text of the form {pattern}"),
    "too_short": ("has too few entries", "send at least {min_length}"),
    "too_long": ("has too many entries", "send at most {max_length}"),
    "greater_than": ("is too small", "send more than {gt}"),
    "greater_than_equal": ("is too small", "send {ge} or more"),
    "less_than": ("is too large", "send less than {lt}"),
    "less_than_equal": ("is too large", "send {le} or less"),
    "none_required": ("has to be null", "send null"),
    "string_type": ("is not text", "send a string"),
    "int_type": ("is not a whole number", "send an integer"),
    "int_parsing": ("is not a whole number", "send an integer"),
    "int_from_float": ("is not a whole number", "send an integer"),
    "float_type": ("is not a number", "send a number"),
    "float_parsing": ("is not a number", "send a number"),
    "bool_type": ("is neither true nor false", "send true or false"),
    "bool_parsing": ("is neither true nor false", "send true or false"),
    "list_type": ("is not a list", "send an array"),
    "tuple_type": ("is not a list", "send an array"),
    "set_type": ("is not a list", "send an array"),
    "dict_type": ("is not an object", "send an object"),
    "model_type": ("is not an object", "send an object"),
    "model_attributes_type": ("is not an object", "send an object"),
    "uuid_type": ("is not an id", "send a UUID"),
    "uuid_parsing": ("is not an id", "send a UUID"),
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": _INSTANT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
}
_OTHER: Final = ("is not valid", "see its schema in /v1/openapi.json")


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Give each field that has to be mended, at most ``ERRORS_MAX``: pointer, code, detail, remedy."""
    return [_field_error(error) for error in errors[:ERRORS_MAX]]


def pointer(location: Sequence[Any]) -> str:
    """Write a location as a JSON pointer (RFC 6901). A name that no field would have is left out of it."""
    parts = (str(part) if isinstance(part, int) or _NAME.fullmatch(str(part)) else "?" for part in location)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    place, *location = error["loc"] or ("body",)
    code = str(error["type"])
    found = {"pointer": pointer(location), "code": code}
    if place in _PLACES:
        found["in"] = str(place)
    if code not in _PYDANTICS_OWN:
        return found | {"detail": str(error["msg"])}
    detail, remedy = _WORDS.get(code, _OTHER)
    return found | {"detail": detail, "remedy": remedy.format_map(_Known(error.get("ctx", {})))}


class _Known(dict[str, Any]):
    """What the schema says about an error; where it says nothing, the reader is sent to the schema."""

    def __missing__(self, name: str) -> str:
        return f"({name}: see /v1/openapi.json)"
