"""What agencies have to do by a time: what arises, whose it is, by which clock, what follows and what it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from concern_relay.v1.codes_pb2 import AgencyClass, ShareOutcome
from services.chassis.arrangement.difference.change import Change, Way, more_or_less
from services.chassis.arrangement.difference.circumstances import tried, written
from services.chassis.arrangement.difference.told import found_by
from services.chassis.arrangement.model import Arrangement
from services.chassis.arrangement.timed import TimedDuty
from services.chassis.clauses import Facts
from services.chassis.codes import word_of


def duties(before: Arrangement, after: Arrangement) -> tuple[list[Change], bool]:
    """Give what changes of duties with a time, and whether every circumstance was tried."""
    old, new = before.timed, after.timed
    codes = {code for code in {*old, *new} if _arises(old.get(code)) != _arises(new.get(code))}
    changed = [known[code] for code in codes for known in (old, new) if code in known]

    def differs(facts: Facts) -> Iterator[Change]:
        for code in codes:
            was, becomes = (known[code].arises(facts) if code in known else False for known in (old, new))
            if was is not becomes:
                way, words = (Way.MORE, "") if becomes else (Way.LESS, "no longer: ")
                yield Change("duty", code, way, f"{words}is owed by {_owner((new if becomes else old)[code])}")

    found, complete = tried([clause for duty in changed for clause in (duty.when, duty.unless)], differs)
    both = [(old[code], new[code]) for code in old.keys() & new.keys()]
    found += [change for was, becomes in both for change in _duty(was, becomes)]
    for duty in changed:
        if duty.when is None and duty.code not in old.keys() & new.keys():
            led_to = ", ".join(sorted(word_of(ShareOutcome, one) for one in duty.outcomes))
            words = f"follows the outcome {led_to}" if led_to else "follows another"
            way, said = (Way.MORE, words) if duty.code in new else (Way.LESS, f"no longer: {words}")
            found.append(Change("duty", duty.code, way, said))
    return found, complete


def _arises(duty: TimedDuty | None) -> Any:
    return None if duty is None else (written(duty.when), written(duty.unless))


def _duty(was: TimedDuty, becomes: TimedDuty) -> Iterator[Change]:
    subject = becomes.code
    if was.clock_code != becomes.clock_code:
        yield Change("clock", subject, Way.OTHER, f"runs by {becomes.clock_code}, was {was.clock_code}")
    if was.urgent_clock_code != becomes.urgent_clock_code:
        words = f"where urgent, runs by {_urgent(becomes)}, was {_urgent(was)}"
        yield Change("clock", subject, Way.OTHER, words)
    if _owner(was) != _owner(becomes):
        yield Change("duty", subject, Way.OTHER, f"is owed by {_owner(becomes)}, was {_owner(was)}")
    ended, now = frozenset(was.ends), frozenset(becomes.ends)
    yield from more_or_less("duty", subject, now - ended, ended - now, "ends {} as well")
    by, now_by = ({word_of(ShareOutcome, one) for one in duty.outcomes} for duty in (was, becomes))
    yield from more_or_less("duty", subject, now_by - by, by - now_by, "starts after the outcome {}")
    if was.then != becomes.then or was.repeats_max != becomes.repeats_max:
        follows = f"{becomes.then or 'nothing'} follows, up to {becomes.repeats_max} times"
        yield Change("duty", subject, Way.OTHER, f"{follows}, was {was.then or 'nothing'}, {was.repeats_max}")
    for name, words in (("personal", "is the professional's own"), ("own", "is only of who raised the concern itself")):
        if getattr(was, name) != getattr(becomes, name):
            said = words if getattr(becomes, name) else f"no longer: {words}"
            yield Change("duty", subject, Way.OTHER, said)


def _urgent(duty: TimedDuty) -> str:
    return duty.urgent_clock_code or duty.clock_code


def _owner(duty: TimedDuty) -> str:
    whose = word_of(AgencyClass, duty.agency_class) if duty.agency_class else "the agency"
    role = f" ({duty.select.role})" if duty.select.role else ""
    return f"{whose}{role} found by {found_by(duty.select)}"
