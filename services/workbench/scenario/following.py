"""Words for what a sender says of its concern later: added, corrected, consents, a move, a link."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, Field

from services.intake import follow_up as sent
from services.workbench.scenario.terms import AgencyOrNone, Code, Ref, Refusal


class _Following(BaseModel):
    """A follow-up of a concern: who sends it, and of which."""

    agency: AgencyOrNone = Field(default="", description="who sends it; empty: the agency that raised the concern")
    concern: str = Field(default="concern", description="what this scenario calls it")
    over: Literal["http", "kafka"] = Field(default="http", description="by which door; both lead to the same")
    refused: Refusal = ""


class Add(_Following, sent.Addition):
    """Information that the sender learnt since."""


class Correct(_Following, sent.Correction):
    """What was wrong, as it should be; what is left out stands, `remove` names what should never have been there."""


class GiveConsent(_Following, sent.GivenConsent):
    """A consent that was given since."""


class WithdrawConsent(_Following, sent.Withdrawal):
    """A consent is withdrawn."""

    consent: Ref = Field(
        default="", validation_alias=AliasChoices("consent", "ref"), description="its ref; empty: the only one there is"
    )


class MoveChild(_Following, sent.Move):
    """A child moved; `to` is the ONS code of the authority. An unknown destination raises a concern of its own."""

    raises: str = Field(
        default="whereabouts", description="what this scenario calls the concern that an unknown destination raises"
    )


class LinkConcerns(_Following, sent.FollowUp):
    """A named person links two concerns of this scenario, or parts them."""

    other: str = Field(description="what this scenario calls the other concern")
    reason_code: Code = "other"
    reason: str = "found to be about the same child"


Follow = Add | Correct | GiveConsent | WithdrawConsent | MoveChild | LinkConcerns
FOLLOW_UPS = ("add", "correct", "consent_given", "consent_withdrawn", "move", "link", "unlink")
