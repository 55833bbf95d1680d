"""Read a law pack from YAML. Every error names file, line and column, what is wrong and what to do.

Closed: a word that is not known is refused, and so is a clause without citation, a row of a clause that does not exist,
a question nobody wrote. What can only be seen over the whole pack is ``check``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Article9,
    Category,
    ConsentAbsence,
    DeciderRole,
    DpaCondition,
    Gateway,
    GatewayKind,
    Outcome,
    Part3Basis,
    Regime,
    Sensitivity,
    WithholdReason,
)
from services.basis_assessment import pack as p
from services.basis_assessment.facts import LAW_FACTS
from services.basis_assessment.overlay import OWN, Sections, laid_over
from services.basis_assessment.pack import Citation, LawBook, LawClause, LawGateway, LawPack, LawQuestion, Row, Source
from services.chassis.calendar import AMOUNT_MAX, Clock, ClockRule, Starts
from services.chassis.clauses import Clause, Condition, Declared, FactType, read_clause
from services.chassis.codes import number_of, words
from services.chassis.marked_yaml import elements, entries, fail, near, read_document, read_raw, read_text, text

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "law"

BOOKS_REMEMBERED: Final = 4
SHARE: Final = "share"
"""Outcome of a row: shared, as the Article 6 row says (by duty, by power, on consent)."""
ALWAYS: Final = Condition("all")
NONE_NEEDED: Final = "none"
"""Condition of a row: where its clause holds, the law asks for no condition of this kind of data."""
DECIDED: Final = "decided"
"""Outcome of a row: as the named person decided."""

_OUTCOME_KEYS = ("or_unknown", "outcome", "reason", "ask", "of", "proposal")
_KEYS_OF_TABLE: Final[Mapping[str, tuple[str, ...]]] = {
    p.ARTICLE6: ("basis", "outcome", "incomplete", "or_unknown"),
    p.REFUSED_BASES: ("basis",),
    p.CLASS_OUTCOME: _OUTCOME_KEYS,
    p.GATEWAY: ("gateway",),
    p.REGIMES: ("source", "disclosure", "part3"),
    p.LIMBS: ("limb",),
    p.CONDITIONS: ("article9", "condition"),
    p.ITEMS: _OUTCOME_KEYS,
    p.GOVERNANCE: (),
    p.ANSWERS: (),
    p.CLOCKS: ("or_unknown", "clock", "rule", "amount"),
}
_ENUM_OF_KEY: Final[Mapping[str, Any]] = {
    "basis": Article6,
    "gateway": Gateway,
    "source": Regime,
    "disclosure": Regime,
    "part3": Part3Basis,
    "limb": ConsentAbsence,
    "article9": Article9,
    "condition": DpaCondition,
    "reason": WithholdReason,
    "proposal": Outcome,
}

_OPTIONAL_TABLES: Final = (p.REGIMES,)
_NEEDED: Final = (
    *("name", "title", "valid_from", "valid_to", "sources", "questions", "sensitivity", "deciders", "cover"),
    *("lead_decider", "clauses", "tables"),
)
_ALLOWED: Final = (*_NEEDED, "dates", "variant", "gateways")

T = TypeVar("T")
Read = tuple[LawPack, Sections]


def read_pack(path: Path) -> LawPack:
    """Read a law pack; an overlay finds its base in the same folder.

    Raises:
        DocumentError: says file, line, column, what is wrong and what to do.
    """
    root, raw = read_document(path)
    return _read(root, raw, lambda name: _of_folder(path.parent, name))[0]


def parse_pack(raw: bytes, name: str) -> LawPack:
    """Read a law pack as ``read_pack`` does, from bytes; ``name`` stands in errors. Bases are those of deploy/law."""
    return _read(read_text(raw, name), raw, lambda base: _of_folder(FOLDER, base))[0]


def read_book(folder: Path = FOLDER) -> LawBook:
    """Read every ``*.yaml`` of a folder.

    Raises:
        DocumentError: for a file that is wrong.
        SettingsError: for a folder without any.
    """
    return _book(tuple((path.name, read_raw(path)) for path in sorted(folder.glob("*.yaml"))))


@lru_cache(maxsize=BOOKS_REMEMBERED)
def _book(files: tuple[tuple[str, bytes], ...]) -> LawBook:
    """Read a folder's files, by name and content: the same bytes are the same book, and it never changes."""
    documents = {name.removesuffix(".yaml"): (read_text(raw, name), raw) for name, raw in files}
    read: dict[str, Read] = {}

    def of(stem: str) -> Read | None:
        if stem not in read and stem in documents:
            read[stem] = _read(*documents[stem], of)
        return read.get(stem)

    return LawBook.of(found[0] for stem in documents if (found := of(stem)) is not None)


