"""The services' own cores: every shipped scenario replays the same, and no recorded field can change unseen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from concern_relay.v1.facts_pb2 import Part
from services.basis_assessment.app import SERVICE as BASIS
from services.chassis.arrangement import ArrangementBook
from services.chassis.envelope import Event
from services.intake.app import SERVICE as INTAKE
from services.routing.app import SERVICE as ROUTING
from services.workbench.replay.engine import replay
from services.workbench.replay.finding import Tally
from services.workbench.replay.past import Past
from services.workbench.replay.wired import Wired
from services.workbench.replay.wiring import wire, wired
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.laws import law_book
from services.workbench.scenario.play import play, read
from tests.unit.replay.stand import codes

pytestmark = pytest.mark.exhaustive

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))

#: Of the records of acts, the fields that the core adds to what was asked.
DECIDED_OF_ACTS = {
    "ConcernRaised": (),
    "InformationAdded": (),
    "InformationCorrected": ("changed_part_ids",),
    "ConsentGiven": (),
    "ConsentWithdrawn": (),
    "ChildMoved": (),
    "RecordsLinked": (),
    "RecordsUnlinked": (),
    "ObjectionRecorded": (),
    "ShareDelivered": ("seconds", "clock_code"),
    "ShareRead": (),
    "ShareAcknowledged": ("late",),
    "OutcomeGiven": (),
    "ShareRedirected": (),
    "DecisionRecorded": ("override",),
    "ExplanationViewed": (),
    "SubjectAccessRequested": ("request_id", "role", "clock_code", "seconds"),
    "SubjectAccessDecided": (),
    "SubjectAccessRefused": (),
}

Histories = dict[str, list[Past]]


@cache
def played(path: Path) -> tuple[Histories, ArrangementBook]:
    """Play a scenario in process; give what was recorded of each concern, and the arrangement it used."""
    with closing(InProcess()) as hand:
        play(read(path), path, hand)
        found: Histories = {}
        for happened in hand._stage.events:
            fact = happened.fact
            event = Event(
                fact.id, fact.type, happened.topic, "//concern-relay/x", fact.time, fact.recorded, fact.concern_id,
                fact.causation_id, fact.based_on, fact.data,
            )  # fmt: skip
            found.setdefault(fact.concern_id, []).append(Past(event, fact.parts))
        return found, ArrangementBook.of([hand._arrangement])


def replayed(histories: Histories, services: tuple[Wired, ...]) -> Tally:
    """Replay everything in every service, as long after the last event as matters."""
    newest = max(past.event.recorded for history in histories.values() for past in history)
    whole = Tally()
    for concern_id, history in histories.items():
        for service in services:
            whole.add(replay(service, concern_id, history, newest - timedelta(seconds=60)))
    return whole


def test_replay_runs_the_services_as_they_are_wired() -> None:
    """Given the processes' own wiring, when it is compared with replay's, then reads, writes and opens are the same."""
    for service, ours in zip((INTAKE, BASIS, ROUTING), wire(), strict=True):
        assert (service.name, service.reads, service.writes, service.opens) == (
            ours.service, ours.reads, ours.writes, ours.opens,
        )  # fmt: skip


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_a_scenario_replays_the_same(path: Path) -> None:
    """Given what a scenario recorded, when every core is run over it again, then every effect comes out the same."""
    histories, book = played(path)

    tally = replayed(histories, wired(law_book(), book))

    assert codes(tally) == []
    decided = [past for history in histories.values() for past in history if past.event.topic != "keys.v1"]
    assert tally.effects == len(decided)
    assert tally.same == tally.effects


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_no_field_of_what_was_decided_can_change_unseen(path: Path) -> None:
    """Given one field of one decided event changed, when it is replayed, then there is a finding about that event."""
    histories, book = played(path)
    services = wired(law_book(), book)
    chance = random.Random(path.stem)
    for concern_id, history in histories.items():
        for n, past in enumerate(history):
            data = copied(past)
            if past.event.topic == "keys.v1" or not alter(data, chance):
                continue
            altered = [*history[:n], Past(replace(past.event, data=data), past.parts), *history[n + 1 :]]
            tally = replayed({concern_id: altered}, services)

            assert tally.findings, (past.event.type, data)


def copied(past: Past) -> Any:
    """Give a message that may be changed."""
    data = type(past.event.data)()
    data.CopyFrom(past.event.data)
    return data


def alter(data: Message, chance: random.Random) -> bool:
    """Change one clear field that is set and that the core decided; give whether there is one.

    An act's own words are no such field: its record is presented as it stands, and the ledger vouches for it.
    """
    fields = [found for found in settable(data) if found[1] in DECIDED_OF_ACTS.get(data.DESCRIPTOR.name, (found[1],))]
    if not fields:
        return False
    message, name, value = chance.choice(fields)
    if isinstance(value, bool):
        setattr(message, name, not value)
    elif isinstance(value, int):
        setattr(message, name, value + 1 if value < 3 else value - 1)
    else:
        setattr(message, name, value + "x")
    return True


def settable(data: Message) -> Iterator[tuple[Message, str, Any]]:
    """Give the scalar fields that are set, at any depth; sealed parts and identities aside."""
    for descriptor, value in data.ListFields():
        if descriptor.name in ("parts", "concern_id", "share_id", "recipient_agency_id", "decision_id"):
            continue
        if descriptor.message_type is not None:
            for message in value if descriptor.is_repeated else [value]:
                yield from settable(message)
        elif not descriptor.is_repeated and isinstance(value, bool | int | str):
            yield data, descriptor.name, value


def test_a_part_of_a_view_cannot_change_unseen() -> None:
    """Given a recipient's view with one word changed, when it is replayed, then the path of that word is told."""
    histories, book = played(next(p for p in SCENARIOS if p.stem == "s01-school-bruising"))
    for concern_id, history in histories.items():
        n, past = next((n, p) for n, p in enumerate(history) if p.event.type == "SharePlanned" and p.parts)
        part_id, part = next((i, p) for i, p in past.parts.items() if p.WhichOneof("body") == "item")
        other = Part()
        other.CopyFrom(part)
        other.item.text += " x"
        altered = [*history[:n], replace(past, parts={**past.parts, part_id: other}), *history[n + 1 :]]

        tally = replayed({concern_id: altered}, wired(law_book(), book))

        assert codes(tally) == [("differs", f"parts[{part_id}].item.text")]


def test_a_law_pack_that_is_not_at_hand_is_told() -> None:
    """Given an assessment under a pack that is no longer in deploy, when it is replayed, then that is the finding."""
    histories, book = played(SCENARIOS[0])
    ((concern_id, history),) = list(histories.items())[:1]
    n = next(n for n, p in enumerate(history) if p.event.type == "BasisAssessed")
    data = copied(history[n])
    data.law_pack_sha256 = "0" * 64
    history = [*history[:n], replace(history[n], event=replace(history[n].event, data=data)), *history[n + 1 :]]

    tally = replayed({concern_id: history}, wired(law_book(), book))

    assert ("not_at_hand", "BasisAssessed") in codes(tally)
