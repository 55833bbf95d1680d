"""A catalogue of submissions that cannot be taken: what is sent, and what the answer must be.

Wherever a value may stand, it is the canary: no answer may repeat it. Used without a server and over HTTP.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

from tests.unit.intake.events import CANARY, submission


@dataclass(frozen=True)
class BadFollowUp:
    """A follow-up that cannot be taken: its kind, and else as ``Bad``."""

    name: str
    kind: str
    body: bytes
    status: int
    code: str
    pointer: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Bad:
    """One entry: its name, the bytes, the status and code of the answer, and the pointer of the first error."""

    name: str
    body: bytes
    status: int
    code: str
    pointer: str | None = None
    error: str | None = None


def _json(name: str, pointer: str, error: str, body: Any) -> Bad:
    return Bad(name, json.dumps(body).encode(), 422, "field_wrong", pointer, error)


def _person(name: str, pointer: str, error: str, **fields: Any) -> Bad:
    return _json(name, f"/people/0{pointer}", error, submission(people=[{"role": "child", **fields}]))


def _item(name: str, pointer: str, error: str, **fields: Any) -> Bad:
    return _json(name, f"/items/0{pointer}", error, submission(items=[{"text": CANARY, **fields}]))


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in submission().items() if key != name}


_GOOD = json.dumps(submission(text=CANARY))
_LONG = CANARY + "x" * 400

CATALOGUE = (
    # not a document
    Bad("nothing at all", b"", 400, "not_json"),
    Bad("white space", b" \n\t ", 400, "not_json"),
    Bad("cut short", _GOOD.encode()[:-9], 400, "not_json"),
    Bad("cut inside a name", b'{"refer', 400, "not_json"),
    Bad("two documents", (_GOOD + _GOOD).encode(), 400, "not_json"),
    Bad("a trailing comma", _GOOD.encode()[:-1] + b",}", 400, "not_json"),
    Bad("single quotes", str(submission(text=CANARY)).encode(), 400, "not_json"),
    Bad("XML", f"<concern><child>{CANARY}</child></concern>".encode(), 400, "not_json"),
    Bad("a form", f"reference=1&text={CANARY}".encode(), 400, "not_json"),
    Bad("UTF-16", _GOOD.encode("utf-16"), 400, "not_utf8"),
    Bad("UTF-32 without a mark", _GOOD.encode("utf-32-le"), 400, "not_utf8"),
    Bad("Latin-1", json.dumps(submission(text="Siân"), ensure_ascii=False).encode("latin-1"), 400, "not_utf8"),
    Bad("half a character", _GOOD.encode()[:-2] + b'\xe2\x82"}', 400, "not_utf8"),
    Bad("NaN", b'{"reference": NaN}', 400, "not_json"),
    Bad("Infinity", b'{"reference": -Infinity}', 400, "not_json"),
    Bad("a name twice", f'{{"text": "{CANARY}", "text": "b"}}'.encode(), 400, "name_twice"),
    Bad("a name twice, deep down", b'{"people": [{"ref": "a", "ref": "b"}]}', 400, "name_twice"),
    Bad("a thousand lists", b"[" * 1000 + b"]" * 1000, 400, "too_deep"),
    Bad("a million brackets, never closed", b'{"a":' * 180_000, 400, "too_deep"),
    Bad("deep in a field", b'{"text": ' + b"[" * 13 + b"]" * 13 + b"}", 400, "too_deep"),
    Bad("too large", b'{"text": "' + b"x" * (1024 * 1024) + b'"}', 413, "too_large"),
    Bad("a null byte in the raw", b'{"text": "a\x00b"}', 400, "not_json"),
    Bad("a raw newline in text", b'{"text": "a\nb"}', 400, "not_json"),
    Bad("gzip", gzip.compress(_GOOD.encode()), 400, "not_utf8"),
    Bad("a ZIP", b"PK\x03\x04\x14\x00\x00\x00", 400, "not_json"),
    Bad("UTF-7", b"+AHsAIg-reference+ACI:1+AH0-", 400, "not_json"),
    Bad("UTF-8 with a surrogate", b'{"text": "\xed\xa0\x80"}', 400, "not_utf8"),
    Bad("UTF-8 in too many bytes", b'{"text": "\xc0\xaf"}', 400, "not_utf8"),
    Bad("ten megabytes in a string", b'{"text": "' + b"x" * 10_000_000 + b'"}', 413, "too_large"),
    Bad("a million items", b'{"items": [' + b"{}," * 1_000_000 + b"{}]}", 413, "too_large"),
    Bad("an XML bomb", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400, "not_json"),
    Bad("CSV", f"reference,text\n1,{CANARY}\n".encode(), 400, "not_json"),
    Bad("a comment", b'{"reference": 1 /* one */}', 400, "not_json"),
    Bad("a hexadecimal number", b'{"reference": 0x10}', 400, "not_json"),
    Bad("half an escape", b'{"text": "\\u12"}', 400, "not_json"),
    Bad("null", b"null", 422, "not_an_object"),
    Bad("a list", b"[]", 422, "not_an_object"),
    Bad("a number", b"42", 422, "not_an_object"),
    Bad("a string", f'"{CANARY}"'.encode(), 422, "not_an_object"),
    # something needed is missing
    Bad("an empty object", b"{}", 422, "field_wrong", "/reference", "missing"),
    _json("no reference", "/reference", "missing", _without("reference")),
    _json("an empty reference", "/reference", "too_short", submission(reference="")),
    _json("a reference of blanks", "/reference", "too_short", submission(reference="  \t ")),
    _json("a reference of control characters", "/reference", "too_short", submission(reference="\x00\x07")),
    _json("reference null", "/reference", "missing", submission(reference=None)),
    _json("nobody raises it", "/raised_by", "missing", _without("raised_by")),
    _json("raised by an empty object", "/raised_by", "nobody", submission(raised_by={})),
    _json("raised by a contact alone", "/raised_by", "nobody", submission(raised_by={"contact": CANARY})),
    _json("about nobody", "", "nobody", submission(people=[])),
    _json("nothing said", "", "nothing", submission(items=[])),
    _json("nothing said but a blank", "", "nothing", submission(items=[], text=" \x00 ")),
    _item("an item without text", "/text", "too_short", text=""),
    _json("an item without the field", "/items/0/text", "missing", submission(items=[{"category": "welfare"}])),
    _person("a number without a value", "/identifiers/0/value", "too_short", identifiers=[{"value": " "}]),
    _person("a status without a word", "/statuses/0/status", "missing", statuses=[{"from_on": "2026"}]),
    _person("a relationship to nobody", "/relationships/0/to", "missing", relationships=[{"kind": CANARY}]),
    # of another kind than it must be
    _json("reference a list", "/reference", "not_text", submission(reference=[CANARY])),
    _json("reference an object", "/reference", "not_text", submission(reference={"id": CANARY})),
    _json("reference true", "/reference", "not_text", submission(reference=True)),
    _json("people an object", "/people", "not_a_list", submission(people={"child": CANARY})),
    _json("people a string", "/people", "not_a_list", submission(people=CANARY)),
    _json("a person a string", "/people/0", "not_an_object", submission(people=[CANARY])),
    _json("a person a list", "/people/0", "not_an_object", submission(people=[[CANARY]])),
    _json("an item null", "/items/0", "not_an_object", submission(items=[None])),
    _json("raised by a string", "/raised_by", "not_an_object", submission(raised_by=CANARY)),
    _json("detail a list", "/detail", "not_an_object", submission(detail=[CANARY])),
    _json("test a word", "/test", "not_true_or_false", submission(test=CANARY)),
    _json("history a number", "/history", "not_true_or_false", submission(history=7)),
    _json("anonymous a word", "/raised_by/anonymous", "not_true_or_false", submission(raised_by={"anonymous": CANARY})),
    _json("urgency a list", "/urgency", "not_text", submission(urgency=[CANARY])),
    _json("family told a number in a list", "/family_told", "not_an_object", submission(family_told=[1])),
    _person("a name a number in an object", "/names/0/given", "not_text", names=[{"given": {"first": CANARY}}]),
    _person("birth date an object", "/birth_date", "not_text", birth_date={"year": 2018}),
    _item("core a word", "/core", "not_true_or_false", core=CANARY),
    _item("about an object", "/about", "not_a_list", about={"ref": CANARY}),
    # a field that is not known would reach nobody
    _json("a field misspelt", "", "field_not_known", submission(peple=[{"names": [CANARY]}])),
    _json("a field that is a name", "", "field_not_known", submission(**{CANARY: "x"})),
    _person("a field of a person misspelt", "", "field_not_known", birthdate="2018"),
    _person("a field of a name", "/names/0", "field_not_known", names=[{"surname": CANARY}]),
    _json("a lawful basis box", "/detail", "field_not_known", submission(detail={"lawful_basis": CANARY})),
    # beyond a limit
    _json("a long reference", "/reference", "too_long", submission(reference=_LONG)),
    _person("a long name", "/names/0/given", "too_long", names=[_LONG]),
    _item("a text beyond the limit", "/text", "too_long", text=CANARY * 1000),
    _json("a long code", "/urgency", "too_long", submission(urgency="u" * 81)),
    _person("a long date", "/birth_date", "too_long", birth_date="2018-05-02" + "0" * 40),
    _json("too many people", "/people", "too_many", submission(people=[{"role": "child"}] * 51)),
    _json("too many items", "/items", "too_many", submission(items=[{"text": CANARY}] * 201)),
    _person("too many names", "/names", "too_many", names=[CANARY] * 21),
    _json("too many triggers", "/detail/triggers", "too_many", submission(detail={"triggers": ["neglect"] * 31})),
    # one name for two things
    _json("a ref twice", "", "ref_twice", submission(people=[{"ref": CANARY}, {"ref": CANARY}])),
    _json(
        "a ref of a person and a place",
        "",
        "ref_twice",
        submission(people=[{"ref": "a", "role": "child"}], places=[{"ref": "a", "name": CANARY}]),
    ),
    _json("an item's ref twice", "", "ref_twice", submission(items=[{"ref": "i", "text": CANARY}] * 2)),
)


def _follow(name: str, kind: str, pointer: str, error: str, /, **body: Any) -> BadFollowUp:
    return BadFollowUp(name, kind, json.dumps(body).encode(), 422, "field_wrong", pointer, error)


_ADDED, _CORRECTED, _GIVEN = "InformationAdded", "InformationCorrected", "ConsentGiven"
_MOVED, _LINKED = "ChildMoved", "RecordsLinked"
_BY = {"name": "Asha Example", "role": CANARY}

FOLLOW_UPS = (
    BadFollowUp("a follow-up of nothing at all", _ADDED, b"", 400, "not_json"),
    BadFollowUp("a follow-up cut short", _ADDED, b'{"text": "' + CANARY.encode(), 400, "not_json"),
    BadFollowUp("a correction in UTF-16", _CORRECTED, '{"text": "x"}'.encode("utf-16"), 400, "not_utf8"),
    BadFollowUp("a move a name of which stands twice", _MOVED, b'{"to": "a", "to": "b"}', 400, "name_twice"),
    BadFollowUp("a consent too deep", _GIVEN, b"[" * 1000, 400, "too_deep"),
    BadFollowUp("an addition too large", _ADDED, b'{"text": "' + b"x" * (1024 * 1024) + b'"}', 413, "too_large"),
    BadFollowUp("a list of additions", _ADDED, b"[{}]", 422, "not_an_object"),
    BadFollowUp("an addition that is null", _ADDED, b"null", 422, "not_an_object"),
    _follow("an addition of nothing", _ADDED, "", "nothing"),
    _follow("an addition of nothing, by somebody", _ADDED, "", "nothing", by=_BY),
    _follow("an addition of blanks", _ADDED, "", "nothing", text=" \x00 "),
    _follow("an addition that says reference", _ADDED, "", "field_not_known", text="x", reference=CANARY),
    _follow("an addition's item without text", _ADDED, "/items/0/text", "missing", items=[{"category": "welfare"}]),
    _follow("an addition with a ref twice", _ADDED, "", "ref_twice", people=[{"ref": CANARY}, {"ref": CANARY}]),
    _follow("an addition of too many items", _ADDED, "/items", "too_many", items=[{"text": CANARY}] * 201),
    _follow("an addition by a list", _ADDED, "/by", "not_an_object", by=[CANARY], text="x"),
    _follow("a correction of nothing", _CORRECTED, "", "nothing", reason=CANARY),
    _follow("a correction that removes an object", _CORRECTED, "/remove/0", "not_text", remove=[{"ref": CANARY}]),
    _follow("a correction that removes too much", _CORRECTED, "/remove", "too_many", remove=[CANARY] * 201),
    _follow("a correction of a long text", _CORRECTED, "/text", "too_long", text=CANARY * 1000),
    _follow("a consent that is given and withdrawn", _GIVEN, "/status", "wrong", ref="c", status="withdrawn"),
    _follow("a consent explicit in words", _GIVEN, "/explicit", "not_true_or_false", ref="c", explicit=CANARY),
    _follow("a consent of a field misspelt", _GIVEN, "", "field_not_known", ref="c", recipent=CANARY),
    _follow("a move to nowhere", _MOVED, "", "nowhere", child="child"),
    _follow("a move of nobody", _MOVED, "/child", "too_short", child="", to="E06000035"),
    _follow("a move to a list", _MOVED, "/to", "not_text", to=[CANARY]),
    _follow("a move, temporary in words", _MOVED, "/temporary", "not_true_or_false", to="E06000035", temporary=CANARY),
    _follow("a link to no concern", _LINKED, "/other_concern_id", "missing", reason="x"),
    _follow("a link to what is no id", _LINKED, "/other_concern_id", "wrong", reason="x", other_concern_id=CANARY),
)
"""Follow-ups that cannot be taken, whatever concern they are of. Used without a server, over HTTP and over Kafka."""

FOLLOW_UP_PATHS = {
    _ADDED: "information", _CORRECTED: "corrections", _GIVEN: "consents", _MOVED: "moves", _LINKED: "links",
}  # fmt: skip


_DECLARED: dict[str, Any] = {
    "child_image": "no", "kind": "body_map", "media_type": "application/pdf", "length": 9, "sha256": "0" * 64,
    "by": {"name": "Asha Example"},
}  # fmt: skip
_RELEASED: dict[str, Any] = {"to": "kent-csc", "reason": "Needed.", "by": {"name": "Asha Example"}}


def _file(name: str, pointer: str, error: str, /, **fields: Any) -> BadFollowUp:
    body = {key: value for key, value in {**_DECLARED, **fields}.items() if value is not None}
    return _follow(f"a file {name}", "attachment", pointer, error, **body)


def _release(name: str, pointer: str, error: str, /, **fields: Any) -> BadFollowUp:
    body = {key: value for key, value in {**_RELEASED, **fields}.items() if value is not None}
    return _follow(f"a release {name}", "release", pointer, error, **body)


ATTACHMENTS = (
    BadFollowUp("a file of nothing at all", "attachment", b"", 400, "not_json"),
    BadFollowUp("a file as its bytes", "attachment", b"%PDF-1.7 " + CANARY.encode(), 400, "not_json"),
    BadFollowUp("a file as a form", "attachment", f"name={CANARY}".encode(), 400, "not_json"),
    BadFollowUp("a file in UTF-16", "attachment", '{"kind": "x"}'.encode("utf-16"), 400, "not_utf8"),
    BadFollowUp("a file within its declaration", "attachment", b'{"b": "' + b"x" * 1_048_576 + b'"}', 413, "too_large"),
    BadFollowUp("a file named twice", "attachment", b'{"name": "a", "name": "b"}', 400, "name_twice"),
    BadFollowUp("a file too deep", "attachment", b"[" * 1000, 400, "too_deep"),
    BadFollowUp("a list of files", "attachment", b"[{}]", 422, "not_an_object"),
    _file("without the answer", "/child_image", "missing", child_image=None),
    _file("with an answer that is none", "", "answer", child_image="perhaps"),
    _file("with the answer in a list", "/child_image", "not_text", child_image=["no"]),
    _file("nobody declares", "/by", "missing", by=None),
    _file("declared by a role alone", "", "unnamed", by={"role": CANARY}),
    _file("of a kind that is none", "", "kind", kind="hologram"),
    _file("without its digest", "", "undeclared", sha256=None),
    _file("without its type", "", "undeclared", media_type=None),
    _file("without a length", "", "undeclared", length=None),
    _file("of no bytes", "", "undeclared", length=0),
    _file("of fewer bytes than none", "/length", "wrong", length=-1),
    _file("of more bytes than there are", "/length", "wrong", length=2**53),
    _file("of a length in words", "/length", "wrong", length=CANARY),
    _file("with half a digest", "/sha256", "wrong", sha256="0" * 63),
    _file("with a digest in base64", "/sha256", "wrong", sha256="A" * 43 + "="),
    _file("with a long name", "/name", "too_long", name=CANARY * 20),
    _file("with its content", "", "field_not_known", content=CANARY),
    _release("to nobody", "", "recipient", to=None),
    _release("to two", "", "recipient", to_class="police"),
    _release("to a class that is none", "", "class", to=None, to_class="astrologers"),
    _release("without a reason", "/reason", "missing", reason=None),
    _release("with a blank for a reason", "/reason", "too_short", reason=" \x00 "),
    _release("by nobody", "", "unnamed", by={"name": " "}),
    _release("accepted in words", "/accept_unscanned", "not_true_or_false", accept_unscanned=CANARY),
)
"""What is said of a file, and of who may have it, that cannot be taken."""
