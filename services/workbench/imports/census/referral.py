"""From a child of a census to concerns: one a referral, as history (practice 29). Pure.

The reference is authority, child and referral date: a file that comes again adds nothing, and a changed one corrects.
The year of the collection is not part of it: a case that is open for three years is one concern, not three. Everything
that stands in the record is kept: in fields of the contract, or as items in words, each in its own category.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.intake.dates import read_day
from services.workbench.imports.census.case import Case, case_of, said
from services.workbench.imports.census.element import Element
from services.workbench.imports.census.layout import layout
from services.workbench.imports.census.notes import Notes
from services.workbench.imports.census.reader import Reader

REFERENCE_CHARS_MAX: Final = 200
LINE_CHARS_MAX: Final = 300
DATE_CHARS_MAX: Final = 40
TEXT_CHARS_MAX: Final = 19_000
ITEMS_MAX: Final = 200
RETURN: Final = "children in need census"


@dataclass(frozen=True, slots=True)
class Return:
    """Whose return it is.

    Attributes:
        lea: the Department's three digits, as written.
        gss: the ONS code, empty where the digits are not known.
    """

    lea: str
    gss: str


def concerns_of(child: Element, of: Return, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give line and submission of each referral of a child.

    Args:
        child: the element ``Child``.
        of: whose return.
        notes: where odd things are noted.
    """
    whole = Reader(child)
    identifiers = whole.groups("ChildIdentifiers") or [whole]
    characteristics = whole.groups("ChildCharacteristics") or [whole]
    person, child_id, why_no_number = _person(identifiers[0], of, notes)
    about = [*why_no_number, *_characteristics(characteristics[0], notes)]
    about = [{**item, "kind": "fact", "about": ["child"], "source": RETURN} for item in about]
    referrals = whole.groups("CINdetails")
    if not referrals:
        notes.add("child_without_referral", child.line)
    if not child_id:
        notes.add("child_id_missing", child.line)
    child_id = child_id or f"sha256:{_digest(child)}"
    made = [case_of(each, of.gss, notes) for each in referrals]
    rest = [found for found in whole.rest() if not found[0].lower().startswith("child/cindetails")]
    left = _left(rest, notes)
    days: Counter[str] = Counter()
    for reader, case in zip(referrals, made, strict=True):
        day = case.referred or "undated"
        days[day] += 1
        if days[day] > 1:
            notes.add("referral_twice", reader.line)
        _check_birth(person, case.referred, reader.line, notes)
        reference = "/".join(("cin", of.lea, child_id, day, *([str(days[day])] if days[day] > 1 else ())))
        items = [*case.items, *about, *left, *_left(list(reader.rest("Child")), notes)]
        yield reader.line, _submission(reference, person, items, case)
    if not referrals:
        item = {"text": "In the return without a referral.", "category": "service_involvement"}
        yield (
            child.line,
            _submission(f"cin/{of.lea}/{child_id}/none", person, [item, *about, *left], Case("", {}, [], [])),
        )


def _submission(reference: str, person: dict[str, Any], items: list[dict[str, Any]], case: Case) -> dict[str, Any]:
    if len(reference) > REFERENCE_CHARS_MAX:
        reference = f"cin/sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    whose = {**person, "statuses": case.statuses}
    if any(s["status"] == "child_protection_plan" and not s.get("to_on") for s in case.statuses):
        whose["authorities"] = [{**a, "role": "holds_plan"} for a in person["authorities"]]
    return {
        "reference": reference,
        "history": True,
        "urgency": "routine",
        "occurred": case.referred if len(case.referred) <= DATE_CHARS_MAX else "",
        "raised_by": {"role": RETURN},
        "people": [whose],
        "items": _bounded(items),
        "detail": case.detail,
    }


