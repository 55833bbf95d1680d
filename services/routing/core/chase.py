"""Stages of the chase: which role is asked next, who covers for it, and how long it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.arrangement import Arrangement, Stage
from services.chassis.calendar import LONDON, due, is_working_day


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked at a stage.

    Attributes:
        role_code: the role, or the deputy who is there.
        covered_role_code: the role whose turn it was; empty when it is asked itself.
        cover_agency_id: agency that covers at this hour; empty when the recipient is there.
    """

    role_code: str
    covered_role_code: str = ""
    cover_agency_id: str = ""


def stage_after(arrangement: Arrangement, number: int) -> Stage | None:
    """Give the stage after a number; None after the last."""
    return next((stage for stage in arrangement.stages if stage.number > number), None)


def stage_ends(arrangement: Arrangement, stage: Stage, urgency: Urgency, begun: datetime) -> datetime:
    """Give when a stage that begins now ends, UTC."""
    urgent = urgency >= Urgency.URGENCY_URGENT
    return due(arrangement.clocks[stage.urgent_clock_code if urgent else stage.clock_code], begun)


def who_is_asked(arrangement: Arrangement, agency_id: str, role_code: str, urgency: Urgency, at: datetime) -> Asked:
    """Say who in an agency is asked: the role, its deputy when nobody is there, who covers when all are at home.

    Practice 27: internal roles, deputies, holidays. Only what is urgent asks those who cover: the rest waits for the
    morning, as its clock of working days does.
    """
    agency = arrangement.agency(agency_id)
    if agency is None:
        return Asked(role_code)
    local = at.astimezone(LONDON)
    found = agency.covering(role_code, local.date())
    covered = role_code if found != role_code else ""
    hours = agency.hours
    if hours is None or agency.cover is None or urgency < Urgency.URGENCY_URGENT:
        return Asked(found, covered)
    minute = local.hour * 60 + local.minute
    there = is_working_day(local.date()) and hours.opens_minute <= minute < hours.closes_minute
    return Asked(found, covered, "" if there else agency.cover)
