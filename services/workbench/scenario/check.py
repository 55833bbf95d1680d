"""Holds what happened against what must be, and what must not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, DecisionRequested, ItemAssessment
from concern_relay.v1.facts_pb2 import Part
from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis.codes import word_of
from services.chassis.event import Fact
from services.workbench.scenario.access_acts import access_differences
from services.workbench.scenario.check_after import after_clocks, after_differences
from services.workbench.scenario.document import (
    BasisThen,
    ClockThen,
    DecisionThen,
    FamilyToldThen,
    ItemThen,
    ShareThen,
    Then,
    WithheldThen,
)
from services.workbench.scenario.identity_then import match_differences
from services.workbench.scenario.terms import LONDON, local
from services.workbench.scenario.words import words_in

__all__ = ["LONDON", "Seen", "check", "local", "state_of"]


@dataclass(frozen=True)
class Seen:
    """What is known of one concern.

    Attributes:
        facts: its events, in the order they were recorded; parts opened where they could be.
        refs: part ids by the refs of its submissions.
        views: per share, the opened parts of what the recipient got.
        watch_due: when its watch runs out, if it runs.
        classes: the class of each agency of the arrangement.
    """

    facts: Sequence[Fact]
    refs: Mapping[str, str]
    views: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    watch_due: datetime | None = None
    classes: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> list[Any]:
        """Give the messages of one type, in order."""
        return [fact.data for fact in self.facts if fact.type == name]

    def part(self, ref: str) -> str:
        """Give the part id of a ref; the ref itself when nobody named it, so that it is found nowhere."""
        return self.refs.get(ref, ref)

    def ref(self, part_id: str) -> str:
        """Give the ref of a part id, for messages."""
        return next((ref for ref, found in self.refs.items() if found == part_id), part_id)

    @property
    def assessed(self) -> BasisAssessed | None:
        """The newest assessment."""
        found = self.of("BasisAssessed")
        return found[-1] if found else None


def check(then: Then, seen: Seen) -> list[str]:
    """Give what is not as it must be, one line each; none when all is well."""
    return list(_differences(then, seen))


def _differences(then: Then, seen: Seen) -> Iterator[str]:
    for basis in then.basis:
        yield from _basis(basis, seen)
    yield from _recipients(then, seen)
    for share in then.shares:
        yield from _share(share, seen)
    for withheld in then.withheld:
        yield from _withheld(withheld, seen)
    yield from _not_told(then.not_told, seen)
    yield from _codes(then, seen)
    yield from _decisions(then, seen)
    yield from access_differences(then, seen)
    for match in then.matches:
        yield from match_differences(match, seen)
    for clock in then.clocks:
        yield from _clock(clock, seen)
    if then.family_told is not None:
        yield from _family_told(then.family_told, seen)
    yield from after_differences(then, seen)
    names = {fact.type for fact in seen.facts}
    yield from (f"event {name} did not happen" for name in then.events if name not in names)
    yield from (f"event {name} happened and must not" for name in then.no_events if name in names)


def _basis(wanted: BasisThen, seen: Seen) -> Iterator[str]:
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
        yield from _same(f"basis: {name} {field_name}", getattr(wanted, field_name), value)
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
        yield from _same(f"basis: {name} item {wanted.item!r} {field_name}", getattr(wanted, field_name), value)
    led = set(item.clause_codes)
    what = f"basis: {name} item {wanted.item!r}"
    yield from (f"{what} does not rest on {code}" for code in wanted.clauses if code not in led)
    yield from (f"{what} rests on {code} and must not" for code in wanted.not_clauses if code in led)


def _same(what: str, wanted: Any, found: Any) -> Iterator[str]:
    if wanted is not None and wanted != found:
        yield f"{what} is {_shown(found)}, must be {_shown(wanted)}"


def _shown(value: Any) -> str:
    return "empty" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def _recipients(then: Then, seen: Seen) -> Iterator[str]:
    have = {share.recipient_agency_id for share in seen.of("SharePlanned")}
    yield from (f"recipients: {agency} has no share" for agency in then.recipients if agency not in have)
    yield from (f"recipients: {agency} has a share and must not" for agency in then.not_recipients if agency in have)
    if then.only_recipients:
        yield from (
            f"recipients: {agency} has a share and is not named" for agency in sorted(have - set(then.recipients))
        )


def _share(wanted: ShareThen, seen: Seen) -> Iterator[str]:
    shares: list[SharePlanned] = [s for s in seen.of("SharePlanned") if s.recipient_agency_id == wanted.to]
    what = f"share to {wanted.to}"
    if wanted.count is not None:
        yield from _same(f"{what}: count", wanted.count, len(shares))
    if not shares:
        if wanted.count is None:
            yield f"{what}: there is none"
        return
    parts = {p.part_id for s in shares for p in s.parts}
    yield from (f"{what}: lacks {ref!r}" for ref in wanted.includes if seen.part(ref) not in parts)
    yield from (f"{what}: holds {ref!r} and must not" for ref in wanted.excludes if seen.part(ref) in parts)
    yield from _same(f"{what}: emergency", wanted.emergency, any(s.emergency for s in shares))
    yield from _same(f"{what}: urgency", wanted.urgency, word_of(codes.Urgency, shares[-1].urgency))
    text = words_in(part for s in shares for part in seen.views.get(s.share_id, ()))
    yield from (
        f"{what}: the view lacks words it must hold (number {n})"
        for n, w in enumerate(wanted.view_has, 1)
        if w not in text
    )
    yield from (
        f"{what}: the view holds words it must not (number {n})"
        for n, w in enumerate(wanted.view_lacks, 1)
        if w in text
    )
    if wanted.state is not None:
        # one that was stopped and planned anew has gone on under another id
        anew = {data.share_id for data in seen.of("DispatchReleased")}
        first = next((s for s in shares if s.share_id not in anew), shares[0])
        yield from _same(f"{what}: state", wanted.state, state_of(first.share_id, seen))
    if wanted.corrects is not None:
        corrections = {data.share_id for data in seen.of("CorrectionSent")}
        yield from _same(f"{what}: corrects", wanted.corrects, shares[-1].share_id in corrections)
    keeps_to = {code for s in shares for code in s.instruction_codes}
    yield from (
        f"{what}: is not told to keep to {code}; it is told: {', '.join(sorted(keeps_to)) or 'nothing'}"
        for code in wanted.instructions
        if code not in keeps_to
    )
    if wanted.late is not None:
        late = {data.share_id for data in seen.of("ShareAcknowledged") if data.late}
        yield from _same(f"{what}: late", wanted.late, any(s.share_id in late for s in shares))


def state_of(share_id: str, seen: Seen) -> str:
    """Give how far a share has come."""
    for name, state in (
        ("ShareRecalled", "recalled"),
        ("DispatchBlocked", "blocked"),
        ("OutcomeGiven", "outcome"),
        ("ShareAcknowledged", "acknowledged"),
        ("ShareRead", "read"),
        ("ShareDelivered", "delivered"),
    ):
        if any(data.share_id == share_id for data in seen.of(name)):
            return state
    return "planned"


def _withheld(wanted: WithheldThen, seen: Seen) -> Iterator[str]:
    want = {seen.part(ref) for ref in wanted.items}
    for found in seen.of("ShareWithheld"):
        fits = (
            (
                wanted.recipient_class is None
                or word_of(codes.AgencyClass, found.recipient_class) == wanted.recipient_class
            )
            and (wanted.agency is None or _withheld_from(wanted.agency, found, seen))
            and (wanted.reason is None or word_of(codes.WithholdReason, found.reason) == wanted.reason)
        )
        if fits:
            want -= set(found.part_ids)
            if not want and (wanted.items or not found.part_ids):
                return
    left = ", ".join(sorted(seen.ref(p) for p in want)) or "the whole"
    who = wanted.agency or wanted.recipient_class or "anybody"
    there = {
        f"{w.agency_id or word_of(codes.AgencyClass, w.recipient_class)} for {word_of(codes.WithholdReason, w.reason)}"
        for w in seen.of("ShareWithheld")
        if not want or want & set(w.part_ids)
    }
    yield (
        f"withheld: no record of {left} from {who} for {wanted.reason or 'any reason'}; "
        f"there are: {', '.join(sorted(there)) or 'none'}"
    )


def _not_told(wanted: Iterable[str], seen: Seen) -> Iterator[str]:
    told = {word_of(codes.AgencyClass, s.recipient_class) for s in seen.of("SharePlanned")}
    reasoned = {word_of(codes.AgencyClass, w.recipient_class) for w in seen.of("ShareWithheld") if w.reason}
    for name in wanted:
        if name in told:
            yield f"not_told: {name} was told"
        elif name not in reasoned:
            yield f"not_told: {name} has no recorded reason"


def _codes(then: Then, seen: Seen) -> Iterator[str]:
    assessed = seen.assessed or BasisAssessed()
    have = {
        "question": {q.code for q in assessed.questions},
        "governance": set(assessed.governance_codes),
        "warning": {code for fact in seen.facts for code in getattr(fact.data, "warning_codes", ())},
        "answer": set(assessed.answered_codes),
    }
    asked = (("question", then.questions), ("governance", then.governance), ("warning", then.warnings))
    for kind, wanted in (*asked, ("answer", then.answers)):
        for code in wanted:
            if code not in have[kind]:
                yield f"{kind} {code!r} is missing; there are: {', '.join(sorted(have[kind])) or 'none'}"
    for kind, barred in (("answer", then.not_answers), ("warning", then.not_warnings)):
        yield from (f"{kind} {code!r} is there and must not be" for code in barred if code in have[kind])
    if then.no_questions and have["question"]:
        yield f"questions: {', '.join(sorted(have['question']))} were put and none may be"
    if then.law_pack:
        yield from _same("law pack", then.law_pack, assessed.law_pack)
    if then.emergency is not None:
        yield from _same("emergency", then.emergency, assessed.emergency)


def _family_told(wanted: FamilyToldThen, seen: Seen) -> Iterator[str]:
    sent = [f for f in seen.facts if f.type in {"ConcernRaised", "InformationAdded", "InformationCorrected"}]
    details = [p.detail for f in sent for p in f.parts.values() if p.WhichOneof("body") == "detail"]
    if not details:
        yield "family_told: nothing is on record that can be opened"
        return
    found = details[-1]
    yield from _same("family_told", wanted.told, word_of(codes.FamilyTold, found.family_told))
    reason = word_of(codes.FamilyNotToldReason, found.family_not_told_reason)
    yield from _same("family_told: reason", wanted.reason, reason)
    yield from _same("family_told: review_on", wanted.review_on, found.family_told_review_on)


def _decisions(then: Then, seen: Seen) -> Iterator[str]:
    requested: list[DecisionRequested] = seen.of("DecisionRequested")
    for wanted in then.decisions:
        if not any(_is_decision(wanted, found, seen) for found in requested):
            about = wanted.items or "anything"
            yield f"decision: none that is {wanted.state} for {wanted.role or 'any role'} on {about}"
    if then.no_decisions and requested:
        yield f"decision: {len(requested)} were asked for and none may be"


def _is_decision(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    recorded = {d.decision_id for d in seen.of("DecisionRecorded")}
    overdue = {d.decision_id for d in seen.of("DecisionOverdue")}
    state = "recorded" if found.decision_id in recorded else "overdue" if found.decision_id in overdue else "open"
    return (
        state == wanted.state
        and _decided_so(wanted, found, seen)
        and _passed_on_so(wanted, found, seen)
        and (wanted.proposal is None or word_of(codes.Outcome, found.proposal) == wanted.proposal)
        and (wanted.role is None or word_of(codes.DeciderRole, found.role) == wanted.role)
        and (wanted.agency is None or found.agency_id == wanted.agency)
        and (
            wanted.recipient_class is None
            or word_of(codes.AgencyClass, found.recipient_class) == wanted.recipient_class
        )
        and (not wanted.question or found.question_code == wanted.question)
        and {seen.part(ref) for ref in wanted.items} <= set(found.part_ids)
    )


def _decided_so(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    if (wanted.outcome, wanted.override, wanted.decided_by) == (None, None, None):
        return True
    made = next((d for d in seen.of("DecisionRecorded") if d.decision_id == found.decision_id), None)
    return (
        made is not None
        and (wanted.outcome is None or word_of(codes.Outcome, made.outcome) == wanted.outcome)
        and wanted.override in {None, made.override}
        and (wanted.decided_by is None or word_of(codes.DeciderRole, made.role) == wanted.decided_by)
    )


def _passed_on_so(wanted: DecisionThen, found: DecisionRequested, seen: Seen) -> bool:
    steps = [d for d in seen.of("DecisionEscalated") if d.decision_id == found.decision_id]
    agency, role = (steps[-1].agency_id, steps[-1].internal_role) if steps else (None, "")
    return (
        wanted.escalated_to in {None, agency}
        and wanted.escalated_role in {"", role}
        and wanted.stage in {None, len(steps)}
    )


def _clock(wanted: ClockThen, seen: Seen) -> Iterator[str]:
    day = None if isinstance(wanted.due, datetime) else wanted.due
    due = local(wanted.due) if isinstance(wanted.due, datetime) else None
    clocks: list[tuple[str, datetime, str]] = []
    if wanted.of == "acknowledgement":
        clocks = [(d.recipient_agency_id, _time(d.acknowledge_by), d.clock_code) for d in seen.of("ShareDelivered")]
    elif wanted.of == "subject_access":
        clocks = [(d.agency_id, _time(d.due_at), d.clock_code) for d in seen.of("SubjectAccessRequested")]
    elif wanted.of == "decision":
        questions = [*seen.of("DecisionRequested"), *seen.of("DecisionEscalated")]
        clocks = [(d.agency_id, _time(d.due_at), d.clock_code) for d in questions]
    elif wanted.of == "duty":
        started = {d.duty_id: d for d in seen.of("DutyStarted")}
        handed = [(d, started[d.duty_id]) for d in seen.of("DutyHandedOver") if d.duty_id in started]
        clocks = [
            (held.agency_id, _time(held.due_at), code)
            for held, rule in [*((d, d) for d in started.values()), *handed]
            for code in (rule.duty_code, rule.clock_code)
        ]
    elif wanted.of != "watch":
        clocks = after_clocks(wanted.of, seen)
    elif seen.watch_due is not None:
        clocks = [("", seen.watch_due, "watch")]
    mine = [c for c in clocks if wanted.agency in {None, c[0]}]
    then = [
        c for c in mine if (c[1].astimezone(LONDON).date() == day if due is None else _minute(c[1]) == _minute(due))
    ]
    if not any(wanted.rule in {"", c[2]} for c in then):
        there = "; ".join(
            f"{agency} {moment.astimezone(LONDON):%a %d %b %Y %H:%M} ({rule})" for agency, moment, rule in mine
        )
        asked = f"{wanted.due:%a %d %b %Y}" if due is None else f"{due.astimezone(LONDON):%a %d %b %Y %H:%M}"
        asked = f"{wanted.of} due {asked} {wanted.rule}".rstrip()
        yield f"clock: no {asked}; there are: {there or _no_clock(wanted, seen)}"


def _no_clock(wanted: ClockThen, seen: Seen) -> str:
    """Say why there is none: an acknowledgement is due from delivery on, and nothing was delivered yet."""
    if wanted.of == "acknowledgement":
        delivered = {d.share_id for d in seen.of("ShareDelivered")}
        if any(s.recipient_agency_id == wanted.agency and s.share_id not in delivered for s in seen.of("SharePlanned")):
            return "none, since its share is not delivered yet: a person has to bring it (step `bring`)"
    return "none"


def _withheld_from(agency: str, found: Any, seen: Seen) -> bool:
    """Whether a record means an agency: it names it, or the whole class of it got nothing."""
    if found.agency_id:
        return bool(found.agency_id == agency)
    told = {s.recipient_agency_id for s in seen.of("SharePlanned")}
    return word_of(codes.AgencyClass, found.recipient_class) == seen.classes.get(agency, "") and agency not in told


def _time(stamp: Any) -> datetime:
    return stamp.ToDatetime(UTC)  # type: ignore[no-any-return]


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
