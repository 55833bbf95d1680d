"""From a file to a scenario. All that is wrong is said at once, with file, line, column, and what may stand there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.chassis.marked_yaml import LOADER, DocumentError, Mistake, read_document
from services.workbench.scenario.document import Scenario
from services.workbench.scenario.named import misnamed
from services.workbench.scenario.places import Places, fields_at, remedy_for, twice, words_at


class _Loader(LOADER):  # type: ignore[misc]
    """YAML's safe loader, without its dates: a date is text here, as it is in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_NO_LIST: Final = ("not a list", "write [a, b], or each on a line of its own after a dash")
_LIMITS: Final = {"less_than_equal": "too much", "greater_than_equal": "too little"}
_SAID: Final = {
    "string_type": ("not text", "write a word or a sentence, in quotes where it has a colon or a comma"),
    "bool_parsing": ("neither yes nor no", "write yes or no, or leave it out"),
    "bool_type": ("neither yes nor no", "write yes or no, or leave it out"),
    "int_parsing": ("not a number", "write a whole number, as 2"),
    "int_type": ("not a number", "write a whole number, as 2"),
    "float_parsing": ("not a number", "write a number, as 2 or 1.5"),
    "float_type": ("not a number", "write a number, as 2 or 1.5"),
    "tuple_type": _NO_LIST,
    "list_type": _NO_LIST,
    "too_short": ("empty", "write at least one"),
    "string_too_short": ("empty", "write at least a word"),
    "date_from_datetime_parsing": ("no day", "write 2026-11-23"),
    "date_parsing": ("no day", "write 2026-11-23"),
    "date_type": ("no day", "write 2026-11-23"),
}
"""What is wrong and what to do, in our words, for what pydantic says in its own."""


class ScenarioFileError(Exception):
    """Files that are no scenarios: exit 2. A line each: file, line, column, what is wrong, what to do."""


def read(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioFileError: says all that is wrong, a line each.
    """
    try:
        root, raw = read_document(path)
        places = Places(path.name, root)
        _fail(twice(root, path.name))
        scenario = _validated(_loaded(raw, path.name), places)
        scenario._places = places  # noqa: SLF001  (its own)
        _fail(misnamed(scenario, places, schema()))
    except OSError as error:
        raise ScenarioFileError(f"{path.name}: cannot be read: {type(error).__name__}") from error
    except DocumentError as error:
        raise ScenarioFileError(str(error)) from error
    return scenario


def _fail(found: Iterable[Mistake]) -> None:
    if mistakes := sorted(set(found)):
        raise DocumentError(*mistakes)


def _loaded(raw: bytes, name: str) -> Any:
    """Give the values of a document that is YAML, of which some tags are no data."""
    try:
        return yaml.load(raw, _Loader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        wrong = f"no value a scenario has ({getattr(error, 'problem', None) or 'unreadable'})"
        raise DocumentError(Mistake(name, line, column, wrong, "leave tags (!) out; write plain values")) from None


def _validated(tree: Any, places: Places) -> Scenario:
    try:
        return Scenario.model_validate(tree)
    except ValidationError as error:
        first = error
    if _as_written(tree, first, places):
        try:
            return Scenario.model_validate(tree)
        except ValidationError as error:
            first = error
    raise DocumentError(*sorted(set(_mistakes(first, places)))) from None


def _as_written(tree: Any, error: ValidationError, places: Places) -> bool:
    """Put text in place of what YAML took for a number or for yes and no: `ref: no`, `birth_date: 2018`, `due: 17:00`.

    Returns:
        Whether anything was put, and it is worth another look.
    """
    put = False
    for one in error.errors(include_url=False):
        text = places.scalar(one["loc"]) if one["type"] in {"string_type", "moment"} else None
        if text is not None and not isinstance(one["input"], str | None):
            put |= _put(tree, one["loc"], text)
    return put


def _put(tree: Any, loc: tuple[str | int, ...], text: str) -> bool:
    """Put a text where a path leads; a step that only validation knows, as an index of a list of one, leads nowhere."""
    holder, last = None, None
    for part in loc:
        if isinstance(tree, dict | list) and (part in tree if isinstance(tree, dict) else part in range(len(tree))):
            holder, last, tree = tree, part, tree[part]  # type: ignore[index]
    if holder is None or isinstance(tree, dict | list | str):
        return False
    holder[last] = text  # type: ignore[index]
    return True


def _mistakes(error: ValidationError, places: Places) -> Iterator[Mistake]:
    for one in error.errors(include_url=False):
        loc, kind = one["loc"], one["type"]
        if kind == "extra_forbidden":
            name = str(loc[-1])
            yield places.key(loc, f"{name!r} is no word here", remedy_for(name, fields_at(schema(), loc[:-1])))
        elif kind in {"string_type", "bool_type", "bool_parsing", "int_parsing"} and places.is_mapping(loc):
            continue  # the other way to write it: an object, whose mistakes are told
        else:
            yield places.mistake(loc, *_wrong_and_remedy(one))


def _wrong_and_remedy(one: ErrorDetails) -> tuple[str, str]:
    """Give what is wrong and what to do."""
    loc, kind, said = one["loc"], one["type"], str(one["input"])
    if kind == "missing":
        return f"{loc[-1]!r} is missing", "it is needed"
    if kind in {"enum", "literal_error"}:
        return f"{said[:60]!r} is no word here", remedy_for(said, words_at(schema(), loc))
    if one["input"] is None and kind.endswith("_type"):
        return f"{loc[-1]!r} says nothing", "write what, or leave it out"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return "not a mapping", f"its fields are: {', '.join(fields_at(schema(), loc))}"
    if kind == "string_pattern_mismatch":
        return f"{said[:60]!r} is no code or id", "one of lower case; several are a list: [a, b]"
    if kind == "moment":
        wrong, _, remedy = one["msg"].rpartition("; ")
        return wrong, remedy
    if kind == "too_long":
        allowed = one.get("ctx", {})
        return f"{allowed.get('actual_length')} are too many", f"write at most {allowed.get('max_length')}"
    if kind in _LIMITS:
        return f"{said[:60]} is {_LIMITS[kind]}", one["msg"].replace("Input should be", "write a number")
    return _SAID.get(kind, (one["msg"].removeprefix("Value error, ").rstrip("."), "mend it"))


def files(paths: list[Path]) -> list[Path]:
    """Give the scenario files of paths; folders are searched.

    Raises:
        ScenarioFileError: a path is not there, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
        elif path.exists():
            found.append(path)
        else:
            raise ScenarioFileError(f"{path}: there is no such file or folder")
    if not found:
        raise ScenarioFileError("no scenario there: files end in .yaml")
    return found


@cache
def schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
