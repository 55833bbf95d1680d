"""From a follow-up to the act that records it: its clear fields, its parts, and flags. Pure.

Refs are resolved against the concern as it stands. What is said of somebody already named is joined to what is known;
what is left out stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import facts_pb2 as facts
from services.chassis.concern import CHILDREN, Concern
from services.chassis.event import Content, KeyScope, derived_id
from services.intake import follow_up as sent
from services.intake.content import contents_for
from services.intake.content import items as from_items
from services.intake.content.case import Case
from services.intake.content.detail import circumstances, told
from services.intake.content.joined import joined
from services.intake.content.moving import moved_person
from services.intake.content.people import person
from services.intake.content.refs import Refs, known_too, refs_of, unsaid
from services.intake.content.scribe import Scribe
from services.intake.content.whereabouts import whereabouts, whereabouts_id
from services.intake.dates import happened_at
from services.intake.flags import Flag, FlagCode, Flags
from services.intake.flags import codes as codes_of
from services.intake.ids import IdKey, part_id
from services.intake.submission import Actor, Detail, Item

_KNOWN_ALREADY: Final = frozenset(
    {
        FlagCode.ROLE_NOT_STATED,
        FlagCode.CHILD_UNNAMED,
        FlagCode.IDENTIFIER_MISSING,
        FlagCode.BIRTH_DATE_UNKNOWN,
    }
)
"""What is not missing of somebody who is known already."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a follow-up asks to have recorded.

    Attributes:
        data: the message of the act, without parts.
        parts: its parts, in order of part id.
        flags: what was odd and kept.
        time: when it happened, where that was said.
    """

    data: Message
    parts: tuple[Content, ...]
    flags: tuple[Flag, ...] = ()
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """What a follow-up names, as ``refs_of`` reads it."""

    people: Sequence[Any] = ()
    places: Sequence[Any] = ()
    groups: Sequence[Any] = ()
    items: Sequence[Any] = ()
    consents: Sequence[Any] = ()


@dataclass(frozen=True)
class Following:
    """A concern that is followed up.

    Attributes:
        concern: as it stands.
        agency_id: who follows it up.
        key: blinds the sender's refs.
        now: the moment of acceptance; ages and dates are judged by its day.
        today: that day, in London.
    """

    concern: Concern
    agency_id: str
    key: IdKey = field(repr=False)
    now: datetime
    today: date

    def said(self, given: sent.FollowUp | sent.GivenConsent, about: str = "") -> Said:
        """Give what a follow-up asks to have recorded.

        Args:
            given: as read.
            about: for a withdrawal the consent, by ref or id; for an unlinking the other concern.

        Raises:
            KeyError: a move names no child of this concern, or a child that cannot be opened any more.
        """
        match given:
            case sent.Addition():
                return self._added(given)
            case sent.Correction():
                return self._corrected(given)
            case sent.GivenConsent():
                return self._consented(given)
            case sent.Withdrawal():
                return self._withdrawn(given, about)
            case sent.Move():
                return self._moved(given)
            case sent.Link():
                return self._linked(given, concerns.RecordsLinked, str(given.other_concern_id))
            case sent.Unlink():
                return self._linked(given, concerns.RecordsUnlinked, str(UUID(about)))
        raise TypeError(type(given).__name__)

    # -- each kind

    def _added(self, given: sent.Addition) -> Said:
        items = list(given.items)
        if given.text:
            items.append(Item(text=given.text, occurred=given.occurred, core=True))
        known = self._known_ids
        # an addition never takes the place of an item: another one under the same ref is another one
        items = [
            item.model_copy(update={"ref": unsaid("again", item.ref, item.model_dump_json(exclude_defaults=True))})
            if item.ref and part_id(self.key, self._id, "item", item.ref) in known
            else item
            for item in items
        ]
        named = _Named(given.people, given.places, given.groups, items, given.consents)
        flags, loose = Flags(), facts.ConcernDetail()
        urgency = self._urgency(given.urgency, Scribe(loose, flags, self.today))
        parts = self._things(named, flags, urgency, extend=True)
        if given.detail is not None:
            parts.append(facts.Part(detail=self._came_to_light(given.detail, flags, urgency)))
        found = self._flags(flags)
        data = concerns.InformationAdded(
            concern_id=self._id, agency_id=self.agency_id, urgency=urgency, warning_codes=codes_of(found)
        )
        contents = self._contents(parts, given.by, *_unread(loose))
        return Said(data, contents, found, happened_at(given.occurred, self.now))

    def _corrected(self, given: sent.Correction) -> Said:
        named = _Named(given.people, given.places, given.groups, given.items, given.consents)
        flags, loose = Flags(), facts.ConcernDetail()
        urgency = self._urgency(given.urgency, Scribe(loose, flags, self.today))
        parts = self._things(named, flags, urgency, extend=False)
        if given.text:
            case = self._case(named, flags, urgency)
            words = Item(text=given.text, occurred=given.occurred, core=True)
            parts.append(facts.Part(item=from_items.item(words, case.refs.text, case)))
        if given.detail is not None or given.family_told is not None:
            parts.append(facts.Part(detail=self._detail(given, flags, urgency)))
        removed = list(self._removed(given, flags))
        found = self._flags(flags)
        data = concerns.InformationCorrected(
            concern_id=self._id,
            agency_id=self.agency_id,
            urgency=urgency,
            partial=True,
            removed_part_ids=sorted(removed),
            warning_codes=codes_of(found),
        )
        contents = self._contents(parts, given.by, given.reason, *_unread(loose))
        return Said(data, contents, found, happened_at(given.occurred, self.now))

    def _consented(self, given: sent.GivenConsent) -> Said:
        flags = Flags()
        named = _Named(consents=[given])
        case = self._case(named, flags, self.concern.urgency)
        made = from_items.consent(given, 0, case)
        found = tuple(Flag(f.code, f.pointer.removeprefix("/consents/0")) for f in flags.found)
        data = concerns.ConsentGiven(
            concern_id=self._id,
            agency_id=self.agency_id,
            consent_ref=made.consent_ref,
            warning_codes=codes_of(found),
        )
        contents = self._contents([facts.Part(consent=made)], given.by, given.note)
        return Said(data, contents, found, happened_at(given.given_on, self.now))

    def _withdrawn(self, given: sent.Withdrawal, ref: str) -> Said:
        consent_ref = self.consent_id(ref)
        parts = []
        before = self.concern.parts.get(consent_ref)
        if before is not None and before.WhichOneof("body") == "consent":
            ended = facts.Part()
            ended.CopyFrom(before)
            ended.consent.status = codes.ConsentStatus.CONSENT_STATUS_WITHDRAWN
            parts.append(ended)
        data = concerns.ConsentWithdrawn(concern_id=self._id, agency_id=self.agency_id, consent_ref=consent_ref)
        contents = self._contents(parts, given.by, given.words)
        return Said(data, contents, (), happened_at(given.withdrawn_on, self.now))

    def _moved(self, given: sent.Move) -> Said:
        flags = Flags()
        child = self.concern.parts[self._child(given.child)].person
        after, moment = moved_person(child, given, flags, self.today, self.now)
        if given.unknown_destination:
            flags.add(FlagCode.DESTINATION_UNKNOWN, "unknown_destination")
        data = concerns.ChildMoved(
            concern_id=self._id,
            agency_id=self.agency_id,
            person_id=child.person_id,
            temporary=given.temporary,
            unknown_destination=given.unknown_destination,
            warning_codes=codes_of(tuple(flags.found)),
        )
        if moment is not None:
            data.moved_at.FromDatetime(moment)
        contents = self._contents([facts.Part(person=after)], given.by, given.note)
        return Said(data, contents, tuple(flags.found), moment)

    def _linked(self, given: sent.Link | sent.Unlink, kind: Any, other: str) -> Said:
        data = kind(
            concern_id=self._id, other_concern_id=other, reason_code=given.reason_code, agency_id=self.agency_id
        )
        return Said(data, self._contents([], given.by, given.reason))

    def mirrored(self, said: Said, other: Concern) -> Said:
        """Give the same link as it stands with the other concern."""
        data: Any = type(said.data)()
        data.CopyFrom(said.data)
        data.concern_id, data.other_concern_id = other.concern_id, self._id
        there = Following(other, self.agency_id, self.key, self.now, self.today)
        named = {content.part.WhichOneof("body"): content.part for content in said.parts}
        by = named["named_person"].named_person if "named_person" in named else facts.NamedPerson()
        words = named["note"].note.text if "note" in named else ""
        return Said(data, there._contents([], Actor(name=by.name, role=by.role, contact=by.contact), words))

    def whereabouts(self, said: Said, given: sent.Move, mark: str) -> Said | None:
        """Give the concern that an unknown destination raises, and name it in the move; None for any other move.

        Args:
            said: the move.
            given: as sent.
            mark: what this follow-up is known by; the same again raises the same concern.
        """
        if not given.unknown_destination:
            return None
        moved: Any = said.data
        moved.raises_concern_id = whereabouts_id(self.concern, self.agency_id, self.key, mark)
        child = next(c.part.person for c in said.parts if c.part_id == moved.person_id)
        data, parts = whereabouts(
            self.concern, child, concern_id=moved.raises_concern_id, agency_id=self.agency_id, by=given.by,
            words=given.note, today=self.today,
        )  # fmt: skip
        return Said(data, parts, (), said.time)

    def refs(self, given: sent.FollowUp | sent.GivenConsent) -> dict[str, str]:
        """Give the part ids of what a follow-up names, by ref."""
        if isinstance(given, sent.GivenConsent):
            return dict(refs_of(_Named(consents=[given]), self._id, self.key).consent)
        if not isinstance(given, sent.Addition | sent.Correction):
            return {}
        named = _Named(given.people, given.places, given.groups, given.items, given.consents)
        refs = refs_of(named, self._id, self.key)
        return {**refs.person, **refs.place, **refs.group, **refs.consent, **refs.item}

    # -- pieces

    @property
    def _id(self) -> str:
        return self.concern.concern_id

    @property
    def _known_ids(self) -> frozenset[str]:
        return frozenset(self.concern.parts) | self.concern.unopened

    def consent_id(self, ref: str) -> str:
        """Give the opaque id of a consent, by the sender's ref or by that id itself."""
        return ref if ref in self._known_ids else part_id(self.key, self._id, "consent", ref)

    def _child(self, ref: str) -> str:
        found = part_id(self.key, self._id, "person", ref)
        children = [p.person_id for p in self.concern.people if p.role in CHILDREN]
        if found not in self._known_ids and ref == _CHILD and len(children) == 1:
            return children[0]
        return found

    def _case(self, named: _Named, flags: Flags, urgency: codes.Urgency) -> Case:
        refs = known_too(refs_of(named, self._id, self.key), _mentioned(named), self._known_ids, self._id, self.key)
        return Case(refs, flags, self.today, urgency or self.concern.urgency)

    def _things(self, named: _Named, flags: Flags, urgency: codes.Urgency, *, extend: bool) -> list[facts.Part]:
        case = self._case(named, flags, urgency)
        refs = case.refs
        made = [facts.Part(person=person(p, i, case)) for i, p in enumerate(named.people)]
        roles = {p.person_id: p.role for p in (*self.concern.people, *(part.person for part in made)) if p.role}
        case = replace(case, roles=roles)
        made += [facts.Part(place=from_items.place(p, i, case)) for i, p in enumerate(named.places)]
        made += [facts.Part(group=from_items.group(g, i, case)) for i, g in enumerate(named.groups)]
        for index, (given, item_id) in enumerate(zip(named.items, refs.items, strict=True)):
            item = from_items.item(given, item_id, case, "items", index)
            made.append(facts.Part(item=self._restated(given, item)))
        made += [facts.Part(consent=from_items.consent(c, i, case)) for i, c in enumerate(named.consents)]
        self._not_missing(refs, flags)
        return [self._joined(part, extend=extend) for part in made]

    def _joined(self, part: facts.Part, *, extend: bool) -> facts.Part:
        """Join what is said of somebody or some place to what is known of them."""
        body = part.WhichOneof("body") or ""
        if body not in ("person", "place", "group", "item"):
            return part
        said = getattr(part, body)
        before = self.concern.parts.get(getattr(said, f"{body}_id"))
        if before is None or before.WhichOneof("body") != body:
            return part
        return facts.Part(**{body: joined(getattr(before, body), said, extend=extend)})

    def _restated(self, given: Item, made: facts.Item) -> facts.Item:
        """Let what a corrected item does not state follow from what it said before, not from an empty category."""
        before = self.concern.parts.get(made.item_id)
        if before is None or given.category:
            return made
        if given.core is None:
            made.core = before.item.core
        if given.emergency_minimum is None:
            made.emergency_minimum = before.item.emergency_minimum
        return made

    def _came_to_light(self, given: Detail, flags: Flags, urgency: codes.Urgency) -> facts.ConcernDetail:
        """Add circumstances to those known; an addition never makes a concern less serious, a correction may."""
        made, known = facts.ConcernDetail(), self.concern.detail
        circumstances(given, made, Scribe(made, flags, self.today, ("detail",)), urgency or self.concern.urgency)
        made.level = max(made.level, known.level)
        return joined(known, made, extend=True)

    def _detail(self, given: sent.Correction, flags: Flags, urgency: codes.Urgency) -> facts.ConcernDetail:
        made = facts.ConcernDetail()
        if given.family_told is not None:
            told(given.family_told, made, Scribe(made, flags, self.today, ("family_told",)))
        if given.detail is not None:
            level = urgency or self.concern.urgency
            circumstances(given.detail, made, Scribe(made, flags, self.today, ("detail",)), level)
        return joined(self.concern.detail, made, extend=False)

    def _removed(self, given: sent.Correction, flags: Flags) -> Iterator[str]:
        for index, ref in enumerate(given.remove):
            ids = {part_id(self.key, self._id, kind, ref) for kind in ("person", "place", "group", "item", "consent")}
            if ref == "text":
                ids.add(part_id(self.key, self._id, "item", unsaid("text", "", 1)))
            found = ids & self._known_ids
            if not found:
                flags.add(FlagCode.REF_UNKNOWN, "remove", index)
            yield from found

    def _contents(self, parts: list[facts.Part], by: Actor, *words: str) -> tuple[Content, ...]:
        """Give parts with their ids, and those that say who acted and in which words, in order of part id."""
        contents = list(contents_for(self._id, parts))
        if by.name or by.role or by.contact:
            named = facts.NamedPerson(name=by.name, role=by.role, contact=by.contact)
            contents.append(self._blinded("by", facts.Part(named_person=named)))
        if text := "\n".join(word for word in words if word):
            contents.append(self._blinded("words", facts.Part(note=facts.Note(text=text))))
        return tuple(sorted(contents, key=lambda content: content.part_id))

    def _blinded(self, kind: str, part: facts.Part) -> Content:
        """Give a part that no ref names an id from its content: blinded, for that holds names."""
        digest = self.key.digest("follow-up part", kind, part.SerializeToString(deterministic=True))
        return Content(derived_id(self._id, kind, digest.hex()), KeyScope(self._id), part)

    def _urgency(self, word: str, scribe: Scribe) -> Any:
        return scribe.code(codes.Urgency, word, "urgency")

    def _not_missing(self, refs: Refs, flags: Flags) -> None:
        known = {f"/people/{i}/" for i, person_id in enumerate(refs.people) if person_id in self._known_ids}
        flags.found = [
            flag
            for flag in flags.found
            if flag.code not in _KNOWN_ALREADY or not any(flag.pointer.startswith(at) for at in known)
        ]

    def _flags(self, flags: Flags) -> tuple[Flag, ...]:
        return tuple(flags.found)


_CHILD: Final = "child"


def _mentioned(named: _Named) -> frozenset[str]:
    """Give every ref that is spoken of."""
    found: set[str] = set()
    for item in named.items:
        found |= {*item.about, *item.mentions, item.consent}
    for consent in named.consents:
        found |= {consent.subject, consent.given_by, *consent.items}
    for group in named.groups:
        found |= set(group.members)
    for each in named.people:
        found |= {relationship.to for relationship in each.relationships}
    return frozenset(found - {""})


def _unread(loose: facts.ConcernDetail) -> Iterator[str]:
    """Keep the words of a code that is not known."""
    return (f"{each.field}: {each.text}" for each in loose.unread)
