"""What people mistype in scenarios: each slip is answered with file, line, column and what may stand there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import ScenarioFileError, play, read
from services.workbench.scenario.stage import SceneError

BASE = """\
scenario: base
given:
  now: 2026-11-23T10:00
when:
  - raise:
      agency: larkfield-primary
      reference: r1
      urgency: routine
      raised_by: {name: Pat Example, role: teacher}
      detail: {level: child_in_need, triggers: [neglect]}
      people:
        - {ref: child, role: child, names: [Robin A], age_years: 8, authorities: [{gss_code: E10000016, role: lives}]}
      items:
        - {ref: worry, category: welfare, kind: fact, about: child, text: No coat.}
then:
  recipients: [kent-csc]
  clocks: [{of: acknowledgement, agency: kent-csc, due: 2026-11-24T17:00}]
"""


def _write(tmp_path: Path, old: str, new: str) -> Path:
    assert old in BASE
    path = tmp_path / "mine.yaml"
    path.write_text(BASE.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("recipients:", "recipient:", "16:3: 'recipient' is no word here; did you mean 'recipients'?"),
        ("- raise:", "- raises:", "5:5: 'raises' is no word here; did you mean 'raise'?"),
        ("      reference: r1\n", "", "6:7: 'reference' is missing"),
        ("then:\n", "then:\n  recipients: [medway-csc]\n", "17:3: 'recipients' stands twice"),
        ("urgency: routine", "urgency: normal", "8:16: 'normal' is no word here; one of: routine, urgent, emergency"),
        ("[neglect]", "[neglect, bruises]", "10:58: 'bruises' is no word here; one of: domestic_abuse"),
        ("category: welfare", "category: wellfare", "14:34: 'wellfare' is no word here; did you mean 'welfare'?"),
        ("about: child", "about: chlid", "14:62: 'chlid' names nobody and nothing that is sent here; did you mean"),
        ("E10000016", "E1000016", "12:94: 'E1000016' is no ONS code"),
        ("age_years: 8", "birth_date: 2/5/2018", "12:67: '2/5/2018' is no date; write 2018, 2018-05 or 2018-05-02"),
        (
            "agency: larkfield",
            "agency: larkfeild",
            "6:15: 'larkfeild-primary' is no agency of the arrangement; did you",
        ),
        ("age_years: 8", "age_years: 8, known_to_agencies: [gp]", "12:89: 'gp' is no agency"),
        ("age_years: 8", "age_years: 8, school: lakfield-primary", "12:77: 'lakfield-primary' is no agency"),
        ("recipients: [kent-csc]", "not_recipients: [kent-polise]", "16:20: 'kent-polise' is no agency"),
        ("2026-11-23T10:00", "23/11/2026 10:00", "3:8: '23/11/2026 10:00' is no time; write 2026-11-23T10:00"),
        ("2026-11-23T10:00", "2026-02-30T10:00", "3:8: '2026-02-30T10:00' is no time"),
        ("2026-11-23T10:00", "2026-03-29T01:30", "3:8: the clocks go forward over 2026-03-29T01:30"),
        ("2026-11-24T17:00", "17:00", "17:57: '17:00' is no time"),
        ("text: No coat.", "text: Said: no coat.", "14:79: not YAML"),
        ("then:\n", "then:\n  shares: [{to: kent-csc, excludes: [wory]}]\n", "16:38: 'wory' is no ref of anything"),
        (
            "then:\n",
            "then:\n  shares: [{to: kent-csc, state: sent}]\n",
            "16:34: 'sent' is no word here; one of: planned",
        ),
        ("then:\n", "then:\n  basis: [{class: health, not_clauses: [a6_x]}]\n", "16:41: 'a6_x' is no clause of a law"),
        ("then:\n", "then:\n  basis: [{class: social care}]\n", "16:19: 'social care' is no word here"),
        (
            "then:\n",
            "then:\n  no_events: [ShareAcknowleged]\n",
            "16:15: 'ShareAcknowleged' is no word here; did you mean",
        ),
        ("then:\n", "  - expect:\nthen:\n", "15:5: 'expect' says nothing"),
        (
            "recipients: [kent-csc]",
            "recipients: kent-csc, kent-police",
            "16:15: 'kent-csc,-kent-police' is no code or id",
        ),
        ("authorities: [", "names: child, authorities: [", "12:69: 'names' stands twice"),
        ("then:\n", "  - pass: {hour: 2}\nthen:\n", "15:12: 'hour' is no word here; did you mean 'hours'?"),
        ("then:\n", "  - {read: kent-csc, acknowledge: kent-csc}\nthen:\n", "15:5: a step is exactly one of raise"),
        ("text: No coat.", "text: !!python/object/apply:os.system [x]", "14:75: no value a scenario has"),
        ("text: No coat.", "text: !hidden No coat.", "14:75: no value a scenario has"),
        ("then:\n", "then:\n---\n", "16:1: not YAML (but found another document); one document a file"),
        ("then:\n", "  - pass: {days: 99999999}\nthen:\n", "15:18: 99999999 is too much"),
        ("then:\n", "  - pass: {hours: -5}\nthen:\n", "15:19: -5 is too little"),
        (
            "then:\n",
            "  - pass: {days: 1, until: 2026-11-25T10:00}\nthen:\n",
            "15:11: either how long, or until when",
        ),
        ("2026-11-23T10:00", "9999-12-31T10:00", "3:8: 9999-12-31 is before the law that is known here began"),
        ("2026-11-23T10:00", "2018-05-24T10:00", "3:8: 2018-05-24 is before the law that is known here began"),
        ("age_years: 8", "age_years: eight", "12:66: 'eight' is no age; write whole years"),
        ("age_years: 8", "dob: 2018", "12:55: 'dob' is no word here; did you mean 'birth_date'?"),
        ("[neglect]", "[county lines]", "10:49: 'county_lines' is no word here; did you mean 'criminal_exploitation'?"),
        ("then:\n", "  - pass: 1 minute\n" * 200 + "then:\n", "5:3: 201 are too many; write at most 200"),
        ("then:\n", "  - pass: soon\nthen:\n", "15:11: 'soon' is neither how long nor until when; write 90 minutes"),
        ("then:\n", "then:\n  not_answers: [not_my_rôle]\n", "16:17: 'not_my_rôle' is no code or id"),
        ("then:\n", "then:\n  not_answers: [not_my_part]\n", "16:17: 'not_my_part' is no myth, and no clause"),
        ("then:\n", "then:\n  not_warnings: [odd]\n", "16:18: 'odd' is nothing that is flagged"),
        ("then:\n", "then:\n  questions: [is_it]\n", "16:15: 'is_it' is no question of a law pack"),
        ("then:\n", "then:\n  governance: [apd]\n", "16:16: 'apd' is no clause of a law pack"),
        ("then:\n", "then:\n  shares:\n", "16:10: 'shares' says nothing; write what, or leave it out"),
        ("then:\n", "then:\n  shares: [{to: kent-csc, count: many}]\n", "16:34: not a number; write a whole number"),
        ("then:\n", "then:\n  emergency: perhaps\n", "16:14: neither yes nor no; write yes or no"),
        ("then:\n", "  - decide: {agency: kent-csc, outcome: share, role: dsl}\nthen:\n", "15:41: 'share' is no word"),
    ],
)
def test_a_slip_is_answered_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Given a slip, when the file is read, then file, line, column, what is wrong and what may stand there are said."""
    with pytest.raises(ScenarioFileError) as told:
        read(_write(tmp_path, old, new))

    assert f"mine.yaml:{says}" in str(told.value)


