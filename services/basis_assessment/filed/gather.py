"""Every page there is to file on a concern, from what is recorded of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import Outcome
from concern_relay.v1.shares_pb2 import ShareAcknowledged, ShareDelivered, SharePlanned, ShareRecalled
from services.basis_assessment.filed.disclosure import disclosure
from services.basis_assessment.filed.record import Audience, Disclosure, Sent
from services.basis_assessment.pack import LawBook
from services.chassis.arrangement import Book

#: A class that plainly has no part in a concern is no decision anybody files.
_NOTHING_TO_FILE = (Outcome.OUTCOME_UNSPECIFIED, Outcome.OUTCOME_NOT_SHARED_NO_ROLE)


class Recorded(Protocol):
    """Something recorded: an event read from the log, or a fact of a core."""

    @property
    def id(self) -> UUID:
        """Of the event."""

    @property
    def recorded(self) -> datetime:
        """When it was recorded."""

    @property
    def data(self) -> Message | None:
        """What it says."""


def disclosures(
    laws: LawBook, book: Book, events: Sequence[Recorded], *, audience: Audience = Audience.AUDITOR
) -> list[Disclosure]:
    """Give a page for each share, in the order they were planned, and one for each decision not to tell a class.

    Args:
        laws: every pack at hand.
        book: every arrangement at hand.
        events: all that is recorded of one concern, in the order of recording.
        audience: for whom.
    """
    assessments = {str(e.id): e.data for e in events if isinstance(e.data, BasisAssessed)}
    if not assessments:
        return []
    newest = list(assessments.values())[-1]
    asked = decisions_of(e.data for e in events)
    pages: list[Disclosure] = []
    told = set()
    for event in events:
        planned = event.data
        if not isinstance(planned, SharePlanned):
            continue
        told.add(planned.recipient_class)
        # what was sent first in an emergency names no assessment: the one that came after found it sent
        rests_on = assessments.get(planned.assessment_event_id, newest)
        sent = sent_of(planned, event.recorded, events)
        found = disclosure(laws, book, rests_on, planned.recipient_class, sent=sent, asked=asked, audience=audience)
        pages += [found] if found is not None else []
    for one in newest.classes if audience is not Audience.RECIPIENT else ():
        if one.recipient_class not in told and one.outcome not in _NOTHING_TO_FILE:
            found = disclosure(laws, book, newest, one.recipient_class, asked=asked, audience=audience)
            pages += [found] if found is not None else []
    return pages


def decisions_of(messages: Iterable[Message | None]) -> list[tuple[DecisionRequested, DecisionRecorded | None]]:
    """Give every question put to a person with its answer, in the order they were asked."""
    asked: dict[str, DecisionRequested] = {}
    recorded: dict[str, DecisionRecorded] = {}
    for data in messages:
        if isinstance(data, DecisionRequested):
            asked[data.decision_id] = data
        elif isinstance(data, DecisionRecorded):
            recorded[data.decision_id] = data
    return [(request, recorded.get(decision_id)) for decision_id, request in asked.items()]


def sent_of(planned: SharePlanned, recorded: datetime, events: Sequence[Recorded]) -> Sent:
    """Say what became of a share, in times."""
    times: dict[str, Any] = {}
    for event in events:
        data = event.data
        if getattr(data, "share_id", "") != planned.share_id:
            continue
        if isinstance(data, ShareDelivered) and "delivered" not in times:
            times |= {"delivered": event.recorded, "acknowledge_by": _moment(data.acknowledge_by)}
            times["clock"] = data.clock_code
        elif isinstance(data, ShareAcknowledged):
            times.setdefault("acknowledged", event.recorded)
        elif isinstance(data, ShareRecalled):
            times["recalled"] = True
    return Sent(
        planned.share_id,
        planned.recipient_agency_id,
        planned=recorded,
        rule=planned.rule_code,
        meant_agency_id=planned.meant_agency_id,
        **times,
    )


def names(pages: Sequence[Disclosure]) -> Iterator[str]:
    """Give each page a name for its file: opaque ids and codes, never a person."""
    for number, page in enumerate(pages, 1):
        whom = page.sent.recipient_agency_id if page.sent else f"not-{page.recipient_class.lower().replace(' ', '-')}"
        yield f"{page.concern_id[:8]}-{number:02d}-{whom}".replace("'", "")


def _moment(stamp: Timestamp) -> datetime | None:
    return stamp.ToDatetime(UTC) if stamp.seconds else None