def _of_folder(folder: Path, name: str) -> Read | None:
    path = folder / f"{name}.yaml"
    return _read(*read_document(path), lambda base: _of_folder(folder, base)) if path.exists() else None


def _read(root: yaml.Node, raw: bytes, base_of: Callable[[str], Read | None]) -> Read:
    found = entries(root)
    if "overlays" not in found:
        found = _keys(root, _ALLOWED, needed=_NEEDED)
        return _pack(found, sha256(raw).hexdigest(), ""), found
    over = _keys(root, (*_ALLOWED, *OWN), needed=("name", "title", "valid_from", "valid_to", "overlays"))
    said = _keys(over["overlays"], ("pack", "sha256"), needed=("pack", "sha256"))
    name = text(said["pack"])
    base = base_of(name) if name != text(over["name"]) else None
    if base is None:
        fail(said["pack"], f"there is no law pack {name!r} to lay this one over", f"put {name}.yaml beside it")
    pack, sections = base
    if pack.sha256 != text(said["sha256"]):
        fail(
            said["sha256"],
            f"{name} is not the pack this one was laid over: its digest is {pack.sha256}",
            "put its bytes back, for a pack never changes; or name the new digest in a new overlay",
        )
    # what a base says of its own day and standing is not handed down
    sections = {key: node for key, node in sections.items() if key not in ("dates", "variant")}
    merged = laid_over(sections, over)
    digest = sha256(f"{pack.sha256}\n".encode() + raw).hexdigest()
    return _pack(merged, digest, name), merged


def _pack(found: Mapping[str, yaml.Node], digest: str, overlays: str) -> LawPack:
    begins = _day(found["valid_from"])
    ends = _day(found["valid_to"]) if text(found["valid_to"]) else None
    if ends is not None and ends < begins:
        fail(found["valid_to"], f"it ends on {ends}, before it begins on {begins}", "write a later day, or none")
    sources = _by_code(found["sources"], _source)
    questions = _by_code(found["questions"], lambda code, node: _question(code, node, sources))
    clauses = _clauses(found["clauses"], sources)
    gateways = found.get("gateways")
    return LawPack(
        name=text(found["name"]),
        title=text(found["title"]),
        valid_from=begins,
        valid_to=ends,
        sha256=digest,
        sources=sources,
        questions=questions,
        sensitivity=_words_by_word(found["sensitivity"], Category, lambda node: _word(node, Sensitivity)),
        deciders=_words_by_word(found["deciders"], AgencyClass, lambda node: _word(node, DeciderRole)),
        cover=_words_by_word(
            found["cover"], DeciderRole, lambda node: tuple(_word(one, DeciderRole) for one in elements(node))
        ),
        lead_decider=_word(found["lead_decider"], DeciderRole),
        clauses=clauses,
        tables=_tables(found["tables"], clauses, questions),
        overlays=overlays,
        variant="variant" in found and _flag(found["variant"]),
        dates=_cites(found["dates"], sources) if "dates" in found else (),
        gateways={} if gateways is None else _words_by_word(gateways, Gateway, lambda node: _gateway(node, sources)),
    )


def _gateway(node: yaml.Node, sources: Mapping[str, Source]) -> LawGateway:
    found = _keys(node, ("kind", "says", "cite"), needed=("kind", "says", "cite"))
    return LawGateway(_word(found["kind"], GatewayKind), _said(found["says"]), _cites(found["cite"], sources))


