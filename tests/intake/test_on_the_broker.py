"""From the 202 to the topic, on the real broker: what the receipt promised is what lies there."""

from __future__ import annotations

import base64

import pytest

from concern_relay.v1.shares_pb2 import ShareDelivered
from services.chassis.envelope import decode
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.journal.transaction import opened, sealed_parts
from services.chassis.publisher import Publisher
from services.chassis.stage import Stage
from tests.chassis.rig import Rig, eventually, rig, running
from tests.intake.rig import PARTITIONS, Intake, intake, together
from tests.unit.intake.events import event_of, submission

pytestmark = [pytest.mark.broker, pytest.mark.database]


def bodies(count: int) -> list[dict[str, object]]:
    """Give concerns, each raised and then corrected."""
    first = [submission(reference=f"r{n}") for n in range(count)]
    return [*first, *(submission(reference=f"r{n}", text="More.") for n in range(count))]


async def published(wires: Rig, made: Intake) -> None:
    """Send the outbox until nothing is left."""
    publisher = Publisher(made.pool, wires.settings, {wires.sink: PARTITIONS}, made.telemetry)

    async def sent() -> bool:
        return not await made.pool.fetchval("SELECT count(*) FROM outbox")

    async with running(publisher.run, publisher.stop):
        await eventually(sent, "everything sent")


async def test_every_receipt_is_honoured_by_a_record(kafka, database):
    """Forty concerns raised at once and corrected: each record is the one promised, in order, and opens."""
    async with rig(kafka, database, partitions=PARTITIONS) as wires, intake(database, topic=wires.sink) as made:
        given = bodies(40)
        answers = [*await together(*(made.post(b) for b in given[:40]))]
        answers += await together(*(made.post(b) for b in given[40:]))
        await published(wires, made)

        records = await wires.records()

        leaves = {leaf_hash(leaf_of(r.topic, r.key, r.headers, r.value)).hex() for r in records}
        receipts = [made_receipt(a.json()["receipt"]) for a in answers]
        assert len(records) == 80
        assert set(receipts) == leaves
        by_concern: dict[str, list[str]] = {}
        for record in records:
            event = decode(record)
            keys = await made.keys.open({p.key_id for p in sealed_parts(event.data)}, purpose="test_open")
            assert len(opened(event, keys).parts) == len(sealed_parts(event.data))
            by_concern.setdefault(event.concern_id, []).append(event.type)
        assert set(map(tuple, by_concern.values())) == {("ConcernRaised", "InformationCorrected")}


async def test_a_delivered_share_heard_from_the_topic_ends_the_watch(kafka, database):
    """Through the stage, as in the process."""
    async with rig(kafka, database, partitions=PARTITIONS) as wires, intake(database, topic=wires.sink) as made:
        concern = (await made.post(submission())).json()["concern_id"]
        stage = Stage(made.journal, wires.settings, (wires.source,), made.telemetry)
        event = event_of(ShareDelivered(concern_id=concern, share_id="s"), concern, made.clock.now())

        async def watched() -> bool:
            return not await made.pool.fetchval("SELECT count(*) FROM timer")

        async with running(stage.run, stage.stop):
            await wires.put(event)
            await eventually(watched, "the watch ended")

        standing = await made.acceptance.concerns.standing(concern)
        assert standing is not None
        assert standing.status.watch == "ended"


def made_receipt(receipt: dict[str, str]) -> str:
    """Give the leaf of a receipt as hexadecimal."""
    return base64.b64decode(receipt["leaf"]).hex()
