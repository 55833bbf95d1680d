"""When an acknowledgement is due: the rule's clock and the clock of the urgency, whichever ends first."""

from __future__ import annotations

from datetime import date, datetime

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.arrangement import Arrangement
from services.chassis.calendar import Clock, Starts, due


def first_due(  # noqa: PLR0917  (three moments, each named)
    arrangement: Arrangement,
    clock_code: str,
    urgency: Urgency,
    delivered: datetime,
    received: datetime,
    school_days: frozenset[date] = frozenset(),
) -> tuple[Clock, datetime]:
    """Give the clock that ends first, with the moment it ends, UTC.

    Args:
        arrangement: where the clocks are defined.
        clock_code: clock of the rule that names the recipient; an unknown one (of another arrangement) leaves the
            first clock of the file.
        urgency: of the concern; urgent and emergency have hour clocks of their own.
        delivered: recorded time of delivery.
        received: recorded time at which the concern was accepted.
        school_days: days the recipient's schools are open, as far as published.
    """
    codes = [clock_code, arrangement.urgency_clocks.get(urgency, "")]
    known = [arrangement.clocks[code] for code in codes if code in arrangement.clocks]
    clocks = known or [next(iter(arrangement.clocks.values()))]
    starts = {Starts.RECEIVED: received, Starts.HAPPENED: received}
    ends = ((clock, due(clock, starts.get(clock.starts, delivered), school_days)) for clock in clocks)
    return min(ends, key=lambda pair: pair[1])


def deliver_by(arrangement: Arrangement, planned: datetime) -> datetime:
    """Give the moment by which a planned share has to be delivered, UTC."""
    return due(arrangement.clocks[arrangement.deliver_clock], planned)