def _keys(node: yaml.Node, allowed: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
    found = entries(node)
    for key in found:
        if key not in allowed:
            fail(found[key], f"nothing here is called {key!r}", near(key, allowed))
    for key in needed:
        if key not in found:
            fail(node, f"{key!r} is missing", f"write '{key}: …'")
    return found


def _by_code(node: yaml.Node, read: Callable[[str, yaml.Node], T]) -> dict[str, T]:
    return {code: read(code, inner) for code, inner in entries(node).items()}


def _words_by_word(node: yaml.Node, enum: Any, read: Callable[[yaml.Node], T]) -> dict[Any, T]:
    pairs = entries(node)
    for word, inner in pairs.items():
        if word not in words(enum):
            fail(inner, f"unknown {enum.DESCRIPTOR.name} {word!r}", near(word, words(enum)))
    return {number_of(enum, word): read(inner) for word, inner in pairs.items()}


def _word(node: yaml.Node, enum: Any) -> Any:
    word = text(node)
    if word not in words(enum):
        fail(node, f"unknown {enum.DESCRIPTOR.name} {word!r}", near(word, words(enum)))
    if enum is DeciderRole and word == "data_protection_officer":
        fail(node, "a data protection officer advises and never decides", "name the role that decides (practice 14)")
    return number_of(enum, word)


def _day(node: yaml.Node) -> date:
    try:
        return date.fromisoformat(text(node))
    except ValueError:
        fail(node, f"{text(node)!r} is no day", "write it as 2018-07-04")


def _said(node: yaml.Node) -> str:
    said = " ".join(text(node).split())
    if not said:
        fail(node, "no words", "say it in plain English")
    return said


def _flag(node: yaml.Node) -> bool:
    if text(node) not in ("true", "false"):
        fail(node, f"{text(node)!r} is neither true nor false", "write true or false")
    return text(node) == "true"


def _source(code: str, node: yaml.Node) -> Source:
    found = _keys(node, ("title", "address"), needed=("title", "address"))
    return Source(code, _said(found["title"]), text(found["address"]))


def _cites(node: yaml.Node, sources: Mapping[str, Source]) -> tuple[Citation, ...]:
    cites = []
    for one in elements(node):
        found = _keys(one, ("source", "at", "verified"), needed=("source", "at", "verified"))
        code = text(found["source"])
        if code not in sources:
            fail(found["source"], f"no source is called {code!r}", near(code, sources))
        cites.append(Citation(code, _said(found["at"]), _flag(found["verified"])))
    if not cites:
        fail(node, "no citation", "say where it comes from; verified: false if nobody has compared it")
    return tuple(cites)


def _question(code: str, node: yaml.Node, sources: Mapping[str, Source]) -> LawQuestion:
    found = _keys(node, ("asks", "answers", "answers_of", "cite"), needed=("asks", "cite"))
    if ("answers" in found) == ("answers_of" in found):
        fail(node, "a question has answers, or those of a fact", "write either answers or answers_of")
    if "answers_of" in found:
        name = text(found["answers_of"])
        if name not in LAW_FACTS:
            fail(found["answers_of"], f"no fact is called {name!r}", near(name, LAW_FACTS))
        answers = _answers_of(LAW_FACTS[name])
    else:
        answers = tuple(text(one) for one in elements(found["answers"]))
    if not answers:
        fail(node, f"question {code!r} has no answer", "name the answers it can have")
    return LawQuestion(code, _said(found["asks"]), answers, _cites(found["cite"], sources))


def _answers_of(fact: Declared) -> tuple[str, ...]:
    plain = {FactType.BOOL: ("yes", "no"), FactType.INTEGER: ("number",), FactType.DATE: ("date",)}
    return fact.codes or plain.get(fact.type, ())


def _clauses(node: yaml.Node, sources: Mapping[str, Source]) -> dict[str, LawClause]:
    read: dict[str, LawClause] = {}
    compiled: dict[str, Clause] = {}
    for code, inner in entries(node).items():
        found = _keys(inner, ("says", "cite", "when"), needed=("says", "cite", "when"))
        compiled[code] = read_clause(code, found["when"], LAW_FACTS, compiled)
        read[code] = LawClause(compiled[code], _said(found["says"]), _cites(found["cite"], sources))
    return read


def _tables(
    node: yaml.Node, clauses: Mapping[str, LawClause], questions: Mapping[str, LawQuestion]
) -> dict[str, tuple[Row, ...]]:
    found = _keys(node, tuple(_KEYS_OF_TABLE), needed=tuple(t for t in _KEYS_OF_TABLE if t not in _OPTIONAL_TABLES))
    tables = {
        table: tuple(_row(table, one, clauses, questions) for one in elements(found[table])) if table in found else ()
        for table in _KEYS_OF_TABLE
    }
    if not tables[p.CLOCKS] or tables[p.CLOCKS][-1].clause.condition != ALWAYS:
        fail(found[p.CLOCKS], "the last clock may not hold", "end with a row whose clause is 'when: always'")
    return tables


def _row(table: str, node: yaml.Node, clauses: Mapping[str, LawClause], questions: Mapping[str, LawQuestion]) -> Row:
    allowed = _KEYS_OF_TABLE[table]
    needed = tuple(
        key for key in ("basis", "outcome", "gateway", "limb", "clock", "source", "disclosure") if key in allowed
    )
    found = _keys(node, ("if", *allowed), needed=("if", *needed))
    code = text(found["if"])
    if code not in clauses:
        fail(found["if"], f"no clause is called {code!r}", near(code, clauses))
    given = {key: inner for key, inner in found.items() if key in _ENUM_OF_KEY and text(inner) != NONE_NEEDED}
    gives: dict[str, Any] = {key: _word(inner, _ENUM_OF_KEY[key]) for key, inner in given.items()}
    gives |= {key: _flag(found[key]) for key in ("or_unknown", "incomplete") if key in found}
    if "outcome" in found:
        gives |= _outcome(found["outcome"])
    if "ask" in found:
        gives["ask"] = text(found["ask"])
        if gives["ask"] not in questions:
            fail(found["ask"], f"no question is called {gives['ask']!r}", near(gives["ask"], questions))
        if "proposal" not in found:
            fail(node, "a question put to a person needs a proposal", "write 'proposal: …'")
    if "of" in found:
        if text(found["of"]) not in ("sender", "lead"):
            fail(found["of"], f"{text(found['of'])!r} is nobody to ask", "write sender or lead")
        gives["of_lead"] = text(found["of"]) == "lead"
    if table == p.CLOCKS:
        gives["clock"] = _clock(node, found, clauses[code])
    if table == p.CONDITIONS and not {"article9", "condition"} & found.keys():
        fail(node, "a condition row names no condition", "write article9, condition, or both; or condition: none")
    return Row(clauses[code].clause, **gives)


def _outcome(node: yaml.Node) -> dict[str, Any]:
    word = text(node)
    if word == SHARE:
        return {}
    if word == DECIDED:
        return {"reason": WithholdReason.WITHHOLD_REASON_DECIDED}
    if word not in words(Outcome):
        fail(node, f"unknown outcome {word!r}", near(word, (SHARE, DECIDED, *words(Outcome))))
    return {"outcome": number_of(Outcome, word)}


def _clock(node: yaml.Node, found: Mapping[str, yaml.Node], clause: LawClause) -> Clock:
    for key in ("rule", "amount"):
        if key not in found:
            fail(node, f"{key!r} is missing", f"write '{key}: …'")
    rules = [str(rule) for rule in ClockRule]
    if text(found["rule"]) not in rules:
        fail(found["rule"], f"unknown clock rule {text(found['rule'])!r}", near(text(found["rule"]), rules))
    amount = text(found["amount"])
    if not amount.isdigit() or not 1 <= int(amount) <= AMOUNT_MAX:
        fail(found["amount"], f"{amount!r} is no amount", f"write a whole number from 1 to {AMOUNT_MAX}")
    return Clock(text(found["clock"]), ClockRule(text(found["rule"])), int(amount), Starts.RECEIVED, clause.says)
