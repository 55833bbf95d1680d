"""What may follow a share: disagreements, erasures, breaches, requests. Values and their fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from concern_relay.v1.codes_pb2 import DisagreementAbout, RequestBand
from concern_relay.v1.shares_pb2 import (
    BreachNotReportable,
    BreachOverdue,
    BreachRecorded,
    BreachReported,
    DisagreementMoved,
    DisagreementRaised,
    DisagreementResolved,
    ErasureConfirmed,
    ErasureDeclined,
    ErasureOverdue,
    ErasureRequested,
    InformationProvided,
    InformationRefused,
    InformationRequested,
    InformationRequestOverdue,
    NothingHeld,
    SafetyCallMade,
    SafetyCallOverdue,
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A professional disagreement about a share; ``due_at`` is its stage's."""

    disagreement_id: str
    share_id: str
    recipient_agency_id: str
    agency_id: str
    about: DisagreementAbout
    stage: int
    due_at: datetime
    clock_code: str
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """An agency that was asked to erase.

    Attributes:
        share_id: empty when the sender is asked.
        stage: of the chase; 0 before the first.
        answer: confirmed, declined, or empty.
        consent_ref: the consent that was withdrawn, if that is why.
    """

    erasure_id: str
    share_id: str
    agency_id: str
    due_at: datetime
    clock_code: str
    stage: int = 0
    answer: str = ""
    consent_ref: str = ""


@dataclass(frozen=True, slots=True)
class Breach:
    """A personal data breach and its owner.

    Attributes:
        call_by: None where no address was hidden.
        closed: reported or not_reportable; empty while it is open.
    """

    breach_id: str
    share_id: str
    controller_agency_id: str
    report_by: datetime
    clock_code: str
    call_by: datetime | None = None
    call_clock_code: str = ""
    called: bool = False
    call_overdue: bool = False
    overdue: bool = False
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for information; ``answer`` is provided, refused, nothing_held, or empty."""

    request_id: str
    agency_id: str
    asked_agency_id: str
    band: RequestBand
    due_at: datetime
    clock_code: str
    answer: str = ""
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Cases:
    """All of them, by id, oldest first."""

    disagreements: Mapping[str, Disagreement] = field(default_factory=dict)
    erasures: Mapping[str, Erasure] = field(default_factory=dict)
    breaches: Mapping[str, Breach] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)


T = TypeVar("T")


def cases_after(cases: Cases, data: object) -> Cases:  # noqa: C901, PLR0912  (a table: one row an event)
    """Fold one of routing's own events; any other leaves them as they are."""
    match data:
        case DisagreementRaised():
            found = Disagreement(
                data.disagreement_id, data.share_id, data.recipient_agency_id, data.agency_id, data.about, data.stage,
                at(data.due_at), data.clock_code,
            )  # fmt: skip
            return replace(cases, disagreements={**cases.disagreements, data.disagreement_id: found})
        case DisagreementMoved():
            return _disagreement(cases, data.disagreement_id, stage=data.stage, due_at=at(data.due_at))
        case DisagreementResolved():
            return _disagreement(cases, data.disagreement_id, resolved=True)
        case ErasureRequested():
            asked = Erasure(
                data.erasure_id, data.share_id, data.recipient_agency_id, at(data.due_at), data.clock_code,
                consent_ref=data.consent_ref,
            )  # fmt: skip
            return replace(cases, erasures={**cases.erasures, data.erasure_id: asked})
        case ErasureOverdue():
            return _erasure(cases, data.erasure_id, stage=data.stage)
        case ErasureConfirmed():
            return _erasure(cases, data.erasure_id, answer="confirmed")
        case ErasureDeclined():
            return _erasure(cases, data.erasure_id, answer="declined")
        case BreachRecorded():
            call_by = at(data.call_by) if data.HasField("call_by") else None
            breach = Breach(
                data.breach_id, data.share_id, data.controller_agency_id, at(data.report_by), data.clock_code, call_by,
                data.call_clock_code,
            )  # fmt: skip
            return replace(cases, breaches={**cases.breaches, data.breach_id: breach})
        case SafetyCallMade():
            return _breach(cases, data.breach_id, called=True)
        case SafetyCallOverdue():
            return _breach(cases, data.breach_id, call_overdue=True)
        case BreachOverdue():
            return _breach(cases, data.breach_id, overdue=True)
        case BreachReported():
            return _breach(cases, data.breach_id, closed="reported")
        case BreachNotReportable():
            return _breach(cases, data.breach_id, closed="not_reportable")
        case InformationRequested():
            request = Request(
                data.request_id, data.agency_id, data.asked_agency_id, data.band, at(data.due_at), data.clock_code
            )
            return replace(cases, requests={**cases.requests, data.request_id: request})
        case InformationRequestOverdue():
            return _request(cases, data.request_id, overdue=True)
        case InformationProvided():
            return _request(cases, data.request_id, answer="provided")
        case InformationRefused():
            return _request(cases, data.request_id, answer="refused")
        case NothingHeld():
            return _request(cases, data.request_id, answer="nothing_held")
        case _:
            return cases


def at(stamp: Any) -> datetime:
    """Give a timestamp as a moment, UTC."""
    return stamp.ToDatetime(tzinfo=UTC)  # type: ignore[no-any-return]


def _changed(all_: Mapping[str, T], key: str, **changes: Any) -> Mapping[str, T]:
    known = all_.get(key)
    return all_ if known is None else {**all_, key: replace(known, **changes)}  # type: ignore[type-var]


def _disagreement(cases: Cases, key: str, **changes: Any) -> Cases:
    return replace(cases, disagreements=_changed(cases.disagreements, key, **changes))


def _erasure(cases: Cases, key: str, **changes: Any) -> Cases:
    return replace(cases, erasures=_changed(cases.erasures, key, **changes))


def _breach(cases: Cases, key: str, **changes: Any) -> Cases:
    return replace(cases, breaches=_changed(cases.breaches, key, **changes))


def _request(cases: Cases, key: str, **changes: Any) -> Cases:
    return replace(cases, requests=_changed(cases.requests, key, **changes))
