"""The census's code lists and authorities, as data: ``deploy/census/children-in-need.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from services.chassis.settings import REPOSITORY

PATH: Final = REPOSITORY / "deploy" / "census" / "children-in-need.yaml"


@dataclass(frozen=True)
class Layout:
    """What the importer knows of the census.

    Attributes:
        disabilities: codes.
        upn_unknown: codes.
        sex: word of the contract by code.
        authorities: ONS code by the Department's three digits.
    """

    disabilities: frozenset[str]
    upn_unknown: frozenset[str]
    sex: Mapping[str, str]
    authorities: Mapping[str, str]


@cache
def layout(path: Path = PATH) -> Layout:
    """Read it."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Layout(
        frozenset(tree["disabilities"]), frozenset(tree["upn_unknown"]), dict(tree["sex"]), dict(tree["authorities"])
    )
