"""What is sent and what is answered, typed. Fields and codes are those of the API's own schema.

A field that is not listed here may be given all the same (``Submission(..., groups=[...])``): the service knows more
than this file, refuses what it does not know, and says which field was probably meant.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    model_config = ConfigDict(extra="allow")

    def to_json(self) -> dict[str, Any]:
        """Give it as it is sent: only what was stated."""
        return self.model_dump(mode="json", exclude_unset=True)


class RaisedBy(_Sent):
    """Who raises it; or that they asked not to be named to the family."""

    name: str = ""
    role: str = ""
    contact: str = ""
    anonymous: bool = False


class Name(_Sent):
    """A name."""

    given: str = ""
    family: str = ""
    alias: bool = False


class Identifier(_Sent):
    """A number. A wrong one is flagged, never refused."""

    kind: str
    value: str


class Authority(_Sent):
    """An authority, by ONS code, and why it is concerned."""

    gss_code: str
    role: str = ""


class Person(_Sent):
    """A person; a role alone will do."""

    ref: str = ""
    role: str = ""
    names: list[Name | str] = Field(default_factory=list)
    birth_date: str = ""
    sex: str = ""
    identifiers: list[Identifier] = Field(default_factory=list)
    authorities: list[Authority] = Field(default_factory=list)
    school: dict[str, Any] | str = ""


class Item(_Sent):
    """One thing that was seen, heard or said."""

    text: str
    ref: str = ""
    category: str = ""
    kind: str = ""
    about: str | list[str] = ""
    source: str = ""
    occurred: str = ""


class Detail(_Sent):
    """The concern as a whole: what you believe, and yes, no or unknown."""

    level: str = ""
    triggers: list[str] = Field(default_factory=list)
    suspected_crime: str = ""
    immediate_danger: str = ""
    life_at_risk: str = ""
    myths: list[str] = Field(default_factory=list, description="what was said against sharing, by code; answered")


class Submission(_Sent):
    """A concern, as an agency raises it."""

    reference: str
    raised_by: RaisedBy
    urgency: str = ""
    occurred: str = ""
    text: str = ""
    people: list[Person] = Field(default_factory=list)
    items: list[Item] = Field(default_factory=list)
    detail: Detail = Field(default_factory=Detail)
    test: bool = False
    history: bool = False


class _Answered(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Notice(_Answered):
    """Something the person who raised it has to read: show it."""

    code: str
    text: str


class Warned(_Answered):
    """Something odd that was kept."""

    code: str
    pointer: str
    detail: str


class Accepted(_Answered):
    """It is recorded for good and cannot be lost.

    Attributes:
        receipt: signed; keep it.
        repeated: it was accepted before.
        corrected: it changed a concern that was raised before.
    """

    concern_id: str
    status_url: str
    receipt: dict[str, Any]
    warnings: list[Warned] = []
    notice: list[Notice] = []
    repeated: bool = False
    corrected: bool = False
    same_reference_as: str | None = None
    raises_concern_id: str | None = None

    @property
    def call_999(self) -> bool:
        """Whether somebody has to be told to call 999: nothing here is a call."""
        return any(each.code == "call_999" for each in self.notice)


class Outcome(_Answered):
    """What was done, as far as it was given to you."""

    code: str
    given_at: datetime


class Status(_Answered):
    """Where a concern of yours stands: received, acknowledged, outcome_given. Nothing of other agencies."""

    concern_id: str
    state: str
    urgency: str
    received_at: datetime
    acknowledged_at: datetime | None = None
    follow_up_by: datetime | None = None
    outcome: Outcome | None = None
    version: int = 1
    test: bool = False
    history: bool = False
    notice: list[Notice] = []


class Attachment(_Answered):
    """A file of a concern of yours: declared, expired, quarantined, not_scanned, cleared, refused."""

    attachment_id: str
    state: str
    kind: str = ""
    media_type: str = ""
    length: int = 0
    sha256: str = ""
    upload_url: str = ""
    upload_by: datetime | None = None
    reason: str = ""
    fetched: list[datetime] = []
    repeated: bool = False


class Page(_Answered):
    """Some of your concerns, newest first."""

    concerns: list[Status]
    after: str | None = None
