"""Holds what was shared and what was held back against what must have been."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis.codes import word_of
from services.workbench.scenario.seen import Seen, same
from services.workbench.scenario.share_acts import USUAL
from services.workbench.scenario.then import ShareThen, Then, WithheldThen
from services.workbench.scenario.words import words_in


def share_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    yield from _recipients(then, seen)
    for share in then.shares:
        yield from _share(share, seen)
    for withheld in then.withheld:
        yield from _withheld(withheld, seen)
    yield from _not_told(then.not_told, seen)


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
    if wanted.view is not None:
        what = f"{what} ({wanted.view})"
        shares = [s for s in shares if (s.view_code or USUAL) == wanted.view]
    if wanted.count is not None:
        yield from same(f"{what}: count", wanted.count, len(shares))
    if not shares:
        if wanted.count is None:
            yield f"{what}: there is none"
        return
    if wanted.newest:
        shares = shares[-1:]
    parts = {p.part_id for s in shares for p in s.parts}
    yield from (f"{what}: lacks {ref!r}" for ref in wanted.includes if seen.part(ref) not in parts)
    yield from (f"{what}: holds {ref!r} and must not" for ref in wanted.excludes if seen.part(ref) in parts)
    yield from same(f"{what}: emergency", wanted.emergency, any(s.emergency for s in shares))
    yield from same(f"{what}: practice", wanted.practice, all(s.test for s in shares))
    yield from same(f"{what}: urgency", wanted.urgency, word_of(codes.Urgency, shares[-1].urgency))
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
        stands = [s for s in shares if s.share_id not in anew] or shares
        first = next((s for s in stands if not s.apart), stands[0])
        yield from same(f"{what}: state", wanted.state, state_of(first.share_id, seen))
    if wanted.beside is not None:
        yield from same(f"{what}: beside", wanted.beside, any(s.beside_share_ids for s in shares))
    if wanted.corrects is not None:
        corrections = {data.share_id for data in seen.of("CorrectionSent")}
        yield from same(f"{what}: corrects", wanted.corrects, shares[-1].share_id in corrections)
    keeps_to = {code for s in shares for code in s.instruction_codes}
    yield from (
        f"{what}: is not told to keep to {code}; it is told: {', '.join(sorted(keeps_to)) or 'nothing'}"
        for code in wanted.instructions
        if code not in keeps_to
    )
    if wanted.late is not None:
        late = {data.share_id for data in seen.of("ShareAcknowledged") if data.late}
        yield from same(f"{what}: late", wanted.late, any(s.share_id in late for s in shares))


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


def _withheld_from(agency: str, found: Any, seen: Seen) -> bool:
    """Whether a record means an agency: it names it, or the whole class of it got nothing."""
    if found.agency_id:
        return bool(found.agency_id == agency)
    told = {s.recipient_agency_id for s in seen.of("SharePlanned")}
    return word_of(codes.AgencyClass, found.recipient_class) == seen.classes.get(agency, "") and agency not in told


def _not_told(wanted: Iterable[str], seen: Seen) -> Iterator[str]:
    told = {word_of(codes.AgencyClass, s.recipient_class) for s in seen.of("SharePlanned")}
    reasoned = {word_of(codes.AgencyClass, w.recipient_class) for w in seen.of("ShareWithheld") if w.reason}
    for name in wanted:
        if name in told:
            yield f"not_told: {name} was told"
        elif name not in reasoned:
            yield f"not_told: {name} has no recorded reason"
