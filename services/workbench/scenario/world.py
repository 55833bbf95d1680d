"""The services' cores in one process, joined as the topics join them: what the journal does, without any server.

Nothing is sealed here and nothing waits: an event is given to whoever reads its topic, timers fire in the order of
their due times when the time is moved, and a share that is planned for an inbox is delivered at once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import Channel
from concern_relay.v1.facts_pb2 import PartKind, SealedPart
from concern_relay.v1.keys_pb2 import KeyDestroyed, KeyResumed, KeySuspended
from concern_relay.v1.shares_pb2 import DispatchBlocked, ErasureDeclined, ShareDelivered, SharePlanned
from services.chassis.contract import has_parts
from services.chassis.event import Content, Core, Effect, Fact, FactKind, KeyScope, Timer, effect_id, timer_id
from services.chassis.journal.rows import act_id
from services.routing.core.policy import POLICY_STALE

STEPS_MAX: Final = 10_000
VAULT_TAKES: Final = timedelta(seconds=1)
BODY_KINDS: Final = {
    "detail": PartKind.PART_KIND_DETAIL,
    "person": PartKind.PART_KIND_PERSON,
    "place": PartKind.PART_KIND_PLACE,
    "group": PartKind.PART_KIND_GROUP,
    "item": PartKind.PART_KIND_ITEM,
    "consent": PartKind.PART_KIND_CONSENT,
    "named_person": PartKind.PART_KIND_NAMED_PERSON,
    "note": PartKind.PART_KIND_NOTE,
    "attachment": PartKind.PART_KIND_ATTACHMENT,
}


@dataclass(frozen=True)
class Seat:
    """A service in the world: its core, what it reads, what it writes."""

    name: str
    core: Core[Any]
    reads: tuple[str, ...]
    writes: str


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the world, and the topic it lies on."""

    topic: str
    fact: Fact


