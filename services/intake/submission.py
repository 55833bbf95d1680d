"""What an agency sends to raise a concern: the JSON of ``POST /v1/concerns``.

Needed is the least that is possible: the agency's own reference, who raises it (or that they stay anonymous), somebody
or some place it is about, and something that was seen, heard or said. Everything else helps and may be missing. No
lawful basis is asked for: a mandatory legal question makes people telephone instead (practice 13).

A code that is not known and a date that cannot be read are flagged and kept; that is done in ``content``, so here both
are text. Field names and meanings follow ``proto/concern_relay/v1/facts.proto``.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as check
from pydantic_core import PydanticCustomError

from services.intake.fields import (
    LISTED,
    AbsenceCode,
    AbuseCode,
    Age,
    AgencyId,
    Answer,
    Article6Code,
    AssertionCode,
    AuthorityCode,
    CategoryCode,
    ClassCode,
    ClosureCode,
    ConsentKindCode,
    ConsentStatusCode,
    Day,
    FactorCode,
    GssCode,
    HiddenCode,
    IdentifierCode,
    LevelCode,
    Line,
    MatchCode,
    MythCode,
    NeedCode,
    NotToldCode,
    PlaceCode,
    Ref,
    RoleCode,
    SexCode,
    Short,
    SourceCode,
    StatusCode,
    Text,
    ToldCode,
    TriggerCode,
    UrgencyCode,
)


class Sent(BaseModel):
    """Anything an agency sends."""

    # A field that is not known is refused and not dropped: what stood in it would reach nobody.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


class Actor(Sent):
    """A person who acts in a role."""

    name: Line = ""
    role: Line = Field(default="", examples=["designated safeguarding lead"])
    contact: Line = ""


class RaisedBy(Actor):
    """Who raises it. A name or a role; or that they asked not to be named to the family."""

    anonymous: bool = False

    @check(mode="after")
    def _somebody(self) -> Self:
        if not (self.name or self.role or self.anonymous):
            raise PydanticCustomError(
                "concern_nobody", "Say who raises it: name or role; or anonymous true if they asked not to be named."
            )
        return self


class Detail(Sent):
    """The concern as a whole."""

    level: LevelCode = ""
    triggers: Annotated[tuple[TriggerCode, ...], LISTED] = Field(default=(), max_length=30)
    suspected_crime: Answer = Field(default="", description="A child is the suspected victim of a crime.")
    immediate_danger: Answer = ""
    suspect_is_child: Answer = ""
    aggravated: Answer = ""
    life_at_risk: Answer = ""
    subject_incapable: Answer = ""
    service_only: Answer = ""
    more_detrimental: Answer = ""
    balancing_test_complete: Answer = ""
    primary_need: NeedCode = ""
    referral_source: SourceCode = ""
    factors: Annotated[tuple[FactorCode, ...], LISTED] = Field(default=(), max_length=50)
    closed_on: Day = Field(default="", description="Of a statutory return: the case was closed.")
    closure_reason: ClosureCode = ""
    no_further_action: Answer = ""
    setting: Line = Field(default="", description="Where it was noticed, in words.")
    basis_asked_for: Article6Code = Field(default="", description="Never needed; checked, not relied upon.")
    consent_absence: AbsenceCode = ""
    detrimental_to: Annotated[tuple[ClassCode, ...], LISTED] = Field(default=(), max_length=20)
    considered_by: Actor | None = None
    myths: Annotated[tuple[MythCode, ...], LISTED] = Field(
        default=(), max_length=20, description="What was said against sharing; answered, and never a reason to wait."
    )


class PersonName(Sent):
    """A name."""

    given: Line = ""
    family: Line = ""
    alias: bool = False


class Identifier(Sent):
    """A number; a wrong one is flagged."""

    kind: IdentifierCode = ""
    value: Line = Field(min_length=1, examples=["9990000018"])
    hidden: HiddenCode = ""
    match: MatchCode = Field(default="", description="What the matcher that named it concluded; none: you know it.")
    confidence: Line = Field(
        default="", description="Of that matcher, 0 to 1; read where `match` is left out.", examples=["0.90"]
    )


class Address(Sent):
    """An address. ``hidden`` is true, or better the reason; a recipient cannot link the old and the new one."""

    lines: Annotated[tuple[Line, ...], LISTED] = Field(default=(), max_length=10)
    postcode: Line = ""
    uprn: Line = ""
    from_on: Day = ""
    to_on: Day = ""
    hidden: HiddenCode = ""


class Authority(Sent):
    """An authority and why it is concerned; all of them are told (practice 24)."""

    gss_code: GssCode = Field(min_length=1)
    role: AuthorityCode = ""
    from_on: Day = ""


class Status(Sent):
    """A plan or status."""

    status: StatusCode = Field(min_length=1)
    gss_code: GssCode = ""
    from_on: Day = ""
    to_on: Day = ""
    initial_category: AbuseCode = Field(default="", description="Of a child protection plan, as the next three.")
    latest_category: AbuseCode = ""
    previous_plans: Line = ""
    reviewed_on: Annotated[tuple[Day, ...], LISTED] = Field(default=(), max_length=50)


class Relationship(Sent):
    """To another person of this submission."""

    to: Ref = Field(min_length=1)
    kind: Line = Field(default="", examples=["mother", "stepfather", "aunt's friend"])
    parental_responsibility: Answer = ""


class School(Sent):
    """School or college: its agency id where it is on the network, its name where it is not."""

    agency: AgencyId = ""
    name: Line = ""


class Person(Sent):
    """A person. Without ``ref``, a person is called by the role where only one has it: ``child``."""

    ref: Ref = ""
    role: RoleCode = ""
    names: Annotated[tuple[Annotated[PersonName, Short("given")], ...], LISTED] = Field(default=(), max_length=20)
    birth_date: Day = Field(default="", description="As much as is known: 2018, 2018-05 or 2018-05-02.")
    expected_on: Day = ""
    died_on: Day = ""
    age_years: Age = ""
    sex: SexCode = ""
    identifiers: tuple[Identifier, ...] = Field(default=(), max_length=20)
    addresses: tuple[Address, ...] = Field(default=(), max_length=20)
    relationships: tuple[Relationship, ...] = Field(default=(), max_length=50)
    authorities: tuple[Authority, ...] = Field(default=(), max_length=10)
    statuses: Annotated[tuple[Annotated[Status, Short("status")], ...], LISTED] = Field(default=(), max_length=20)
    language: Line = Field(default="", description="BCP 47, as cy or ar.")
    contact_details: Annotated[tuple[Line, ...], LISTED] = Field(default=(), max_length=20)
    can_read_agencies: Annotated[tuple[AgencyId, ...], LISTED] = Field(default=(), max_length=20)
    known_to_agencies: Annotated[tuple[AgencyId, ...], LISTED] = Field(default=(), max_length=50)
    school: Annotated[School, Short("agency")] = School()
    adult_at_risk: Answer = ""
    can_consent: Answer = ""
    match: MatchCode = Field(
        default="", description="What your matcher concluded where it named no number: many_match, no_match, error."
    )


class Place(Sent):
    """A place."""

    ref: Ref = ""
    kind: PlaceCode = ""
    name: Line = ""
    address: Address | None = None
    gss_code: GssCode = ""


class Group(Sent):
    """A group, some of it not known by name. No person records are made from descriptions."""

    ref: Ref = ""
    name: Line = ""
    descriptions: Annotated[tuple[Text, ...], LISTED] = Field(default=(), max_length=50)
    members: tuple[Ref, ...] = Field(default=(), max_length=50)


class Item(Sent):
    """One thing that was seen, heard or said. One item, one category: then a recipient gets what it needs and no more.

    ``about`` is a ref of a person, place or group; several are possible, and the first person is the one it is about.
    ``core`` and ``emergency_minimum``, left out, follow from the category.
    """

    ref: Ref = ""
    category: CategoryCode = ""
    kind: AssertionCode = ""
    text: Text = Field(min_length=1)
    about: Annotated[tuple[Ref, ...], LISTED] = Field(default=(), max_length=20)
    mentions: Annotated[tuple[Ref, ...], LISTED] = Field(default=(), max_length=50)
    source: Line = ""
    source_protected: bool = False
    occurred: Day = ""
    core: bool | None = None
    emergency_minimum: bool | None = None
    consent: Ref = Field(default="", description="The ref of the consent this item rests on.")
    protects: Ref = Field(
        default="", description="The ref of the person it serves to protect; left out, the children of the concern."
    )
    bears_on_risk: Answer = Field(
        default="",
        description="Whether it bears on the risk to the child. `no`, as of an unrelated conviction or an old illness: "
        "it goes to nobody. Left out: it does.",
    )
    collected_on_consent: Answer = Field(
        default="",
        description="It was collected on the consent of the person it is about, for another purpose. Left out: no more "
        "than what `consent` says.",
    )
    consent_absence: AbsenceCode = Field(
        default="",
        description="Why consent to sharing this item was not obtained, where that is not as `detail` says of all.",
    )
    needed_by: Annotated[tuple[ClassCode, ...], LISTED] = Field(default=(), max_length=20)
    not_for: Annotated[tuple[ClassCode, ...], LISTED] = Field(default=(), max_length=20)


class Consent(Sent):
    """A consent, or its absence. Four kinds that are never mixed (practice 12)."""

    ref: Ref = ""
    kind: ConsentKindCode = ""
    status: ConsentStatusCode = ""
    subject: Ref = ""
    given_by: Ref = ""
    items: tuple[Ref, ...] = Field(default=(), max_length=200)
    purpose: Line = ""
    given_on: Day = ""
    expires_on: Day = ""
    explicit: bool = False
    absence: AbsenceCode = ""
    recipients: Annotated[tuple[ClassCode, ...], LISTED] = Field(default=(), max_length=20)


class FamilyTold(Sent):
    """Whether the family was told that this is shared; not telling them is allowed, and has a reason."""

    told: ToldCode = ""
    reason: NotToldCode = ""
    review_on: Day = ""
    note: Text = ""


class Submission(Sent):
    """A concern, as an agency raises it."""

    reference: Ref = Field(min_length=1, description="The agency's own. The same reference again is the same concern.")
    urgency: UrgencyCode = ""
    occurred: Day = Field(default="", description="When it happened or was noticed.")
    raised_by: RaisedBy
    text: Text = Field(default="", description="The worry in words, where there are no items.")
    detail: Detail = Detail()
    people: tuple[Person, ...] = Field(default=(), max_length=50)
    places: tuple[Place, ...] = Field(default=(), max_length=20)
    groups: tuple[Group, ...] = Field(default=(), max_length=20)
    items: tuple[Item, ...] = Field(default=(), max_length=200)
    consents: tuple[Consent, ...] = Field(default=(), max_length=50)
    family_told: Annotated[FamilyTold, Short("told")] = FamilyTold()
    history: bool = Field(default=False, description="A statutory return: recorded, never sent on.")
    test: bool = Field(default=False, description="Practice: never reaches a real inbox.")

    @check(mode="after")
    def _something_about_somebody(self) -> Self:
        if not (self.people or self.places or self.groups):
            raise PydanticCustomError(
                "concern_nobody", "Name at least one person, place or group; a role alone will do."
            )
        if not (self.items or self.text):
            raise PydanticCustomError("concern_nothing", "Say what was seen, heard or said: items, or text.")
        return self

    @check(mode="after")
    def _refs_name_one_thing(self) -> Self:
        refs_once(self)
        return self


def refs_once(given: Any) -> None:
    """See that no two things have one ref: people, places and groups; items; consents.

    Raises:
        PydanticCustomError: two have.
    """
    subjects: tuple[Person | Place | Group, ...] = (*given.people, *given.places, *given.groups)
    for kind, refs in (
        ("people, places and groups", [subject.ref for subject in subjects if subject.ref]),
        ("items", [item.ref for item in given.items if item.ref]),
        ("consents", [consent.ref for consent in given.consents if consent.ref]),
    ):
        if len(refs) != len(set(refs)):
            raise PydanticCustomError(
                "concern_ref_twice", "Two of the {kind} have the same ref. Give each its own.", {"kind": kind}
            )