def test_text_in_another_encoding_is_said(tmp_path: Path) -> None:
    """Given a file that is no UTF-8, then line and column of the first letter that is none are said."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(BASE.replace("No coat.", "Cafés.").encode("latin-1"))

    with pytest.raises(ScenarioFileError, match=r"mine\.yaml:14:78: not UTF-8; save it as UTF-8"):
        read(path)


def test_all_slips_are_said_at_once(tmp_path: Path) -> None:
    """Given two slips, then both are told, in the order of the file."""
    path = _write(tmp_path, "recipients: [kent-csc]", "recipient: [kent-csc]\n  warning: [x]")

    with pytest.raises(ScenarioFileError) as told:
        read(path)

    assert [line.split(": ")[0] for line in str(told.value).splitlines()] == ["mine.yaml:16:3", "mine.yaml:17:3"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-11-23T10:00", "2026-11-23 10:00"),
        ("2026-11-23T10:00", "Monday 23 November 2026, 10:00"),
        ("due: 2026-11-24T17:00", "due: 2026-11-24"),
        ("due: 2026-11-24T17:00", "due: Tue 24 Nov 2026 17:00"),
        ("[kent-csc]", "Kent CSC"),
        ("then:\n", "then:\n  basis: {class: CSC, article6: 6(1)(e), outcome: Share power}\n"),
        ("then:\n", "then:\n  events: concern raised\n"),
        ("then:\n", "  - pass: 2 hours\nthen:\n"),
        (
            "then:\n",
            "  - pass: {weeks: 2}\n  - pass: {until: 2026-12-07T10:00}\nthen:\n  events: AcknowledgementOverdue\n",
        ),
        ("then:\n", "  - acknowledge: kent-csc\nthen:\n"),
        ("then:\n", "  - read: {agency: kent-police, refused: any}\nthen:\n"),
        ("then:\n", "  - read: {agency: kent-police, refused: yes}\nthen:\n"),
        ("age_years: 8", "birth_date: 2018"),
        ("ref: worry", "ref: no"),
        ("reference: r1", "reference: 7"),
        ("clocks: [", "no_clocks: [request, breach]\n  clocks: [{of: watch, due: 2026-11-23T10:15}, "),
        ("[neglect]}", "[neglect], myths: [not_my_role]}"),
        ("then:\n", "then:\n  shares: {to: kent-csc, state: Delivered}\n"),
    ],
)
def test_what_can_only_mean_one_thing_is_read(tmp_path: Path, old: str, new: str) -> None:
    """Given a word, time or list as people write it, when only one can be meant, then the scenario passes."""
    path = _write(tmp_path, old, new)

    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert played.findings == ()


def test_a_day_alone_is_not_any_day(tmp_path: Path) -> None:
    """Given a clock that is due on another day than stated, then it is a finding."""
    path = _write(tmp_path, "due: 2026-11-24T17:00", "due: 2026-11-25")

    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert ["clock: no acknowledgement due Wed 25 Nov 2026" in one for one in played.findings] == [True]


def test_a_code_that_is_to_be_flagged_is_no_slip(tmp_path: Path) -> None:
    """Given a scenario that expects the warning, then an unknown code is sent as it is."""
    path = tmp_path / "mine.yaml"
    odd = BASE.replace("urgency: routine", "urgency: normal").replace(
        "then:\n", "then:\n  warnings: [code_not_known]\n"
    )
    path.write_text(odd.partition("  clocks")[0], encoding="utf-8")

    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert played.findings == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("then:\n", "then:\n  concern: other\n", "16:3: no concern called 'other' was raised"),
        ("then:\n", "  - pass: {until: 2026-11-22T10:00}\nthen:\n", "15:5: pass until 2026-11-22"),
        (
            "then:\n",
            "  - add: {items: [{ref: b, about: chlid, text: More.}]}\nthen:\n",
            "15:5: add: /items/0/about/0 names n",
        ),
        ("then:\n", "  - move: {child: child, to: Medway}\nthen:\n", "15:5: move: /to is no ONS code of an authority"),
    ],
)
def test_what_only_the_scene_can_know_has_its_place_too(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Given a step that cannot be played, then the place of the step is said."""
    path = _write(tmp_path, old, new)

    with pytest.raises(SceneError) as told, closing(InProcess()) as hand:
        play(read(path), path, hand)

    assert f"mine.yaml:{says}" in str(told.value)


def test_what_was_found_before_a_step_that_cannot_be_played_is_said_with_it(tmp_path: Path) -> None:
    """Given a step that was refused, when a later one cannot be played, then both are told: the first may be why."""
    path = _write(
        tmp_path,
        "then:\n",
        "  - decide: {outcome: share_power, agency: kent-csc, role: social_work_manager}\nthen:\n  concern: other\n",
    )

    with pytest.raises(SceneError) as told, closing(InProcess()) as hand:
        play(read(path), path, hand)

    assert "no concern called 'other' was raised" in str(told.value)
    assert "before that, step 2: decide was refused: no_such_decision" in str(told.value)


def test_one_of_several_concerns_at_the_end(tmp_path: Path) -> None:
    """Given a list under `then`, then each is held against its concern."""
    path = _write(tmp_path, "then:\n", "then:\n  - {recipients: [kent-csc]}\n  - {recipients: [kent-police]}\n")
    path.write_text(path.read_text(encoding="utf-8").rpartition("  recipients")[0], encoding="utf-8")

    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert played.findings == ("recipients: kent-police has no share",)
