"""A small service over a small world: what a journal would have recorded, without one.

The core counts concerns raised about it. It answers a ConcernRaised with a BasisAssessed (under ``law_pack`` the number
of concern events it knows), sets the timer ``late``, and lets it lead to a DecisionOverdue; a DecisionRecorded is an
act, which stops the timer. A concern with the warning ``quiet`` leads to nothing, ``raise`` makes the core raise, and
``tick`` sets a timer that fires once without effect before ``late`` is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionOverdue, DecisionRecorded
from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationAdded
from concern_relay.v1.facts_pb2 import NamedPerson, Part, SealedPart
from concern_relay.v1.keys_pb2 import KeyDestroyed, KeyResumed, KeySuspended
from services.chassis.contract import has_parts
from services.chassis.envelope import Event
from services.chassis.event import (
    NOTHING,
    Content,
    Decision,
    Effect,
    Fact,
    FactKind,
    KeyScope,
    Refused,
    Timer,
    effect_id,
    timer_id,
)
from services.chassis.sealing import KIND_OF_BODY
from services.workbench.replay.engine import replay
from services.workbench.replay.finding import Tally
from services.workbench.replay.past import Past
from services.workbench.replay.wired import Wired

CONCERN = "7d4b7c1e-93f4-5f0a-8a0e-2f6d1a7a5b10"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATE = timedelta(hours=2)
IN, OUT, KEYS = "concerns.v1", "assessments.v1", "keys.v1"


@dataclass(frozen=True, slots=True)
class Seen:
    """The state: how many concern events, the words that open, whether a decision was taken."""

    concern_id: str
    count: int = 0
    words: tuple[str, ...] = ()
    decided: bool = False


class SmallCore:
    """See the module's docstring. ``altered`` makes it answer otherwise, as another release would."""

    def __init__(self, altered: str = "") -> None:
        self.altered = altered

    def start(self, concern_id: str) -> Seen:
        """As ``Core.start``."""
        return Seen(concern_id)

    def evolve(self, state: Seen, fact: Fact) -> Seen:
        """As ``Core.evolve``."""
        if isinstance(fact.data, ConcernRaised | InformationAdded):
            words = tuple(p.named_person.name for _, p in sorted(fact.parts.items()))
            return replace(state, count=state.count + 1, words=(*state.words, *words))
        return replace(state, decided=state.decided or isinstance(fact.data, DecisionRecorded))

    def decide(self, state: Seen, fact: Fact) -> Decision:
        """As ``Core.decide``."""
        if fact.timer is not None:
            return self._fired(state, fact, fact.timer)
        if fact.kind is FactKind.ACT:
            return self._act(fact)
        if not isinstance(fact.data, ConcernRaised):
            return NOTHING
        if "raise" in fact.data.warning_codes:
            raise RuntimeError("no")
        if "quiet" in fact.data.warning_codes and self.altered != "loud":
            return NOTHING
        if "tick" in fact.data.warning_codes:
            return Decision(timers=(Timer("tick", fact.recorded + LATE),))
        return self._assessed(self.evolve(state, fact), fact)

    def _assessed(self, after: Seen, fact: Fact) -> Decision:
        pack = f"{after.count} {len(after.words)}" if self.altered != "field" else "other"
        data = BasisAssessed(concern_id=fact.concern_id, law_pack=pack)
        data.classes.add(purpose_code="a")
        data.classes.add(purpose_code="b" if self.altered != "deep" else "c")
        effects = [Effect(data, "one")]
        if self.altered == "more":
            effects.append(Effect(data, "two"))
        if self.altered == "none":
            effects = []
        return Decision(tuple(effects), (Timer("late", fact.recorded + LATE),))

    def _act(self, fact: Fact) -> Decision:
        assert isinstance(fact.data, DecisionRecorded)
        if self.altered == "refuse" or not fact.parts:
            raise Refused(422, "named_person_required", "no")
        contents = [Content(i, KeyScope(fact.concern_id), part) for i, part in sorted(fact.parts.items())]
        if self.altered == "words":
            contents = [replace(c, part=Part(named_person=NamedPerson(name="Somebody Else"))) for c in contents]
        bare = DecisionRecorded()
        bare.CopyFrom(fact.data)
        bare.ClearField("parts")
        return Decision((Effect(bare, "decision", tuple(contents), fact.time),), cancel=("late",))

    def _fired(self, state: Seen, fact: Fact, timer: Timer) -> Decision:
        if timer.name == "tick":
            return Decision(timers=(Timer("late", timer.due + LATE),))
        if state.decided:
            return NOTHING
        data = DecisionOverdue(concern_id=fact.concern_id, decision_id=timer.name)
        return Decision((Effect(data, timer.name),))


