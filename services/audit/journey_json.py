"""Journeys as JSON: the rows of a list, and one in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.audit.journey import ClockRun, Journey, Share, Step, Withheld


def listed(journeys: Sequence[Journey]) -> list[dict[str, Any]]:
    """Give what a list of concerns shows, one row each."""
    return [_row(journey) for journey in journeys]


def in_full(journey: Journey) -> dict[str, Any]:
    """Give a journey with all it adds up to, and its steps."""
    return {
        **_row(journey),
        "assessed_at": _iso(journey.assessed),
        "assessments": journey.assessments,
        "law_pack": journey.law_pack,
        "law_pack_sha256": journey.law_pack_sha256,
        "corrections": journey.corrections,
        "watch_expired_at": _iso(journey.watch_expired),
        "alarmed": list(journey.alarmed),
        "recipients": [_share(share) for share in journey.shares.values()],
        "clocks": [_clock(run) for run in journey.clocks.values()],
        "withheld_because": [_withheld(row) for row in journey.withheld],
        "open_decisions": [{"decision_id": i, "question": code} for i, code in journey.questions.items()],
        "keys": {"suspended": len(journey.suspended_keys), "destroyed": len(journey.destroyed_keys)},
        "events": [_step(step) for step in journey.steps],
    }


def _row(journey: Journey) -> dict[str, Any]:
    return {
        "concern_id": journey.concern_id,
        "agency_id": journey.agency_id,
        "urgency": journey.urgency,
        "state": journey.state.value,
        "history": journey.history,
        "test": journey.test,
        "raised_at": _iso(journey.raised),
        "changed_at": _iso(journey.changed),
        "shares": len(journey.shares),
        "acknowledged": sum(share.acknowledged is not None for share in journey.shares.values()),
        "overdue": len(journey.overdue),
        "withheld": len(journey.withheld),
        "watch_expired": journey.watch_expired is not None,
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "share_id": share.share_id,
        "agency_id": share.recipient_agency_id,
        "class": share.recipient_class,
        "emergency": share.emergency,
        "state": share.state.value,
        "planned_at": _iso(share.planned),
        "delivered_at": _iso(share.delivered),
        "channel": share.channel,
        "read_at": _iso(share.read),
        "acknowledged_at": _iso(share.acknowledged),
        "late": share.late,
        "outcome_at": _iso(share.outcome_given),
        "outcome": share.outcome,
        "failed_attempts": share.failed_attempts,
        "exhausted": share.exhausted,
        "stage": share.stage,
        "blocked": share.blocked,
        "redirected_to": share.redirected_to,
        "recalled_at": _iso(share.recalled),
    }


def _clock(run: ClockRun) -> dict[str, Any]:
    return {
        "about": run.about,
        "id": run.id,
        "rule": run.code,
        "due": _iso(run.due),
        "state": run.state.value,
        "agency_id": run.agency_id,
    }


def _withheld(row: Withheld) -> dict[str, Any]:
    return {
        "class": row.recipient_class,
        "agency_id": row.agency_id,
        "parts": row.parts,
        "reason": row.reason,
        "rule": row.rule_code,
        "review_on": row.review_on,
        "recorded_at": _iso(row.recorded),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "event_id": str(step.event_id),
        "type": step.type,
        "service": step.service,
        "time": _iso(step.time),
        "recorded": _iso(step.recorded),
        "codes": dict(step.codes),
        "trace_id": step.trace_id,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