@dataclass
class World:
    """The cores, the time, the timers, and everything that happened.

    Attributes:
        seats: the services, by name.
        now: the time; moved by ``advance`` only.
        events: all events, in the order they were recorded.
        door: gives the agreement for whose sake a share may not leave; empty when it may.
    """

    seats: Mapping[str, Seat]
    now: datetime
    events: list[Happened] = field(default_factory=list)
    door: Callable[[SharePlanned], str] = lambda _: ""
    _states: dict[tuple[str, str], Any] = field(default_factory=dict)
    _based_on: dict[tuple[str, str], dict[str, UUID]] = field(default_factory=lambda: defaultdict(dict))
    _timers: dict[tuple[str, str, str], Timer] = field(default_factory=dict)
    _waiting: deque[Happened] = field(default_factory=deque)
    _done: set[UUID] = field(default_factory=set)
    _past: dict[tuple[str, str], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    _closed: set[tuple[str, str]] = field(default_factory=set)
    _destroyed: list[tuple[str, str, str]] = field(default_factory=list)
    _scopes: set[KeyScope] = field(default_factory=set)

    def act(
        self,
        service: str,
        concern_id: str,
        data: Message,
        *,
        agency: str,
        key: str,
        contents: Sequence[Content] = (),
        time: datetime | None = None,
    ) -> bool:
        """Do an act and everything it leads to; give whether it was done (False: it was known).

        Raises:
            Refused: the core says no.
        """
        identity = act_id(concern_id, agency, data.DESCRIPTOR.name, key)
        if identity in self._done:
            return False
        fact = Fact(
            FactKind.ACT,
            identity,
            data.DESCRIPTOR.name,
            concern_id,
            time or self.now,
            self.now,
            data,
            {content.part_id: content.part for content in contents},
            agency,
        )
        self._take(self.seats[service], fact)
        self._done.add(identity)
        self._settle()
        return True

    def advance(self, to: datetime) -> None:
        """Move the time, firing what falls due on the way, at its time."""
        for _ in range(STEPS_MAX):
            due = [(t.due, key) for key, t in self._timers.items() if t.due <= to]
            if not due:
                self.now = max(self.now, to)
                return
            moment, key = min(due, key=lambda found: (found[0], found[1]))
            self.now = max(self.now, moment)
            timer = self._timers.pop(key)
            service, concern_id, _ = key
            fact = Fact(FactKind.TIMER, timer_id(concern_id, timer), "", concern_id, self.now, self.now, timer=timer)
            self._take(self.seats[service], fact)
            self._settle()
        raise RuntimeError(f"more than {STEPS_MAX} timers fired in one move: does a timer set itself again at once?")

    def close_consent(self, concern_id: str, consent_ref: str) -> None:
        """Suspend the keys of a consent, as the vault would: what rests on it opens no more."""
        self._closed.add((concern_id, consent_ref))
        self._key_event(concern_id, consent_ref, KeySuspended(reason_code="consent_withdrawn"))

    def open_consent(self, concern_id: str, consent_ref: str) -> None:
        """Let the keys of a consent open again."""
        self._closed.discard((concern_id, consent_ref))
        self._key_event(concern_id, consent_ref, KeyResumed(reason_code="consent_not_the_basis"))

    def destroy(self, concern_id: str, person_id: str, consent_ref: str) -> None:
        """Destroy the keys of the sender's own copy, as the vault would: all, or of a person or a consent."""
        self._destroyed.append((concern_id, person_id, consent_ref))
        mine = {scope for scope in self._scopes if not scope.share_id and self._gone(scope)}
        self._tell_of_keys(concern_id, mine, KeyDestroyed(reason_code="erasure_approved"))

    def _gone(self, scope: KeyScope) -> bool:
        """Whether the key of a scope was destroyed; none is made in its place."""
        return not scope.share_id and any(
            scope.concern_id == concern and person in ("", scope.person_id) and consent in ("", scope.consent_ref)
            for concern, person, consent in self._destroyed
        )

    def _key_event(self, concern_id: str, consent_ref: str, data: KeySuspended | KeyResumed) -> None:
        scopes = {scope for scope in self._scopes if (scope.concern_id, scope.consent_ref) == (concern_id, consent_ref)}
        self._tell_of_keys(concern_id, scopes, data)

    def _tell_of_keys(
        self, concern_id: str, scopes: set[KeyScope], data: KeySuspended | KeyResumed | KeyDestroyed
    ) -> None:
        """Record what the vault did, at a moment of its own: replay tells by time which keys were open."""
        self.advance(self.now + VAULT_TAKES)
        data.concern_id = concern_id
        data.key_ids.extend(sorted(map(key_id_of, scopes)))
        name = data.DESCRIPTOR.name
        identity = uuid5(UUID(concern_id), f"{name} {' '.join(data.key_ids)} {self.now.isoformat()}")
        fact = Fact(FactKind.EVENT, identity, name, concern_id, self.now, self.now, data)
        self.events.append(Happened("keys.v1", fact))
        self._fold_anew(concern_id)

    def seals(self, contents: Sequence[Content]) -> bool:
        """Whether parts can be sealed: nothing is under a suspended or destroyed key."""
        return not any(
            (c.scope.concern_id, c.scope.consent_ref) in self._closed or self._gone(c.scope) for c in contents
        )

    def _fold_anew(self, concern_id: str) -> None:
        for (service, concern), past in self._past.items():
            if concern == concern_id:
                seat = self.seats[service]
                state = seat.core.start(concern_id)
                for fact in past:
                    state = seat.core.evolve(state, self._as_opens(fact))
                self._states[service, concern] = state

    def _as_opens(self, fact: Fact) -> Fact:
        """Give a fact without the parts whose keys are suspended or destroyed; a view has a key of its own."""
        if not (self._closed or self._destroyed) or isinstance(fact.data, SharePlanned):
            return fact
        gone = {key_id_of(scope) for scope in self._scopes if self._gone(scope)}
        sealed: dict[str, str] = (
            {s.part_id: s.key_id for s in fact.data.parts}  # type: ignore[attr-defined]
            if fact.data is not None and has_parts(fact.data)
            else {}
        )
        opens = {
            i: p
            for i, p in fact.parts.items()
            if (fact.concern_id, p.item.consent_ref) not in self._closed and sealed.get(i) not in gone
        }
        return fact if len(opens) == len(fact.parts) else replace(fact, parts=opens)

    def as_read(self, fact: Fact) -> Fact:
        """Give an event as it can be read now: what rests on a withdrawn consent is closed in a view too.

        A recipient that keeps it for a duty of its own reads on.
        """
        if not isinstance(fact.data, SharePlanned):
            return self._as_opens(fact)
        share_id = fact.data.share_id
        kept = {
            h.fact.data.consent_ref
            for h in self.events
            if isinstance(h.fact.data, ErasureDeclined) and h.fact.data.share_id == share_id
        }
        closed = {ref for concern, ref in self._closed if concern == fact.concern_id} - kept
        opens = {i: p for i, p in fact.parts.items() if not p.item.consent_ref or p.item.consent_ref not in closed}
        return fact if len(opens) == len(fact.parts) else replace(fact, parts=opens)

    def state(self, service: str, concern_id: str) -> Any:
        """Give the state of a concern in a service."""
        return self._states.get((service, concern_id)) or self.seats[service].core.start(concern_id)

    def _settle(self) -> None:
        for _ in range(STEPS_MAX):
            if not self._waiting:
                return
            happened = self._waiting.popleft()
            for seat in self.seats.values():
                if happened.topic in seat.reads:
                    self._take(seat, happened.fact, happened.topic)
            self._deliver(happened.fact)
        raise RuntimeError(f"more than {STEPS_MAX} events follow from one: do two services answer each other for ever?")

    def _deliver(self, fact: Fact) -> None:
        """Be the delivery worker: an inbox has it at once; a manual channel waits for a person."""
        data = fact.data
        if isinstance(data, SharePlanned) and self.door(data):
            self.stop(data)
        elif isinstance(data, SharePlanned) and Channel.CHANNEL_INBOX in data.channels:
            delivered = ShareDelivered(
                concern_id=data.concern_id,
                share_id=data.share_id,
                recipient_agency_id=data.recipient_agency_id,
                channel=Channel.CHANNEL_INBOX,
                attempt=1,
            )
            identity = act_id(data.concern_id, data.recipient_agency_id, "ShareDelivered", data.share_id)
            self._take(
                self.seats["routing"],
                Fact(FactKind.ACT, identity, "ShareDelivered", data.concern_id, self.now, self.now, delivered),
            )

    def stop(self, planned: SharePlanned) -> None:
        """Be the door: stop a share that may not leave, and do what follows."""
        if not (ref := self.door(planned)):
            return
        blocked = DispatchBlocked(
            concern_id=planned.concern_id,
            share_id=planned.share_id,
            recipient_agency_id=planned.recipient_agency_id,
            reason_code=POLICY_STALE,
            agreement_ref=ref,
        )
        agency = planned.recipient_agency_id
        self.act("routing", planned.concern_id, blocked, agency=agency, key=f"{planned.share_id}/door")

    def _take(self, seat: Seat, fact: Fact, topic: str = "") -> None:
        key = (seat.name, fact.concern_id)
        state = self._states.get(key)
        if state is None:
            state = seat.core.start(fact.concern_id)
        if fact.kind is FactKind.EVENT:
            self._past[key].append(fact)
            fact = self._as_opens(fact)
        decision = seat.core.decide(state, fact)
        if fact.kind is FactKind.EVENT:
            state = seat.core.evolve(state, fact)
            self._based_on[key][topic] = fact.id
        for effect in decision.effects:
            event = self._event(seat, fact, effect)
            state = seat.core.evolve(state, event.fact)
            self._past[key].append(event.fact)
            self.events.append(event)
            self._waiting.append(event)
        self._states[key] = state
        for name in decision.cancel:
            self._timers.pop((seat.name, fact.concern_id, name), None)
        for timer in decision.timers:
            self._timers[seat.name, fact.concern_id, timer.name] = timer

    def _event(self, seat: Seat, cause: Fact, effect: Effect) -> Happened:
        data = type(effect.data)()
        data.CopyFrom(effect.data)
        self._scopes.update(c.scope for c in effect.contents)
        if has_parts(data):
            del data.parts[:]  # type: ignore[attr-defined]
            data.parts.extend(  # type: ignore[attr-defined]
                SealedPart(
                    part_id=c.part_id, key_id=key_id_of(c.scope), kind=BODY_KINDS[c.part.WhichOneof("body") or "note"]
                )
                for c in effect.contents
            )
        fact = Fact(
            FactKind.EVENT,
            effect_id(cause.id, effect.type, effect.key),
            effect.type,
            cause.concern_id,
            effect.time or self.now,
            self.now,
            data,
            {content.part_id: content.part for content in effect.contents},
            getattr(data, "agency_id", ""),
            cause.id,
            tuple(sorted(self._based_on[seat.name, cause.concern_id].items())),
        )
        return Happened(effect.topic or seat.writes, fact)


def key_id_of(scope: KeyScope) -> str:
    """Give the id of the key of a scope, as the vault would have one."""
    return str(uuid5(NAMESPACE_OID, repr(scope)))
