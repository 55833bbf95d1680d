"""What followed a share, in a journey: clocks of erasures, breaches, disagreements, requests, second looks. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from concern_relay.v1 import shares_pb2 as shares
from services.audit.journey import ClockRun, ClockState, Journey

ERASE: Final = "erase"
REPORT: Final = "report_breach"
CALL: Final = "safety_call"
DISAGREE: Final = "resolve_disagreement"
ANSWER: Final = "answer_request"
REVIEW: Final = "look_again"


def followed(journey: Journey, data: Any) -> Journey:  # noqa: C901, PLR0912  (a table: one row an event)
    """Fold an event that follows a share; any other leaves the journey as it is."""
    match data:
        case shares.ErasureRequested():
            return _runs(journey, ERASE, data.erasure_id, data)
        case shares.ErasureConfirmed() | shares.ErasureDeclined():
            return _ends(journey, ERASE, data.erasure_id, ClockState.MET)
        case shares.ErasureOverdue():
            return _ends(journey, ERASE, data.erasure_id, ClockState.OVERDUE)
        case shares.BreachRecorded():
            after = _clock(journey, ClockRun(REPORT, data.breach_id, data.clock_code, _at(data.report_by)))
            if not data.HasField("call_by"):
                return after
            return _clock(after, ClockRun(CALL, data.breach_id, data.call_clock_code, _at(data.call_by)))
        case shares.SafetyCallMade():
            return _ends(journey, CALL, data.breach_id, ClockState.MET)
        case shares.SafetyCallOverdue():
            return _ends(journey, CALL, data.breach_id, ClockState.OVERDUE)
        case shares.BreachReported() | shares.BreachNotReportable():
            return _ends(journey, REPORT, data.breach_id, ClockState.MET)
        case shares.BreachOverdue():
            return _ends(journey, REPORT, data.breach_id, ClockState.OVERDUE)
        case shares.DisagreementRaised() | shares.DisagreementMoved():
            return _runs(journey, DISAGREE, data.disagreement_id, data)
        case shares.DisagreementOverdue():
            return _ends(journey, DISAGREE, data.disagreement_id, ClockState.OVERDUE)
        case shares.DisagreementResolved():
            return _ends(journey, DISAGREE, data.disagreement_id, ClockState.MET)
        case shares.InformationRequested():
            return _runs(journey, ANSWER, data.request_id, data)
        case shares.InformationRequestOverdue():
            return _ends(journey, ANSWER, data.request_id, ClockState.OVERDUE)
        case shares.InformationProvided() | shares.InformationRefused() | shares.NothingHeld():
            return _ends(journey, ANSWER, data.request_id, ClockState.MET)
        case shares.DutyStarted():
            run = ClockRun(data.duty_code, data.duty_id, data.clock_code, _at(data.due_at), agency_id=data.agency_id)
            return _clock(journey, run)
        case shares.DutyHandedOver():
            return _duty(journey, data.duty_id, None, data.agency_id)
        case shares.DutyOverdue():
            return _duty(journey, data.duty_id, ClockState.OVERDUE)
        case shares.DutyDone():
            return _duty(journey, data.duty_id, ClockState.MET)
        case shares.OutcomeReopened():
            return _runs(journey, REVIEW, data.share_id, data)
        case shares.OutcomeGiven():
            return _ends(journey, REVIEW, data.share_id, ClockState.MET)
        case shares.ShareRecalled():
            return _ends(journey, "acknowledge", data.share_id, ClockState.MET)
        case _:
            return journey


def _runs(journey: Journey, about: str, id_: str, data: Any) -> Journey:
    return _clock(journey, ClockRun(about, id_, data.clock_code, _at(data.due_at)))


def _ends(journey: Journey, about: str, id_: str, state: ClockState) -> Journey:
    run = journey.clocks.get((about, id_))
    return journey if run is None else _clock(journey, replace(run, state=state))


def _duty(journey: Journey, duty_id: str, state: ClockState | None, agency_id: str = "") -> Journey:
    """End a duty's clock, or say whose it is now; only its beginning says which duty it is."""
    run = next((run for run in journey.clocks.values() if run.id == duty_id), None)
    if run is None:
        return journey
    return _clock(journey, replace(run, state=state or run.state, agency_id=agency_id or run.agency_id))


def _clock(journey: Journey, run: ClockRun) -> Journey:
    return replace(journey, clocks={**journey.clocks, (run.about, run.id): run})


def _at(value: Any) -> datetime:
    return value.ToDatetime(tzinfo=UTC)  # type: ignore[no-any-return]
