"""A catalogue of broken arrangement files: what is wrong, where it is pointed at, and that one reading finds it all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.arrangement import FOLDER, parse_arrangement
from services.chassis.marked_yaml import DocumentError, Mistake

pytestmark = pytest.mark.exhaustive

SHIPPED = (FOLDER / "kent-and-medway.yaml").read_text(encoding="utf-8")
CSC_RULE = (
    "      - {class: childrens_social_care, role: front_door, by: [lives, found, host, holds_plan, responsible],\n"
    "         otherwise: [sender_area], force: must, clock: acknowledge_working_day}\n"
)
SECOND = CSC_RULE.replace("force: must", "force: usually")

# what stands there, what is written instead, what is said, and a fragment of the line that is pointed at
CATALOGUE: dict[str, tuple[str, str, str, str]] = {
    # the file
    "empty": (SHIPPED, "", "empty; write the document", ""),
    "no mapping": (SHIPPED, "- a\n- b\n", "not a mapping", "- a"),
    "not YAML": ("name: kent-and-medway", "name: [kent", "not YAML", ""),
    "a tab": ("front_door: kent-csc", "\tfront_door: kent-csc", "not YAML", ""),
    "a key twice": ("status: example", "status: example\nstatus: example", "'status' stands twice", "status"),
    "a key nobody knows": ("front_door:", "frontdoor:", "nothing here is called 'frontdoor'", "frontdoor"),
    "a key missing": ("deliver_clock: deliver_promptly\n", "", "'deliver_clock' is missing", "name"),
    "another status": ("status: example", "status: draft", "unknown word 'draft'", "draft"),
    "a day that is none": ("valid_from: 2018-05-25", "valid_from: 2018-02-30", "'2018-02-30' is no day", "02-30"),
    "ends before it begins": ("valid_to:\n", "valid_to: 2018-05-24\n", "ends on 2018-05-24, before", "2018-05-24"),
    "a title left empty": (
        "title: Kent and Medway Information Sharing Agreement (EXAMPLE)",
        'title: ""',
        "empty; write it",
        "title",
    ),
    "a name that is no code": ("name: kent-and-medway", "name: Kent & Medway", "is no code", "Kent & Medway"),
    # clocks
    "a rule of no clock": ("rule: school_day", "rule: school_dayz", "did you mean 'school_day", "school_dayz"),
    "no amount": ("    amount: 24\n", "    amount: many\n", "'many' is no amount", "many"),
    "an amount too large": ("    amount: 24\n", "    amount: 100000\n", "is no amount", "100000"),
    "starts with nothing": ("    starts: planned\n", "    starts: whenever\n", "unknown word 'whenever'", "whenever"),
    "a school day without a time": ('    at: "08:00"\n', "", "has no time of day", "before_school_day"),
    "a time that is none": ('at: "08:00"', 'at: "25:00"', "is no time of day", "25:00"),
    "a clock twice": ("code: stage_urgent", "code: stage_working_day", "'stage_working_day' stands twice", "code"),
    "a clock without a citation": (
        '    cite: "Local agreement (EXAMPLE), practice 1: what is not delivered within 15 minutes is telephoned"\n',
        "",
        "'cite' is missing",
        "deliver_promptly",
    ),
    "urgent stands still at night": (
        "urgent: acknowledge_urgent",
        "urgent: acknowledge_working_day",
        "stands still at night",
        "urgent:",
    ),
    "an emergency has longer": (
        "urgent: acknowledge_urgent\n  emergency: acknowledge_emergency",
        "urgent: acknowledge_emergency\n  emergency: acknowledge_urgent",
        "an emergency has longer",
        "urgent:",
    ),
    "delivering starts with delivery": (
        "deliver_clock: deliver_promptly",
        "deliver_clock: acknowledge_urgent",
        "does not start when a share is planned",
        "deliver_clock",
    ),
    "a stage starts with delivery": (
        "role: director, clock: stage_working_day",
        "role: director, clock: acknowledge_urgent",
        "does not start with the stage",
        "director",
    ),
    "a role is asked twice": ("role: director", "role: team_manager", "'team_manager' is asked twice", "team_manager"),
    "no stage at all": (
        re.search(r"stages:\n(?:  - .*\n)+", SHIPPED)[0],
        "stages: []\n",
        "no stage; name the role",
        "stages",  # type: ignore[index]
    ),
    "a rule by a stage's clock": (
        "clock: fgm_next_working_day}",
        "clock: stage_working_day}",
        "does not start with a share",
        "stage_working_day",
    ),
    # the matrix
    "a class nobody knows": ("- class: police\n", "- class: polis\n", "did you mean 'police'", "polis"),
    "a class twice": ("- class: police\n", "- class: childrens_social_care\n", "stands twice", "class"),
    "intelligence for anybody": (
        "sex_life,\n",
        "sex_life, police_intelligence,\n",
        "never shared by rule",
        "police_int",
    ),
    "a category twice": (
        "categories: [identity, welfare, child_voice,",
        "categories: [identity, identity, child_voice,",
        "stands twice",
        "identity",
    ),
    "a detail nobody may see": (
        "detail: [setting]",
        "detail: [considered_by]",
        "no field of the detail",
        "considered_by",
    ),
    "a gateway that is none": ("gateway: ca1989_s47", "gateway: ca1989_s470", "did you mean 'ca1989_s47'", "s470"),
    "social care has no row": (
        "- class: childrens_social_care\n    purpose",
        "- class: unknown_class\n    purpose",
        "unknown AgencyClass",
        "unknown_class",
    ),
    # the rules
    "a fact nobody knows": ("when: always", "when: {is: {colour: red}}", "no fact is called 'colour'", "colour"),
    "a value nobody knows": ("triggers: position_of_trust", "triggers: trust", "is no value of triggers", "trust"),
    "a condition of nothing": ("when: always", "when: {all: []}", "'all' of nothing", "all"),
    "two conditions at once": (
        "when: always",
        "when: {is: {level: significant_harm}, not: {is: {level: child_in_need}}}",
        "has one key",
        "when",
    ),
    "told by nothing known": (
        "by: [employer_area]",
        "by: [employer_areas]",
        "did you mean 'employer_area'",
        "employer_areas",
    ),
    "named without a list": ("by: [employer_area]", "by: [named]", "go together", "designated_officer"),
    "another force": ("force: person_decides", "force: perhaps", "unknown word 'perhaps'", "perhaps"),
    "no emergencies": ("    emergency: true\n", "", "no rule is for emergencies", "code: need"),
    "an emergency as a proposal": (
        "{class: ambulance, role: emergency, by: [found, lives], otherwise: [sender_area], force: must",
        "{class: ambulance, role: emergency, by: [found, lives], otherwise: [sender_area], force: usually",
        "told at once or not at all",
        "force",
    ),
    "a role nobody has": (
        "{class: police, role: force,",
        "{class: police, role: farce,",
        "did you mean 'force'",
        "farce",
    ),
    "the same class with different force": (CSC_RULE, CSC_RULE + SECOND, "different force", "childrens_social_care"),
    "the same class by different clocks": (
        CSC_RULE,
        CSC_RULE + CSC_RULE.replace("acknowledge_working_day", "acknowledge_urgent"),
        "different clocks",
        "class",
    ),
    "a rule that tells nobody": (CSC_RULE, "      []\n", "tells nobody", "[]"),
    "two rules for the same circumstances": (
        "  - code: child_in_danger\n",
        "  - code: the_same_again\n    when: always\n"
        "    unless: {any: [{is: {level: problems_emerging}}, {is: {notice_only: true}}]}\n"
        "    cite: x\n    tell:\n" + SECOND + "  - code: child_in_danger\n",
        "contradicts rule 'need_or_significant_harm'",
        "usually",
    ),
    "a rule twice": ("code: child_in_danger", "code: child_victim_of_crime", "stands twice", "code"),
    # agencies
    "no such front door": ("front_door: kent-csc", "front_door: kent-cscs", "did you mean 'kent-csc'", "front_door"),
    "a front door that is none": ("front_door: kent-csc", "front_door: kent-police", "is no front door", "front_door"),
    "an agency twice": ("id: kent-edt", "id: kent-csc", "'kent-csc' stands twice", "id"),
    "a cover nobody knows": ("cover: kent-edt", "cover: kent-edd", "did you mean 'kent-edt'", "kent-edd"),
    "a cover of another class": ("cover: kent-edt", "cover: kent-police", "of another class (police)", "kent-police"),
    "a successor of its own": (
        "succeeded_by: hoo-road-primary",
        "succeeded_by: chatham-vale-primary",
        "points at itself",
        "succeeded_by",
    ),
    "merged and still open": (
        "    valid_to: 2024-08-31\n    succeeded_by: hoo-road-primary",
        "    succeeded_by: hoo-road-primary",
        "is still open",
        "succeeded_by",
    ),
    "no channel": ("channels: [inbox]", "channels: []", "no way to reach it", "channels"),
    "a channel that is none": ("channels: [inbox]", "channels: [pigeon]", "unknown Channel 'pigeon'", "pigeon"),
    "closes before it opens": (
        '{opens: "08:30", closes: "17:00"}',
        '{opens: "18:30", closes: "17:00"}',
        "closes before it opens",
        "18:30",
    ),
    "an area that is none": ("areas: [E06000035]", "areas: [Medway]", "'Medway' is no area", "Medway"),
    # what follows a share
    "no breach clock": ("  breach: breach_72_hours\n", "", "'breach' is missing", "erase"),
    "a breach by a clock there is none of": (
        "  breach: breach_72_hours",
        "  breach: breach_72_hrs",
        "no clock is called 'breach_72_hrs'",
        "breach_72_hrs",
    ),
    "a band without a clock": (", green: request_green}", "}", "'green' is missing", "{red"),
    "a duty without a citation": (
        'gateway: msa2015_s52, cite: "Modern Slavery Act 2015 s52(1): the duty to notify"',
        "gateway: msa2015_s52",
        "'cite' is missing",
        "{gateway: msa2015_s52",
    ),
    "a gateway of no law": ("{gateway: msa2015_s52", "{gateway: msa2015_s99", "unknown Gateway", "msa2015_s99"),
    "a nature of no law": (
        "natures: [public_authority, section_11_body]",
        "natures: [authority]",
        "unknown LegalNature",
        "authority",
    ),
    "signed on examples": ("status: example", "status: signed", "this reference is an EXAMPLE", "EXAMPLE"),
}


def mistakes_of(text: str) -> tuple[Mistake, ...]:
    """Everything that is found in a file."""
    with pytest.raises(DocumentError) as refused:
        parse_arrangement(text.encode(), "kent.yaml")
    return refused.value.mistakes


def changed(old: str, new: str, text: str = SHIPPED) -> str:
    """The shipped file with one thing changed."""
    assert old in text
    return text.replace(old, new, 1)


def test_the_catalogue_is_large_enough() -> None:
    """At least forty ways to write it wrong."""
    assert len(CATALOGUE) >= 40


@pytest.mark.parametrize("what", CATALOGUE)
def test_what_is_wrong_is_said_where_it_is(what: str) -> None:
    """File, line and column of the thing itself, what is wrong with it, and what to do."""
    old, new, says, fragment = CATALOGUE[what]
    text = changed(old, new)

    found = mistakes_of(text)

    [first, *_] = [mistake for mistake in found if says in str(mistake)] or [None]
    assert first is not None, [str(mistake) for mistake in found]
    assert re.fullmatch(r"kent\.yaml:\d+:\d+: [^;]+; .+", str(first))
    lines = text.splitlines() or [""]
    assert fragment in lines[first.line - 1]
    assert 1 <= first.column <= len(lines[first.line - 1]) + 1


def test_one_reading_finds_them_all() -> None:
    """Seven mistakes in seven places, one of them twice in a row: seven lines, in the order of the file."""
    text = SHIPPED
    for old, new in (
        ("status: example", "status: draft"),
        ("rule: school_day", "rule: school_dayz"),
        ("gateway: ca1989_s47", "gateway: ca1989_s470"),
        ("when: {is: {immediate_danger: true}}", "when: {is: {danger: true}}"),
        ("force: person_decides", "force: perhaps"),
        ("channels: [inbox]", "channels: [pigeon]"),
        ("natures: [public_authority, section_11_body]", "natures: [authority]"),
    ):
        text = changed(old, new, text)

    found = mistakes_of(text)

    assert len(found) == 7
    assert list(found) == sorted(found)


def test_contradictions_are_found_together() -> None:
    """Once every row stands, everything that does not meet is told at once."""
    text = SHIPPED
    for old, new in (
        ("front_door: kent-csc", "front_door: nobody"),
        ("cover: kent-edt", "cover: nobody"),
        ("deliver_clock: deliver_promptly", "deliver_clock: at_leisure"),
        ("clock: fgm_next_working_day}", "clock: fgm}"),
    ):
        text = changed(old, new, text)

    assert len(mistakes_of(text)) == 4


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_cut_out_or_misspelt(data: st.DataObject) -> None:
    """A line lost, doubled or damaged: an arrangement, or mistakes with places in the file; never another error."""
    lines = SHIPPED.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["lost", "doubled", "damaged", "moved"])):
            case "lost":
                del lines[at]
            case "doubled":
                lines.insert(at, lines[at])
            case "damaged":
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = (
                    lines[at][:cut]
                    + data.draw(st.sampled_from(["x", ":", "[", "-", '"', "\t", "£", ""]))
                    + lines[at][cut + 1 :]
                )
            case _:
                lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(at))

    for mistake in mistakes_or_none("".join(lines)):
        assert 1 <= mistake.line <= len(lines) + 1
        assert mistake.wrong
        assert mistake.remedy


def mistakes_or_none(text: str) -> tuple[Mistake, ...]:
    """What is found in a file that may be right."""
    try:
        parse_arrangement(text.encode(), "kent.yaml")
    except DocumentError as error:
        return error.mistakes
    return ()


def test_the_shipped_files_are_right() -> None:
    """Each of them, read as services read it."""
    for path in sorted(Path(FOLDER).glob("*.yaml")):
        assert parse_arrangement(path.read_bytes(), path.name).rules
