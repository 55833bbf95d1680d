"""A catalogue of files that are broken, whole or in places: how many concerns are taken, and which codes are told.

Every entry is a census of two good children, or a CSV file of two good rows, with something bad to it.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass

from tests.unit.imports.census_files import header, leaf, tag

MAPPING = """
values: {raised_by.role: teacher, people.0.role: child}
columns:
  Ref: {to: reference}
  Name: {to: people.0.names}
  Born: {to: people.0.birth_date, date: "%d/%m/%Y"}
  Words: {to: text}
"""


@dataclass(frozen=True)
class BadFile:
    """One entry.

    Attributes:
        name: what is wrong.
        content: the file.
        taken: concerns that must be accepted.
        unread: code of what could not be read, or empty.
        warning: code of a warning that must be told, or empty.
    """

    name: str
    content: bytes
    taken: int
    unread: str = ""
    warning: str = ""


def kid(number: int = 1, *, ids: str = "", details: str = "", more: str = "") -> str:
    """Give a good child, or what is to be wrong with it."""
    ids = ids or leaf("LAchildID", f"K{number}") + leaf("UPNunknown", "UN1") + leaf(
        "PersonBirthDate", "2015-01-01"
    ) + leaf("Sex", "F")
    details = details or leaf("CINreferralDate", "2024-05-02") + leaf("ReferralSource", "2A") + leaf(
        "PrimaryNeedCode", "N1"
    )
    return tag("Child", tag("ChildIdentifiers", ids), tag("CINdetails", details), more) + "\n"


def whole(*middle: str, head: str = "") -> str:
    """Give a census with two good children and something between them."""
    return f"{head}<Message>{header()}\n<Children>\n{kid(1)}{''.join(middle)}{kid(2)}</Children>\n</Message>"


def _born(day: str) -> str:
    return kid(3, ids=leaf("LAchildID", "K3") + leaf("UPNunknown", "UN1") + leaf("PersonBirthDate", day))


def _details(*inner: str) -> str:
    return kid(3, details=leaf("CINreferralDate", "2024-05-02") + leaf("PrimaryNeedCode", "N1") + "".join(inner))


def _zipped(text: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("census.xml", text)
    return held.getvalue()


def _census(name: str, middle: str, taken: int = 3, unread: str = "", warning: str = "") -> BadFile:
    return BadFile(name, whole(middle).encode(), taken, unread, warning)


_BOMB = (
    '<!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + "]>"
)
_REFERRAL = leaf("CINreferralDate", "2024-05-02") + leaf("PrimaryNeedCode", "N1")

CENSUSES = (
    # the file as a whole
    BadFile("nothing", b"", 0, "empty"),
    BadFile("blanks", b"\r\n \t", 0, "empty"),
    BadFile("null bytes", b"\x00" * 2000, 0, "not_a_census"),
    BadFile("gzip", gzip.compress(whole().encode()), 0, "packed"),
    BadFile("a ZIP", _zipped(whole()), 0, "packed"),
    BadFile("a PDF", b"%PDF-1.7\n", 0, "packed"),
    BadFile("an old Excel file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "packed"),
    BadFile("JSON", b'{"Children": [{"LAchildID": 1}]}', 0, "not_a_census"),
    BadFile("CSV", b"LAchildID,UPN\n1,2\n", 0, "not_a_census"),
    BadFile("a login page", b"<!doctype html><html></html>", 0, "not_a_census"),
    BadFile("another XML", b"<catalogue><book/></catalogue>", 0, "not_a_census"),
    BadFile("a bomb of entities", whole(head=_BOMB).encode(), 0, "dtd"),
    BadFile(
        "an entity from a file", whole(head='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>').encode(), 0, "dtd"
    ),
    BadFile(
        "a document type elsewhere", whole(head='<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">').encode(), 0, "dtd"
    ),
    BadFile("a document type in UTF-16", whole(head=_BOMB).encode("utf-16"), 0, "dtd"),
    BadFile("UTF-7", whole(head='<?xml version="1.0" encoding="UTF-7"?>').encode(), 0, "encoding_not_known"),
    BadFile(
        "an encoding of nobody",
        whole(head='<?xml version="1.0" encoding="klingon"?>').encode(),
        0,
        "encoding_not_known",
    ),
    BadFile("UTF-16 that says UTF-8", whole(head='<?xml version="1.0" encoding="UTF-8"?>').encode("utf-16"), 2),
    BadFile("UTF-32", whole().encode("utf-32"), 2),
    BadFile("cut in the header", whole().encode()[:60], 0, "cut_short"),
    BadFile("cut after the children", whole().encode()[:-22], 2, "cut_short"),
    BadFile("cut in a child", whole().encode()[:-60], 1, "cut_short"),
    BadFile("two documents", (whole() + whole(kid(3))).encode(), 5, "not_well_formed"),
    BadFile("words around the children", whole("words & more ").encode(), 2, "not_well_formed"),
    BadFile("a comment without an end", (whole() + "<!-- " + "x" * 70_000).encode(), 2, "markup_without_end"),
    BadFile("a tag without an end", whole(f"<Child {'x' * 70_000}").encode(), 2, "not_closed"),
    BadFile("no header", f"<Message><Children>{kid(1)}</Children></Message>".encode(), 1, warning="header_missing"),
    BadFile("another collection", whole().replace(">CIN<", ">CLA<").encode(), 2, warning="collection_not_cin"),
    BadFile("an LEA of nobody", whole().replace(">886<", ">000<").encode(), 2, warning="agency_assumed"),
    BadFile("an unknown part", whole("<Invented>x</Invented>").encode(), 2, warning="element_not_known"),
    BadFile("no child", f"<Message>{header()}<Children/></Message>".encode(), 0),
    # one child
    _census("crossed tags", "<Child><a><b></a></b></Child>", 2, "tags_cross"),
    _census("a child that is not closed", "<Child><LAchildID>K3</LAchildID>", 2, "not_closed"),
    _census("a bare ampersand", kid(3, more="a & b"), 2, "not_well_formed"),
    _census("an entity nobody declared", kid(3, more="&nbsp;"), 2, "entity"),
    _census("a null character", kid(3, more="&#0;"), 2, "character"),
    _census("a bell", kid(3, more="\x07"), 2, "not_well_formed"),
    _census("half a surrogate pair", kid(3, more="&#xD800;"), 2, "character"),
    _census("an attribute twice", kid(3, more='<a b="1" b="2"/>'), 2, "attribute_twice"),
    _census("a hundred elements deep", kid(3, more="<a>" * 100 + "</a>" * 100), 2, "too_deep"),
    _census("a million elements", kid(3, more="<a/>" * 1_000_000), 2, "too_large"),
    _census("thirty thousand elements", kid(3, more="<a/>" * 30_000), 2, "too_many"),
    _census("ten megabytes of text", kid(3, more="x" * 10_000_000), 2, "too_large"),
    BadFile("a Latin-1 byte in UTF-8", whole(kid(3, more="\xe9")).encode("latin-1"), 2, "not_of_encoding"),
    _census("an empty child", "<Child/>", 3, warning="child_without_referral"),
    _census("a child of attributes", '<Child id="7" name="x"/>', 3, warning="element_not_known"),
    # values
    _census("born in 1900", _born("1900-01-01"), warning="age_impossible"),
    _census("born in 2099", _born("2099-01-01"), warning="date_in_future"),
    _census("born on the 30th of February", _born("2018-02-30"), warning="date_not_read"),
    _census("born the English way", _born("02/05/2018"), warning="date_not_read"),
    _census("born in a thousand characters", _born("2" * 1000), warning="value_too_long"),
    _census("no birth date", _born(""), warning="birth_date_unknown"),
    _census("a child twice", kid(1), 3),
    _census(
        "an id of two children",
        kid(3, ids=leaf("LAchildID", "K1") + leaf("PersonBirthDate", "2011-01-01")),
        3,
        warning="same_reference_other_child",
    ),
    _census("no id", kid(3, ids=leaf("PersonBirthDate", "2011-01-01")), warning="child_id_missing"),
    _census("an id of a thousand characters", kid(3, ids=leaf("LAchildID", "K" * 1000)), warning="value_too_long"),
    _census("a wrong UPN", kid(3, ids=leaf("LAchildID", "K3") + leaf("UPN", "X123")), warning="identifier_invalid"),
    _census(
        "a name from right to left",
        kid(3, more="<Nickname>\u202e\u05d3\u05d5\u05d3</Nickname>"),
        warning="element_not_known",
    ),
    _census("emoji", kid(3, more="<Mood>\U0001f622</Mood>"), warning="element_not_known"),
    _census("a need of nobody", kid(3, details=_REFERRAL.replace("N1", "N99")), warning="code_not_known"),
    _census("a sex of nobody", kid(3, ids=leaf("LAchildID", "K3") + leaf("Sex", "9X")), warning="code_not_known"),
    _census(
        "a referral without a date", kid(3, details=leaf("PrimaryNeedCode", "N1")), warning="referral_date_missing"
    ),
    _census(
        "closed before it began",
        _details(leaf("CINclosureDate", "2020-01-01"), leaf("ReasonForClosure", "RC7")),
        warning="dates_out_of_order",
    ),
    _census("twelve thousand factors", _details(tag("Assessments", leaf("AssessmentFactors", "1A") * 12_000)), 3),
    _census("five hundred plans", _details(tag("CINPlanDates", leaf("CINPlanStartDate", "2024-06-01")) * 500), 3),
)


def _csv(name: str, row: bytes, taken: int = 3, unread: str = "", warning: str = "") -> BadFile:
    return BadFile(
        name,
        b"Ref,Name,Born,Words\n1,Ada,01/02/2015,hungry\n" + row + b"\n2,Ben,03/04/2016,cold\n",
        taken,
        unread,
        warning,
    )


TABLES = (
    BadFile("nothing", b"", 0, "no_headings"),
    BadFile("one line of blanks", b"   \n", 0, "no_headings"),
    BadFile("gzip", gzip.compress(b"Ref"), 0, "packed"),
    BadFile("an Excel workbook", _zipped("x"), 0, "packed"),
    BadFile("the wrong file", b"a,b\n1,2\n", 0, "column_missing"),
    BadFile("a login page", b"<html><body>Sign in</body></html>", 0, "column_missing"),
    BadFile("a heading twice", b"Ref,Name,Born,Words,Words\n1,A,,x,y\n", 0, "heading_twice"),
    BadFile("null bytes", b"\x00" * 3000, 0, "column_missing"),
    BadFile("headings alone", b"Ref,Name,Born,Words\n", 0),
    BadFile("UTF-16", "Ref,Name,Born,Words\n1,Zo\u00eb,01/02/2015,x\n".encode("utf-16"), 1),
    _csv("too few values", b"3,Cy", 2, "too_few_columns"),
    _csv("too many values", b"3,Cy,,a,b", 2, "too_many_columns"),
    _csv("an open quote", b'3,"Cy,,tired', 2, "quote_not_closed"),
    _csv("quotes inside a value", b'3,Cy,,"a "b" c"', 2, "row_wrong"),
    _csv("a Latin-1 byte", b"3,Zo\xeb,,tired", 2, "not_of_encoding"),
    _csv("a megabyte and more", b"3,Cy,," + b"x" * 1_200_000, 2, "too_large"),
    _csv("thousands of columns", b"3" + b"," * 5000 + b"x", 2, "too_large"),
    _csv("text beyond the limit", b"3,Cy,," + b"x" * 30_000, 2, "field_wrong"),
    _csv("no reference", b",Cy,,tired", 2, "field_wrong"),
    _csv("no words", b"3,Cy,,", 2, "field_wrong"),
    _csv("a blank row", b",,,", 2),
    _csv("a reference twice, another child", b"1,Cy,05/06/2012,tired", 3, warning="same_reference_other_child"),
    _csv("the same row twice", b"1,Ada,01/02/2015,hungry", 3),
    _csv("a date of another form", b"3,Cy,2015.02.01,tired", 3, warning="date_not_read"),
    _csv("born in 1900", b"3,Cy,01/01/1900,tired", 3, warning="age_impossible"),
    _csv("born in 2099", b"3,Cy,01/01/2099,tired", 3, warning="date_in_future"),
    _csv("a null byte", b"3,C\x00y,,tired", 3, warning="characters_removed"),
    _csv("a name from right to left", "3,\u202e\u05d3\u05d5\u05d3,,tired".encode(), 3),
    _csv("emoji", "3,\U0001f622,,\U0001f622".encode(), 3),
    _csv("a formula", b"3,'=cmd|calc,,+1", 3),
    _csv("a quoted line break", b'3,Cy,,"tired\nand wet"', 3),
)
