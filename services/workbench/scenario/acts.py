"""Words for what people do with a concern: raise it, answer a question, act on a share; and how time passes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from services.intake.submission import Submission
from services.workbench.scenario.contract import AgencyClass, DeciderRole, Outcome, ShareOutcome
from services.workbench.scenario.terms import AgencyId, Code, Moment, Person, Ref, Strict, span


class Raise(Submission):
    """A submission of ``POST /v1/concerns``, and who sends it."""

    agency: AgencyId
    concern: str = Field(default="concern", description="what this scenario calls it")
    over: Literal["http", "kafka"] = Field(default="http", description="by which door; both lead to the same")


class Span(Strict):
    """How long, or until when; in words, as `2 hours`, or a time, will do."""

    minutes: float = 0
    hours: float = 0
    days: float = 0
    weeks: float = 0
    until: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        if isinstance(given, str):
            long = span(given)
            return {"until": given} if long is None else {"minutes": long.total_seconds() / 60}
        return given


class Decide(Strict):
    """What a named person decides about an open question."""

    outcome: Outcome
    agency: AgencyId
    name: str = "Pat Example"
    role: DeciderRole
    reason_code: Code = "needed_to_protect"
    review_on: str = ""
    items: list[Ref] = Field(
        default=[], description="of the decision that has just these items; empty: the only open one"
    )
    recipient_class: AgencyClass | None = Field(default=None, alias="class")
    concern: str = "concern"
    refused: Code = ""


class OnShare(Person):
    """Who acts on what was shared with it: on its newest share; where a notice stands beside the concern, on both."""

    view: Code = Field(default="", description="only on the share with this view, as notice; usual is the concern's")


class GiveOutcome(OnShare):
    """What was done."""

    outcome: ShareOutcome
    reason: str = ""


class Redirect(OnShare):
    """Where it belongs."""

    to: AgencyId
    reason: str = "belongs there"
