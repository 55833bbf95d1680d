"""Finds what a step means among what happened: the newest share, the open erasure, breach, disagreement, request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.shares_pb2 import SharePlanned
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.share_acts import line_of

_ANSWERS_FIRST = (
    codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE,
    codes.AgencyClass.AGENCY_CLASS_DESIGNATED_OFFICER,
    codes.AgencyClass.AGENCY_CLASS_POLICE,
)


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks among the events of one concern."""

    seen: Seen

    @property
    def sender(self) -> str:
        """Who raised the concern."""
        raised: list[ConcernRaised] = self.seen.of("ConcernRaised")
        return raised[0].agency_id if raised else ""

    def shares(self, agency_id: str = "") -> list[SharePlanned]:
        """Give the shares that stand, newest first: neither stopped nor recalled; of one agency, or of all."""
        void = {d.share_id for name in ("ShareRecalled", "DispatchBlocked") for d in self.seen.of(name)}
        found: list[SharePlanned] = self.seen.of("SharePlanned")
        return [s for s in reversed(found) if s.share_id not in void and agency_id in ("", s.recipient_agency_id)]

    def to_bring(self, agency_id: str) -> list[SharePlanned]:
        """Give what a person brings an agency in one call: its newest share, and what stands beside it."""
        return list({line_of(share): share for share in reversed(self.shares(agency_id))}.values())

    def disputed(self, agency_id: str, with_: str) -> SharePlanned | None:
        """Give the share a disagreement is about: the one named, one's own, or who answers the sender."""
        if with_ or agency_id != self.sender:
            found = self.shares(with_ or agency_id)
            return next(iter(found or self.shares()), None)
        return min(self.shares(), key=lambda s: _rank(s.recipient_class), default=None)

    def erasure(self, agency_id: str) -> Any:
        """Give the newest erasure asked of an agency, an open one first; of anybody when none was asked of it."""
        done = {d.erasure_id for n in ("ErasureConfirmed", "ErasureDeclined") for d in self.seen.of(n)}
        every = self.seen.of("ErasureRequested")
        mine = [d for d in every if d.recipient_agency_id == agency_id]
        return _last([d for d in mine if d.erasure_id not in done] or mine or every)

    def breach(self) -> Any:
        """Give the newest breach, an open one first."""
        done = {d.breach_id for n in ("BreachReported", "BreachNotReportable") for d in self.seen.of(n)}
        every = self.seen.of("BreachRecorded")
        return _last([d for d in every if d.breach_id not in done] or every)

    def disagreement(self) -> Any:
        """Give the newest disagreement, an open one first."""
        done = {d.disagreement_id for d in self.seen.of("DisagreementResolved")}
        every = self.seen.of("DisagreementRaised")
        return _last([d for d in every if d.disagreement_id not in done] or every)

    def duty(self, agency_id: str, code: str) -> Any:
        """Give a duty of an agency, a running one first and of those the one due first; of anybody when it has none."""
        done = {d.duty_id for d in self.seen.of("DutyDone")}
        every = [d for d in self.seen.of("DutyStarted") if code in ("", d.duty_code)]
        now = {d.duty_id: d.agency_id for n in ("DutyStarted", "DutyHandedOver") for d in self.seen.of(n)}
        every.sort(key=lambda d: (d.duty_id in done, d.due_at.ToNanoseconds()))
        return next(iter([d for d in every if now[d.duty_id] == agency_id] or every), None)

    def request(self, asked: str, asked_by: str) -> Any:
        """Give the newest request to an agency, an open one first; of anybody when none was asked of it."""
        names = ("InformationProvided", "InformationRefused", "NothingHeld")
        done = {d.request_id for n in names for d in self.seen.of(n)}
        every = [d for d in self.seen.of("InformationRequested") if asked_by in ("", d.agency_id)]
        mine = [d for d in every if d.asked_agency_id == asked]
        return _last([d for d in mine if d.request_id not in done] or mine or every)


def _last(found: list[Any]) -> Any:
    return found[-1] if found else None


def _rank(agency_class: int) -> int:
    return _ANSWERS_FIRST.index(agency_class) if agency_class in _ANSWERS_FIRST else len(_ANSWERS_FIRST)
