"""Words for what is so before anything happens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.workbench.scenario.contract import Channel, LegalNature
from services.workbench.scenario.steps import Earlier
from services.workbench.scenario.terms import LONDON, AgencyId, Code, Moment, Strict, local

_FIRST: Final = datetime(2018, 5, 25, tzinfo=LONDON)
_LAST: Final = datetime(2100, 1, 1, tzinfo=LONDON)


def _of_our_time(now: datetime) -> datetime:
    """Refuse a day on which no law that is known here had begun, and one that no calendar here reaches."""
    if not _FIRST <= local(now) < _LAST:
        raise PydanticCustomError(
            "moment",
            "{said} is before the law that is known here began, or far ahead; write a day from 25 May 2018 to 2099",
            {"said": f"{now:%Y-%m-%d}"},
        )
    return now


class AgencyChange(Strict):
    """A change of one agency of the arrangement, for this scenario only."""

    agency: AgencyId
    natures: list[LegalNature] | None = Field(default=None, description="its standing in law, in place of what it has")
    policy_document: str | None = Field(default=None, description="a reference; an empty text means it holds none")
    dpia: str | None = Field(default=None, description="impact assessment; an empty text means it has none")
    agreement: str | None = Field(default=None, description="sharing agreement; an empty text means it has none")
    closed_on: date | None = Field(default=None, description="its last day: closed, or merged where `succeeded_by`")
    succeeded_by: AgencyId | None = None
    channels: list[Channel] | None = Field(default=None, description="how it is reached; [manual] waits for a person")


class Given(Strict):
    """What is so before anything happens."""

    now: Annotated[Moment, AfterValidator(_of_our_time)] = Field(
        description="when the scenario begins; Europe/London unless a zone is given"
    )
    arrangement: str = Field(
        default="", description="name of an arrangement in deploy/arrangements; empty: the one in force"
    )
    law: str = Field(
        default="",
        description="name of a law pack in deploy/law that decides whatever the day; empty: the one in force",
    )
    agencies: list[AgencyChange] = Field(default=[], description="agencies that differ from the arrangement")
    unlisted: list[Code] = Field(
        default=[], description="ids of agencies that the arrangement does not list, named in this scenario on purpose"
    )
    earlier: list[Earlier] = Field(
        default=[], max_length=100, description="steps dated before `now`, in order: what has happened already"
    )
