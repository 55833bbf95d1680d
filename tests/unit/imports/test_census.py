"""Importing a children in need census, without a server: every child accounted for, what is odd kept and said."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.intake.content import contents_of
from services.intake.reading import read_tree
from services.workbench.import_cli import app
from services.workbench.imports.census.importing import Importing, header_of
from services.workbench.imports.census.referral import Return
from services.workbench.imports.report import Report
from services.workbench.imports.sending import Answer
from services.workbench.imports.unreadable import UnreadableError
from tests.unit.imports.census_files import census, child, header, leaf, referrals, tag
from tests.unit.intake.events import KEY, TODAY

KENT = Return("886", "E10000016")


def imported(content: bytes, of: Return = KENT) -> tuple[Report, list[dict[str, Any]]]:
    """Import bytes; intake is a list that accepts everything."""
    report, sent = Report("child"), []

    def send(_: str, submission: dict[str, Any], told: Any) -> bool:
        sent.append(submission)
        told(Answer({}))
        return True

    Importing(report, send, of, lambda _: None).run(io.BytesIO(content))
    return report, sent


def one(*details: str, identifiers: str = "", more: str = "", characteristics: str = "") -> bytes:
    """Give a census of one child."""
    who = identifiers or leaf("LAchildID", "SYN1") + leaf("UPNunknown", "UN1") + leaf("PersonBirthDate", "2015-01-01")
    parts = [tag("ChildIdentifiers", who), tag("ChildCharacteristics", characteristics)]
    parts += [tag("CINdetails", each) for each in details]
    return f"<Message>{header()}<Children><Child>{''.join(parts)}{more}</Child></Children></Message>".encode()


REFERRAL = leaf("CINreferralDate", "2024-05-02") + leaf("ReferralSource", "2A") + leaf("PrimaryNeedCode", "N1")


def codes(report: Report) -> set[str]:
    """Give the codes of the warnings."""
    return {warned["code"] for warned in report.warnings()}


@pytest.mark.parametrize("layout", [2022, 2023, 2024, 2025, 2026])
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_layout_and_every_order_of_elements_is_read_whole(layout, shuffled):
    """Three hundred children: one concern a referral, nothing unread, nothing unknown."""
    report, sent = imported(census(range(300), layout, shuffled=shuffled).encode())

    assert report.counts["children"] == 300
    assert report.counts["concerns"] == len(sent) == sum(referrals(n, layout) for n in range(300))
    assert (report.counts["unread"], "element_not_known" in codes(report)) == (0, False)
    assert len({each["reference"] for each in sent}) == len(sent)
    assert all(each["history"] for each in sent)


@pytest.mark.parametrize("shuffled", [False, True])
def test_what_is_sent_is_what_intake_takes(shuffled):
    """No submission is refused by intake's own reading, and none has a code it does not know."""
    _, sent = imported(census(range(200), 2026, shuffled=shuffled).encode())

    flags: Counter[str] = Counter()
    for each in sent:
        contents = contents_of(
            read_tree(each).submission, concern_id="7771a82d-7eba-8022-a41b-e27be104aaed", key=KEY, today=TODAY
        )
        flags.update(flag.code.value for flag in contents.flags)
    assert flags.keys() <= {"dates_out_of_order", "date_in_future"}


