"""Versions of an arrangement: what changes between two, how one is published, and how running services take it up."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.chassis.arrangement import FOLDER, Arrangement, ArrangementBook, parse_arrangement
from services.chassis.arrangement.difference import Change, Way, difference
from services.chassis.arrangement.live import LiveBook
from services.chassis.clauses import Facts
from services.chassis.errors import SettingsError
from services.workbench.arrangement_cli import app
from services.workbench.publishing import REGISTER, NotPublishedError, Publisher, publish

pytestmark = pytest.mark.exhaustive

SHIPPED = FOLDER / "kent-and-medway.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BO = Publisher("Bo Signatory", "data protection lead")

# what is written instead of what, and a change that must be seen: kind, subject, way, words, circumstances
EDITS: tuple[tuple[str, str, Change], ...] = (
    ("detail: [setting]", "detail: [setting, occurred]",
     Change("detail", "adult_social_care", Way.MORE, "may be shown occurred")),
    ("[identity, contact_details, welfare, child_voice,", "[identity, contact_details, welfare,",
     Change("category", "designated_officer", Way.LESS, "no longer: may be shown child_voice")),
    ("la_child_id, agency_id, uprn]", "la_child_id, agency_id]",
     Change("number", "childrens_social_care", Way.LESS, "no longer: may be shown uprn")),
    ("force: person_decides", "force: must",
     Change("told", "police (force)", Way.MORE, "told at once, was a person decides",
            "suspect_is_child: yes; suspected_crime: yes")),
    ("  - code: child_in_danger\n    when: {is: {immediate_danger: true}}",
     "  - code: child_in_danger\n    when: {all: [{is: {immediate_danger: true}}, {is: {aggravated: true}}]}",
     Change("told", "police (force)", Way.LESS, "not told, was told at once", "immediate_danger: yes")),
    ("    amount: 4\n", "    amount: 2\n",
     Change("clock", "acknowledge_urgent", Way.OTHER, "ends after 2 hours from delivered, was 4 hours from delivered")),
    ("channels: [inbox]", "channels: [webhook, inbox]",
     Change("channel", "kent-csc", Way.OTHER, "reached by webhook, then inbox, was inbox")),
    ("roles: [secondary, safeguarding_lead]", "roles: [secondary]",
     Change("agency", "lines-secondary", Way.LESS, "no longer: has the role safeguarding_lead")),
    ("leave_out: [physical_health, mental_health,", "leave_out: [mental_health,",
     Change("category", "adult of concern", Way.MORE, "physical_health is no longer kept from everybody",
            "triggers: position_of_trust")),
    ("    ends: [fgm_notification_legal_limit]\n", "",
     Change("duty", "fgm_notification", Way.LESS, "no longer: ends fgm_notification_legal_limit as well")),
    ("    repeats_max: 8\n", "    repeats_max: 4\n",
     Change("duty", "private_fostering_next_visit", Way.OTHER,
            "private_fostering_next_visit follows, up to 4 times, was private_fostering_next_visit, 8")),
    ("    when: {has_any: {triggers: [trafficking, criminal_exploitation, sexual_exploitation]}}\n",
     "    when: {has_any: {triggers: [trafficking, criminal_exploitation]}}\n",
     Change("duty", "nrm_referral", Way.LESS,
            "no longer: is owed by police (force) found by found, lives, else sender_area",
            "triggers: sexual_exploitation")),
    ("    instruct: [family_not_informed]\n", "",
     Change("instruction", "family_not_informed", Way.OTHER, "no longer: goes with every share",
            "triggers: fabricated_illness")),
    ("clock: acknowledge_working_day, view: prevent}", "clock: acknowledge_working_day}",
     Change("view", "police (prevent)", Way.MORE, "sees the view usual, was prevent", "triggers: radicalisation")),
    ("person_roles: [child, unborn_child], detail: []}", "person_roles: [child], detail: []}",
     Change("person", "health (view notice)", Way.LESS, "no longer: may be shown unborn_child")),
    ("    conflict_to: kent-csc-director\n", "    conflict_to: kent-csc-director\n    parent_visible: true\n",
     Change("agency", "kent-csc", Way.LESS, "parents see what arrives there: others and sources are left out")),
    ("    - {gateway: ca2004_s16la,", "    - {gateway: ca2004_s10, cite: x}\n    - {gateway: ca2004_s16la,",
     Change("standing", "told whether an agreement stands or not", Way.MORE, "under ca2004_s10")),
)  # fmt: skip


def edited(*numbers: int, begins: str = "2026-12-01") -> str:
    """The shipped file with some edits, beginning on a day of its own."""
    text = TEXT.replace("valid_from: 2018-05-25", f"valid_from: {begins}", 1)
    for number in numbers:
        old, new, _ = EDITS[number]
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@cache
def read(text: str) -> Arrangement:
    """An arrangement."""
    return parse_arrangement(text.encode(), "kent.yaml")


KENT = read(TEXT)


class TestDifference:
    """Who would be told more, who less."""

    @pytest.mark.parametrize("number", range(len(EDITS)))
    def test_each_change_is_seen(self, number: int) -> None:
        """What was edited, and beside the day nothing else."""
        found = difference(KENT, read(edited(number)))

        wanted = EDITS[number][2]
        assert wanted in found.changes, found.changes
        assert {c.subject for c in found.changes} == {wanted.subject, "valid from"}
        assert found.complete

    def test_nothing_changes(self) -> None:
        """The same file, or one whose comments were mended."""
        assert difference(KENT, read(TEXT + "\n# mended\n")).changes == ()

    def test_an_agency_joins_and_leaves(self) -> None:
        """With its class; the other way round the other way."""
        at = TEXT.index("  - id: medway-family-hub")
        without = TEXT[:at] + TEXT[TEXT.index("  - id: ", at + 1) :]
        there, back = difference(KENT, read(without)), difference(read(without), KENT)

        assert [(c.subject, c.way, c.words) for c in there.changes] == [
            ("medway-family-hub", Way.LESS, "leaves, as family_help")
        ]
        assert [(c.subject, c.way) for c in back.changes] == [("medway-family-hub", Way.MORE)]

    @given(st.sets(st.integers(0, len(EDITS) - 1)))
    @settings(max_examples=12, deadline=None)
    def test_there_and_back(self, numbers: set[int]) -> None:
        """What is more one way is less the other way."""
        after = read(edited(*sorted(numbers)))
        turned = {Way.MORE: Way.LESS, Way.LESS: Way.MORE, Way.OTHER: Way.OTHER}

        there = sorted((c.kind, c.subject, c.way) for c in difference(KENT, after).changes)
        back = sorted((c.kind, c.subject, turned[c.way]) for c in difference(after, KENT).changes)

        assert there == back

    @given(
        st.sets(st.sampled_from([3, 4])),
        st.fixed_dictionaries(
            {"triggers": st.frozensets(st.sampled_from(["fgm_known", "missing", "domestic_abuse"]))},
            optional={
                name: st.booleans()
                for name in ("suspected_crime", "suspect_is_child", "immediate_danger", "aggravated", "life_at_risk")
            },
        ),
    )
    @settings(max_examples=80, deadline=None)
    def test_nobody_is_told_differently_in_silence(self, numbers: set[int], facts: Facts) -> None:
        """Whatever the circumstances: if two arrangements tell differently, the difference says so of that class."""
        after = read(edited(*sorted(numbers)))

        told = [{(t.agency_class, t.select.role, t.force) for t in one.told(facts)} for one in (KENT, after)]

        if told[0] != told[1]:
            assert any(change.kind == "told" for change in difference(KENT, after).changes)


class TestPublishing:
    """A new version is the signed bytes, beside the old one, by a named person, from tomorrow at the earliest."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A register that holds the shipped file."""
        register = tmp_path / "arrangements"
        register.mkdir()
        (register / SHIPPED.name).write_bytes(SHIPPED.read_bytes())
        return register

    @pytest.fixture
    def signed(self, tmp_path: Path) -> Path:
        """The file people signed."""
        path = tmp_path / "signed.yaml"
        path.write_text(edited(0, 5), encoding="utf-8")
        return path

    def test_the_new_one_answers_from_its_day_and_the_old_one_stays(self, folder: Path, signed: Path) -> None:
        """Byte by byte as signed; the day before is answered as ever; who did it is on record."""
        done = publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=False)

        book = ArrangementBook.load(folder)
        assert book.on(date(2026, 11, 30)).sha256 == KENT.sha256
        assert book.on(date(2026, 12, 1)).sha256 == done.arrangement.sha256
        assert book.by_digest(KENT.sha256) is not None
        assert done.path.read_bytes() == signed.read_bytes()
        [entry] = [json.loads(line) for line in (folder / REGISTER).read_text().splitlines()]
        assert entry["published_by"] == {"name": "Bo Signatory", "role": "data protection lead"}
        assert (entry["sha256"], entry["supersedes"]) == (done.arrangement.sha256, KENT.sha256)

    def test_twice_is_once(self, folder: Path, signed: Path) -> None:
        """The same bytes again do nothing."""
        publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=False)
        again = publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=False)

        assert again.again
        assert len(list(folder.glob("*.yaml"))) == 2
        assert len((folder / REGISTER).read_text().splitlines()) == 1

    def test_looking_publishes_nothing(self, folder: Path, signed: Path) -> None:
        """A dry run shows the changes and leaves the folder as it is."""
        looked = publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=False, dry_run=True)

        assert looked.changes.changes
        assert [path.name for path in folder.iterdir()] == [SHIPPED.name]

    @pytest.mark.parametrize(
        ("begins", "effective", "now", "by", "code"),
        [
            ("2026-12-01", date(2026, 12, 2), NOW, BO, "another_day"),
            ("2026-11-25", date(2026, 11, 25), NOW, BO, "too_late"),
            ("2020-01-01", date(2020, 1, 1), NOW, BO, "too_late"),
            ("2026-11-26", date(2026, 11, 26), datetime(2026, 11, 25, 23, 56, tzinfo=UTC), BO, "too_late"),
            ("2026-06-02", date(2026, 6, 2), datetime(2026, 6, 1, 22, 56, tzinfo=UTC), BO, "too_late"),
            ("2026-12-01", date(2026, 12, 1), NOW, Publisher(" ", "lead"), "named_person_required"),
            ("2026-12-01", date(2026, 12, 1), NOW, Publisher("Bo", ""), "named_person_required"),
        ],
    )
    def test_what_is_refused(
        self, folder: Path, tmp_path: Path, begins: str, effective: date, now: datetime, by: Publisher, code: str
    ) -> None:
        """Nothing that would change what was decided, nothing nobody answers for."""
        path = tmp_path / "late.yaml"
        path.write_text(edited(0, begins=begins), encoding="utf-8")

        with pytest.raises(NotPublishedError) as refused:
            publish(path, folder, effective, by, now=now, production=False)

        assert refused.value.code == code
        assert [one.name for one in folder.iterdir()] == [SHIPPED.name]

    def test_two_on_one_day(self, folder: Path, signed: Path, tmp_path: Path) -> None:
        """One day, one arrangement."""
        publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=False)
        other = tmp_path / "other.yaml"
        other.write_text(edited(1), encoding="utf-8")

        with pytest.raises(NotPublishedError, match="begins on that day already"):
            publish(other, folder, date(2026, 12, 1), BO, now=NOW, production=False)

    def test_production_takes_no_example(self, folder: Path, signed: Path) -> None:
        """With every reason it has."""
        with pytest.raises(NotPublishedError, match="EXAMPLE") as refused:
            publish(signed, folder, date(2026, 12, 1), BO, now=NOW, production=True)

        assert "open-door-charity" in str(refused.value)

    def test_on_the_command_line(self, folder: Path, signed: Path) -> None:
        """Check, diff, publish: exit 0 and 1, one envelope."""
        run = CliRunner().invoke
        wanted = [
            "publish",
            str(signed),
            "--from",
            "2026-12-01",
            "--name",
            "Bo",
            "--role",
            "lead",
            "--folder",
            str(folder),
        ]

        differs = run(app, ["diff", str(SHIPPED), str(signed)])
        late = run(app, [*wanted[:3], "2026-12-02", *wanted[4:], "--json"])

        assert differs.exit_code == 0
        assert "+ adult_social_care: may be shown occurred" in differs.stdout
        assert late.exit_code == 1
        assert json.loads(late.stdout)["findings"][0]["code"] in {"another_day", "too_late"}


