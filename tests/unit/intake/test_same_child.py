"""Two children are never merged by a machine: in doubt it is another child."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.facts_pb2 import Identifier, Person, PersonName
from services.intake.identifiers import check
from services.intake.same_child import changes, same_children

NHS, OTHER_NHS = "9990000018", "9990000026"
CHILD = codes.PersonRole.PERSON_ROLE_CHILD
KINDS = {
    "nhs": codes.IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER,
    "upn": codes.IdentifierKind.IDENTIFIER_KIND_UPN,
    "la": codes.IdentifierKind.IDENTIFIER_KIND_LA_CHILD_ID,
    "own": codes.IdentifierKind.IDENTIFIER_KIND_AGENCY_ID,
}


def person(ref: str = "child", name: str = "", born: str = "", *, role: int = CHILD, due: str = "", **numbers: str):
    """Give a person by what it can be told by."""
    made = Person(person_id=ref, role=role, birth_date=born, expected_on=due)  # type: ignore[arg-type]
    if name:
        given_name, _, family = name.partition(" ")
        made.names.append(PersonName(given=given_name, family=family))
    for kind, value in numbers.items():
        made.identifiers.append(Identifier(kind=KINDS[kind], value=value, check=check(KINDS[kind], value)))
    return made


TAM = {"name": "Tamsin Orchard", "born": "2018-05-02"}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        # a number agrees
        ({**TAM, "nhs": NHS}, {**TAM, "nhs": NHS}, True),
        ({**TAM, "nhs": NHS}, {**TAM, "nhs": "999 000 0018", "ref": "other"}, True),
        ({**TAM, "nhs": NHS}, {"nhs": NHS, "ref": "other"}, True),
        ({**TAM, "nhs": NHS}, {**TAM, "nhs": NHS, "born": "2018-05-20"}, True),
        # twins with one number typed twice
        ({**TAM, "nhs": NHS}, {"name": "Tegan Orchard", "born": "2018-05-02", "nhs": NHS, "ref": "twin"}, False),
        # a name put right: everything else agrees
        ({"name": "Tasmin Orchard", "born": "2018-05-02", "nhs": NHS}, {**TAM, "nhs": NHS}, True),
        ({"name": "Tasmin Orchard", "nhs": NHS}, {"name": "Tamsin Orchard", "nhs": NHS}, False),
        ({**TAM, "nhs": NHS}, {"name": "Jory Penhale", "born": "2017-01-01", "nhs": NHS}, False),
        ({"born": "2018-05-02", "nhs": NHS}, {"born": "2017-01-01", "nhs": NHS}, False),
        # a number differs
        ({**TAM, "nhs": NHS}, {**TAM, "nhs": OTHER_NHS}, False),
        ({**TAM, "nhs": NHS, "own": "1"}, {**TAM, "nhs": NHS, "own": "2"}, False),
        ({**TAM, "nhs": NHS, "la": "K1"}, {**TAM, "nhs": NHS, "la": "M1"}, True),
        ({**TAM, "la": "K1"}, {**TAM, "la": "M1"}, True),
        # a number that fails its check says nothing
        ({**TAM, "nhs": "9990000019"}, {**TAM, "nhs": NHS}, True),
        ({"nhs": "9990000019"}, {"nhs": "9990000019", "ref": "other"}, False),
        # no number: name and birth, or name and ref
        (TAM, {**TAM, "ref": "other"}, True),
        (TAM, {"name": "TAMSIN  ORCHARD", "born": "2018-05-02", "ref": "other"}, True),
        (TAM, {"name": "Tamsin Orchard"}, True),
        (TAM, {"name": "Tamsin Orchard", "born": "2018-05-20"}, True),
        (TAM, {"name": "Tamsin Orchard", "born": "2018-05-20", "ref": "other"}, False),
        (TAM, {"name": "Tamsin Orchard", "ref": "other"}, False),
        ({"name": "Tamsin Orchard", "born": "2018"}, {**TAM, "ref": "other"}, False),
        # twins without numbers: same family name, same day, same ref
        (TAM, {"name": "Tegan Orchard", "born": "2018-05-02"}, False),
        # part of a name neither agrees nor differs
        (TAM, {"name": "Tamsin", "born": "2018-05-02"}, True),
        (TAM, {"name": "Tamsin", "born": "2018-05-02", "ref": "other"}, False),
        (TAM, {"name": "Orchard", "born": "2018-05-03"}, False),
        # no name: birth and ref
        ({"born": "2018-05-02"}, {"born": "2018-05-02"}, True),
        ({"born": "2018-05-02"}, {"born": "2018-05-02", "ref": "other"}, False),
        ({"born": "2018"}, {"born": "2018"}, False),
        # nothing known at all
        ({}, {}, False),
        ({}, {"ref": "other"}, False),
        ({}, TAM, False),
    ],
)
def test_the_rule_of_one_child(old: dict[str, Any], new: dict[str, Any], same: bool):
    """Signs that agree are needed, and doubt is another child."""
    assert same_children([person(**old)], [person(**new)]) is same
    assert same_children([person(**new)], [person(**old)]) is same


def test_an_alias_is_a_name():
    """A child known by two names is one child (the failure of Climbié: Anna)."""
    old, new = person(name="Tamsin Orchard", born="2018-05-02"), person("other", "Anna Grove", "2018-05-02")
    new.names.append(PersonName(given="Tamsin", family="Orchard", alias=True))

    assert same_children([old], [new])


def test_a_child_of_whom_nothing_is_known_is_the_same_where_something_said_still_stands():
    """Otherwise every word added about an unnamed child would be a concern of its own."""
    assert same_children([person()], [person()], shared=True)
    assert not same_children([person()], [person("other")], shared=True)
    assert not same_children([person()], [person(**TAM)], shared=True)


UNBORN = codes.PersonRole.PERSON_ROLE_UNBORN_CHILD
PARENT = codes.PersonRole.PERSON_ROLE_PARENT


@pytest.mark.parametrize(
    ("mother", "due", "same"),
    [
        ({"name": "Lowri Gantry", "born": "2003-08-25"}, "2027-02-18", True),
        ({"name": "Lowri Gantry", "born": "2003-08-25"}, "2027-02-25", True),
        ({"nhs": NHS}, "2027-02-25", True),
        ({"name": "Another Mother", "born": "1999-01-01"}, "2027-02-18", False),
        ({"name": "Lowri Gantry", "nhs": OTHER_NHS}, "2027-02-18", False),
    ],
    ids=str,
)
def test_an_unborn_child_is_known_by_its_mother(mother: dict[str, str], due: str, same: bool):
    """Until birth the data subject is the mother; the expected day moves and means little."""
    old = [
        person("bump", role=UNBORN, due="2027-02-18"),
        person("m", "Lowri Gantry", "2003-08-25", role=PARENT, nhs=NHS),
    ]
    new = [person("bump", role=UNBORN, due=due), person("m", role=PARENT, **mother)]

    assert same_children(old, new) is same


A, B, C = (person(r, f"{r.upper()}nna Brook", f"2015-0{n}-01") for n, r in enumerate("abc", 1))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ([A, B], [B, A], True),
        ([A], [A, B], True),
        ([A, B], [A], True),
        ([A], [B], False),
        ([A, B], [A, C], False),
        ([A, B], [], False),
        ([A, B], [C], False),
        ([], [A], True),
        ([], [], True),
        ([A], [A, A], False),
    ],
    ids=range(10),
)
def test_the_rule_of_several_children(old, new, same):
    """A sibling may be added or taken away; one exchanged for another is another concern."""
    assert same_children(old, new) is same


def test_a_correction_says_what_it_changes_in_who_a_child_is():
    """Name and birth date are what a person looks at."""
    old = [person(name="Tasmin Orchard", born="2018-05-02", nhs=NHS)]

    assert changes(old, [person(**TAM, nhs=NHS)]) == ["name_changed"]
    assert changes(old, [person(name="Tasmin Orchard", born="2018-06-02", nhs=NHS)]) == ["birth_date_changed"]
    assert changes(old, old) == []


people = st.builds(
    lambda ref, name, born, nhs: person(ref, name, born, **({"nhs": nhs} if nhs else {})),
    st.sampled_from(["child", "other"]),
    st.sampled_from(["", "Tamsin Orchard", "Tegan Orchard", "Tamsin", "Jory Penhale"]),
    st.sampled_from(["", "2018", "2018-05-02", "2017-01-01"]),
    st.sampled_from(["", NHS, OTHER_NHS, "9990000019"]),
)


@given(people, people)
def test_two_valid_numbers_that_differ_are_never_one_child(old: Person, new: Person):
    """Whatever else agrees."""
    numbers = [{i.value for i in p.identifiers if i.value in (NHS, OTHER_NHS)} for p in (old, new)]

    if all(numbers) and not numbers[0] & numbers[1]:
        assert not same_children([old], [new])


@given(people, people)
def test_one_sign_alone_is_never_enough(old: Person, new: Person):
    """A name, a day or a ref by itself merges nobody."""
    stripped = Person(person_id=new.person_id, role=new.role, names=new.names)
    if old.person_id != new.person_id and not old.birth_date:
        assert not same_children([old], [stripped])


@given(st.lists(people, max_size=3), st.lists(people, max_size=3))
def test_the_rule_does_not_look_at_the_order(old: list[Person], new: list[Person]):
    """Lists are sets here too."""
    assert same_children(old, new) == same_children(old[::-1], new[::-1])