def test_everything_of_a_record_is_kept():
    """Assessment, enquiry, conference, plans, reviews and closure are found again in what is sent."""
    details = REFERRAL + "".join(
        (
            leaf("CINclosureDate", "2025-01-02"),
            leaf("ReasonForClosure", "RC7"),
            leaf("DateOfInitialCPC", "2024-06-03"),
            tag(
                "Assessments",
                leaf("AssessmentActualStartDate", "2024-05-04"),
                leaf("AssessmentInternalReviewDate", "2024-05-14"),
                leaf("AssessmentAuthorisationDate", "2024-05-24"),
                tag("FactorsIdentifiedAtAssessment", leaf("AssessmentFactors", "4B"), leaf("AssessmentFactors", "16A")),
            ),
            tag("Section47", leaf("S47ActualStartDate", "2024-05-25"), leaf("InitialCPCtarget", "2024-06-13")),
            tag("CINPlanDates", leaf("CINPlanStartDate", "2024-05-26"), leaf("CINPlanEndDate", "2024-06-02")),
            tag(
                "ChildProtectionPlans",
                leaf("CPPstartDate", "2024-06-04"),
                leaf("InitialCategoryOfAbuse", "NEG"),
                leaf("LatestCategoryOfAbuse", "EMO"),
                leaf("NumberOfPreviousCPP", "2"),
                tag("Reviews", leaf("CPPreviewDate", "2024-09-04")),
            ),
        )
    )
    report, (sent,) = imported(
        one(details, characteristics=leaf("Ethnicity", "WBRI") + tag("Disabilities", leaf("Disability", "AUT")))
    )

    text = json.dumps(sent)
    for value in (
        "2024-05-04",
        "2024-05-14",
        "2024-05-24",
        "2024-05-25",
        "2024-06-13",
        "2024-06-03",
        "UN1",
        "WBRI",
        "AUT",
    ):
        assert value in text
    assert sent["detail"] == {
        "primary_need": "N1",
        "referral_source": "2A",
        "factors": ["4B", "16A"],
        "closed_on": "2025-01-02",
        "closure_reason": "RC7",
        "no_further_action": "",
    }
    (person,) = sent["people"]
    assert [(s["status"], s["from_on"], s["to_on"]) for s in person["statuses"]] == [
        ("child_in_need", "2024-05-26", "2024-06-02"),
        ("child_protection_plan", "2024-06-04", ""),
    ]
    assert person["statuses"][1]["reviewed_on"] == ["2024-09-04"]
    assert person["authorities"] == [{"gss_code": "E10000016", "role": "holds_plan"}]
    assert (sent["reference"], report.counts["warnings"]) == ("cin/886/SYN1/2024-05-02", 0)


@pytest.mark.parametrize(
    ("warning", "content"),
    [
        ("referral_date_missing", one(leaf("PrimaryNeedCode", "N1"))),
        ("primary_need_missing", one(leaf("CINreferralDate", "2024-05-02"))),
        ("closed_without_reason", one(REFERRAL + leaf("CINclosureDate", "2024-06-01"))),
        ("dates_out_of_order", one(REFERRAL + leaf("CINclosureDate", "2023-06-01") + leaf("ReasonForClosure", "RC7"))),
        ("referral_before_birth", one(REFERRAL.replace("2024", "2014"))),
        ("referral_twice", one(REFERRAL, REFERRAL)),
        ("child_without_referral", one()),
        (
            "child_id_missing",
            one(REFERRAL, identifiers=leaf("PersonBirthDate", "2015-01-01") + leaf("UPNunknown", "UN1")),
        ),
        ("upn_missing_without_reason", one(REFERRAL, identifiers=leaf("LAchildID", "1"))),
        ("upn_and_reason", one(REFERRAL, identifiers=leaf("UPN", "A1") + leaf("UPNunknown", "UN1"))),
        ("code_not_known", one(REFERRAL, characteristics=leaf("Ethnicity", "?"))),
        ("element_not_known", one(REFERRAL + leaf("Invented", "x"))),
        ("element_not_known", one(REFERRAL + leaf("PrimaryNeedCode", "N2"))),
        (
            "factor_none_combined",
            one(REFERRAL + tag("Assessments", leaf("AssessmentFactors", "21"), leaf("AssessmentFactors", "1A"))),
        ),
        (
            "assessment_without_factors",
            one(REFERRAL + tag("Assessments", leaf("AssessmentAuthorisationDate", "2024-06-01"))),
        ),
        (
            "conference_not_required_but_held",
            one(REFERRAL + tag("Section47", leaf("DateOfInitialCPC", "2024-06-01"), leaf("ICPCnotRequired", "1"))),
        ),
        (
            "plans_overlap",
            one(
                REFERRAL
                + tag("ChildProtectionPlans", leaf("CPPstartDate", "2024-06-01"))
                + tag("ChildProtectionPlans", leaf("CPPstartDate", "2024-07-01"))
            ),
        ),
        (
            "review_outside_plan",
            one(
                REFERRAL
                + tag(
                    "ChildProtectionPlans",
                    leaf("CPPstartDate", "2024-06-01"),
                    tag("Reviews", leaf("CPPreviewDate", "2024-01-01")),
                )
            ),
        ),
        ("value_too_long", one(REFERRAL, identifiers=leaf("LAchildID", "1" * 400) + leaf("UPNunknown", "UN1"))),
    ],
)
def test_what_is_odd_is_kept_with_a_warning(warning, content):
    """Given something odd, when it is imported, then the concern is there and the warning says where."""
    report, sent = imported(content)

    assert warning in codes(report)
    assert sent
    assert report.counts["unread"] == 0


