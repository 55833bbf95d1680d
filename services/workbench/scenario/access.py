"""Words for subject access: somebody asks for a copy of what is held, a named person decides on it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.workbench.scenario.contract import AccessExemption, AccessOutcome, AccessRequester, DeciderRole
from services.workbench.scenario.terms import AgencyId, AgencyOrNone, Ref, Refusal, Strict


class AskAccess(Strict):
    """Somebody asks a controller for a copy of what it holds (subject access)."""

    agency: AgencyId = Field(description="the controller that is asked")
    share_of: AgencyOrNone = Field(default="", description="whose share it names as its own; empty: its own, if any")
    requester: AccessRequester
    name: str = "Kim Example"
    words: str = ""
    concern: str = "concern"
    refused: Refusal = ""


class DecideAccess(Strict):
    """A named person decides on the newest open request for a copy at an agency."""

    agency: AgencyId
    name: str = "Pat Example"
    role: DeciderRole
    outcome: AccessOutcome
    exemptions: list[AccessExemption] = Field(default=[])
    withhold: list[Ref] = Field(default=[], description="items and people that are not given")
    health_opinion: bool = False
    reasons: str = Field(default="", description="kept inside; no part of the answer")
    concern: str = "concern"
    refused: Refusal = ""


Access = AskAccess | DecideAccess


class AccessThen(Strict):
    """A request for a copy that must have been made, and how it stands."""

    agency: AgencyId
    state: Literal["open", "overdue", "decided"] | None = None
    role: DeciderRole | None = Field(default=None, description="who must be asked to decide")
    to_consider: list[AccessExemption] = Field(default=[], description="exemptions whose tests must be put to them")
    outcome: AccessOutcome | None = None
    exemptions: list[AccessExemption] = Field(default=[])
    withheld: list[Ref] = Field(default=[])
    confirms_existence: bool | None = Field(default=None, description="whether the answer says that anything is held")
