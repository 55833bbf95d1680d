"""From a file to a scenario. All that is wrong is said at once, with file, line, column, and what may stand there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from services.chassis.marked_yaml import DocumentError, Mistake, read_document
from services.workbench.scenario.document import Scenario
from services.workbench.scenario.named import misnamed
from services.workbench.scenario.places import Places, fields_at, remedy_for, twice, words_at


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, without its dates: a date is text here, as it is in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TEXT: Final = {"string_type": "text", "bool_parsing": "yes or no", "bool_type": "yes or no", "int_parsing": "a number"}


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
        scenario = _validated(yaml.load(raw, _Loader), places)  # noqa: S506  (a safe loader)
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


def _validated(tree: Any, places: Places) -> Scenario:
    try:
        return Scenario.model_validate(tree)
    except ValidationError as error:
        raise DocumentError(*sorted(set(_mistakes(error, places)))) from None


def _mistakes(error: ValidationError, places: Places) -> Iterator[Mistake]:
    for one in error.errors(include_url=False):
        loc, kind = one["loc"], one["type"]
        if kind == "extra_forbidden":
            name = str(loc[-1])
            yield places.key(loc, f"{name!r} is no word here", remedy_for(name, fields_at(schema(), loc[:-1])))
        elif kind == "missing":
            yield places.mistake(loc, f"{loc[-1]!r} is missing", "it is needed")
        elif kind in {"enum", "literal_error"}:
            said = str(one["input"])
            yield places.mistake(loc, f"{said[:60]!r} is no word here", remedy_for(said, words_at(schema(), loc)))
        elif kind in _TEXT and places.is_mapping(loc):
            continue  # the other way to write it: an object, whose mistakes are told
        elif kind in {"model_type", "model_attributes_type", "dict_type"}:
            yield places.mistake(loc, "not a mapping", f"its fields are: {', '.join(fields_at(schema(), loc))}")
        elif kind in {"tuple_type", "list_type"}:
            yield places.mistake(loc, "not a list", "write [a, b], or each on a line of its own after a dash")
        elif kind == "string_pattern_mismatch":
            said = str(one["input"])[:60]
            yield places.mistake(loc, f"{said!r} is no code or id", "one of lower case; several are a list: [a, b]")
        elif kind == "moment":
            wrong, _, remedy = one["msg"].rpartition("; ")
            yield places.mistake(loc, wrong, remedy)
        else:
            yield places.mistake(loc, one["msg"].removeprefix("Value error, "), _TEXT.get(kind, "mend it"))


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
