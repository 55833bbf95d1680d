"""The mapping file: which column is which field of a submission. Closed: a word that is not known is an error.

columns:
  DOB:    {to: people.0.birth_date, date: "%d/%m/%Y"}
  Risk:   {to: urgency, codes: risk}
  Flags:  {to: detail.triggers, split: ";"}
  Others: {to: people.*.names.0.given, split: ";", with: {role: sibling}}
values:
  reference: "{URN}/{Person}"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake.errors import Malformed
from services.intake.reading import read_tree
from services.workbench.imports.encoding import known_encoding
from services.workbench.imports.unreadable import UnreadableError

BYTES_MAX: Final = 256 * 1024
INDEX_MAX: Final = 49
PLACEHOLDER: Final = re.compile(r"\{([^{}]{1,200})\}")
_STEP: Final = re.compile(r"[a-z_]{1,40}|\d{1,2}|\*")
_DECIDED: Final = frozenset({"history", "test"})
_WRONG_PATHS: Final = frozenset({"field_not_known", "not_a_list", "not_an_object", "not_text", "wrong"})


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Column(_Model):
    """What becomes of one column.

    Attributes:
        to: paths in the submission; several get the same value.
        date: formats as of ``strptime``, tried in order; the year has four digits.
        codes: name of a table of ``codes``.
        split: what separates several values in one cell.
        with: fields beside this one, only where it has a value: ``{kind: upn}``; of each element that ``*`` makes.
        join: what stands between values where two columns go to one field.
        prefix: words before the value, where it is text.
        optional: the column need not be there.
        ignore: why it is not sent.
    """

    to: Annotated[str | tuple[str, ...], Field(default=())]
    date: Annotated[str | tuple[str, ...], Field(default=())]
    codes: str = ""
    split: str = ""
    with_: dict[str, str] = Field(default={}, alias="with")
    join: str = ""
    prefix: str = ""
    optional: bool = False
    ignore: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Give the paths."""
        return (self.to,) if isinstance(self.to, str) else self.to

    @property
    def formats(self) -> tuple[str, ...]:
        """Give the date formats."""
        return (self.date,) if isinstance(self.date, str) else self.date


class Mapping(_Model):
    """What a file's columns mean.

    Attributes:
        name: of the mapping, for people.
        agency: whose files these are; ``--agency`` wins.
        encoding: of the file; without it a byte order mark decides, else UTF-8.
        delimiter: without it the first line decides.
        values: fields every row has; ``{Column}`` stands for that column's value.
        codes: tables: as written, and the word of the contract.
        columns: by their heading.
    """

    name: str = ""
    agency: str = ""
    encoding: str = ""
    delimiter: str = Field(default="", max_length=1)
    values: dict[str, str | bool] = {}
    codes: dict[str, dict[str, str]] = {}
    columns: dict[str, Column] = Field(min_length=1, max_length=500)


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        UnreadableError: ``mapping``: says which entry, and what to do.
        OSError: the file cannot be read.
    """
    raw = path.read_bytes()
    if len(raw) > BYTES_MAX:
        raise UnreadableError("mapping", f"the mapping has more than {BYTES_MAX} bytes")
    try:
        tree = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}" if mark else ""
        raise UnreadableError("mapping", f"the mapping is not YAML{at}") from None
    try:
        mapping = Mapping.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the mapping"
        raise UnreadableError("mapping", f"{where}: {first['msg']}") from None
    for mistake in _mistakes(mapping):
        raise UnreadableError("mapping", mistake)
    return mapping


def steps(path: str) -> list[str]:
    """Give the steps of a path."""
    return path.split(".")


def _mistakes(mapping: Mapping) -> Iterator[str]:
    if mapping.encoding:
        known_encoding(mapping.encoding)
    taken: set[str] = set(mapping.values)
    for heading, column in mapping.columns.items():
        if bool(column.paths) == bool(column.ignore):
            yield f"columns.{heading}: say `to`, or `ignore` with the reason"
        if column.codes and column.codes not in mapping.codes:
            yield f"columns.{heading}.codes: there is no table of that name under `codes`"
        if any("%y" in form for form in column.formats):
            yield f"columns.{heading}.date: a year of two digits is a guess; export it with four"
        for path in column.paths:
            if path in taken and not column.join and "*" not in path:
                yield f"columns.{heading}.to: {path} is filled by another column too; say `join`, or leave one out"
            taken.add(path)
            if "*" in path and not column.split:
                yield f"columns.{heading}.to: `*` makes one element for each value: say `split`"
    yield from _paths(taken)
    yield from _fields(mapping, taken)


def _paths(paths: set[str]) -> Iterator[str]:
    for path in sorted(paths):
        if steps(path)[0] in _DECIDED:
            yield f"{path}: said on the command line, --live or --history"
        if not all(_STEP.fullmatch(step) for step in steps(path)) or path.count("*") > 1:
            yield f"{path}: a path is written people.0.birth_date, with at most one *"
        if any(step.isdigit() and int(step) > INDEX_MAX for step in steps(path)):
            yield f"{path}: an index is at most {INDEX_MAX}"


def _fields(mapping: Mapping, paths: set[str]) -> Iterator[str]:
    """Ask intake's own reading whether these fields exist, with a row in which each is filled."""
    from services.workbench.imports.table.row import placed  # noqa: PLC0415  (they know each other)

    tree: dict[str, Any] = {}
    listed = {p for c in mapping.columns.values() if c.split for p in c.paths if "*" not in p}
    truths = {path for path, value in mapping.values.items() if isinstance(value, bool)}
    for path in sorted(paths):
        placed(tree, path.replace("*", "0"), ["x"] if path in listed else path in truths or "x")
    for column in mapping.columns.values():
        for path in column.paths if column.with_ else ():
            parent = f"{path.partition('.*')[0]}.0" if "*" in path else path.rpartition(".")[0]
            for name in column.with_:
                placed(tree, f"{parent}.{name}", "x")
    try:
        read_tree(tree)
    except Malformed as malformed:
        for error in malformed.errors:
            if error.code in _WRONG_PATHS:
                yield f"{error.pointer or 'the submission'}: {error.detail}"
