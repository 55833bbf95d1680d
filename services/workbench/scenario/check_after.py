"""Holds what followed a share against what must be: erasures, breaches, disagreements, requests, what was known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from services.audit.known import known
from services.chassis.codes import word_of
from services.workbench.scenario.after import (
    BreachThen,
    DisagreementThen,
    DutyThen,
    ErasureThen,
    KnownThen,
    ReceiptsThen,
    RequestThen,
)
from services.workbench.scenario.check_attaching import attachment_differences
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.terms import local
from services.workbench.scenario.then import Then
from services.workbench.scenario.words import words_in


def after_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    for erasure in then.erasures:
        yield from _one("erasure", erasure.agency, erasure, _erasures(erasure, seen))
    for breach in then.breaches:
        yield from _one("breach", breach.owner, breach, _breaches(breach, seen))
    for disagreement in then.disagreements:
        yield from _one("disagreement", disagreement.raised_by, disagreement, _disagreements(disagreement, seen))
    for request in then.requests:
        yield from _one("request", request.to, request, _requests(request, seen))
    for duty in then.duties:
        yield from _duties(duty, seen)
    if then.leads is not None and (found := leads(seen)) != set(then.leads):
        yield f"leads: {', '.join(sorted(found)) or 'nobody'}, must be {', '.join(sorted(then.leads)) or 'nobody'}"
    if then.linked is not None and set(then.linked) != set(seen.linked):
        yield f"linked: with {', '.join(seen.linked) or 'none'}, must be {', '.join(then.linked) or 'none'}"
    started = {d.duty_code for d in seen.of("DutyStarted")}
    yield from (f"duty: {code} was started and must not be" for code in then.no_duties if code in started)
    for receipts in then.receipts:
        yield from _receipts(receipts, seen)
    reopened = {d.recipient_agency_id for d in seen.of("OutcomeReopened")}
    yield from (f"reopened: the outcome of {a} was not reopened" for a in then.reopened if a not in reopened)
    yield from attachment_differences(then, seen)
    for wanted in then.known:
        yield from _known(wanted, seen)


def _one(kind: str, who: str, wanted: Any, found: list[dict[str, Any]]) -> Iterator[str]:
    """Ask that one of what there is, is as wanted in every field that is stated."""
    stated = {name: value for name, value in wanted.model_dump(mode="json").items() if value not in (None, "", [])}
    if any(all(_fits(value, one.get(name)) for name, value in stated.items()) for one in found):
        return
    there = "; ".join(", ".join(f"{n}={v!r}" for n, v in one.items() if n in stated) for one in found)
    yield f"{kind}: none of {who or 'anybody'} is as it must be; there are: {there or 'none'}"


def _fits(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list):
        return set(wanted) <= set(found or ())
    return bool(wanted == found)


def _erasures(_: ErasureThen, seen: Seen) -> list[dict[str, Any]]:
    confirmed = {d.erasure_id for d in seen.of("ErasureConfirmed")}
    declined = {d.erasure_id: word_of(codes.ErasureGround, d.ground) for d in seen.of("ErasureDeclined")}
    overdue = {d.erasure_id for d in seen.of("ErasureOverdue")}
    views = {s.share_id: [p.part_id for p in s.parts] for s in seen.of("SharePlanned")}
    return [
        {
            "agency": d.recipient_agency_id,
            "answer": "confirmed" if d.erasure_id in confirmed else "declined" if d.erasure_id in declined else "open",
            "reason": d.reason_code,
            "ground": declined.get(d.erasure_id),
            "overdue": d.erasure_id in overdue,
            "items": [seen.ref(part_id) for part_id in (d.part_ids or views.get(d.share_id, ()))],
        }
        for d in seen.of("ErasureRequested")
    ]


def _breaches(_: BreachThen, seen: Seen) -> list[dict[str, Any]]:
    reported = {d.breach_id for d in seen.of("BreachReported")}
    harmless = {d.breach_id for d in seen.of("BreachNotReportable")}
    overdue = {d.breach_id for d in seen.of("BreachOverdue")}
    called = {d.breach_id for d in seen.of("SafetyCallMade")}
    return [
        {
            "owner": d.controller_agency_id,
            "recipient": d.recipient_agency_id,
            "state": "reported" if d.breach_id in reported else "not_reportable" if d.breach_id in harmless else "open",
            "overdue": d.breach_id in overdue,
            "hidden_address": d.hidden_address,
            "called": d.breach_id in called,
        }
        for d in seen.of("BreachRecorded")
    ]


def _disagreements(_: DisagreementThen, seen: Seen) -> list[dict[str, Any]]:
    resolved = {
        d.disagreement_id: word_of(codes.DisagreementResolution, d.resolution) for d in seen.of("DisagreementResolved")
    }
    overdue = {d.disagreement_id for d in seen.of("DisagreementOverdue")}
    newest = {d.disagreement_id: d for d in (*seen.of("DisagreementRaised"), *seen.of("DisagreementMoved"))}
    return [
        {
            "raised_by": d.agency_id,
            "with_": d.recipient_agency_id,
            "about": word_of(codes.DisagreementAbout, d.about),
            "state": "resolved" if d.disagreement_id in resolved else "open",
            "stage": newest[d.disagreement_id].stage,
            "role": newest[d.disagreement_id].role_code,
            "resolution": resolved.get(d.disagreement_id),
            "overdue": d.disagreement_id in overdue,
        }
        for d in seen.of("DisagreementRaised")
    ]


def _requests(wanted: RequestThen, seen: Seen) -> list[dict[str, Any]]:
    answers = {
        d.request_id: (state, d)
        for name, state in (("NothingHeld", "nothing_held"), ("InformationRefused", "refused"),
                            ("InformationProvided", "provided"))
        for d in seen.of(name)
    }  # fmt: skip
    overdue = {d.request_id for d in seen.of("InformationRequestOverdue")}
    found = []
    for fact in seen.facts:
        if fact.type not in ("InformationRequested", "InformationRequestReturned"):
            continue
        d: Any = fact.data
        returned = fact.type == "InformationRequestReturned"
        state, answer = answers.get(d.request_id, ("returned" if returned else "open", None))
        text = words_in(fact.parts.values())
        reason = word_of(codes.RequestRefusal, answer.reason) if state == "refused" else ""
        found.append(
            {
                "agency": d.agency_id,
                "to": d.asked_agency_id,
                "band": None if returned else word_of(codes.RequestBand, d.band),
                "state": state,
                "reason": d.reason_code if returned else reason,
                "overdue": d.request_id in overdue,
                "late": answer is not None and answer.late,
                "asked_has": [w for w in wanted.asked_has if w in text],
                "asked_lacks": [w for w in wanted.asked_lacks if w not in text],
            }
        )
    return found


def leads(seen: Seen) -> set[str]:
    """Give who leads: whoever accepted last, else the front doors told as leading."""
    if passed := seen.of("LeadPassed"):
        return {passed[-1].agency_id}
    void = {d.share_id for name in ("ShareRecalled", "DispatchBlocked") for d in seen.of(name)}
    newest = {d.recipient_agency_id: d.leads for d in seen.of("SharePlanned") if d.share_id not in void}
    own = {d.agency_id for d in seen.of("DutyStarted") if d.leads}  # a front door that raised it itself
    return {agency_id for agency_id, leads in newest.items() if leads} | own


def duty_states(seen: Seen) -> list[dict[str, Any]]:
    """Give every duty that was started: whose it is now, how it stands, by when."""
    done = {d.duty_id: d for d in seen.of("DutyDone")}
    overdue = {d.duty_id for d in seen.of("DutyOverdue")}
    whose = {d.duty_id: d.agency_id for name in ("DutyStarted", "DutyHandedOver") for d in seen.of(name)}
    return [
        {
            "duty": d.duty_code,
            "due_at": d.due_at,
            "agency": whose[d.duty_id],
            "state": "done" if d.duty_id in done else "overdue" if d.duty_id in overdue else "running",
            "late": d.duty_id in done and done[d.duty_id].late,
            "personal": d.personal,
        }
        for d in seen.of("DutyStarted")
    ]


def _duties(wanted: DutyThen, seen: Seen) -> Iterator[str]:
    found = duty_states(seen)
    if wanted.count is not None:
        there = sum(d["duty"] == wanted.duty and wanted.agency in ("", d["agency"]) for d in found)
        if there != wanted.count:
            yield f"duty: {there} of {wanted.duty}, must be {wanted.count}"
    if wanted.count != 0:
        yield from _one("duty", wanted.agency, wanted.model_copy(update={"count": None}), found)


def _receipts(wanted: ReceiptsThen, seen: Seen) -> Iterator[str]:
    have = {d.part_id for d in seen.of("AttachmentReceived") if d.recipient_agency_id == wanted.agency}
    yield from (f"receipts: {wanted.agency} has none for {ref!r}" for ref in wanted.items if seen.part(ref) not in have)


def _known(wanted: KnownThen, seen: Seen) -> Iterator[str]:
    # to the minute, as clocks are: what was recorded within the minute is known at it
    at = local(wanted.at).replace(second=59, microsecond=999999) if wanted.at else datetime.max.replace(tzinfo=UTC)
    found = known(seen.facts, wanted.agency, at)
    what = f"known to {wanted.agency} {f'at {wanted.at:%d %b %H:%M}' if wanted.at else 'at the end'}"
    if wanted.state is not None and wanted.state != found.state:
        yield f"{what}: state is {found.state!r}, must be {wanted.state!r}"
    yield from (f"{what}: lacks {ref!r}" for ref in wanted.includes if found.parts.get(seen.part(ref)) is None)
    yield from (f"{what}: holds {ref!r} and must not" for ref in wanted.excludes if seen.part(ref) in found.parts)
    yield from (f"{what}: {ref!r} is not erased" for ref in wanted.erased if seen.part(ref) not in found.erased)
    gone = {seen.part(ref): ref for ref in wanted.tombstones}
    yield from (f"{what}: {ref!r} is no tombstone" for part_id, ref in gone.items() if part_id not in found.tombstones)
    text = words_in(part for part in found.parts.values() if part is not None)
    yield from (
        f"{what}: lacks words it must hold (number {n})" for n, w in enumerate(wanted.view_has, 1) if w not in text
    )
    yield from (
        f"{what}: holds words it must not (number {n})" for n, w in enumerate(wanted.view_lacks, 1) if w in text
    )
    if wanted.acknowledged_by is not None:
        names = {d.acknowledged.person.name for d in found.disclosures if d.acknowledged and d.acknowledged.person}
        if names != ({wanted.acknowledged_by} if wanted.acknowledged_by else set()):
            must = "one, who is named" if wanted.acknowledged_by else "nobody"
            yield f"{what}: acknowledged by {len(names)} people, must be {must}"
    if wanted.law_pack:
        packs = [d.law_pack for d in found.disclosures if d.law_pack]
        if wanted.law_pack not in packs[-1:]:
            yield f"{what}: law pack is {packs[-1:] or 'none'}, must be {wanted.law_pack!r}"