def _person(reader: Reader, of: Return, notes: Notes) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    child_id, upn = reader.one("LAchildID"), reader.one("UPN")
    former, unknown = reader.one("FormerUPN"), reader.one("UPNunknown")
    born, expected = reader.one("PersonBirthDate"), reader.one("ExpectedPersonBirthDate")
    sex = reader.one("Sex", "GenderCurrent", "Gender", "PersonGenderCurrent")
    died = reader.one("PersonDeathDate")
    unborn = bool(expected) and not born
    if born and expected:
        notes.add("birth_date_twice", reader.line)
    if upn and unknown:
        notes.add("upn_and_reason", reader.line)
    if not upn and not unknown and not unborn:
        notes.add("upn_missing_without_reason", reader.line)
    if unknown and unknown.upper() not in layout().upn_unknown:
        notes.add("code_not_known", reader.line)
    numbers = (("la_child_id", child_id), ("upn", upn), ("former_upn", former))
    person = {
        "ref": "child",
        "role": "unborn_child" if unborn else "child",
        "birth_date": born,
        "expected_on": expected,
        "died_on": died,
        "sex": layout().sex.get(sex.upper(), sex),
        "identifiers": [{"kind": kind, "value": value[:LINE_CHARS_MAX]} for kind, value in numbers if value],
        "authorities": [{"gss_code": of.gss}] if of.gss else [],
    }
    long = [(kind, value) for kind, value in numbers if len(value) > LINE_CHARS_MAX]
    for name in ("birth_date", "expected_on", "died_on", "sex"):
        if len(value := str(person[name])) > DATE_CHARS_MAX:
            long.append((name, value))
            person[name] = value[:DATE_CHARS_MAX]
    for _ in long:
        notes.add("value_too_long", reader.line)
    why = [{"text": said("Written", (name, value)), "category": "identity"} for name, value in long]
    if unknown:
        why.append({"text": said("UPN not known", ("code", unknown)), "category": "identity"})
    return person, child_id or (f"upn:{upn}" if upn else ""), why


def _characteristics(reader: Reader, notes: Notes) -> list[dict[str, Any]]:
    items = []
    ethnicity = reader.one("Ethnicity")
    if ethnicity:
        if not (len(ethnicity) == 4 and ethnicity.isascii() and ethnicity.isupper() and ethnicity.isalpha()):
            notes.add("code_not_known", reader.line)
        items.append({"text": said("Ethnicity", ("code", ethnicity)), "category": "ethnicity"})
    disabilities = [code for group in reader.groups("Disabilities") for code in group.all("Disability")]
    disabilities += reader.all("Disability")
    if disabilities:
        if not layout().disabilities.issuperset(code.upper() for code in disabilities):
            notes.add("code_not_known", reader.line)
        text = said("Disabilities", ("codes", ", ".join(dict.fromkeys(disabilities))))
        items.append({"text": text, "category": "disability"})
    return items


def _check_birth(person: dict[str, Any], referred: str, line: int, notes: Notes) -> None:
    born, day = read_day(str(person["birth_date"])), read_day(referred)
    if born is not None and day is not None and day.last < born.first:
        notes.add("referral_before_birth", line)


def _left(rest: list[tuple[str, str, int]], notes: Notes) -> list[dict[str, Any]]:
    """Keep what has no place: as an item of no category, which nobody gets without a decision."""
    for _, _, line in rest:
        notes.add("element_not_known", line)
    return [{"text": f"{path}: {text}", "core": False, "about": ["child"], "source": RETURN} for path, text, _ in rest]


def _bounded(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cut long words in pieces, and join what is more than a concern may have, category by category."""
    items = [
        {**item, "text": item["text"][at : at + TEXT_CHARS_MAX]}
        for item in given
        for at in range(0, len(item["text"]), TEXT_CHARS_MAX)
    ]
    if len(items) <= ITEMS_MAX:
        return items
    kept = items[: ITEMS_MAX // 2]
    joined: dict[str, list[dict[str, Any]]] = {}
    for item in items[ITEMS_MAX // 2 :]:
        category = item.get("category", "")
        held = joined.setdefault(category, [{**item, "text": ""}])
        if len(held[-1]["text"]) + len(item["text"]) > TEXT_CHARS_MAX:
            held.append({**item, "text": ""})
        held[-1]["text"] += ("\n" if held[-1]["text"] else "") + item["text"]
    return [*kept, *(item for held in joined.values() for item in held)]


def _digest(element: Element) -> str:
    digest = hashlib.sha256()

    def add(each: Element) -> None:
        digest.update(repr((each.name, each.text, len(each.children))).encode("utf-8", "surrogatepass"))
        for child in each.children:
            add(child)

    add(element)
    return digest.hexdigest()[:32]
