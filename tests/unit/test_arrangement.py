"""Arrangements as data: what is read, what is refused and where, and which one is in force."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from concern_relay.v1.codes_pb2 import AgencyClass, Category, Channel, LegalNature, PersonRole
from services.chassis.arrangement import (
    FOLDER,
    FRONT_DOOR,
    Arrangement,
    ArrangementBook,
    Force,
    SelectBy,
    Status,
    parse_arrangement,
    read_arrangement,
)
from services.chassis.clauses import Facts
from services.chassis.errors import SettingsError
from services.chassis.marked_yaml import DocumentError

CSC = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
POLICE = AgencyClass.AGENCY_CLASS_POLICE
SHIPPED = FOLDER / "kent-and-medway.yaml"
NO_TRIGGERS: Facts = {"triggers": frozenset[str]()}


@pytest.fixture(scope="module")
def kent() -> Arrangement:
    """The shipped EXAMPLE."""
    return read_arrangement(SHIPPED)


def changed(old: str, new: str) -> Arrangement:
    """The shipped file with one thing changed."""
    text = SHIPPED.read_text()
    assert old in text
    return parse_arrangement(text.replace(old, new, 1).encode(), "kent.yaml")


def told(kent: Arrangement, **facts: object) -> dict[str, Force]:
    """Classes told for some facts, with the strongest force."""
    order = list(Force)
    found: dict[str, Force] = {}
    for one in kent.told({**NO_TRIGGERS, **facts}):  # type: ignore[dict-item]
        name = AgencyClass.Name(one.agency_class).removeprefix("AGENCY_CLASS_").lower()
        found[name] = min(found.get(name, one.force), one.force, key=order.index)
    return found


def test_the_shipped_arrangement_is_an_example(kent: Arrangement) -> None:
    """Real bodies' legal standing is marked EXAMPLE, so production can refuse it (practice 30)."""
    assert kent.status is Status.EXAMPLE
    assert len(kent.sha256) == 64


def test_the_bodies_of_the_brief_are_there(kent: Arrangement) -> None:
    """Both authorities with their emergency duty teams, police, ambulance, schools, health, charities and the rest."""
    day = date(2026, 11, 23)
    for agency_class in kent.matrix:
        assert kent.agencies_of(agency_class, day=day), AgencyClass.Name(agency_class)
    for area in ("E10000016", "E06000035"):
        assert len(kent.agencies_of(CSC, role=FRONT_DOOR, area=area, day=day)) == 1
        assert len(kent.agencies_of(CSC, role="emergency_duty", area=area, day=day)) == 1


def test_an_independent_charity_has_no_policy_document(kent: Arrangement) -> None:
    """S07 needs a body without an appropriate policy document, and a commissioned one with it."""
    independent, commissioned = kent.agency("open-door-charity"), kent.agency("safe-harbour-charity")
    assert independent is not None
    assert commissioned is not None

    assert independent.policy_document is None
    assert independent.natures == {LegalNature.LEGAL_NATURE_INDEPENDENT_CHARITY}
    assert LegalNature.LEGAL_NATURE_COMMISSIONED_PROVIDER in commissioned.natures


def test_a_district_leads_to_the_county(kent: Arrangement) -> None:
    """A sender who knows only Maidstone still reaches Kent's front door."""
    [front_door] = kent.agencies_of(CSC, role=FRONT_DOOR, area="E07000110", day=date(2026, 11, 23))

    assert front_door.agency_id == "kent-csc"


