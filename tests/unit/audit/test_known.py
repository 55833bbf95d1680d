"""What an agency knew at a moment, and the clocks of what followed, from a scenario's recorded events."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from concern_relay.v1.shares_pb2 import SharePlanned
from services.audit.journey import ClockRun, ClockState
from services.audit.journeys import journey_of
from services.audit.known import disclosures, known
from services.audit.known_telling import disclosure_dict, disclosure_lines, known_dict, known_lines
from services.chassis.envelope import Event
from services.chassis.event import Fact
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read

SCENARIOS = Path(__file__).parents[2] / "scenarios"
AFTER = datetime(2027, 1, 1, tzinfo=UTC)


def facts_of(name: str) -> list[Fact]:
    """Everything a scenario recorded."""
    path = SCENARIOS / f"{name}.yaml"
    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)
        assert not played.findings
        return list(hand.seen("concern").facts)


def test_each_knew_what_it_was_sent_and_no_more() -> None:
    """S50: on 3 November police had read the first bruise and not acknowledged; the second came the day after."""
    facts = facts_of("s50-what-did-each-know")
    day = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)

    police = known(facts, "kent-police", day)
    later = known(facts, "kent-police", AFTER)

    assert (police.state, later.state) == ("read", "acknowledged")
    assert len(later.parts) > len(police.parts)
    told = known_dict(police, opened=True)
    assert told["disclosures"][0]["read"][0]["by"] == {"name": "Sam Officer", "role": "sergeant"}
    assert told["disclosures"][0]["law_pack"]
    assert "Sam Officer" not in str(known_dict(police, opened=False))


def test_what_nobody_can_open_is_a_tombstone() -> None:
    """An erased part: that it was there is known, what it was is not."""
    facts = [
        Fact(**{**{n: getattr(f, n) for n in f.__dataclass_fields__}, "parts": {}})
        if isinstance(f.data, SharePlanned)
        else f
        for f in facts_of("s50-what-did-each-know")
    ]

    police = known(facts, "kent-police", AFTER)

    assert set(police.tombstones) == set(police.parts) != set()
    assert any("nobody can open it any more" in line for line in known_lines(police, opened=True))


def test_a_recalled_share_is_known_no_more() -> None:
    """S44: before the recall the wrong school knew; after it, what it had is listed as erased, not as known."""
    facts = facts_of("s44-recalled-from-the-wrong-school")
    before = known(facts, "larkfield-primary", datetime(2026, 11, 23, 11, 0, tzinfo=UTC))
    after = known(facts, "larkfield-primary", AFTER)

    assert (before.state, after.state) == ("delivered", "recalled")
    assert set(before.parts) == set(after.erased)
    assert not after.parts


def test_every_disclosure_names_its_controller_rule_and_law() -> None:
    """One row a share, without content."""
    rows = [disclosure_dict(one) for one in disclosures(facts_of("s44-recalled-from-the-wrong-school"), AFTER)]

    assert {row["recipient"] for row in rows} == {"kent-csc", "larkfield-primary", "hoo-road-primary"}
    assert all(row["controller"] == "kent-police" and row["rule"] and row["law_pack"] for row in rows)
    assert "quarrel" not in str(rows)


def test_what_was_stopped_says_why_and_when_it_was_planned_anew() -> None:
    """S49: the hub knew nothing while its agreement did not stand: the first share says so, the second left."""
    facts = facts_of("s49-agreement-revoked")

    stopped, sent = (one for one in disclosures(facts, AFTER) if one.recipient_agency_id == "maidstone-family-hub")

    (line, *_) = [text for text in disclosure_lines(stopped) if "stopped at the door" in text]
    assert "the agreement it rested on does not stand; planned anew " in line
    assert (stopped.state, sent.state) == ("blocked", "delivered")
    assert disclosure_dict(stopped)["released_at"]
    assert not stopped.delivered


def clocks_of(scenario: str) -> list[ClockRun]:
    """The clocks in the journey of a scenario."""
    facts = facts_of(scenario)
    events = [
        Event(f.id, f.type, "shares.v1", "//concern-relay/routing", f.time, f.recorded, f.concern_id, f.causation_id,
              f.based_on, f.data)
        for f in facts
    ]  # fmt: skip
    return list(journey_of(facts[0].concern_id, list(enumerate(events))).clocks.values())


def test_duties_stand_in_the_journey_with_whose_they_are() -> None:
    """S37: the first visit was made, late; the next one runs; both are Kent's."""
    runs = [(run.about, run.agency_id, run.state) for run in clocks_of("s37-private-fostering") if run.agency_id]

    assert runs == [
        ("private_fostering_visit", "kent-csc", ClockState.MET),
        ("private_fostering_next_visit", "kent-csc", ClockState.RUNNING),
    ]


def test_the_clocks_of_what_followed_stand_in_the_journey() -> None:
    """Erasure, breach and safety call run, are met, or are overdue, like any other clock."""
    clocks = {run.about: run.state for run in clocks_of("s44-a-hidden-address-astray")}

    assert clocks["report_breach"] is ClockState.MET
    assert clocks["safety_call"] is ClockState.MET
    assert clocks["erase"] is ClockState.OVERDUE
