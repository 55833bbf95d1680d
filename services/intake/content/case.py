"""What every part of one submission is read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from concern_relay.v1.codes_pb2 import PersonRole, Urgency
from services.intake.content.refs import Refs
from services.intake.content.scribe import Scribe
from services.intake.flags import Flags


@dataclass(frozen=True, slots=True)
class Case:
    """One submission while it is read.

    Attributes:
        refs: ids of everything named.
        flags: where odd things are noted.
        today: the day of acceptance.
        urgency: how soon somebody has to act.
        history: a statutory return: it names nobody, and is about years gone by.
        roles: of everybody named so far, by person id.
    """

    refs: Refs
    flags: Flags
    today: date
    urgency: Urgency
    history: bool = False
    roles: Mapping[str, PersonRole] = field(default_factory=dict)

    def scribe(self, message: Any, *where: str | int) -> Scribe:
        """Give a scribe for one message of it."""
        return Scribe(message, self.flags, self.today, where)
