"""CSV by a mapping file, without a server: bad rows are kept and said, the next goes on, nothing is dropped."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.workbench.import_cli import app
from services.workbench.imports.report import Report
from services.workbench.imports.sending import Answer
from services.workbench.imports.table.importing import Importing, opened_rows
from services.workbench.imports.table.mapping import read_mapping
from services.workbench.imports.table.rejects import Rejects
from services.workbench.imports.unreadable import UnreadableError

SAMPLES = Path(__file__).parents[3] / "deploy" / "samples"
MAPPING = """
values: {raised_by.role: teacher, people.0.role: child}
columns:
  Ref: {to: reference}
  Name: {to: people.0.names}
  Words: {to: text}
"""
GOOD = b"1,Ada,hungry\n"


def imported(
    tmp_path: Path, content: bytes, mapping: str = MAPPING, *, history: bool = True
) -> tuple[Report, list[dict[str, Any]], list[list[str]]]:
    """Import bytes; give the report, what was sent, and what stands in the rejects file."""
    file, where = tmp_path / "export.csv", tmp_path / "map.yaml"
    file.write_bytes(content)
    where.write_text(mapping)
    report, sent = Report("row"), []

    def send(_: str, submission: dict[str, Any], told: Any) -> bool:
        sent.append(submission)
        told(Answer({}))
        return True

    read = read_mapping(where)
    with file.open("rb") as stream:
        rows = opened_rows(stream, read)
        with Rejects(file, rows.headings, rows.delimiter, keep=True) as rejects:
            Importing(report, send, read, history, lambda _: None).run(rows, rejects, stream)
    if not rejects.count:
        assert not rejects.path.exists()
        return report, sent, []
    assert rejects.path.stat().st_mode & 0o077 == 0
    with rejects.path.open(newline="", encoding="utf-8") as kept:
        return report, sent, list(csv.reader(kept, delimiter=rows.delimiter))[1:]


@pytest.mark.parametrize("name", ["police-notifications", "school-export"])
def test_the_shipped_samples_are_taken_whole(name):
    """Every row of the two samples is a concern that intake's own reading takes."""
    result = CliRunner().invoke(
        app,
        ["csv", str(SAMPLES / f"{name}.csv"), "-m", str(SAMPLES / f"{name}.mapping.yaml"), "--dry-run", "--json"],
    )

    last = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0
    assert last["rows"] == last["concerns"] > 2
    assert last["unread"] == 0


@pytest.mark.parametrize(("options", "told"), [([], False), (["--live"], True)])
def test_history_says_loudly_that_nobody_is_told(options, told):
    """Who says neither --live nor --history learns, last and in capitals, that nobody is told."""
    file, mapping = SAMPLES / "police-notifications.csv", SAMPLES / "police-notifications.mapping.yaml"

    result = CliRunner().invoke(app, ["csv", str(file), "-m", str(mapping), "--dry-run", *options])

    last = result.stdout.splitlines()[-1]
    assert ("NOBODY IS TOLD" in last and "--live" in last) is not told
    assert ("NOBODY" in result.stdout) is not told


def test_a_police_row_becomes_a_concern_field_by_field(tmp_path):
    """Constants, codes, dates, splitting, several targets, a list of siblings, a value made of two columns."""
    mapping = (SAMPLES / "police-notifications.mapping.yaml").read_text()

    _, sent, _ = imported(tmp_path, (SAMPLES / "police-notifications.csv").read_bytes(), mapping, history=False)

    first = sent[0]
    assert (first["reference"], first["urgency"], first["occurred"]) == ("46/0001/26/1", "urgent", "2026-11-02T21:40")
    assert "history" not in first
    assert first["detail"]["triggers"] == ["domestic_abuse"]
    child, *siblings = first["people"]
    assert (child["names"][0], child["birth_date"]) == ({"given": "Zoë", "family": "Invented"}, "2016-03-14")
    assert [(s["role"], s["names"][0]["given"]) for s in siblings] == [("sibling", "Théo"), ("sibling", "Ava")]
    assert "\n" in first["items"][0]["text"]
    assert first["items"][1] == {"text": "“He threw the plate.”", "category": "child_voice"}
    assert sent[1]["people"][0]["birth_date"] == "2010"


