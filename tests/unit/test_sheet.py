"""A view on paper: read by people, with everything the view holds and nothing else."""

from __future__ import annotations

from concern_relay.v1.census_pb2 import AssessmentFactor, ReferralSource
from concern_relay.v1.codes_pb2 import (
    AuthorityRole,
    Category,
    HiddenReason,
    PersonRole,
    Ternary,
)
from concern_relay.v1.facts_pb2 import (
    Address,
    AuthorityConcern,
    ConcernDetail,
    Item,
    Part,
    Person,
    PersonName,
    Relationship,
)
from services.chassis.sheet import sheet
from services.routing.answers import in_order

CHILD = Person(
    person_id="p1",
    role=PersonRole.PERSON_ROLE_CHILD,
    names=[PersonName(given="Robin", family="Invented"), PersonName(given="Rob", alias=True)],
    addresses=[Address(lines=["1 Some Lane"], postcode="ME15 9ZZ")],
    authorities=[AuthorityConcern(gss_code="E10000016", role=AuthorityRole.AUTHORITY_ROLE_LIVES)],
    relationships=[Relationship(to_person_id="p2", kind="step-child")],
)
STEPFATHER = Person(person_id="p2", role=PersonRole.PERSON_ROLE_ADULT_OF_CONCERN, names=[PersonName(given="Col")])
PARTS = {
    "d": Part(
        detail=ConcernDetail(
            reference="a_12_b",
            suspected_crime=Ternary.TERNARY_YES,
            referral_source=ReferralSource.REFERRAL_SOURCE_2A_SCHOOLS,
            factors=list(AssessmentFactor.values())[1:2],
        )
    ),
    "i2": Part(item=Item(item_id="i2", category=Category.CATEGORY_EDUCATION, text="Absent.", about_person_id="gone")),
    "i1": Part(
        item=Item(item_id="i1", category=Category.CATEGORY_WELFARE, text="A bruise.", about_person_id="p1", core=True)
    ),
    "p1": Part(person=CHILD),
    "p2": Part(person=STEPFATHER),
}


def said() -> dict[str, str]:
    """Every label with its text, one after the other."""
    return {
        f"{section.title}/{entry.heading}/{line.label}": line.text
        for section in sheet(in_order(PARTS))
        for entry in section.entries
        for line in entry.lines
    }


def test_what_was_seen_comes_first_and_the_core_before_the_rest() -> None:
    """The concern, what is known, people; the core of the worry first."""
    sections = sheet(in_order(PARTS))

    assert [section.title for section in sections] == ["The concern", "What is known", "People"]
    assert [entry.heading for entry in sections[1].entries] == ["welfare", "education"]


def test_names_stand_where_ids_stood() -> None:
    """Who an item is about, who somebody is related to; what is not in the view leaves no trace."""
    found = said()

    assert found["What is known/welfare/about"] == "Robin Invented, also Rob (child)"
    assert (
        found["People/Robin Invented, also Rob (child)/relationships"] == "to: Col (adult of concern), kind: step-child"
    )
    assert "What is known/education/about" not in found


def test_codes_are_words_and_words_of_people_stay_as_written() -> None:
    """An underscore of a code is a space; that of a reference is the sender's."""
    found = said()

    assert found["The concern//referral source"] == "2a schools"
    assert found["The concern//reference"] == "a_12_b"
    assert found["People/Robin Invented, also Rob (child)/addresses"] == "1 Some Lane, ME15 9ZZ"
    assert "_" not in found["The concern//factors"]


def test_nothing_says_that_something_was_hidden() -> None:
    """No id, no mark of ours, no code of suppression."""
    text = " ".join((*said(), *said().values()))

    for mark in ("p1", "i1", "core", HiddenReason.Name(1), "gone"):
        assert mark not in text
