"""Words for what people do with a concern: raise it, answer a question, act on a share; and how time passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.intake.submission import Submission
from services.workbench.scenario.contract import AgencyClass, DeciderRole, Outcome, ShareOutcome
from services.workbench.scenario.terms import AgencyId, Code, Moment, Person, Ref, Refusal, Strict, readable, span

LONGEST: Final = timedelta(weeks=52 * 30)
"""Longest that may pass in one step: beyond a childhood there is nothing to wait for."""


class Raise(Submission):
    """A submission of ``POST /v1/concerns``, and who sends it."""

    agency: AgencyId
    concern: str = Field(default="concern", description="what this scenario calls it")
    over: Literal["http", "kafka"] = Field(default="http", description="by which door; both lead to the same")


class Span(Strict):
    """How long, or until when; in words, as `2 hours`, or a time, will do."""

    minutes: float = Field(default=0, ge=0, le=LONGEST / timedelta(minutes=1))
    hours: float = Field(default=0, ge=0, le=LONGEST / timedelta(hours=1))
    days: float = Field(default=0, ge=0, le=LONGEST / timedelta(days=1))
    weeks: float = Field(default=0, ge=0, le=LONGEST / timedelta(weeks=1))
    until: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        if isinstance(given, str):
            long = span(given)
            if long is None and not readable(given):
                raise PydanticCustomError(
                    "moment",
                    "{said} is neither how long nor until when; write 90 minutes, 2 hours, 3 days, or 2026-11-23T10:00",
                    {"said": repr(given[:40])},
                )
            return {"until": given} if long is None else {"minutes": long.total_seconds() / 60}
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Span:
        if self.until is not None and any((self.minutes, self.hours, self.days, self.weeks)):
            raise ValueError("either how long, or until when: not both")
        return self


class Decide(Strict):
    """What a named person decides about an open question."""

    outcome: Outcome = Field(description="what is decided: share_power to share, not_shared_unnecessary not to")
    agency: AgencyId = Field(description="whose person decides")
    name: str = "Pat Example"
    role: DeciderRole = Field(description="in which role; a data protection officer advises only")
    reason_code: Code = Field(default="needed_to_protect", description="why")
    review_on: str = Field(default="", description="a day; needed not to share")
    items: list[Ref] = Field(
        default=[], description="of the decision that has just these items; empty: the only open one"
    )
    recipient_class: AgencyClass | None = Field(default=None, alias="class")
    concern: str = "concern"
    refused: Refusal = ""


class OnShare(Person):
    """Who acts on what was shared with it: on its newest share; where a notice stands beside the concern, on both."""

    view: Code = Field(default="", description="only on the share with this view, as notice; usual is the concern's")


class GiveOutcome(OnShare):
    """What was done."""

    outcome: ShareOutcome
    reason: str = Field(default="", description="in words; needed for no further action")


class Redirect(OnShare):
    """Where it belongs; who redirects stays accountable until that one acknowledges."""

    to: AgencyId
    reason: str = "belongs there"