def test_an_authority_outside_is_reached_by_hand(kent: Arrangement) -> None:
    """Leeds is in no row; its front door exists all the same, by telephone (practice 23)."""
    leeds = kent.agency("outside-e08000035")
    assert leeds is not None

    assert leeds.outside
    assert leeds.name.startswith("Leeds")
    assert leeds.channels == (Channel.CHANNEL_MANUAL,)
    assert kent.agency("nobody") is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"level": "child_in_need"}, {"childrens_social_care": Force.MUST}, id="in need"),
        pytest.param({}, {"childrens_social_care": Force.MUST}, id="nothing stated: social care all the same"),
        pytest.param(
            {"level": "child_in_need", "suspected_crime": True},
            {"childrens_social_care": Force.MUST, "police": Force.MUST},
            id="crime",
        ),
        pytest.param(
            {"level": "child_in_need", "suspected_crime": True, "suspect_is_child": True},
            {"childrens_social_care": Force.MUST, "police": Force.PERSON_DECIDES},
            id="child suspect: a person decides",
        ),
        pytest.param(
            {"level": "child_in_need", "suspected_crime": True, "suspect_is_child": True, "aggravated": True},
            {"childrens_social_care": Force.MUST, "police": Force.MUST},
            id="child suspect, aggravated",
        ),
        pytest.param(
            {"level": "child_in_need", "immediate_danger": True, "suspect_is_child": True},
            {"childrens_social_care": Force.MUST, "police": Force.MUST},
            id="danger, whoever the suspect is",
        ),
        pytest.param({"level": "problems_emerging"}, {"family_help": Force.USUALLY}, id="problems emerging"),
        pytest.param(
            {"level": "problems_emerging", "triggers": frozenset({"private_fostering"})},
            {"family_help": Force.USUALLY, "childrens_social_care": Force.MUST},
            id="serious whatever the level",
        ),
        pytest.param(
            {"urgency": "emergency"},
            {"childrens_social_care": Force.MUST, "police": Force.MUST, "ambulance": Force.MUST},
            id="emergency",
        ),
        pytest.param(
            {"level": "child_in_need", "triggers": frozenset({"domestic_abuse"}), "sender_class": "police"},
            {
                "childrens_social_care": Force.MUST,
                "education": Force.MUST,
                "health": Force.USUALLY,
                "early_years": Force.USUALLY,
            },
            id="domestic abuse by police",
        ),
        pytest.param(
            {"level": "child_in_need", "triggers": frozenset({"domestic_abuse"}), "sender_class": "health"},
            {"childrens_social_care": Force.MUST, "health": Force.USUALLY, "early_years": Force.USUALLY},
            id="domestic abuse by health: no duty towards schools",
        ),
        pytest.param(
            {"level": "child_in_need", "triggers": frozenset({"position_of_trust"})},
            {
                "childrens_social_care": Force.MUST,
                "designated_officer": Force.MUST,
                "early_years": Force.MUST,
                "education": Force.MUST,
                "police": Force.USUALLY,
            },
            id="position of trust",
        ),
    ],
)
def test_who_is_told(kent: Arrangement, facts: dict[str, object], expected: dict[str, Force]) -> None:
    """The rows of rules 2.2 and practice 5 and 6, by class and force."""
    assert told(kent, **facts) == expected


def test_usual_recipients_are_proposals(kent: Arrangement) -> None:
    """Health, school, housing and probation are never told before the front door has looked (practice 5)."""
    found = told(kent, level="significant_harm")

    assert [name for name, force in found.items() if force is Force.MUST] == ["childrens_social_care"]
    assert {"health", "education", "housing", "probation"} <= found.keys()


def test_every_row_is_cited(kent: Arrangement) -> None:
    """Every rule, matrix row and clock says where it comes from."""
    assert all(rule.cite for rule in kent.rules)
    assert all(row.cite for row in kent.matrix.values())
    assert all(clock.cite for clock in kent.clocks.values())


def test_no_row_admits_what_is_never_shared(kent: Arrangement) -> None:
    """Police intelligence and the identity of sources are in no row (practice 9)."""
    for row in kent.matrix.values():
        assert not row.admits(Category.CATEGORY_POLICE_INTELLIGENCE)
        assert not row.admits(Category.CATEGORY_SOURCE_IDENTITY)
        assert not row.admits(Category.CATEGORY_THERAPY)


def test_schools_see_neither_health_nor_addresses_nor_suspects(kent: Arrangement) -> None:
    """S24: what a school is told of domestic abuse has no medical detail, no address, no suspect."""
    row = kent.matrix[AgencyClass.AGENCY_CLASS_EDUCATION].seen_as("")

    assert not row.admits(Category.CATEGORY_PHYSICAL_HEALTH)
    assert not row.admits(Category.CATEGORY_ADDRESS)
    assert PersonRole.PERSON_ROLE_ADULT_OF_CONCERN not in row.person_roles


