"""From a submission to the contents of an event: parts with their ids, and flags. Pure.

Nothing that was sent is dropped: what has no place in the contract (a code that is not known, a date in words, a ref to
nobody) is kept unread with what it belongs to, and flagged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.chassis.concern import CHILDREN
from services.chassis.event import Content, KeyScope, derived_id
from services.intake import submission as sent
from services.intake.content.case import Case
from services.intake.content.contradictions import contradictions
from services.intake.content.detail import detail
from services.intake.content.items import NEVER_ASSUMED, consent, group, item, place
from services.intake.content.people import person
from services.intake.content.refs import refs_of
from services.intake.flags import Flag, FlagCode, Flags
from services.intake.ids import IdKey


@dataclass(frozen=True, slots=True)
class Contents:
    """What a submission says.

    Attributes:
        concern_id: the concern the ids are made for.
        urgency: how soon.
        parts: in order of part id.
        flags: what was odd and kept, in the order of the submission.
    """

    concern_id: str
    urgency: codes.Urgency
    parts: tuple[Content, ...]
    flags: tuple[Flag, ...]


def contents_of(given: sent.Submission, *, concern_id: str, key: IdKey, today: date) -> Contents:
    """Give what a submission says, as parts of a concern.

    Args:
        given: the submission.
        concern_id: the concern.
        key: blinds the sender's refs.
        today: the day of acceptance; ages and dates are judged by it, never dropped for it.
    """
    flags = Flags()
    refs = refs_of(given, concern_id, key)
    whole, urgency = detail(given, flags, today)
    case = Case(refs, flags, today, urgency, given.history)
    people = [person(p, i, case) for i, p in enumerate(given.people)]
    places = [place(p, i, case) for i, p in enumerate(given.places)]
    groups = [group(g, i, case) for i, g in enumerate(given.groups)]
    items = _items(given, replace(case, roles={p.person_id: p.role for p in people}))
    consents = [consent(c, i, case) for i, c in enumerate(given.consents)]
    contradictions(whole, urgency, people, consents, flags, today=today)
    if not given.history:  # whose return it is says which authority
        _who_and_where(people, places, groups, flags)
    parts = [
        facts.Part(detail=whole),
        *(facts.Part(person=p) for p in people),
        *(facts.Part(place=p) for p in places),
        *(facts.Part(group=g) for g in groups),
        *(facts.Part(item=i) for i in items),
        *(facts.Part(consent=c) for c in consents),
    ]
    return Contents(concern_id, urgency, contents_for(concern_id, parts), tuple(flags.found))


def contents_for(concern_id: str, parts: list[facts.Part]) -> tuple[Content, ...]:
    """Give parts their ids and key scopes, in order of part id (docs/architecture.md, Part ids)."""
    made = [
        Content(part_id, scope_of(concern_id, part), part) for part in parts for part_id in (id_of(concern_id, part),)
    ]
    return tuple(sorted(made, key=lambda content: content.part_id))


def id_of(concern_id: str, part: facts.Part) -> str:
    """Give the part id: that of the thing inside."""
    match part.WhichOneof("body"):
        case "person":
            return part.person.person_id
        case "place":
            return part.place.place_id
        case "group":
            return part.group.group_id
        case "item":
            return part.item.item_id
        case "consent":
            return part.consent.consent_ref
        case _:
            return derived_id(concern_id, "detail")


def scope_of(concern_id: str, part: facts.Part) -> KeyScope:
    """Give whose key seals a part: one adult's erasure must not take the child's record (practice 18)."""
    match part.WhichOneof("body"):
        case "person":
            return KeyScope(concern_id, part.person.person_id)
        case "item":
            return KeyScope(concern_id, part.item.about_person_id, part.item.consent_ref)
        case "attachment":
            return KeyScope(concern_id, part.attachment.about_person_id, part.attachment.consent_ref)
        case _:
            return KeyScope(concern_id)


def _items(given: sent.Submission, case: Case) -> list[facts.Item]:
    made = [
        item(i, item_id, case, "items", index)
        for index, (i, item_id) in enumerate(zip(given.items, case.refs.items, strict=True))
    ]
    if given.text:
        words = sent.Item(text=given.text, occurred=given.occurred, core=True)
        made.append(item(words, case.refs.text, replace(case, flags=Flags())))  # its date was flagged with the whole
    if not given.history and not any(i.core for i in made):
        case.flags.add(FlagCode.NO_CORE_ITEM, "items")
    if case.urgency == codes.Urgency.URGENCY_EMERGENCY and not any(i.emergency_minimum for i in made):
        _assume_minimum(given, made, case.flags)
    return made


def _assume_minimum(given: sent.Submission, made: list[facts.Item], flags: Flags) -> None:
    """In an emergency somebody must learn what happened: take all that the sender did not keep out."""
    flags.add(FlagCode.NO_EMERGENCY_MINIMUM, "items")
    for asked, taken in zip(given.items, made, strict=False):
        unrelated = taken.bears_on_risk == codes.Ternary.TERNARY_NO
        if asked.emergency_minimum is None and not unrelated and taken.category not in NEVER_ASSUMED:
            taken.emergency_minimum = True


def _who_and_where(
    people: list[facts.Person], places: list[facts.Place], groups: list[facts.Group], flags: Flags
) -> None:
    if not (places or groups or any(p.role in CHILDREN for p in people)):
        flags.add(FlagCode.NO_CHILD_NAMED, "people")
    authorities = any(a.gss_code for p in people for a in p.authorities) or any(p.gss_code for p in places)
    addresses = any(not a.to_on for p in people for a in p.addresses)
    if not (authorities or addresses):
        flags.add(FlagCode.AUTHORITY_UNKNOWN, "people")