def test_an_element_that_is_not_known_is_kept_in_words():
    """Nothing of a record is dropped: what no layout has becomes an item of no category."""
    _, (sent,) = imported(one(REFERRAL + tag("Newer", leaf("Thing", "kept words"))))

    assert [i["text"] for i in sent["items"] if "kept words" in i["text"]] == [
        "Child/CINdetails/Newer/Thing: kept words"
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"]
)
@pytest.mark.parametrize("prefix", ["", "cin:"])
def test_encodings_and_namespaces_make_no_difference(encoding, prefix):
    """The same concerns come out of every encoding, with a namespace prefix or without."""
    plain = census(range(20)).replace("WBRI", "Wäé")
    expected = imported(plain.encode())[1]
    text = plain.replace("</", "\0").replace("<", f"<{prefix}").replace("\0", f"</{prefix}")
    if prefix:
        text = text.replace("<cin:Message>", '<cin:Message xmlns:cin="urn:example">')
    declared = encoding if encoding in ("iso-8859-1", "windows-1252") else "utf-8"
    content = f'<?xml version="1.0" encoding="{declared}"?>\n{text}'.encode(encoding)

    assert imported(content)[1] == expected


def test_a_default_namespace_makes_no_difference():
    """A namespace without a prefix is passed over."""
    plain = census(range(5))

    assert imported(plain.replace("<Message>", '<Message xmlns="urn:x">').encode())[1] == imported(plain.encode())[1]


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("tags_cross", "<Child><ChildIdentifiers></Child>"),
        ("not_well_formed", "<Child><LAchildID>\x01</LAchildID></Child>"),
        ("not_well_formed", "<Child><LAchildID>a & b</LAchildID></Child>"),
        ("entity", "<Child><LAchildID>&secret;</LAchildID></Child>"),
        ("character", "<Child><LAchildID>&#0;</LAchildID></Child>"),
        ("not_closed", "<Child><LAchildID>1</LAchildID>"),
        ("too_deep", "<Child>" + "<a>" * 100 + "</a>" * 100 + "</Child>"),
        ("too_many", "<Child>" + "<a/>" * 20_001 + "</Child>"),
        ("too_large", "<Child>" + "x" * 1_100_000 + "</Child>"),
    ],
)
def test_a_child_that_cannot_be_read_is_named_and_the_next_goes_on(code, broken):
    """Given a broken child between two good ones, then both are imported and the broken one has line and number."""
    text = f"<Message>{header()}\n<Children>\n{child(1)}{broken}\n{child(2)}</Children></Message>"

    report, sent = imported(text.encode())

    assert {each["people"][0]["identifiers"][0]["value"] for each in sent} == {"SYN0000001", "SYN0000002"}
    assert report.counts["children"] == 3
    (finding,) = report.findings
    assert (finding.code, finding.where["child"]) == (code, 2)
    assert finding.where["line"] >= 4


def test_a_byte_of_another_encoding_costs_one_child():
    """A Latin-1 byte in a UTF-8 file: the child it is in is not read, the next is."""
    bad = child(1).replace("WBRI", "é").replace("AOTH", "é").replace("MWBC", "é").replace("REFU", "é")
    text = f"<Message>{header()}<Children>{bad}{child(2)}</Children></Message>"

    report, sent = imported(text.encode("latin-1"))

    assert report.findings[0].code == "not_of_encoding"
    assert sent[0]["people"][0]["identifiers"][0]["value"] == "SYN0000002"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_file_cut_short_gives_what_it_has_and_says_so(kept):
    """Truncated anywhere: every whole child is imported, one thing is unread."""
    whole = census(range(30)).encode()
    cut = whole[: int(len(whole) * kept)]

    report, sent = imported(cut)

    assert report.counts["unread"] == 1
    assert len({each["people"][0]["identifiers"][0]["value"] for each in sent}) == cut.count(b"</Child>")


