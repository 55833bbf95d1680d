"""A journey adds up what was recorded of a concern: who was told, what waits, what was held back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from google.protobuf.message import Message

from concern_relay.v1 import assessments_pb2 as assessments
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import concerns_pb2 as concerns
from concern_relay.v1 import keys_pb2 as keys
from concern_relay.v1 import shares_pb2 as shares
from concern_relay.v1.facts_pb2 import SealedPart
from services.audit.clear_fields import clear_fields
from services.audit.journey import ClockState, Journey, State
from services.audit.journey_json import in_full
from services.audit.journeys import journey_of
from services.chassis.envelope import Event

CONCERN = str(uuid4())
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def event(minute: int, data: Message) -> Event:
    """Give an event of the concern, recorded so many minutes after the start."""
    at = START + timedelta(minutes=minute)
    name = data.DESCRIPTOR.name
    return Event(uuid4(), name, "t", "//concern-relay/routing", at, at, CONCERN, None, (), data)


def journey(*events: Event, until: int | None = None) -> Journey:
    """Join events in the order of their leaves."""
    moment = None if until is None else START + timedelta(minutes=until)
    return journey_of(CONCERN, zip(count(), events), moment)


def planned(share_id: str) -> shares.SharePlanned:
    """Give a share to the police."""
    return shares.SharePlanned(
        share_id=share_id, recipient_agency_id="police-x", recipient_class=codes.AgencyClass.AGENCY_CLASS_POLICE
    )


def delivered(share_id: str) -> shares.ShareDelivered:
    """Give a delivery with an hour to acknowledge."""
    data = shares.ShareDelivered(share_id=share_id, channel=codes.Channel.CHANNEL_INBOX, clock_code="one_hour")
    data.acknowledge_by.FromDatetime(START + timedelta(hours=1))
    return data


RAISED = event(
    0, concerns.ConcernRaised(concern_id=CONCERN, agency_id="school-a", urgency=codes.Urgency.URGENCY_URGENT)
)
ASSESSED = event(1, assessments.BasisAssessed(concern_id=CONCERN, law_pack="working-together-2018"))
TOLD = (RAISED, ASSESSED, event(2, planned("s1")), event(2, planned("s2")), event(3, delivered("s1")))


def test_a_concern_is_as_far_as_the_share_that_has_come_least_far() -> None:
    """Given two shares, one acknowledged and one only planned, when they are joined, then the concern is shared."""
    found = journey(*TOLD, event(5, shares.ShareAcknowledged(share_id="s1")))

    assert found.state is State.SHARED
    assert found.shares["s1"].state is State.ACKNOWLEDGED
    assert (found.agency_id, found.urgency) == ("school-a", "urgent")


def test_the_four_states_of_a_share_have_their_times() -> None:
    """Given a share that ran its course, when it is joined, then each state has the time it was recorded."""
    found = journey(
        *TOLD[:3],
        event(3, delivered("s1")),
        event(4, shares.ShareRead(share_id="s1")),
        event(5, shares.ShareAcknowledged(share_id="s1")),
        event(6, shares.OutcomeGiven(share_id="s1", outcome=codes.ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED)),
    )

    share = found.shares["s1"]
    times = [share.delivered, share.read, share.acknowledged, share.outcome_given]

    assert times == [START + timedelta(minutes=n) for n in (3, 4, 5, 6)]
    assert (share.outcome, found.state) == ("referral_accepted", State.OUTCOME)
    assert found.clocks["acknowledge", "s1"].state is ClockState.MET


def test_a_clock_that_ran_out_is_overdue_until_it_is_met() -> None:
    """Given nobody acknowledged in time, when it is joined, then the clock is overdue; and met once somebody has."""
    overdue = event(61, shares.AcknowledgementOverdue(share_id="s1"))
    late = event(70, shares.ShareAcknowledged(share_id="s1", late=True))

    assert [c.state for c in journey(*TOLD, overdue).overdue] == [ClockState.OVERDUE]
    assert journey(*TOLD, overdue, late).overdue == ()
    assert journey(*TOLD, overdue, late).shares["s1"].late


def test_a_share_nobody_delivered_in_time_is_overdue_until_it_is() -> None:
    """Given a delivery that is overdue, when it is joined, then that clock is; and met once it was delivered."""
    overdue = shares.DeliveryOverdue(share_id="s2", clock_code="deliver_now")
    overdue.due_at.FromDatetime(START + timedelta(minutes=5))

    waiting = journey(*TOLD, event(6, overdue))
    done = journey(*TOLD, event(6, overdue), event(7, delivered("s2")))

    assert [(c.about, c.id) for c in waiting.overdue] == [("deliver", "s2")]
    assert done.overdue == ()


def test_what_was_held_back_has_its_reason() -> None:
    """Given a class that was not told, when it is joined, then it is listed with the reason, as codes."""
    data = shares.ShareWithheld(
        recipient_class=codes.AgencyClass.AGENCY_CLASS_EDUCATION, reason=codes.WithholdReason.WITHHOLD_REASON_NO_ROLE
    )

    found = journey(RAISED, ASSESSED, event(2, data))

    assert found.state is State.WITHHELD
    assert [(w.recipient_class, w.reason, w.parts) for w in found.withheld] == [("education", "no_role", 0)]


def test_a_recalled_share_holds_nothing_up() -> None:
    """Given a share that was recalled, when it is joined, then the concern does not wait for it."""
    found = journey(*TOLD, event(4, shares.ShareRecalled(share_id="s2")))

    assert found.state is State.DELIVERED


def test_a_moment_in_the_past_shows_what_was_known_then() -> None:
    """Given a whole course, when a moment is asked for, then what was recorded later is left out."""
    found = journey(*TOLD, event(5, shares.ShareAcknowledged(share_id="s1")), until=2)

    assert [step.type for step in found.steps] == ["ConcernRaised", "BasisAssessed", "SharePlanned", "SharePlanned"]
    assert found.shares["s1"].delivered is None


def test_a_record_sent_again_is_one_step() -> None:
    """Given one event twice, when it is joined, then it is there once."""
    assert len(journey(RAISED, ASSESSED, RAISED).steps) == 2


def test_destroyed_keys_are_counted() -> None:
    """Given keys suspended, one resumed, one destroyed, when they are joined, then the numbers say so."""
    found = in_full(
        journey(
            RAISED,
            event(1, keys.KeySuspended(key_ids=["a", "b"])),
            event(2, keys.KeyResumed(key_ids=["a"])),
            event(3, keys.KeyDestroyed(key_ids=["c"])),
        )
    )

    assert found["keys"] == {"suspended": 1, "destroyed": 1}


def test_clear_fields_hold_no_content() -> None:
    """Given a message with sealed parts, when its clear fields are asked for, then the parts are only counted."""
    data = concerns.ConcernRaised(concern_id=CONCERN, urgency=codes.Urgency.URGENCY_EMERGENCY, warning_codes=["a"])
    data.parts.append(SealedPart(part_id="p", key_id="k", ciphertext=b"sealed"))

    assert clear_fields(data) == {
        "concern_id": CONCERN,
        "urgency": "emergency",
        "parts": 1,
        "warning_codes": ["a"],
    }


def test_a_deep_message_is_shown_one_level_deep() -> None:
    """Given an assessment of classes and items, when its clear fields are asked for, then items are counted."""
    data = assessments.BasisAssessed(concern_id=CONCERN)
    view = data.classes.add(recipient_class=codes.AgencyClass.AGENCY_CLASS_POLICE)
    view.items.add(part_id="p")
    view.items.add(part_id="q")

    assert clear_fields(data)["classes"] == [{"recipient_class": "police", "items": 2}]
