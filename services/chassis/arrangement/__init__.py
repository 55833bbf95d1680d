"""Arrangements: who the agencies are, who may see what, who is told when, by which clock (design section 8)."""

from services.chassis.arrangement.book import ArrangementBook, Book
from services.chassis.arrangement.document import FOLDER, authorities, parse_arrangement, read_arrangement
from services.chassis.arrangement.model import (
    EMERGENCY_DUTY,
    FRONT_DOOR,
    OUTSIDE_PREFIX,
    SANDBOX_PREFIX,
    Agency,
    Arrangement,
    Force,
    InternalRole,
    MatrixRow,
    OfficeHours,
    Stage,
    Status,
    TellRule,
    Told,
)
from services.chassis.arrangement.selecting import SelectBy, Selection
from services.chassis.arrangement.timed import Term, TimedDuty

__all__ = [
    "EMERGENCY_DUTY",
    "FOLDER",
    "FRONT_DOOR",
    "OUTSIDE_PREFIX",
    "SANDBOX_PREFIX",
    "Agency",
    "Arrangement",
    "ArrangementBook",
    "Book",
    "Force",
    "InternalRole",
    "MatrixRow",
    "OfficeHours",
    "SelectBy",
    "Selection",
    "Stage",
    "Status",
    "TellRule",
    "Term",
    "TimedDuty",
    "Told",
    "authorities",
    "parse_arrangement",
    "read_arrangement",
]
