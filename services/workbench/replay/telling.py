"""A journey in plain English: who was told what became of it, who was not and why, what waits. Codes only. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.audit.journey import ClockState, Journey, Share
from services.chassis.calendar import LONDON


def told(journey: Journey) -> Iterator[str]:
    """Tell a journey, line by line; times are those of England."""
    yield f"Concern {journey.concern_id}"
    if journey.raised is None:
        yield "It had not been raised."
        return
    urgency = journey.urgency or "no stated"
    yield f"Raised by {journey.agency_id} at {_at(journey.raised)}, {urgency} urgency.{_marks(journey)}"
    if journey.corrections:
        yield f"Its sender corrected it {_times(journey.corrections)}."
    if journey.assessed is None:
        yield "It had not been assessed."
    else:
        times = _times(journey.assessments)
        yield f"First assessed at {_at(journey.assessed)}; {times} in all, last under {journey.law_pack}."
    yield from _shares(journey)
    yield from _withheld(journey)
    yield from _waiting(journey)
    if journey.destroyed_keys or journey.suspended_keys:
        yield f"Keys destroyed: {len(journey.destroyed_keys)}; suspended: {len(journey.suspended_keys)}."


def _marks(journey: Journey) -> str:
    marks = [word for word, holds in (("a statutory return", journey.history), ("practice", journey.test)) if holds]
    return f" Marked as {' and '.join(marks)}." if marks else ""


def _shares(journey: Journey) -> Iterator[str]:
    if not journey.shares:
        yield "Nobody had been told."
        return
    yield "Told:"
    for share in journey.shares.values():
        yield f"  {share.recipient_agency_id} ({share.recipient_class.replace('_', ' ')}): {_share(share)}"


def _share(share: Share) -> str:
    steps = [f"planned {_at(share.planned)}" + (", emergency minimum" if share.emergency else "")]
    if share.failed_attempts:
        steps.append(f"{share.failed_attempts} attempts failed" + (", no channel left" if share.exhausted else ""))
    if share.blocked:
        steps.append(f"stopped at the door ({share.blocked})")
    if share.delivered:
        steps.append(f"delivered {_at(share.delivered)} by {share.channel}")
    if share.read:
        steps.append(f"read {_at(share.read)}")
    if share.acknowledged:
        steps.append(f"acknowledged {_at(share.acknowledged)}" + (", late" if share.late else ""))
    if share.outcome_given:
        steps.append(f"outcome {_at(share.outcome_given)}: {share.outcome.replace('_', ' ')}")
    if share.stage:
        steps.append(f"stage {share.stage} of resolving disagreement")
    if share.redirected_to:
        steps.append(f"redirected to {share.redirected_to}")
    if share.recalled:
        steps.append(f"recalled {_at(share.recalled)}")
    return "; ".join(steps)


def _withheld(journey: Journey) -> Iterator[str]:
    if not journey.withheld:
        return
    yield "Not told, or not everything:"
    for row in journey.withheld:
        who = row.agency_id or row.recipient_class.replace("_", " ") or "nobody else"
        what = f"{row.parts} parts" if row.parts else "nothing shared"
        again = f"; looked at again on {row.review_on}" if row.review_on else ""
        rule = f" [{row.rule_code}]" if row.rule_code else ""
        yield f"  {who}: {what}, because {row.reason.replace('_', ' ')}{rule}{again}"


def _waiting(journey: Journey) -> Iterator[str]:
    if journey.watch_expired:
        whom = f"; told to telephone: {', '.join(journey.alarmed)}" if journey.alarmed else ""
        yield f"The watch ran out at {_at(journey.watch_expired)}: nobody had it in time{whom}."
    for question in journey.questions.values():
        yield f"Waits for a person to decide: {question}."
    for run in journey.clocks.values():
        if run.state is not ClockState.MET:
            yield f"Clock {run.code} ({run.about}): due {_at(run.due)}, {run.state.value}."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _at(moment: datetime) -> str:
    return moment.astimezone(LONDON).strftime("%d %B %Y %H:%M")
