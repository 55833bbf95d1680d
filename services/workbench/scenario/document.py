"""The words a scenario may use. An unknown word is a mistake in the file, never ignored.

    scenario: S01 a bruise at school
    given:
      now: 2026-11-23T10:00
    when:
      - raise: {agency: …, reference: …, items: […]}
      - pass: {hours: 26}
    then:
      basis: [{class: childrens_social_care, outcome: share_power, article6: e_public_task}]
      recipients: [kent-csc]

Codes are those of the contract, without prefix, in lower case. Items, people, places and consents are named by the refs
of the submission. Times without a zone are Europe/London.
"""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from services.workbench.scenario.given import Given
from services.workbench.scenario.places import Places
from services.workbench.scenario.steps import Step
from services.workbench.scenario.terms import Strict
from services.workbench.scenario.then import Then


class Scenario(Strict):
    """A scenario. `_places` is where its words stand in its file."""

    scenario: str = Field(min_length=1, max_length=200, description="what it shows, in a sentence")
    cites: list[str] = Field(default=[], description="where the rule comes from")
    note: str = Field(default="", description="what a reader should know")
    given: Given = Field(description="what is so before anything happens")
    when: list[Step] = Field(min_length=1, max_length=200, description="what happens, a step each, in order")
    then: list[Then] = Field(
        min_length=1, max_length=50, description="what must be at the end; one, or a list of one for each concern"
    )
    _places: Places | None = PrivateAttr(default=None)
