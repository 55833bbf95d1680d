"""Holds when something is due against when it must be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.core import WATCH_DEFAULT
from services.intake.status import Status, watched, with_fact
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.terms import LONDON, local
from services.workbench.scenario.then import ClockThen

_Clock = tuple[str, datetime, str]


def clock_differences(wanted: ClockThen, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    mine = [clock for clock in _clocks(wanted.of, seen) if wanted.agency in {None, clock[0]}]
    if any(_is_due(wanted, due) and wanted.rule in {"", rule} for _, due, rule in mine):
        return
    there = "; ".join(f"{agency} {_minute(due)} ({rule})" for agency, due, rule in mine)
    asked = _minute(local(wanted.due)) if isinstance(wanted.due, datetime) else f"{wanted.due:%a %d %b %Y}"
    asked = f"{wanted.of} due {asked} {wanted.rule}".rstrip()
    yield f"clock: no {asked}; there are: {there or _no_clock(wanted, seen)}"


def running_differences(of: str, seen: Seen) -> Iterator[str]:
    """Give the clocks of a kind of which none may have been started."""
    yield from (
        f"clock: {of} of {agency or 'the concern'} due {_minute(due)} ({rule}) was started and none may be"
        for agency, due, rule in _clocks(of, seen)
    )


def _clocks(of: str, seen: Seen) -> list[_Clock]:  # noqa: C901  (a table: one row a kind)
    """Give the clocks of a kind: whose, until when, by which rule."""
    match of:
        case "acknowledgement":
            found = [(d.recipient_agency_id, d.acknowledge_by, d.clock_code) for d in seen.of("ShareDelivered")]
        case "decision":
            every = [*seen.of("DecisionRequested"), *seen.of("DecisionEscalated")]
            found = [(d.agency_id, d.due_at, d.clock_code) for d in every]
        case "watch":
            return [("", due, "watch") for due in _watches(seen)]
        case "erasure":
            found = [(d.recipient_agency_id, d.due_at, d.clock_code) for d in seen.of("ErasureRequested")]
            found += [(d.agency_id, d.due_at, d.clock_code) for d in seen.of("ErasureProposed")]
        case "breach":
            found = [(d.controller_agency_id, d.report_by, d.clock_code) for d in seen.of("BreachRecorded")]
        case "safety_call":
            every = [d for d in seen.of("BreachRecorded") if d.HasField("call_by")]
            found = [(d.controller_agency_id, d.call_by, d.call_clock_code) for d in every]
        case "disagreement":
            every = [*seen.of("DisagreementRaised"), *seen.of("DisagreementMoved")]
            found = [(getattr(d, "recipient_agency_id", ""), d.due_at, d.clock_code) for d in every]
        case "request":
            found = [(d.asked_agency_id, d.due_at, d.clock_code) for d in seen.of("InformationRequested")]
        case "duty":
            found = _duties(seen)
        case "follow_up":
            found = [(d.agency_id, d.due_at, d.clock_code) for d in seen.of("ReferrerAsked")]
        case "subject_access":
            found = [(d.agency_id, d.due_at, d.clock_code) for d in seen.of("SubjectAccessRequested")]
        case _:  # review
            found = [(d.recipient_agency_id, d.due_at, d.clock_code) for d in seen.of("OutcomeReopened")]
    return [(whose, due.ToDatetime(UTC), rule) for whose, due, rule in found]


def _watches(seen: Seen) -> set[datetime]:
    """Give when each watch of the concern ran out or would have, whatever ended it before."""
    due = {d.due_at.ToDatetime(UTC) for d in seen.of("WatchExpired")}
    status = Status()
    for fact in seen.facts:
        status = with_fact(status, fact)
        if status.watched_from is not None and watched(status):
            due.add(status.watched_from + WATCH_DEFAULT)
    return due


def _duties(seen: Seen) -> list[tuple[str, Any, str]]:
    """Give the clocks of duties, by the duty's code as by the clock's; one that was handed over runs for both."""
    started = {d.duty_id: d for d in seen.of("DutyStarted")}
    handed = [(d, started[d.duty_id]) for d in seen.of("DutyHandedOver") if d.duty_id in started]
    return [
        (held.agency_id, held.due_at, code)
        for held, rule in [*((d, d) for d in started.values()), *handed]
        for code in (rule.duty_code, rule.clock_code)
    ]


def _is_due(wanted: ClockThen, due: datetime) -> bool:
    if isinstance(wanted.due, datetime):
        first = local(wanted.due).replace(second=0, microsecond=0)
        return first <= due < first + timedelta(minutes=1)
    return due.astimezone(LONDON).date() == wanted.due


def _no_clock(wanted: ClockThen, seen: Seen) -> str:
    """Say why there is none: an acknowledgement is due from delivery on, and nothing was delivered yet."""
    if wanted.of == "acknowledgement":
        delivered = {d.share_id for d in seen.of("ShareDelivered")}
        if any(s.recipient_agency_id == wanted.agency and s.share_id not in delivered for s in seen.of("SharePlanned")):
            return "none, since its share is not delivered yet: a person has to bring it (step `bring`)"
    return "none"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%a %d %b %Y %H:%M}"