class TestTakingUp:
    """Running services follow the folder; what they knew they never forget."""

    @pytest.fixture
    def live(self, tmp_path: Path) -> tuple[LiveBook, Path]:
        """A book of a folder that holds the shipped file."""
        (tmp_path / SHIPPED.name).write_bytes(SHIPPED.read_bytes())
        return LiveBook(tmp_path, "local"), tmp_path

    def test_what_is_published_is_taken_up(self, live: tuple[LiveBook, Path]) -> None:
        """Whoever holds the book sees it; the day before is answered as before."""
        book, folder = live
        (folder / "new.yaml").write_text(edited(0), encoding="utf-8")

        [new] = book.look(date(2026, 11, 25))

        assert book.on(date(2026, 12, 1)) is new
        assert book.on(date(2026, 11, 30)).sha256 == KENT.sha256
        assert book.by_digest(new.sha256) is new
        assert book.look(date(2026, 11, 25)) == []
        assert book.sound

    @pytest.mark.parametrize(
        "text", [edited(0, begins="2026-11-25"), edited(0, begins="2020-01-01"), "name: [", edited(0)[:5000]]
    )
    def test_what_would_change_the_past_or_is_wrong_is_not(self, live: tuple[LiveBook, Path], text: str) -> None:
        """The service goes on with what it has, and says that something was not taken."""
        book, folder = live
        (folder / "new.yaml").write_text(text, encoding="utf-8")

        assert book.look(date(2026, 11, 25)) == []
        assert not book.sound
        assert book.on(date(2030, 1, 1)).sha256 == KENT.sha256

        (folder / "new.yaml").unlink()
        book.look(date(2026, 11, 25))
        assert book.sound

    def test_a_file_that_goes_away_is_remembered(self, live: tuple[LiveBook, Path]) -> None:
        """A decision names it; it stays at hand for as long as the process lives."""
        book, folder = live
        (folder / SHIPPED.name).unlink()

        book.look(date(2026, 11, 25))

        assert book.by_digest(KENT.sha256) is not None

    def test_production_takes_up_no_example(self, tmp_path: Path) -> None:
        """As at the start, so while it runs."""
        (tmp_path / SHIPPED.name).write_bytes(SHIPPED.read_bytes())

        with pytest.raises(SettingsError, match="EXAMPLE"):
            LiveBook(tmp_path, "production")