@pytest.mark.parametrize(
    ("code", "row", "kept"),
    [
        ("too_few_columns", b"2,Ben\n", "Ben"),
        ("too_many_columns", b"2,Ben,cold, and wet\n", "cold"),
        ("quote_not_closed", b'2,"Ben,cold\n', "Ben"),
        ("row_wrong", b'2,"Ben"x"",cold\n', "Ben"),
        ("not_of_encoding", b"2,Zo\xeb,cold\n", "Zo"),
        ("too_large", b"2,Ben," + b"x" * 1_100_000 + b"\n", "Ben"),
        ("too_large", b"2,Ben" + b"," * 600 + b"\n", "Ben"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_remedy_and_the_next_goes_on(code, row, kept, tmp_path):
    """Given a bad row between good ones, then both are sent, and the bad one lies in the rejects with line and code."""
    report, sent, rejected = imported(tmp_path, b"Ref,Name,Words\n" + GOOD + row + b"3,Cy,tired\n")

    assert [each["reference"] for each in sent][:1] == ["1"]
    assert [each["reference"] for each in sent][-1:] == ["3"]
    assert rejected[0][-3:-1] == ["3", code]
    assert kept in "".join(rejected[0])
    assert report.findings[0].where["line"] == 3


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("cp1252", "cp1252")]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_make_no_difference(encoding, declared, delimiter, tmp_path):
    """The same rows come out of each."""
    text = delimiter.join(["Ref", "Name", "Words"]) + "\r\n"
    text += delimiter.join(["1", "Zoë", f'"a ""b""{delimiter}\r\nc"']) + "\r\n\r\n"
    mapping = MAPPING + (f"encoding: {declared}\n" if declared else "")

    _, (sent,), rejected = imported(tmp_path, text.encode(encoding), mapping)

    assert (sent["people"][0]["names"], sent["text"]) == ("Zoë", f'a "b"{delimiter}\r\nc')
    assert not rejected


def test_a_column_nobody_named_is_kept_as_an_item(tmp_path):
    """Nothing is dropped: what the mapping does not name stands in words, with a warning; a heading twice too."""
    report, (sent,), _ = imported(tmp_path, b"Ref,Name,Words,Dog,Dog\n1,Ada,hungry,barks,bites\n")

    assert [item["text"] for item in sent["items"]] == ["Dog: barks", "Dog (2): bites"]
    assert report.warnings()[0]["code"] == "column_not_mapped"


def test_rows_put_right_in_the_rejects_file_are_imported_from_it(tmp_path):
    """The columns that an import added are not sent."""
    imported(tmp_path, b"Ref,Name,Words\n2,Ben\n")
    right = (tmp_path / "export.rejected.csv").read_text().replace("2,Ben,", "2,Ben,cold")

    (tmp_path / "again").mkdir()
    _, (sent,), _ = imported(tmp_path / "again", right.encode())

    assert (sent["reference"], sent["text"], "items" in sent) == ("2", "cold", False)


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("no_headings", b""),
        ("no_headings", b"\n\n"),
        ("column_missing", b"Ref,Name\n1,Ada\n"),
        ("column_missing", b"<html></html>"),
        ("heading_twice", b"Ref,Name,Words,Words\n1,Ada,a,b\n"),
        ("packed", b"PK\x03\x04"),
    ],
)
def test_a_file_that_does_not_fit_its_mapping_is_answered_before_any_row(code, content, tmp_path):
    """Which column is missing or stands twice; nothing is sent."""
    with pytest.raises(UnreadableError) as found:
        imported(tmp_path, content)

    assert found.value.code == code


@pytest.mark.parametrize(
    ("said", "mapping"),
    [
        ("Did you mean birth_date", MAPPING + "  DOB: {to: people.0.birthdate}\n"),
        ("columns.Ref: say `to`", "columns: {Ref: {}}"),
        ("no table", MAPPING + "  R: {to: urgency, codes: risk}\n"),
        ("two digits", MAPPING + '  D: {to: occurred, date: "%d/%m/%y"}\n'),
        ("filled by another", MAPPING + "  D: {to: text}\n"),
        ("command line", MAPPING + "  H: {to: history}\n"),
        ("say `split`", MAPPING + "  S: {to: people.*.names}\n"),
        ("an index is at most", MAPPING + "  S: {to: people.99.names}\n"),
        ("Extra inputs", MAPPING + "  S: {to: text, joined: x}\n"),
        ("not YAML at line", "columns: {Ref: [}"),
        ("columns: Field required", "values: {}"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(said, mapping, tmp_path):
    """A word that is not known, a field that intake does not have, a guess at a date."""
    with pytest.raises(UnreadableError, match=said):
        imported(tmp_path, b"Ref,Name,Words\n", mapping)


def test_live_is_said_on_the_command_line_only(tmp_path):
    """Without --live every row is history; with it, none is."""
    _, (quiet,), _ = imported(tmp_path, b"Ref,Name,Words\n" + GOOD)
    _, (live,), _ = imported(tmp_path, b"Ref,Name,Words\n" + GOOD, history=False)

    assert (quiet["history"], "history" in live) == (True, False)
