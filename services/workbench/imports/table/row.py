"""From a row to a submission, by a mapping. Pure. What no column of the mapping names is kept as an item in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from services.workbench.imports.table.mapping import PLACEHOLDER, Column, Mapping, steps

COLUMN_NOT_MAPPED: Final = "column_not_mapped"
TEXT_CHARS_MAX: Final = 19_000


class _TooManyError(ValueError):
    """A cell splits into more values than a list takes."""


def submission(mapping: Mapping, cells: dict[str, str], *, history: bool) -> tuple[dict[str, Any], list[str]]:
    """Give a submission, and the headings that were not mapped and kept.

    Args:
        mapping: the mapping.
        cells: value by heading; every heading of the file.
        history: recorded only; else live.

    Raises:
        ValueError: a path of the mapping runs into another.
    """
    tree: dict[str, Any] = {}
    used = set(mapping.columns)
    for path, value in mapping.values.items():
        if isinstance(value, str):
            used |= set(PLACEHOLDER.findall(value))
            value = PLACEHOLDER.sub(lambda found: cells.get(found[1], "").strip(), value)  # noqa: PLW2901
        if value != "":
            placed(tree, path, value)
    for heading, column in mapping.columns.items():
        if (text := cells.get(heading, "").strip()) and not column.ignore:
            _column(tree, column, text, mapping)
    rest = [name for name in cells if name not in used and cells[name].strip()]
    if rest:
        items = tree.setdefault("items", [])
        for name in rest:
            text = f"{name}: {cells[name].strip()}"
            items += [
                {"text": text[at : at + TEXT_CHARS_MAX], "core": False} for at in range(0, len(text), TEXT_CHARS_MAX)
            ]
    if history:
        tree["history"] = True
    return _without_gaps(tree), rest


def placed(tree: dict[str, Any], path: str, value: Any, join: str = "") -> None:
    """Put a value at a path, making what is on the way to it.

    Raises:
        ValueError: something else stands on the way.
    """
    here: Any = tree
    names = steps(path)
    for name, after in zip(names, [*names[1:], ""], strict=True):
        key: Any = int(name) if name.isdigit() else name
        if isinstance(key, int) != isinstance(here, list):
            raise ValueError(path)
        if isinstance(here, list):
            here.extend({} if after and not after.isdigit() else None for _ in range(key + 1 - len(here)))
        if not after:
            before = here[key] if isinstance(here, list) or key in here else None
            both = bool(join) and isinstance(before, str)
            here[key] = f"{before}{join}{value}" if both else value
            return
        made: Any = [] if after.isdigit() else {}
        if isinstance(here, list):
            if here[key] is None:
                here[key] = made
            here = here[key]
        else:
            here = here.setdefault(key, made)


def _column(tree: dict[str, Any], column: Column, text: str, mapping: Mapping) -> None:
    pieces = [p for piece in text.split(column.split) if (p := piece.strip())] if column.split else [text]
    values = [_value(column, piece, mapping) for piece in pieces]
    for path in column.paths:
        if "*" in path:
            parent, _, rest = path.partition(".*")
            first = len(_list_at(tree, parent))
            for index, value in enumerate(values, first):
                placed(tree, f"{parent}.{index}{rest}", value)
                for name, constant in column.with_.items():
                    placed(tree, f"{parent}.{index}.{name}", constant)
            continue
        placed(tree, path, values if column.split else values[0], column.join)
        for name, constant in column.with_.items():
            placed(tree, f"{path.rpartition('.')[0]}.{name}", constant)


def _list_at(tree: dict[str, Any], path: str) -> list[Any]:
    here: Any = tree
    for name in steps(path):
        here = here[int(name)] if isinstance(here, list) else here.get(name, [])
    return here if isinstance(here, list) else []


def _value(column: Column, text: str, mapping: Mapping) -> str:
    if column.codes:
        table = {written.strip().lower(): word for written, word in mapping.codes[column.codes].items()}
        # what is in no table goes as it was written: intake flags it and keeps it
        text = table.get(text.lower(), text)
    for form in column.formats:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007  (a day as written; London, where it has a time)
        except ValueError:
            continue
        return read.strftime("%Y-%m-%dT%H:%M") if "%H" in form else f"{read.date():%Y-%m-%d}"
    return f"{column.prefix}{text}"


def _without_gaps(value: Any) -> Any:
    """Leave out the elements that no value of this row filled."""
    if isinstance(value, list):
        return [_without_gaps(each) for each in value if each not in ({}, None)]
    if isinstance(value, dict):
        return {name: _without_gaps(each) for name, each in value.items()}
    return value
