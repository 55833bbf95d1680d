"""One service's core over one concern's recorded history. Pure.

The journal's own order is not on Kafka, but everything that fixes it is. A service's events lie in their topic in the
order it wrote them; each names its cause, and in ``basedon``, per input topic, the newest event it had applied. So:
before each group of effects with one cause, whatever that basis covers and has no effects of its own is applied; then
the cause is presented. A cause that is a recorded event is that event. One that is the id of a pending timer's firing
is the timer. Any other is an act, and the first event of the group is its record: an act carries the very message it
asks to have recorded.

What is folded is what was recorded, never what was decided again, so that one difference does not make ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from services.chassis.event import TIMER_GRACE, Core, Decision, Fact, FactKind, Refused, Timer, effect_id, timer_id
from services.workbench.replay.compare import differences, tombstones
from services.workbench.replay.finding import Code, Finding, Tally
from services.workbench.replay.past import Closures, Past, act_of, fact_of
from services.workbench.replay.wired import NotAtHand, Wired

#: How long after its due time a timer may fire, and an effect follow its cause, before it is missed.
GRACE: Final = TIMER_GRACE
#: Silent firings simulated in one concern at most: a timer that sets itself again for ever would never end.
FIRINGS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Group:
    """Effects of one cause."""

    cause: UUID
    effects: tuple[Past, ...]

    @property
    def recorded(self) -> datetime:
        return self.effects[0].event.recorded


@dataclass(frozen=True, slots=True)
class _Pending:
    """A timer that is set.

    Attributes:
        firing: id of its firing.
        ready: when it can fire at the earliest: its due time, or when it was set, if it was due by then.
    """

    timer: Timer
    firing: UUID
    ready: datetime


class _Halted(Exception):  # noqa: N818  (control flow)
    """The core raised: what the service did after it parked that record cannot be told from history."""


def replay(wired: Wired, concern_id: str, history: Sequence[Past], settled: datetime) -> Tally:
    """Replay one concern in one service.

    Args:
        wired: the service.
        concern_id: the concern.
        history: everything recorded of it, each event once, in the order of its topic.
        settled: what was due before this moment should be recorded by now; later effects are only pending.
    """
    one = _Replay(wired, concern_id, history, settled)
    try:
        one.run()
    except _Halted:
        one.tally.unverifiable += one.left()
    return one.tally


class _Replay:
    def __init__(self, wired: Wired, concern_id: str, history: Sequence[Past], settled: datetime) -> None:
        self._wired = wired
        self._concern_id = concern_id
        self._settled = settled
        self._closures = Closures(history)
        self._inputs: dict[str, list[Past]] = {topic: [] for topic in wired.reads}
        own = [past for past in history if past.event.topic in wired.writes]
        for past in history:
            if past.event.topic in self._inputs:
                self._inputs[past.event.topic].append(past)
        self._by_id = {past.event.id: past for pasts in self._inputs.values() for past in pasts}
        self._place = {p.event.id: n for pasts in self._inputs.values() for n, p in enumerate(pasts)}
        self.tally = Tally(
            events=len(own) + len(self._by_id), effects=len(own), tombstones=sum(tombstones(past) for past in own)
        )
        self._groups = self._grouped(own)
        self._causes = {group.cause for group in self._groups}
        self._seen = dict.fromkeys(self._inputs, 0)
        self._done = 0
        self._timers: dict[str, _Pending] = {}
        self._folded: list[Past] = []
        self._closed: frozenset[str] = frozenset()
        self._whole = [past.event for past in own]
        self._core: Core[Any] = wired.core((), self._whole)
        self._state: Any = self._core.start(concern_id)
        self._blind = False

    def run(self) -> None:
        for group in self._groups:
            self._apply_before(group)
            self._answer(group)
            self._done += 1
        self._finish()

    def left(self) -> int:
        """Give how many recorded effects were not reached."""
        return sum(len(group.effects) for group in self._groups[self._done :])

    def _grouped(self, own: Sequence[Past]) -> list[_Group]:
        groups: dict[UUID, list[Past]] = {}
        for past in own:
            if past.event.causation_id is None:
                self._find(Code.NO_CAUSE, past.event.id, past.event.type)
            else:
                groups.setdefault(past.event.causation_id, []).append(past)
        return [_Group(cause, tuple(effects)) for cause, effects in groups.items()]

    # What was applied without leading to anything

    def _apply_before(self, group: _Group) -> None:
        """Apply what the group's basis covers, and let timers fire that led to nothing, in the order of their times."""
        due: list[Past] = []
        for topic, newest in group.effects[0].event.based_on:
            if topic not in self._inputs:
                continue
            if newest not in self._place:
                self._find(Code.UNKNOWN_BASIS, group.effects[0].event.id, topic)
                continue
            end = self._place[newest] + 1
            due += self._inputs[topic][self._seen[topic] : end]
            self._seen[topic] = max(end, self._seen[topic])
        self._apply(due, group.recorded, self._came(group), taken=True)

    def _came(self, group: _Group) -> datetime:
        """Give when a group's cause came about: the timers due before that have fired, as the journal sees to."""
        if group.cause in self._by_id:
            return self._by_id[group.cause].event.recorded
        return next((p.ready for p in self._timers.values() if p.firing == group.cause), group.recorded)

    def _apply(self, inputs: Sequence[Past], at: datetime, until: datetime, *, taken: bool) -> None:
        """Apply inputs, taken at a moment; then let fire what fell due until another."""
        waiting = [past for past in inputs if past.event.id not in self._causes]
        for past in sorted(waiting, key=lambda p: p.event.recorded):
            self._fire_silently(past.event.recorded)
            self._present_silently(past, at, taken=taken)
        self._fire_silently(until)

    def _present_silently(self, past: Past, at: datetime, *, taken: bool) -> None:
        self._stand_at(at)
        fact, blind = fact_of(past, self._closed, self._wired.opens)
        decision = self._decide(fact, past)
        if decision is not None:
            pending = not taken and fact.recorded > self._settled
            self._unrecorded(decision, fact, blind=blind or self._blind, pending=pending)
            self._turn_timers(decision, at)
        self._fold(past, fact, blind)

    def _unrecorded(self, decision: Decision, cause: Fact, *, blind: bool, pending: bool) -> None:
        for effect in decision.effects:
            if blind:
                self.tally.unverifiable += 1
            elif pending:
                self.tally.pending += 1
            else:
                code = Code.NOT_FIRED if cause.kind is FactKind.TIMER else Code.NOT_RECORDED
                self._find(code, effect_id(cause.id, effect.type, effect.key), effect.type)

    def _fire_silently(self, until: datetime) -> None:
        """Let timers fire that fell due before a moment and led to nothing recorded; what they lead to may be more."""
        for _ in range(FIRINGS_MAX):
            due = [p for p in self._timers.values() if p.ready <= until and p.firing not in self._causes]
            if not due:
                return
            first = min(due, key=lambda p: (p.ready, p.timer.name))
            self._stand_at(first.ready)
            fact = self._timer_fact(first.timer, first.ready)
            decision = self._decide(fact, None)
            if decision is not None and decision.effects and first.ready + GRACE > until:
                return  # it is only just due: whatever came first may have stopped it
            del self._timers[first.timer.name]
            if decision is not None:
                self._unrecorded(decision, fact, blind=self._blind, pending=first.ready > self._settled)
                self._turn_timers(decision, first.ready)

    # What led to something

    def _answer(self, group: _Group) -> None:
        first = group.effects[0]
        self._stand_at(group.recorded)
        cause = self._by_id.get(group.cause)
        timer = next((p.timer for p in self._timers.values() if p.firing == group.cause), None)
        blind = False
        if cause is not None:
            fact, blind = fact_of(cause, self._closed, self._wired.opens)
        elif timer is not None:
            del self._timers[timer.name]
            fact = self._timer_fact(timer, group.recorded)
        else:
            fact, blind = act_of(first)
        try:
            self._core = self._wired.core([past.event for past in group.effects], self._whole)
        except NotAtHand:
            self._find(Code.NOT_AT_HAND, first.event.id, first.event.type)
            decision = None
        else:
            decision = self._decide(fact, first)
        if decision is not None:
            self._compare(decision, fact, group, blind or self._blind)
            self._turn_timers(decision, group.recorded)
        if cause is not None:
            self._fold(cause, fact, blind)
        for past in group.effects:
            self._fold(past, *fact_of(past, self._closed, self._wired.opens))

    def _compare(self, decision: Decision, cause: Fact, group: _Group, blind: bool) -> None:
        recorded = {past.event.id: past for past in group.effects}
        for effect in decision.effects:
            identity = effect_id(cause.id, effect.type, effect.key)
            past = recorded.pop(identity, None)
            paths = [effect.type] if past is None else differences(effect, past)
            if not paths:
                self.tally.same += 1
            elif blind:
                self.tally.unverifiable += 1
            else:
                code = Code.NOT_RECORDED if past is None else Code.DIFFERS
                for path in paths:
                    self._find(code, identity, path)
        for past in recorded.values():
            if blind:
                self.tally.unverifiable += 1
            else:
                self._find(Code.NOT_PRODUCED, past.event.id, past.event.type)

    def _decide(self, fact: Fact, past: Past | None) -> Decision | None:
        """Ask the core; None when it refuses an act.

        Raises:
            _Halted: the core raised.
        """
        try:
            return self._core.decide(self._state, fact)
        except Refused:
            if past is not None and not self._blind_to(past):
                self._find(Code.REFUSED, past.event.id, past.event.type)
            else:
                self.tally.unverifiable += 1
            return None
        except Exception as error:
            self._find(Code.RAISED, fact.id, f"{fact.type or 'timer'} {type(error).__name__}")
            raise _Halted from error

    def _blind_to(self, past: Past) -> bool:
        return self._blind or tombstones(past) > 0

    # The end

    def _finish(self) -> None:
        rest = [past for topic, pasts in self._inputs.items() for past in pasts[self._seen[topic] :]]
        newest = max((past.event.recorded for past in rest), default=self._settled)
        end = max(newest, self._settled)
        self._apply(rest, end, end, taken=False)

    # State

    def _stand_at(self, moment: datetime) -> None:
        """See the past as it was open at a moment; fold anew if other keys were closed before."""
        self._core = self._wired.core((), self._whole)
        closed = self._closures.at(moment)
        if closed == self._closed:
            return
        self._closed, folded = closed, self._folded
        self._state, self._folded, self._blind = self._core.start(self._concern_id), [], False
        for past in folded:
            self._fold(past, *fact_of(past, self._closed, self._wired.opens))

    def _fold(self, past: Past, fact: Fact, blind: bool) -> None:
        try:
            self._state = self._core.evolve(self._state, fact)
        except Exception as error:
            self._find(Code.RAISED, past.event.id, f"{past.event.type} {type(error).__name__}")
            raise _Halted from error
        self._blind = self._blind or blind
        self._folded.append(past)

    def _turn_timers(self, decision: Decision, at: datetime) -> None:
        for name in decision.cancel:
            self._timers.pop(name, None)
        for timer in decision.timers:
            # as the journal's table gives it back: its id is made of how its due time is written
            kept = Timer(timer.name, timer.due.astimezone(UTC))
            self._timers[timer.name] = _Pending(kept, timer_id(self._concern_id, kept), max(kept.due, at))

    def _timer_fact(self, timer: Timer, recorded: datetime) -> Fact:
        identity = timer_id(self._concern_id, timer)
        return Fact(FactKind.TIMER, identity, "", self._concern_id, recorded, recorded, timer=timer)

    def _find(self, code: Code, event_id: UUID, path: str) -> None:
        self.tally.findings.append(Finding(code, self._wired.service, self._concern_id, str(event_id), path))
