"""How long everybody has, who is asked next, and what the whole rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from concern_relay.v1.codes_pb2 import Gateway, RequestBand, Urgency
from services.chassis.arrangement.difference.change import Change, Way, more_or_less
from services.chassis.arrangement.duties import Duties
from services.chassis.arrangement.model import Arrangement
from services.chassis.calendar import Clock, ClockRule
from services.chassis.codes import word_of


def clocks(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    """Give what changes of clocks, stages and school terms."""
    for code in {*before.clocks, *after.clocks}:
        old, new = before.clocks.get(code), after.clocks.get(code)
        if old is None or new is None:
            yield Change("clock", code, Way.OTHER, "is new" if old is None else "is gone")
        elif _counts(old) != _counts(new):
            yield Change("clock", code, Way.OTHER, f"ends after {_runs(new)}, was {_runs(old)}")
    for urgency in {*before.urgency_clocks, *after.urgency_clocks}:
        was, becomes = before.urgency_clocks.get(urgency), after.urgency_clocks.get(urgency)
        if was != becomes:
            yield Change("clock", word_of(Urgency, urgency), Way.OTHER, f"runs by {becomes}, was {was}")
    if before.deliver_clock != after.deliver_clock:
        yield Change("clock", "delivery", Way.OTHER, f"runs by {after.deliver_clock}, was {before.deliver_clock}")
    if before.stages != after.stages:
        asked = ", ".join(stage.role_code for stage in after.stages)
        yield Change("clock", "disagreement", Way.OTHER, f"asks {asked} in turn, or by other clocks")
    yield from _terms(before, after)


def _terms(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    for area in sorted({area for one in (before, after) for term in one.terms for area in term.areas}):
        was, becomes = before.school_days((area,)), after.school_days((area,))
        if was != becomes:
            words = f"schools are open on {len(becomes)} days, were on {len(was)}, or on others"
            yield Change("clock", area, Way.OTHER, words)


def _counts(clock: Clock) -> Any:
    return clock.rule, clock.amount, clock.starts, clock.at


def _runs(clock: Clock) -> str:
    by = "" if clock.rule in (ClockRule.HOURS, ClockRule.MINUTES) else f" at {clock.at:%H:%M}"
    return f"{clock.amount} {clock.rule.replace('_', ' ')} from {clock.starts}{by}"


def standing(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    """Give what changes of the whole, and of what follows a share."""
    for name in ("status", "valid_from", "valid_to", "front_door"):
        was, becomes = getattr(before, name), getattr(after, name)
        if was != becomes:
            yield Change("standing", name.replace("_", " "), Way.OTHER, f"{becomes}, was {was}")
    old, new = before.duties, after.duties
    subject = "told whether an agreement stands or not"
    was_by, by = ({word_of(Gateway, one) for one in duties.statutory} for duties in (old, new))
    yield from more_or_less("standing", subject, by - was_by, was_by - by, "under {}")
    before_by, after_by = _of_share(old), _of_share(new)
    for name, code in after_by.items():
        if before_by.get(name) != code:
            yield Change("clock", name, Way.OTHER, f"runs by {code}, was {before_by.get(name)}")


def _of_share(duties: Duties) -> dict[str, str]:
    """Give the clocks of what follows a share, by its name."""
    names = ("erase", "erase_recalled", "breach", "safety_call", "review")
    found = {name.replace("_", " "): getattr(duties, name).code for name in names}
    bands = {f"request {word_of(RequestBand, band)}": clock.code for band, clock in duties.requests.items()}
    return found | bands
