"""One disclosure as a data protection officer files it: who told whom, what, on which basis, and what was not told.

Pure, from codes alone: the assessment, the decisions, the law pack and the arrangement it names. No content is opened,
so the page is the same after erasure. A recipient's page holds nothing that shows that something was held back
(practice 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import AgencyClass, Category, DeciderRole, LegalNature, Outcome
from services.basis_assessment import words
from services.basis_assessment.explain import (
    ClassExplained,
    Finding,
    PartExplained,
    explain,
)
from services.basis_assessment.filed.record import (
    Audience,
    Body,
    DecisionMade,
    Disclosure,
    Kind,
    LawFollowed,
    Sent,
)
from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.towards import assessed_towards
from services.chassis.arrangement import Arrangement, Book
from services.chassis.codes import word_of

SHARED = frozenset({"share_duty", "share_power", "share_consent", "share_emergency"})
PROPOSED = "proposed"


def disclosure(
    laws: LawBook,
    book: Book,
    assessed: BasisAssessed,
    recipient_class: AgencyClass,
    *,
    sent: Sent | None = None,
    asked: Iterable[tuple[DecisionRequested, DecisionRecorded | None]] = (),
    audience: Audience = Audience.SENDER,
) -> Disclosure | None:
    """Say what there is to file on one class of recipient; None where the assessment does not speak of it.

    Args:
        laws: every pack at hand.
        book: every arrangement at hand.
        assessed: the assessment the share rests on, as recorded.
        recipient_class: the class.
        sent: the share, where there is one.
        asked: decisions about this concern, each with what was recorded.
        audience: a recipient is not shown that something was held back (practice 8).
    """
    recipient_id = sent.recipient_agency_id if sent is not None else ""
    assessed = assessed_towards(assessed, recipient_id)
    whole = explain(laws, assessed)
    wanted = word_of(AgencyClass, recipient_class)
    raw = next((one for one in assessed.classes if one.recipient_class == recipient_class), None)
    one = next((each for each in whole.classes if each.recipient_class == wanted), None)
    if raw is None or one is None:
        return None
    arrangement = book.by_digest(assessed.arrangement_sha256)
    missing = () if arrangement is not None else (_no_arrangement(assessed),)
    full = audience is not Audience.RECIPIENT
    pack = laws.by_digest(assessed.law_pack_sha256)
    return Disclosure(
        audience=audience,
        concern_id=assessed.concern_id,
        assessed_event_id=assessed.assessed_event_id,
        emergency=assessed.emergency,
        sentence=one.sentence,
        told=sent is not None or one.outcome in SHARED,
        waits=sent is None and one.outcome == PROPOSED,
        recipient_class=words.class_name(recipient_class),
        discloser=_body(arrangement, one.controller_agency_id),
        recipient=_body(arrangement, recipient_id),
        sent=sent,
        purpose=raw.purpose_code.replace("_", " "),
        article6=one.in_words.article6,
        part3=one.in_words.part3,
        regimes=one.in_words.regimes,
        alternates=one.in_words.alternates,
        gateway=one.in_words.gateway,
        why=one.steps,
        refused=one.refused if full else (),
        shared=_kinds(part for part in one.parts if part.outcome in SHARED),
        withheld=_kinds(part for part in one.parts if part.outcome not in SHARED) if full else (),
        at_most=_at_most(arrangement, recipient_class),
        questions=tuple(each for each in whole.questions if each.recipient_class == wanted) if full else (),
        decisions=tuple(_decisions(asked, recipient_class, pack)) if full else (),
        answers=whole.answers if full else (),  # what the sender hesitated over is no recipient's business
        governance=whole.governance if full else (),
        law=_law(assessed, laws, one),
        arrangement=assessed.arrangement,
        arrangement_sha256=assessed.arrangement_sha256,
        findings=(*whole.findings, *missing),
    )


def _no_arrangement(assessed: BasisAssessed) -> Finding:
    return Finding(
        "arrangement_missing",
        f"arrangement {assessed.arrangement!r} {assessed.arrangement_sha256[:12]}… is not at hand, so names and "
        "documents of the bodies are left out; put the file it was assessed with into deploy/arrangements",
    )


def _body(arrangement: Arrangement | None, agency_id: str) -> Body:
    agency = arrangement.agency(agency_id) if arrangement is not None and agency_id else None
    if agency is None:
        return Body(agency_id, agency_id)
    natures = tuple(sorted(word_of(LegalNature, nature).replace("_", " ") for nature in agency.natures))
    return Body(
        agency_id, agency.name, natures, agency.policy_document or "", agency.dpia or "", agency.agreement or ""
    )


def _kinds(parts: Iterable[PartExplained]) -> tuple[Kind, ...]:
    """Put parts together that were treated alike, for a page and not a list of ids."""
    alike: dict[tuple[str, ...], list[PartExplained]] = {}
    for part in parts:
        codes = tuple(step.code for step in part.steps)
        key = (part.sensitivity, part.outcome, part.article9, part.condition, part.limb, part.reason, *codes)
        alike.setdefault(key, []).append(part)
    return tuple(_kind(same) for same in alike.values())


def _kind(same: Sequence[PartExplained]) -> Kind:
    one = same[0]
    said = one.in_words
    return Kind(
        count=len(same),
        sensitivity=said.sensitivity or "parts not looked at",
        outcome=said.outcome,
        article9=said.article9,
        condition=said.condition,
        limb=said.limb,
        reason=said.reason,
        steps=one.steps,
        candidates=one.candidates,
    )


def _at_most(arrangement: Arrangement | None, recipient_class: AgencyClass) -> tuple[str, ...]:
    row = arrangement.matrix.get(recipient_class) if arrangement is not None else None
    if row is None:
        return ()
    return tuple(sorted(word_of(Category, category).replace("_", " ") for category in row.categories))


def _decisions(
    asked: Iterable[tuple[DecisionRequested, DecisionRecorded | None]], of: AgencyClass, pack: LawPack | None
) -> Iterator[DecisionMade]:
    for request, recorded in asked:
        if request.recipient_class != of:
            continue
        question = pack.questions.get(request.question_code) if pack is not None else None
        made = {}
        if recorded is not None:
            made = {
                "outcome": words.said(words.OUTCOMES, Outcome, recorded.outcome),
                "reason_code": recorded.reason_code,
                "review_on": recorded.review_on,
                "decided_by_role": _role(recorded.role),
                "decided_by_agency": recorded.agency_id,
            }
        yield DecisionMade(
            asks=question.asks if question is not None else request.question_code,
            role=_role(request.role),
            agency_id=request.agency_id,
            proposal=words.said(words.OUTCOMES, Outcome, request.proposal),
            due=request.due_at.ToDatetime(UTC).isoformat(),
            clock=request.clock_code,
            state="decided" if recorded is not None else "open",
            override=recorded is not None and recorded.override,
            **made,
        )


def _role(role: DeciderRole) -> str:
    return word_of(DeciderRole, role).replace("_", " ")


def _law(assessed: BasisAssessed, laws: LawBook, one: ClassExplained) -> LawFollowed:
    pack = laws.by_digest(assessed.law_pack_sha256)
    ends = laws.until(pack) if pack is not None else None
    steps = (*one.steps, *one.refused, *(step for part in one.parts for step in part.steps))
    unverified: dict[str, None] = {}
    for step in steps:
        clause = pack.clauses.get(step.code) if pack is not None else None
        for cite in clause.cites if clause is not None else ():
            if not cite.verified and pack is not None:
                unverified[f"{pack.sources[cite.source].title}, {cite.at}"] = None
    return LawFollowed(
        name=assessed.law_pack,
        title=pack.title if pack is not None else "",
        sha256=assessed.law_pack_sha256,
        as_of=assessed.law_as_of.ToDatetime(UTC).isoformat(),
        valid_from=pack.valid_from.isoformat() if pack is not None else "",
        valid_to=ends.isoformat() if ends is not None else "",
        unverified=tuple(unverified),
    )
