"""The commands, as a person runs them: on this session's servers, after an audit process recorded, signed and ended."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from services.audit.proof import Proof
from services.chassis.auth import signing_key
from services.chassis.envelope import Record, encode
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.note import Signer, Verifier
from services.chassis.integrity.receipt import issue
from services.chassis.keys import LocalKms
from services.chassis.settings import REPOSITORY
from services.workbench import history_cli, ledger_cli
from services.workbench.servers import Servers, environment_for
from services.workbench.supervisor.deadline import Deadline
from tests.audit.rig import raised

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

DEADLINE_S = 60.0
COUNT = 60
ORIGIN = "concern-relay.local/ledger"
INTAKE = Signer(f"{ORIGIN}/receipts", b"r" * 32)


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    status: int
    body: dict[str, Any]

    @property
    def found(self) -> list[tuple[str, Any]]:
        """Code and index of each finding."""
        return [(finding["code"], finding.get("index")) for finding in self.body["findings"]]


@dataclass(frozen=True)
class House:
    """A ledger on the session's servers."""

    servers: Servers
    records: list[Record]

    def run(self, *arguments: object) -> Told:
        """Run a command for a machine, in this process: a Python of its own for each would take a minute."""
        noun, *rest = map(str, arguments)
        app = {"ledger": ledger_cli.app, "history": history_cli.app}[noun]
        env = {"RELAY_STATE_DIR": str(self.servers.state_dir)}
        done = CliRunner().invoke(app, [*rest, "--json"], env=env)
        assert done.stdout, done.output
        return Told(done.exit_code, json.loads(done.stdout))

    def command(self, *arguments: object) -> Told:
        """Run a command as a person does, in a process of its own."""
        done = subprocess.run(
            (sys.executable, "-m", "services.workbench.cli", *map(str, arguments), "--json"),
            env=os.environ | {"RELAY_STATE_DIR": str(self.servers.state_dir)},
            cwd=REPOSITORY,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.stdout, done.stderr.decode()
        return Told(done.returncode, json.loads(done.stdout))

    def sql(self, statement: str) -> Any:
        """Ask the audit database, or change it as nobody should."""
        return asyncio.run(self._sql(statement))

    async def _sql(self, statement: str) -> Any:
        connection = await asyncpg.connect(self.servers.database_url("audit"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def house(servers: Servers, registered_topics: object) -> House:
    """Write records as intake does, let audit record and sign all there are, and end it."""
    records = [encode(replace(raised(), topic="concerns.v1")) for _ in range(COUNT)]
    asyncio.run(_written(servers, records))
    found = House(servers, records)
    signing_key(servers.state_dir)
    master = servers.state_dir / "secrets" / "master.key"
    if not master.exists():
        LocalKms.make_master_key(master)
    program = (sys.executable, "-m", "services.audit.app")
    audit = subprocess.Popen(
        program, env=os.environ | environment_for(servers, "audit"), cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    deadline = Deadline(DEADLINE_S)
    while not _there(found):
        assert not deadline.passed()
        assert audit.poll() is None
        deadline.pause(0.1)
    audit.terminate()
    assert audit.wait(DEADLINE_S) == 0
    return found


def _there(house: House) -> bool:
    """Whether all that was written is recorded."""
    ids = ", ".join(f"'{dict(record.headers)['ce_id'].decode()}'" for record in house.records)
    try:
        return bool(house.sql(f"SELECT count(*) = {COUNT} FROM record WHERE event_id IN ({ids})"))
    except asyncpg.UndefinedTableError:
        return False


async def _written(servers: Servers, records: list[Record]) -> None:
    client = AIOKafkaProducer(**servers.kafka.connection("intake"), acks="all", enable_idempotence=True)
    await asyncio.wait_for(client.start(), DEADLINE_S)
    try:
        for r in records:
            await asyncio.wait_for(
                client.send_and_wait(r.topic, r.value, key=r.key, headers=list(r.headers)), DEADLINE_S
            )
    finally:
        await asyncio.wait_for(client.stop(), DEADLINE_S)


def test_a_whole_ledger_verifies(house: House) -> None:
    """Given a ledger that was recorded and signed, when it is verified, then it passes, all of it under a signature."""
    told = house.command("ledger", "verify")

    assert told.status == 0, told.body
    assert told.body["data"]["signed"] == told.body["data"]["records"] >= COUNT


@pytest.mark.parametrize("column", ["value", "headers", "key"])
def test_one_flipped_bit_in_the_database_fails_with_its_index(house: House, column: str) -> None:
    """Given one bit of one record flipped, when the ledger is verified, then it fails and names the index."""
    flip = f"UPDATE record SET {column} = set_bit({column}, 77, 1 - get_bit({column}, 77)) WHERE leaf_index = 17"
    house.sql(flip)

    told = house.run("ledger", "verify")
    house.sql(flip)

    assert told.status == 1
    assert told.found == [("record-altered", 17)]
    assert told.body["data"]["first_bad_index"] == 17
    assert house.run("ledger", "verify").status == 0


def test_a_record_taken_out_fails(house: House) -> None:
    """Given one record deleted, when the ledger is verified, then it fails where it should have been."""
    house.sql("CREATE TABLE put_by AS SELECT * FROM record WHERE leaf_index = 23")
    house.sql("DELETE FROM record WHERE leaf_index = 23")

    told = house.run("ledger", "verify")
    house.sql("INSERT INTO record SELECT * FROM put_by")
    house.sql("DROP TABLE put_by")

    assert told.status == 1
    assert told.found[0] == ("out-of-order", 23)


def test_an_export_verifies_elsewhere_and_not_after_a_flipped_bit(house: House, tmp_path: Path) -> None:
    """Given an export file and the public key, when it is verified, then it passes; with one bit flipped it fails."""
    export, keys = tmp_path / "ledger.jsonl", house.servers.state_dir / "ledger.keys"
    assert house.run("ledger", "export", "-o", export).status == 0
    whole = export.read_bytes()
    at = whole.index(b'"value":"', whole.index(b'{"record":{"index":31,')) + 40
    altered = tmp_path / "altered.jsonl"
    altered.write_bytes(whole[:at] + (b"A" if whole[at : at + 1] != b"A" else b"B") + whole[at + 1 :])

    assert house.run("ledger", "verify", "--file", export, "--key", keys).status == 0
    told = house.run("ledger", "verify", "--file", altered, "--key", keys)

    assert told.status == 1
    assert ("record-altered", 31) in told.found


def test_a_receipt_demands_its_leaf(house: House, tmp_path: Path) -> None:
    """Given a receipt of a recorded event and one of an event that is nowhere, when both are held, one is missing."""
    kept, never = (tmp_path / name for name in ("kept.json", "never.json"))
    kept.write_text(json.dumps({"status": "accepted", "receipt": receipt(house.records[5])}))
    never.write_text(json.dumps(receipt(encode(replace(raised(), topic="concerns.v1")))))
    key = ("--receipt-key", str(INTAKE.verifier))

    assert house.run("ledger", "verify", "--receipt", kept, *key).body["data"]["receipts"] == 1
    told = house.run("ledger", "verify", "--receipt", kept, "--receipt", never, *key)

    assert told.status == 1
    assert told.found == [("receipt-not-honoured", None)]


def receipt(record: Record) -> dict[str, object]:
    """Give the receipt of a record, as intake signs it."""
    headers = {name: value.decode() for name, value in record.headers}
    leaf = leaf_hash(leaf_of(record.topic, record.key, record.headers, record.value))
    return issue(
        INTAKE, concern_id=record.key.decode(), event_id=headers["ce_id"], agency="school-a",
        recorded_time=headers["ce_recordedtime"], leaf=leaf,
    ).to_json()  # fmt: skip


def test_a_proof_holds_with_the_record_and_the_public_key_alone(house: House, tmp_path: Path) -> None:
    """Given an event id, when its proof is written, then record, proof and key show that it is in the ledger."""
    record, output = house.records[40], tmp_path / "one.tlog-proof"
    told = house.run("ledger", "prove", dict(record.headers)["ce_id"].decode(), "-o", output)
    key = Verifier.parse((house.servers.state_dir / "ledger.keys").read_text().split()[0])

    leaf = leaf_of(record.topic, record.key, record.headers, record.value)

    assert told.status == 0
    assert Proof.parse(output.read_bytes()).check(leaf, ORIGIN, [key]).size >= COUNT


def test_a_rebuild_from_kafka_comes_to_the_same_root(house: House) -> None:
    """Given the recorded ledger, when it is rebuilt from Kafka alone, then the root is the same and it verifies."""
    root = house.run("ledger", "verify").body["data"]["root"]

    checked = house.run("ledger", "rebuild", "--check")
    rebuilt = house.run("ledger", "rebuild")

    assert (checked.status, checked.body["data"]["replaced"]) == (0, False)
    assert (rebuilt.status, rebuilt.body["data"]["replaced"]) == (0, True)
    assert checked.body["data"]["root"] == rebuilt.body["data"]["root"] == root
    assert house.run("ledger", "verify").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("ledger", "prove", "no-id"), 2, "usage"),
        (("ledger", "prove", str(uuid4())), 1, "not_in_ledger"),
        (("ledger", "export"), 2, "usage"),
        (("ledger", "verify", "--file", "nowhere.jsonl"), 1, "unavailable"),
        (("ledger", "verify", "--key", "nowhere.keys"), 2, "usage"),
        (("ledger", "verify", "--held", "nowhere.note"), 2, "usage"),
        (("ledger", "settle", "gap", "concerns.v1", "0", "0", "--because", "x"), 2, "usage"),
        (("history", "explain", "no-id"), 2, "usage"),
        (("history", "explain", str(uuid4())), 1, "unknown_concern"),
        (("history", "as-of", str(uuid4()), "yesterday"), 2, "usage"),
        (("history", "as-of", str(uuid4()), "2026-03-02T09:00"), 2, "usage"),
        (("history", "replay", "--from", "memory"), 2, "usage"),
        (("history", "replay", "--check", "--concern", str(uuid4())), 1, "unknown_concern"),
    ],
)
def test_what_cannot_be_done_says_why(house: House, arguments: tuple[str, ...], status: int, code: str) -> None:
    """Given something that cannot be asked or is not there, when it is asked, then the exit and the code say so."""
    told = house.run(*arguments)

    assert (told.status, told.found[0][0]) == (status, code)


def test_a_concern_is_told_and_exported(house: House, tmp_path: Path) -> None:
    """Given a recorded concern, when it is explained and exported, then codes and times are there and no content."""
    concern_id = house.records[7].key.decode()
    explained = house.run("history", "explain", concern_id)
    before = house.run("history", "as-of", concern_id, "2020-01-01T00:00Z")
    exported = house.run("history", "export", concern_id, "-o", tmp_path / "events.jsonl")

    assert explained.body["data"]["journey"]["agency_id"] == "school-a"
    assert before.body["data"]["raised_at"] is None
    assert exported.body["data"]["events"] == 1
    (event,) = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert event["codes"]["parts"] == 1
