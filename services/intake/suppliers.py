"""Suppliers: one of them serves thousands of schools, each with a say of its own (practice 28).

A supplier's token has the scope ``supply``, and each request names its agency in ``On-Behalf-Of``; or the issuer has
named the supplier in the token of the agency, by the claim ``act``. Either way the supplier must be listed as serving
that agency. The agency is the one that raises; the supplier is recorded beside it, and sees what the agency sees of its
own concerns and nothing more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import yaml
from fastapi import Depends, Header
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.chassis.auth import Caller, require
from services.chassis.errors import SettingsError
from services.chassis.log import Log
from services.chassis.marked_yaml import plain
from services.chassis.problems import problem
from services.chassis.tokens import FOR_GOOD, Revoked

SUPPLY: Final = "supply"
SERVES_MAX: Final = 50_000
log = Log(__name__)


class Supplier(BaseModel):
    """A supplier and the agencies it serves."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=200)
    serves: frozenset[str] = Field(max_length=SERVES_MAX)


class SupplierList(BaseModel):
    """``deploy/suppliers.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: int = Field(ge=1, le=1)
    suppliers: Mapping[str, Supplier] = {}


class Suppliers:
    """The suppliers of a file, read again when it changes; a file that cannot be read changes nothing, and is logged.

    Args:
        path: the file; none: there are no suppliers.
        revoked: an agency that was removed has no suppliers either.

    Raises:
        SettingsError: it is there, and cannot be read.
    """

    def __init__(self, path: Path | None = None, revoked: Revoked | None = None) -> None:
        self._path = path
        self._revoked = revoked
        self._stamp: tuple[int, int] | None = None
        self._list = SupplierList(version=1)
        self._read_again()

    def serves(self, supplier: str, agency_id: str) -> bool:
        """Whether a supplier is listed for an agency."""
        try:
            self._read_again()
        except SettingsError as error:
            log.warning("suppliers not read, the list before stands", error=type(error).__name__)
        if self._revoked is not None and self._revoked.before(agency_id) >= FOR_GOOD:
            return False
        found = self._list.suppliers.get(supplier)
        return found is not None and agency_id in found.serves

    def _read_again(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._list = SupplierList(version=1) if stamp is None else _read(self._path)
        self._stamp = stamp

    def caller(self, *scopes: str) -> Callable[..., Awaitable[Caller]]:
        """Give a FastAPI dependency: the caller, as the agency it acts for."""
        token = Depends(require(*scopes, SUPPLY))

        async def on_behalf(on_behalf_of: Behalf = "", found: Caller = token) -> Caller:
            return self.acting(found, on_behalf_of.strip(), scopes)

        return on_behalf

    def acting(self, found: Caller, agency_id: str, scopes: tuple[str, ...]) -> Caller:
        """Give the caller as the agency it acts for.

        Raises:
            Problem: 403 not a supplier, or not this agency's; 400 the agency is not named.
        """
        if found.on_behalf_by:  # the issuer says who acts for whom
            self._check(found.on_behalf_by, found.agency_id)
            if found.scopes & set(scopes):
                return found
            raise problem(403, "scope_missing", f"the token does not allow this; it needs: {' or '.join(scopes)}")
        if not agency_id or agency_id == found.agency_id:
            if found.scopes & set(scopes):
                return found
            raise problem(400, "on_behalf_missing", "name the agency this is for in the header On-Behalf-Of")
        if SUPPLY not in found.scopes:
            raise problem(403, "not_a_supplier", "this token acts for its own agency only: leave out On-Behalf-Of")
        self._check(found.agency_id, agency_id)
        return replace(found, agency_id=agency_id, scopes=frozenset(scopes), on_behalf_by=found.agency_id)

    def _check(self, supplier: str, agency_id: str) -> None:
        if not self.serves(supplier, agency_id):
            raise problem(
                403, "not_your_agency", "this supplier is not listed for that agency: the operator keeps the list"
            )


Behalf = Annotated[
    str,
    Header(
        max_length=100,
        description="For suppliers: the id of the agency this is for.",
        examples=["larkfield-primary"],
    ),
]


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = None if path is None else path.stat()
    except FileNotFoundError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)


def _read(path: Path | None) -> SupplierList:
    assert path is not None
    try:
        return SupplierList.model_validate(plain(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise SettingsError(f"{path.name} holds no list of suppliers: {type(error).__name__}") from error
