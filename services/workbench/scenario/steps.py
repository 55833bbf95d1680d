"""The steps of a scenario: each is exactly one thing that happens."""

from __future__ import annotations

from pydantic import Field, model_validator

from services.workbench.scenario.access import AskAccess, DecideAccess
from services.workbench.scenario.acts import Decide, GiveOutcome, OnShare, Raise, Redirect, Span
from services.workbench.scenario.after import (
    Answer,
    Ask,
    Bring,
    DecideBreach,
    Disagree,
    DoDuty,
    Erase,
    NextStage,
    Recall,
    Receive,
    Renew,
    Resolve,
    Revoke,
    SafetyCall,
)
from services.workbench.scenario.attaching import Attach, Fetch, Release
from services.workbench.scenario.erasing import ApproveErasure, Hold, LiftHold, ProposeErasure, RejectErasure
from services.workbench.scenario.following import Add, Correct, GiveConsent, LinkConcerns, MoveChild, WithdrawConsent
from services.workbench.scenario.terms import Moment, Strict
from services.workbench.scenario.then import Then


class Step(Strict):
    """One thing that happens: exactly one of these."""

    raise_: Raise | None = Field(default=None, alias="raise")
    pass_: Span | None = Field(default=None, alias="pass")
    decide: Decide | None = None
    read: OnShare | None = None
    acknowledge: OnShare | None = None
    outcome: GiveOutcome | None = None
    redirect: Redirect | None = None
    add: Add | None = None
    correct: Correct | None = None
    consent_given: GiveConsent | None = None
    consent_withdrawn: WithdrawConsent | None = None
    move: MoveChild | None = None
    link: LinkConcerns | None = None
    unlink: LinkConcerns | None = None
    recall: Recall | None = None
    erase: Erase | None = None
    safety_call: SafetyCall | None = None
    breach: DecideBreach | None = None
    disagree: Disagree | None = None
    next_stage: NextStage | None = None
    resolve: Resolve | None = None
    request: Ask | None = None
    answer: Answer | None = None
    receive: Receive | None = None
    propose_erasure: ProposeErasure | None = None
    approve_erasure: ApproveErasure | None = None
    reject_erasure: RejectErasure | None = None
    hold: Hold | None = None
    lift_hold: LiftHold | None = None
    duty_done: DoDuty | None = None
    bring: Bring | None = None
    access_request: AskAccess | None = None
    access_decide: DecideAccess | None = None
    revoke: Revoke | None = None
    renew: Renew | None = None
    attach: Attach | None = None
    release: Release | None = None
    withdraw_release: Release | None = None
    fetch: Fetch | None = None
    expect: Then | None = Field(default=None, description="what must be so at this point")

    @model_validator(mode="after")
    def _one(self) -> Step:
        if len(self.model_fields_set - {"at"}) != 1:
            names = (field.alias or name for name, field in Step.model_fields.items())
            raise ValueError(f"a step is exactly one of {', '.join(names)}")
        if empty := [name.rstrip("_") for name in self.model_fields_set if getattr(self, name) is None]:
            raise ValueError(f"{empty[0]!r} says nothing: write what, or leave the step out")
        return self


class Earlier(Step):
    """A step that is over when the scenario begins."""

    at: Moment | None = Field(
        default=None, description="when; empty: with the step before it, the first a day before `now`"
    )
