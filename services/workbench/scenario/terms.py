"""Terms that all words of a scenario share: ids, codes, who acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

LONDON: Final = ZoneInfo("Europe/London")
Code = Annotated[str, Field(pattern=r"^[a-z0-9_.:-]+$", max_length=120)]
AgencyId = Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=80)]
AgencyOrNone = Annotated[str, Field(pattern=r"^[a-z0-9-]*$", max_length=80)]
Ref = Annotated[str, Field(min_length=1, max_length=200)]


def local(moment: datetime) -> datetime:
    """Give a time as meant in a scenario: Europe/London unless it has a zone of its own."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=LONDON)).astimezone(UTC)


class Strict(BaseModel):
    """A word whose unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Person(Strict):
    """Who acts."""

    agency: AgencyId
    name: str = "Pat Example"
    role: str = "duty worker"
    concern: str = "concern"
    refused: Code = Field(default="", description="the code with which it must be refused; empty: it must succeed")
