"""Holds what was assessed against what must have been: classes of recipients, and items for them."""

from __future__ import annotations

from collections.abc import Iterator

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import CandidateCondition, ClassAssessment, ItemAssessment
from services.basis_assessment.towards import towards
from services.chassis.codes import word_of
from services.workbench.scenario.seen import Seen, same
from services.workbench.scenario.then import BasisThen, CandidateThen, ItemThen


def basis_differences(wanted: BasisThen, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    name = wanted.recipient_class
    found = next(
        (
            c
            for c in (seen.assessed.classes if seen.assessed else ())
            if word_of(codes.AgencyClass, c.recipient_class) == name
        ),
        None,
    )
    if found is None:
        yield f"basis: {name} was not assessed"
        return
    if wanted.towards:
        name, found = f"{name} towards {wanted.towards}", towards(found, wanted.towards)
    words = {
        "outcome": word_of(codes.Outcome, found.outcome),
        "article6": word_of(codes.Article6, found.article6) or "none",
        "part3": word_of(codes.Part3Basis, found.part3) or "none",
        "gateway": word_of(codes.Gateway, found.gateway) or "none",
        "reason": word_of(codes.WithholdReason, found.reason),
        "must": found.must,
        "rejected": bool(found.rejected_codes),
        "regime_source": word_of(codes.Regime, found.regime_source),
        "regime_disclosure": word_of(codes.Regime, found.regime_disclosure),
    }
    for field_name, value in words.items():
        yield from same(f"basis: {name} {field_name}", getattr(wanted, field_name), value)
    beside = [word_of(codes.Article6, a) for a in found.alternates]
    if wanted.alternates == [] and beside:
        yield f"basis: {name} alternates are {', '.join(beside)} and none may be"
    for base in wanted.alternates or ():
        if base not in beside:
            yield f"basis: {name} alternates lack {base}; there are: {', '.join(beside) or 'none'}"
    open_bases = {word_of(codes.Article6, base) for base in found.open_bases}
    yield from (
        f"basis: {name} does not say that {base} is open" for base in wanted.open_bases if base not in open_bases
    )
    led = {*found.clause_codes, *found.alternate_codes, *found.rejected_codes}
    yield from (f"basis: {name} does not rest on {code}" for code in wanted.clauses if code not in led)
    yield from (f"basis: {name} rests on {code} and must not" for code in wanted.not_clauses if code in led)
    for item in wanted.items:
        yield from _item(name, item, found, seen)


def _item(name: str, wanted: ItemThen, found: ClassAssessment, seen: Seen) -> Iterator[str]:
    item: ItemAssessment | None = next((i for i in found.items if i.part_id == seen.part(wanted.item)), None)
    if item is None:
        yield f"basis: {name} has nothing on {wanted.item!r}"
        return
    words = {
        "outcome": word_of(codes.Outcome, item.outcome),
        "article9": word_of(codes.Article9, item.article9) or "none",
        "condition": word_of(codes.DpaCondition, item.condition) or "none",
        "sensitivity": word_of(codes.Sensitivity, item.sensitivity),
        "consent_absence": word_of(codes.ConsentAbsence, item.consent_absence),
        "reason": word_of(codes.WithholdReason, item.reason),
    }
    if wanted.about and seen.part(wanted.about) != item.about_person_id:
        yield f"basis: {name} item {wanted.item!r} is not said to be about {wanted.about!r}"
    if wanted.protects is not None and {seen.part(ref) for ref in wanted.protects} != set(item.protects_person_ids):
        yield f"basis: {name} item {wanted.item!r} does not protect exactly {', '.join(wanted.protects) or 'nobody'}"
    for field_name, value in words.items():
        yield from same(f"basis: {name} item {wanted.item!r} {field_name}", getattr(wanted, field_name), value)
    led = set(item.clause_codes)
    what = f"basis: {name} item {wanted.item!r}"
    yield from (f"{what} does not rest on {code}" for code in wanted.clauses if code not in led)
    yield from (f"{what} rests on {code} and must not" for code in wanted.not_clauses if code in led)
    yield from (
        f"{what} does not list {_candidate_name(one)}"
        for one in wanted.candidates
        if not any(_is_candidate(one, found) for found in item.candidates)
    )


def _is_candidate(wanted: CandidateThen, found: CandidateCondition) -> bool:
    asked = (
        (wanted.article9, word_of(codes.Article9, found.article9)),
        (wanted.condition, word_of(codes.DpaCondition, found.condition)),
        (wanted.standing, word_of(codes.CandidateStanding, found.standing)),
    )
    return all(one in (None, value) for one, value in asked) and set(wanted.lacks) <= set(found.lacking_codes)


def _candidate_name(wanted: CandidateThen) -> str:
    said = filter(None, (wanted.condition or wanted.article9, wanted.standing, *wanted.lacks))
    return f"the candidate {' '.join(said)}"