BOMB = '<!DOCTYPE Message [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE Message SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE])
def test_document_types_and_entities_are_refused_unread(doctype, tmp_path):
    """No entity is ever declared: the file is refused before a child is read."""
    file = tmp_path / "bomb.xml"
    file.write_text(doctype + census(range(2)))

    with pytest.raises(UnreadableError, match="entity"):
        header_of(file)


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("empty", b""),
        ("empty", b"\xef\xbb\xbf \n"),
        ("not_a_census", b"LAchildID,UPN\n1,2\n"),
        ("not_a_census", b'{"children": []}'),
        ("not_a_census", b"<html><body>login</body></html>"),
        ("not_a_census", b"\x00" * 600),
        ("packed", b"\x1f\x8b\x08\x00rest"),
        ("packed", b"PK\x03\x04rest"),
        ("encoding_not_known", b'<?xml version="1.0" encoding="utf-7"?><Message/>'),
        ("encoding_not_known", b'<?xml version="1.0" encoding="rot13"?><Message/>'),
        ("markup_without_end", b"<Message><!-- " + b"x" * 200_000),
    ],
)
def test_what_is_no_census_is_answered_clearly(code, content, tmp_path):
    """Exit 1, a finding with a code, and the sums on the last line."""
    file = tmp_path / "file.xml"
    file.write_bytes(content)

    result = CliRunner().invoke(app, ["cin-census", str(file), "--json", "--dry-run"])

    envelope, last = (json.loads(line) for line in result.stdout.splitlines())
    assert (result.exit_code, envelope["findings"][0]["code"]) == (1, code)
    assert last == {"children": 0, "concerns": 0, "new": 0, "warnings": 0, "unread": 1}


def test_a_header_at_the_end_is_found(tmp_path):
    """Elements may stand in any order: the header too."""
    file = tmp_path / "census.xml"
    file.write_text(f"<Message><Children>{child(1)}</Children>{header('887')}</Message>")

    assert header_of(file).gss == "E06000035"


def test_output_holds_nothing_of_a_child(tmp_path):
    """Neither the envelope nor the report file repeats a value of the census."""
    file, report = tmp_path / "census.xml", tmp_path / "report.ndjson"
    file.write_text(census(range(20)).replace("UN1", "canary-value").replace("PrimaryNeedCode", "Canary-element"))

    result = CliRunner().invoke(app, ["cin-census", str(file), "--json", "--dry-run", "--report", str(report)])

    said = result.stdout + report.read_text()
    assert json.loads(result.stdout.splitlines()[-1])["children"] == 20
    assert not [word for word in ("SYN0", "canary", "Canary", "2024-") if word in said]
    assert report.stat().st_mode & 0o077 == 0


def test_comments_and_cdata_that_look_like_children_are_none():
    """Text that looks like markup is text."""
    content = one(REFERRAL).replace(b"<Children>", b"<Children><!-- <Child>not one</Child> --><?x <Child/> ?>")
    content = content.replace(b"SYN1", b"<![CDATA[<Child>]]>")

    report, (sent,) = imported(content)

    assert report.counts["children"] == 1
    assert sent["people"][0]["identifiers"][0]["value"] == "<Child>"


def test_censuses_on_disk_need_not_fit_in_memory(tmp_path):
    """Pieces that end anywhere give the same slices: a mark cut in two is still a mark."""
    whole = census(range(40))
    path = Path(tmp_path / "c.xml")
    path.write_text(whole)
    from services.workbench.imports.census.frame import Frame  # noqa: PLC0415
    from services.workbench.imports.census.slices import Slicer  # noqa: PLC0415

    at_once = list(Slicer(iter([whole]), Frame()))
    for size in (1, 7, 1000):
        assert list(Slicer(iter(whole[n : n + size] for n in range(0, len(whole), size)), Frame())) == at_once