def test_an_item_without_category_counts_as_welfare(kent: Arrangement) -> None:
    """A category nobody stated never keeps the worry from travelling."""
    assert kent.matrix[CSC].admits(Category.CATEGORY_UNSPECIFIED)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("status: example", "status: exampel", r"unknown word 'exampel'; did you mean 'example'"),
        ("front_door: kent-csc", "front_door: kent-cscc", r"no such agency; did you mean 'kent-csc'"),
        ("rule: working_days", "rule: workingdays", r"unknown word 'workingdays'"),
        ("    amount: 1\n", "    amount: 0\n", r"'0' is no amount"),
        ("valid_to:\n", "valid_to: 2017-01-01\n", r"ends on 2017-01-01, before it begins"),
        ("purpose: safeguard_child", "purpse: safeguard_child", r"nothing here is called 'purpse'"),
        ("sex_life,\n", "sex_life, police_intelligence,\n", r"never shared by rule"),
        ("{level: problems_emerging}", "{level: problems_emergin}", r"'problems_emergin' is no value of level"),
        ("when: always", "when: {is: {colour: red}}", r"no fact is called 'colour'"),
        (
            "by: [lives, found, host, holds_plan, responsible],\n         otherwise",
            "by: [livs],\n         otherwise",
            r"did you mean 'lives'",
        ),
        ("cover: kent-edt", "cover: kent-edd", r"no agency is called 'kent-edd'"),
        ("succeeded_by: hoo-road-primary", "succeeded_by: chatham-vale-primary", r"points at itself"),
        ("deliver_clock: deliver_promptly", "deliver_clock: at_leisure", r"no clock is called 'at_leisure'"),
        ("clock: fgm_next_working_day}", "clock: fgm}", r"no clock is called 'fgm'"),
        ("id: kent-edt", "id: kent-csc", r"'kent-csc' stands twice"),
        ("channels: [inbox]", "channels: []", r"no way to reach it"),
        ("    emergency: true\n", "", r"no rule is for emergencies"),
        ('hours: {opens: "08:30", closes: "17:00"}', 'hours: {opens: "18:30", closes: "17:00"}', r"closes before"),
        ("detail: [setting]", "detail: [considered_by]", r"no field of the detail"),
        ("name: kent-and-medway\n", "name: kent-and-medway\nname: twice\n", r"stands twice"),
        ("name: kent-and-medway", "name: [kent", r"not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_remedy(old: str, new: str, says: str) -> None:
    """Errors name file, line, column, what is wrong and what to do."""
    with pytest.raises(DocumentError) as refused:
        changed(old, new)

    assert re.match(r"kent\.yaml:\d+:\d+: .+; .+", str(refused.value))
    assert re.search(says, str(refused.value))


def test_contradicting_rows_are_refused() -> None:
    """One rule cannot tell the same class both at once and perhaps."""
    with pytest.raises(DocumentError, match="different force"):
        changed(
            "    tell:\n      - {class: designated_officer, role: designated_officer, by: [employer_area]",
            "    tell:\n      - {class: designated_officer, role: designated_officer, by: [host], force: usually,"
            " clock: move_24_hours}\n      - {class: designated_officer, role: designated_officer, by: [employer_area]",
        )


def test_any_byte_changes_the_name(kent: Arrangement) -> None:
    """A decision names the exact file it was made with."""
    assert changed("front_door: kent-csc", "front_door: medway-csc").sha256 != kent.sha256


def test_a_book_picks_by_day_and_by_digest(kent: Arrangement) -> None:
    """The arrangement in force on the day decides; an old digest is still found."""
    later = changed("valid_from: 2018-05-25\nvalid_to:", "valid_from: 2026-12-01\nvalid_to: 2027-12-01")
    book = ArrangementBook.of([later, kent])

    assert book.on(date(2026, 11, 30)) is kent
    assert book.on(date(2026, 12, 1)) is later
    assert book.on(date(2028, 1, 1)) is kent
    assert book.by_digest(later.sha256) is later
    assert book.by_digest("00") is None


def test_an_arrangement_that_ran_out_still_answers(kent: Arrangement) -> None:
    """Nobody is kept from being told of a child because an agreement ran out; ``in_force`` says that it did."""
    only = changed("valid_to:\n", "valid_to: 2020-01-01\n")
    book = ArrangementBook.of([only])

    assert book.on(date(2026, 11, 23)) is only
    assert not only.in_force(date(2026, 11, 23))
    assert kent.in_force(date(2026, 11, 23))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """Without any arrangement nothing can be routed; the message says what to put where."""
    with pytest.raises(SettingsError, match="put at least one"):
        ArrangementBook.load(tmp_path)


def test_selections_name_their_last_resort(kent: Arrangement) -> None:
    """Every row that must be followed by area says what to do when no area is known."""
    for rule in kent.rules:
        for one in rule.tells:
            if one.must and SelectBy.LIVES in one.select.by:
                assert one.select.otherwise, rule.code


def test_production_refuses_an_example(kent: Arrangement) -> None:
    """EXAMPLE legal standing never meets a real child; locally it serves."""
    book = ArrangementBook.of([kent])

    assert book.fit_for("local") is book
    with pytest.raises(SettingsError, match="is an EXAMPLE"):
        book.fit_for("production")


def test_production_refuses_agencies_without_papers() -> None:
    """Signed, but an agency with an inbox has no impact assessment: named, with what to do."""
    text = SHIPPED.read_text().replace("EXAMPLE-", "REF-").replace("status: example", "status: signed")
    signed = parse_arrangement(text.encode(), "kent.yaml")

    with pytest.raises(SettingsError, match="open-door-charity"):
        ArrangementBook.of([signed]).fit_for("production")
