"""What an agency sends after it raised a concern: the JSON of ``POST /v1/concerns/{id}/…``.

Refs are those of the concern as it was raised: what was called ``child`` there is ``child`` here. A follow-up says what
is new, and nothing that it leaves out is lost by that.
"""

from __future__ import annotations

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field
from pydantic import model_validator as check
from pydantic_core import PydanticCustomError

from services.intake.fields import LISTED, Day, GssCode, Ref, Short, Text, UrgencyCode
from services.intake.submission import (
    Actor,
    Address,
    Consent,
    Detail,
    FamilyTold,
    Group,
    Item,
    Person,
    Place,
    School,
    Sent,
    refs_once,
)

_BY = Annotated[Actor, Short("name")]


class FollowUp(Sent):
    """What every follow-up may say."""

    by: _BY = Field(default=Actor(), description="Who adds, corrects, records or finds it; a name, or more.")


class Addition(FollowUp):
    """Information that was learnt since. People already named are added to, never replaced."""

    urgency: UrgencyCode = Field(default="", description="If what was learnt makes it more urgent.")
    occurred: Day = ""
    text: Text = Field(default="", description="In words, where there are no items.")
    detail: Detail | None = Field(default=None, description="Circumstances that came to light; lists are added to.")
    people: tuple[Person, ...] = Field(default=(), max_length=50)
    places: tuple[Place, ...] = Field(default=(), max_length=20)
    groups: tuple[Group, ...] = Field(default=(), max_length=20)
    items: tuple[Item, ...] = Field(default=(), max_length=200)
    consents: tuple[Consent, ...] = Field(default=(), max_length=50)

    @check(mode="after")
    def _something(self) -> Self:
        things = self.people or self.places or self.groups or self.items or self.consents
        if not (things or self.text or self.urgency or self.detail is not None):
            raise PydanticCustomError("concern_nothing", "Say what is new: items, text, detail, people or urgency.")
        refs_once(self)
        return self


class Correction(FollowUp):
    """What was wrong, as it should be. Fields that are stated take the place of those before; others stand."""

    reason: Text = Field(default="", description="Why, in words.")
    urgency: UrgencyCode = ""
    occurred: Day = ""
    text: Text = Field(default="", description="The words in place of the first text.")
    detail: Detail | None = None
    family_told: Annotated[FamilyTold, Short("told")] | None = None
    people: tuple[Person, ...] = Field(default=(), max_length=50)
    places: tuple[Place, ...] = Field(default=(), max_length=20)
    groups: tuple[Group, ...] = Field(default=(), max_length=20)
    items: tuple[Item, ...] = Field(default=(), max_length=200)
    consents: tuple[Consent, ...] = Field(default=(), max_length=50)
    remove: Annotated[tuple[Ref, ...], LISTED] = Field(
        default=(), max_length=200, description="Refs of what should never have been there; recipients are told."
    )

    @check(mode="after")
    def _something(self) -> Self:
        things = (self.people, self.places, self.groups, self.items, self.consents, self.remove)
        if not (any(things) or self.text or self.urgency or self.detail or self.family_told):
            raise PydanticCustomError("concern_nothing", "Say what is corrected, or the refs to remove.")
        refs_once(self)
        return self


class GivenConsent(Consent):
    """A consent that was given since; one of the four kinds, which are never mixed (practice 12)."""

    status: str = Field(default="given", pattern="^given$")
    by: _BY = Field(default=Actor(), description="Who recorded it.")
    note: Text = ""


class Withdrawal(FollowUp):
    """A consent is withdrawn: what rests on it stops before this is answered (UK GDPR Article 7(3))."""

    words: Text = Field(default="", description="What the person said.")
    withdrawn_on: Day = ""


class Move(FollowUp):
    """A child moved, or is not where it was. A temporary stay is no move."""

    child: Ref = Field(default="child", min_length=1, description="The ref of the child.")
    to: GssCode = Field(default="", description="ONS code of the authority it moved to.")
    address: Address | None = Field(default=None, description="The new address, where it is known.")
    temporary: bool = False
    unknown_destination: bool = Field(default=False, description="Nobody knows where the child went.")
    moved_at: Day = Field(default="", description="When; as much as is known.")
    school: Annotated[School, Short("agency")] = School()
    note: Text = ""

    @check(mode="after")
    def _somewhere(self) -> Self:
        if not (self.to or self.address or self.unknown_destination):
            raise PydanticCustomError(
                "concern_nowhere", "Say where to: an authority or an address; or that nobody knows."
            )
        return self


LINK_REASONS: Final = (
    "same_number", "same_name_and_birth_date", "family_confirmed", "professional_confirmed", "other",
)  # fmt: skip
UNLINK_REASONS: Final = ("different_child", "linked_by_mistake", "other")


class Link(FollowUp):
    """A named person found that two concerns are about one child. Nothing is merged; it can be undone."""

    other_concern_id: UUID
    reason_code: str = Field(default="other", pattern=f"^({'|'.join(LINK_REASONS)})$", examples=["same_number"])
    reason: Text = Field(min_length=1, description="Why, in words.")


class Unlink(FollowUp):
    """A named person found that two linked concerns are not about one child."""

    reason_code: str = Field(default="other", pattern=f"^({'|'.join(UNLINK_REASONS)})$", examples=["different_child"])
    reason: Text = Field(min_length=1, description="Why, in words.")
