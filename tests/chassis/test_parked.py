"""Parked records: listed, shown, replayed in order, given up on the record."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.auth import Tokens
from services.chassis.event import Refused
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.parked import ParkedRecords
from services.chassis.parked_api import parked_routes
from services.chassis.telemetry import Telemetry
from services.chassis.tokens import mint_token
from tests.chassis.rig import CANARY, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def given_parked(rig, count: int = 3):
    """Have a core that fails park records of one concern; give them."""
    concern_id = str(uuid4())
    rig.core.broken = True
    events = [raised(concern_id=concern_id) for _ in range(count)]
    await rig.journal().take(rig.incoming(*events))
    return events


async def applied(rig) -> list:
    """Give the inputs that were applied, in order."""
    return [r["event_id"] for r in await rig.rows("SELECT event_id FROM entry WHERE origin = 'e' ORDER BY seq")]


async def test_parked_records_are_listed_with_reason_and_origin_and_no_content(new_rig):
    """Given parked records, the list says where each came from and why, in order, and not what was in it."""
    async with new_rig() as rig:
        events = await given_parked(rig)
        parked = ParkedRecords(rig.journal())

        found = await parked.list()
        shown = await parked.show(found[0].parked_id)

        assert [str(p.event_id) for p in found] == [str(e.id) for e in events]
        assert [p.reason for p in found] == ["core_raised", "behind_parked", "behind_parked"]
        assert {p.topic for p in found} == {rig.source}
        assert shown == found[0]
        assert shown.error == "RuntimeError"
        assert CANARY not in str([p.as_json() for p in found])
        assert await parked.counts() == {True: 0, False: 3}


async def test_what_is_not_there_is_said(new_rig):
    """Given an id nobody knows, show says so."""
    async with new_rig() as rig:
        with pytest.raises(Refused, match="no such parked record"):
            await ParkedRecords(rig.journal()).show(uuid4())


async def test_replay_takes_the_records_of_the_concern_in_order_and_lets_it_go(new_rig):
    """Given a mended core, replay applies what was parked in the order it came, and what comes then goes straight."""
    async with new_rig() as rig:
        events = await given_parked(rig)
        parked = ParkedRecords(rig.journal())
        rig.core.broken = False

        taken = await parked.replay((await parked.list())[-1].parked_id, by="operator-1")
        later = raised(concern_id=events[0].concern_id)
        (result,) = await rig.journal().take(rig.incoming(later))

        assert taken == 3
        assert not result.parked
        assert await applied(rig) == [e.id for e in (*events, later)]
        resolved = await parked.list(state="replayed")
        assert {(p.resolved_by, p.resolved_reason) for p in resolved} == {("operator-1", "replayed")}
        assert all(p.resolved_at is not None for p in resolved)


async def test_replay_stops_at_what_still_cannot_be_taken(new_rig):
    """Given a core that is still faulty, replay changes nothing and the concern stays held."""
    async with new_rig() as rig:
        events = await given_parked(rig)
        parked = ParkedRecords(rig.journal())

        taken = await parked.replay((await parked.list())[0].parked_id, by="operator-1")
        (result,) = await rig.journal().take(rig.incoming(raised(concern_id=events[0].concern_id)))

        assert taken == 0
        assert result.parked
        assert len(await parked.list()) == 4
        assert await applied(rig) == []


async def test_replay_after_a_crash_in_the_middle_finishes(new_rig):
    """Given a replay that took a record and died before saying so, replaying again finishes and repeats nothing."""
    async with new_rig() as rig:
        events = await given_parked(rig, 2)
        rig.core.broken = False
        (row, _) = await rig.rows("SELECT * FROM parked ORDER BY seq")
        await rig.journal().replay(row)  # and then the process was killed

        taken = await ParkedRecords(rig.journal()).replay(row["parked_id"], by="operator-1")

        assert taken == 2
        assert await applied(rig) == [e.id for e in events]
        assert len(await rig.rows("SELECT 1 FROM entry WHERE origin = 'o' AND type = 'BasisAssessed'")) == 2


async def test_discard_needs_a_reason_and_is_recorded(new_rig):
    """Given the culprit discarded with a reason, what waited behind it can be replayed; who and why is kept."""
    async with new_rig() as rig:
        events = await given_parked(rig)
        parked = ParkedRecords(rig.journal())
        culprit, behind, _ = await parked.list()
        rig.core.broken = False

        with pytest.raises(Refused, match="say why"):
            await parked.discard(culprit.parked_id, by="lead-1", reason=" ")
        await parked.discard(culprit.parked_id, by="lead-1", reason="sent by mistake")
        with pytest.raises(Refused, match="discarded already"):
            await parked.discard(culprit.parked_id, by="lead-1", reason="again")
        taken = await parked.replay(behind.parked_id, by="operator-1")

        assert taken == 2
        assert await applied(rig) == [e.id for e in events[1:]]
        (gone,) = await parked.list(state="discarded")
        assert (gone.parked_id, gone.resolved_by, gone.resolved_reason) == (
            culprit.parked_id,
            "lead-1",
            "sent by mistake",
        )


async def test_a_discarded_record_that_comes_again_stays_discarded(new_rig):
    """Given a discarded record that Kafka delivers again, it is not parked a second time and holds nothing."""
    async with new_rig() as rig:
        given = raised(codes=["raise"])
        records = rig.incoming(given)
        await rig.journal().take(records)
        parked = ParkedRecords(rig.journal())
        await parked.discard((await parked.list())[0].parked_id, by="lead-1", reason="test")

        (again,) = await rig.journal().take(records)
        (later,) = await rig.journal().take(rig.incoming(raised(concern_id=given.concern_id)))

        assert again.repeated
        assert not later.parked
        assert await parked.list() == []


async def test_a_parked_emergency_is_counted_apart(new_rig):
    """Given an emergency that cannot be taken, the count that alarms says so."""
    async with new_rig() as rig:
        rig.core.broken = True
        await rig.journal().take(rig.incoming(raised(urgency=Urgency.URGENCY_EMERGENCY), raised()))

        assert await ParkedRecords(rig.journal()).counts() == {True: 1, False: 1}


async def test_a_concern_is_given_up_by_its_senders_practitioner_only(new_rig):
    """Given a parked concern, an operator and another agency are refused; the sender's practitioner gives it up."""
    key = Ed25519PrivateKey.generate()

    def token(agency: str, *scopes: str) -> dict[str, str]:
        text = mint_token(key, agency_id=agency, subject="s", scopes=frozenset(scopes))
        return {"Authorization": f"Bearer {text}"}

    async with new_rig() as rig:
        await given_parked(rig, 1)
        parked = ParkedRecords(rig.journal())
        (found,) = await parked.list()
        sender = await parked.sender_of(found.parked_id)
        app = create_app(
            "parked",
            [parked_routes(parked)],
            health=Health(),
            telemetry=Telemetry("test"),
            tokens=Tokens(key.public_key()),
        )
        path, body = f"/v1/parked/{found.parked_id}/discard", {"reason": "sent by mistake"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            operator = await client.post(path, json=body, headers=token("operator", "operate"))
            other = await client.post(path, json=body, headers=token("another-agency", "raise"))
            own = await client.post(path, json=body, headers=token(sender, "raise"))

        assert (operator.status_code, operator.json()["code"]) == (403, "sender_decides")
        assert (other.status_code, other.json()["code"]) == (403, "sender_decides")
        assert (own.status_code, own.json()["state"]) == (200, "discarded")
