"""What an agency knew, and every disclosure of a concern, as JSON and in plain English. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from services.audit.clear_fields import clear_fields
from services.audit.known import Actor, Disclosure, Known
from services.chassis.calendar import LONDON

CONTENT_DEPTH = 6
SEALED = "sealed"
TOMBSTONE = "tombstone"
WHY_STOPPED: Final = {
    "policy_stale": "the agreement it rested on does not stand",
    "key_suspended": "a consent was withdrawn, or it was erased",
    "inbox_readable_by_person_of_concern": "a person of the concern could read that inbox",
}


def disclosure_dict(one: Disclosure, *, opened: bool = False) -> dict[str, Any]:
    """Give a disclosure: who disclosed to whom, under which rule and law, what became of it.

    Args:
        one: the disclosure.
        opened: name the people who acted, where they can be opened.
    """
    return {
        "share_id": one.share_id,
        "controller": one.sender_agency_id,
        "recipient": one.recipient_agency_id,
        "class": one.recipient_class,
        "outcome": one.outcome,
        "rule": one.rule_code,
        "law_pack": one.law_pack,
        "law_pack_sha256": one.law_pack_sha256,
        "arrangement_sha256": one.arrangement_sha256,
        "assessment_event_id": one.assessment,
        "emergency": one.emergency,
        "state": one.state,
        "parts": list(one.part_ids),
        "planned_at": _iso(one.planned),
        "delivered_at": _iso(one.delivered),
        "channel": one.channel,
        "read": [_actor(actor, opened=opened) for actor in one.readers],
        "acknowledged": None if one.acknowledged is None else _actor(one.acknowledged, opened=opened),
        "late": one.late,
        "outcome_given": one.given,
        "outcome_by": None if one.given_by is None else _actor(one.given_by, opened=opened),
        "recalled_at": _iso(one.recalled),
        "blocked": one.blocked,
        "released_at": _iso(one.released),
        "erasure": one.erasure,
    }


def known_dict(found: Known, *, opened: bool) -> dict[str, Any]:
    """Give what an agency knew; with content where it was opened, and a tombstone where nobody can open it."""
    parts: dict[str, Any] = dict.fromkeys(found.parts, SEALED)
    if opened:
        parts = {part_id: _body(part) for part_id, part in found.parts.items()}
    return {
        "agency_id": found.agency_id,
        "as_of": found.at.isoformat(),
        "state": found.state,
        "parts": parts,
        "erased": sorted(found.erased),
        "disclosures": [disclosure_dict(one, opened=opened) for one in found.disclosures],
    }


def disclosure_lines(one: Disclosure) -> Iterator[str]:
    """Tell a disclosure in one line."""
    law = f" under {one.law_pack}" if one.law_pack else ", an emergency minimum" if one.emergency else ""
    steps = [
        f"{one.sender_agency_id} to {one.recipient_agency_id}: {one.outcome.replace('_', ' ')}{law} [{one.rule_code}]"
    ]
    steps.append(f"{len(one.part_ids)} parts, planned {_at(one.planned)}")
    steps.append(f"delivered {_at(one.delivered)} by {one.channel}" if one.delivered else "not delivered")
    steps += [f"read {_who(actor)}" for actor in one.readers]
    if one.acknowledged is not None:
        steps.append(f"acknowledged {_who(one.acknowledged)}" + (", late" if one.late else ""))
    elif one.delivered and not one.recalled:
        steps.append("not acknowledged")
    if one.given_by is not None:
        steps.append(f"outcome {one.given.replace('_', ' ')} {_who(one.given_by)}")
    if one.recalled:
        steps.append(f"recalled {_at(one.recalled)}")
    if one.erasure:
        steps.append(f"erasure {one.erasure}")
    if one.blocked:
        steps.append(f"stopped at the door: {WHY_STOPPED.get(one.blocked, one.blocked)}")
    if one.released:
        steps.append(f"planned anew {_at(one.released)}")
    yield "; ".join(steps)


def known_lines(found: Known, *, opened: bool) -> Iterator[str]:
    """Tell what an agency knew, part by part."""
    yield f"{found.agency_id} at {_at(found.at)}: {found.state.replace('_', ' ')}"
    for one in found.disclosures:
        for line in disclosure_lines(one):
            yield f"  {line}"
    for part_id, part in sorted(found.parts.items()):
        if not opened:
            yield f"  {part_id}: {SEALED}"
        elif part is None:
            yield f"  {part_id}: {TOMBSTONE}; it was there, and nobody can open it any more"
        else:
            yield f"  {part_id}: {_body(part)}"
    for part_id in sorted(found.erased):
        yield f"  {part_id}: erased, or called back"


def _body(part: Any) -> Any:
    if part is None:
        return TOMBSTONE
    kind = part.WhichOneof("body") or ""
    return {kind: clear_fields(getattr(part, kind), CONTENT_DEPTH)} if kind else {}


def _actor(actor: Actor, *, opened: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"at": _iso(actor.at)}
    if opened:
        found["by"] = TOMBSTONE if actor.person is None else {"name": actor.person.name, "role": actor.person.role}
    return found


def _who(actor: Actor) -> str:
    by = f" by {actor.person.name}, {actor.person.role}" if actor.person is not None else ""
    return f"{_at(actor.at)}{by}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _at(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(LONDON).strftime("%d %B %Y %H:%M")
