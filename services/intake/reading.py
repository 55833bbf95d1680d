"""From bytes to a submission: the one entrance for HTTP, Kafka, files and the command line.

Everything is bounded before it is looked at: size, depth, and through the model every string and list.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from services.intake.errors import FieldError, Malformed
from services.intake.flags import Flag, Flags, pointer
from services.intake.submission import Submission
from services.intake.text import clean_tree

BODY_BYTES_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 12
"""Objects and lists inside one another; the model needs six."""
DIGITS_MAX: Final = 100

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_BOMS = (b"\xff\xfe", b"\xfe\xff")


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """A submission as read, and what was odd in its text."""

    submission: Submission
    flags: tuple[Flag, ...]


def read(body: bytes) -> Reading:
    """Read a submission.

    Raises:
        Malformed: says what is wrong field by field and what to do, and repeats nothing of it.
    """
    return read_tree(read_json(body))


def read_tree(tree: Any) -> Reading:
    """Read a submission from decoded JSON.

    Raises:
        Malformed: as :func:`read`.
    """
    return Reading(*read_as(Submission, tree))


def read_as(model: type[M], tree: Any) -> tuple[M, tuple[Flag, ...]]:
    """Read decoded JSON as what an agency may send; give it, and what was odd in its text.

    Raises:
        Malformed: as :func:`read`.
    """
    if not isinstance(tree, dict):
        raise Malformed(422, "not_an_object", "A submission is one JSON object. Send each concern by itself.")
    flags = Flags()
    cleaned = clean_tree(tree, flags)
    try:
        return model.model_validate(cleaned), tuple(flags.found)
    except ValidationError as error:
        raise Malformed(
            422,
            "field_wrong",
            "Nothing was recorded. Put right the fields under errors and send it again; if a child is in danger, "
            "do not wait for this: call 999.",
            tuple(_field_errors(error, model)),
        ) from None  # the cause would repeat what was sent


def read_json(body: bytes) -> Any:
    """Decode JSON within bounds.

    Raises:
        Malformed: not UTF-8, not JSON, too large, too deep, or a name twice in one object.
    """
    if len(body) > BODY_BYTES_MAX:
        raise Malformed(
            413, "too_large", f"At most {BODY_BYTES_MAX} bytes. Send attachments apart, and long records as items."
        )
    if body.startswith(_BOMS) or b"\x00" in body[:4]:
        raise Malformed(400, "not_utf8", "Write the submission in UTF-8, not UTF-16 or UTF-32.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(400, "not_utf8", f"Byte {error.start} is not UTF-8. Write the submission in UTF-8.") from None
    if _depth(body) > DEPTH_MAX:
        raise Malformed(400, "too_deep", f"At most {DEPTH_MAX} objects and lists inside one another.")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        raise Malformed(
            400, "not_json", f"Not JSON at line {error.lineno}, column {error.colno}. Is it cut short?"
        ) from None


def _depth(body: bytes) -> int:
    """Bound the depth without decoding; brackets inside strings do not count."""
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # which of the two was meant cannot be known, and one of them would be lost
        raise Malformed(400, "name_twice", "An object has the same name twice. Send each name once; use a list.")
    return members


def _constant(_: str) -> NoReturn:
    raise Malformed(400, "not_json", "NaN and Infinity are not JSON. Leave out a number that is not known.")


def _integer(digits: str) -> int | str:
    """Numbers in quotes or not are the same to us; a number nobody can hold is text that fails its check."""
    return int(digits) if len(digits) <= DIGITS_MAX else digits


def _decimal(digits: str) -> str:
    """Keep a decimal as it was written: 1.10 is not 1.1, and 1e999 is no number that a machine holds."""
    return digits[:DIGITS_MAX]


def _field_errors(error: ValidationError, model: type[BaseModel]) -> Iterable[FieldError]:
    for found in error.errors(include_url=False, include_context=True, include_input=False):
        where, code = found["loc"], found["type"]
        if code == "extra_forbidden":
            yield _unknown_field(where, model)
        elif code.startswith("concern_"):
            yield FieldError(pointer(*where), code.removeprefix("concern_"), found["msg"])
        else:
            yield FieldError(pointer(*where), *_remedy(code, found.get("ctx", {})))


def _unknown_field(where: tuple[str | int, ...], model: type[BaseModel]) -> FieldError:
    """Name the object, never the field: a name that is no field of ours may be a person's."""
    *parents, name = where
    known = _fields_at(parents, model)
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    listed = f" Its fields are: {', '.join(known)}." if known else ""
    return FieldError(pointer(*parents), "field_not_known", f"This object has a field that is not known.{hint}{listed}")


def _fields_at(path: Iterable[str | int], model: type[BaseModel]) -> list[str]:
    found: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        field = None if found is None else found.model_fields.get(step)
        found = None if field is None else _model_in(field.annotation)
    return [] if found is None else sorted(found.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None


_REMEDIES: Final = {
    "missing": ("missing", "This field is needed."),
    "string_too_short": ("too_short", "This must not be empty."),
    "too_short": ("too_short", "This must not be empty."),
    "string_too_long": ("too_long", "At most {max_length} characters. A long account is several items."),
    "too_long": ("too_many", "At most {max_length} entries. Send the rest as another concern."),
    "string_type": ("not_text", "Send text."),
    "bool_type": ("not_true_or_false", "Send true or false."),
    "bool_parsing": ("not_true_or_false", "Send true or false."),
    "tuple_type": ("not_a_list", "Send a list, also for one."),
    "model_type": ("not_an_object", "Send an object."),
}
_OTHER: Final = ("wrong", "This field cannot be read; see the schema at /v1/openapi.json.")


def _remedy(code: str, context: dict[str, Any]) -> tuple[str, str]:
    """Give our code and remedy for one of pydantic's errors; the context holds limits, never input."""
    ours, detail = _REMEDIES.get(code, _OTHER)
    return ours, detail.format(max_length=context.get("max_length"))