@dataclass
class Stand:
    """Records what a journal with the small core would have recorded.

    Attributes:
        history: recorded events, in the order of their leaves.
        now: the time; moved by hand.
    """

    core: SmallCore = field(default_factory=SmallCore)
    now: datetime = START
    history: list[Past] = field(default_factory=list)
    _state: Seen = field(default_factory=lambda: Seen(CONCERN))
    _basis: dict[str, UUID] = field(default_factory=dict)
    _timers: dict[str, Timer] = field(default_factory=dict)

    def happens(self, data: Message, *, name: str = "", key: str = "k1") -> Past:
        """Record an event of intake, with a sealed name if one is given; the service has not taken it."""
        event_id = uuid4()
        parts = {"p": Part(named_person=NamedPerson(name=name))} if name else {}
        self._seal(data, parts, key)
        past = self._past(IN, event_id, data, uuid4(), parts, ())
        self.history.append(past)
        return past

    def takes(self, past: Past) -> None:
        """Let the service take an event."""
        fact = Fact(
            FactKind.EVENT, past.event.id, past.event.type, CONCERN, past.event.time, past.event.recorded,
            past.event.data, past.parts,
        )  # fmt: skip
        decision = self.core.decide(self._state, fact)
        self._state = self.core.evolve(self._state, fact)
        self._basis[IN] = past.event.id
        self._record(decision, fact.id)

    def raised(self, *codes: str, name: str = "", key: str = "k1") -> Past:
        """Record a ConcernRaised and let the service take it."""
        past = self.happens(ConcernRaised(concern_id=CONCERN, warning_codes=codes), name=name, key=key)
        self.takes(past)
        return past

    def decided(self, name: str = "Pat Example") -> None:
        """Let somebody decide."""
        data = DecisionRecorded(concern_id=CONCERN, decision_id="d", agency_id="school-a")
        fact = Fact(
            FactKind.ACT, uuid4(), "DecisionRecorded", CONCERN, self.now, self.now, data,
            {"actor": Part(named_person=NamedPerson(name=name))}, "school-a",
        )  # fmt: skip
        self._record(self.core.decide(self._state, fact), fact.id)

    def passes(self, elapsed: timedelta, *, firing: bool = True) -> None:
        """Let time pass, and timers fire at their time."""
        end = self.now + elapsed
        while firing and (due := sorted((t for t in self._timers.values() if t.due <= end), key=lambda t: t.due)):
            timer = self._timers.pop(due[0].name)
            self.now = timer.due + timedelta(milliseconds=300)
            fact = Fact(
                FactKind.TIMER, timer_id(CONCERN, timer), "", CONCERN, self.now, self.now, timer=timer
            )  # fmt: skip
            self._record(self.core.decide(self._state, fact), fact.id)
        self.now = end

    def key(self, data: KeySuspended | KeyResumed | KeyDestroyed) -> None:
        """Record what happened to a key."""
        self.history.append(self._past(KEYS, uuid4(), data, None, {}, ()))

    def replayed(self, core: SmallCore | None = None, *, settled: timedelta = timedelta()) -> Tally:
        """Replay what was recorded; everything counts as settled by now."""
        found = core or SmallCore()
        wired = Wired("small", (IN,), (OUT,), None, lambda _events, _whole: found)
        return replay(wired, CONCERN, self.history, self.now + settled)

    def _record(self, decision: Decision, cause: UUID) -> None:
        for name in decision.cancel:
            self._timers.pop(name, None)
        for timer in decision.timers:
            self._timers[timer.name] = timer
        basis = tuple(sorted(self._basis.items()))
        for effect in decision.effects:
            data = type(effect.data)()
            data.CopyFrom(effect.data)
            parts = {c.part_id: c.part for c in effect.contents}
            self._seal(data, parts, "k1")
            event_id = effect_id(cause, effect.type, effect.key)
            past = self._past(OUT, event_id, data, cause, parts, basis)
            self.history.append(past)
            self._state = self.core.evolve(
                self._state, Fact(FactKind.EVENT, event_id, past.event.type, CONCERN, self.now, self.now, data, parts)
            )

    def _seal(self, data: Message, parts: dict[str, Part], key: str) -> None:
        if has_parts(data):
            data.parts.extend(  # type: ignore[attr-defined]
                SealedPart(part_id=i, key_id=key, ciphertext=b"-", kind=KIND_OF_BODY["named_person"]) for i in parts
            )

    def _past(
        self, topic: str, event_id: UUID, data: Message, cause: UUID | None, parts: dict[str, Part],
        basis: tuple[tuple[str, UUID], ...],
    ) -> Past:  # fmt: skip
        event = Event(
            event_id, data.DESCRIPTOR.name, topic, "//concern-relay/small", self.now, self.now, CONCERN, cause, basis,
            data,
        )  # fmt: skip
        return Past(event, parts)


def codes(tally: Tally) -> list[tuple[str, str]]:
    """Give code and path of each finding."""
    return [(f.code.value, f.path) for f in tally.findings]


def changed(history: Sequence[Past], at: int, change: Callable[[Any], None]) -> list[Past]:
    """Give a history in which the message of one event was changed."""
    past = history[at]
    data = type(past.event.data)()
    data.CopyFrom(past.event.data)
    change(data)
    return [*history[:at], replace(past, event=replace(past.event, data=data)), *history[at + 1 :]]


def other_id(event_id: UUID) -> UUID:
    """Give an id that nothing has."""
    return uuid5(event_id, "other")
