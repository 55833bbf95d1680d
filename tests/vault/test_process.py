"""The vault's process, as it is run: started, asked, suspended through, and heard of on the broker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from concern_relay.v1.keys_pb2 import KeySuspended
from services.chassis.auth import mint_token, signing_key
from services.chassis.clock import StillClock
from services.chassis.event import KeyScope
from services.chassis.keys import LocalKms, VaultKeys
from services.workbench.servers.address import environment_for, with_login

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

DEADLINE_S = 40.0
ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}/readyz", timeout=2)).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def test_a_suspension_through_intake_is_heard_on_the_broker(
    servers, kafka, registered_topics, database, tmp_path
) -> None:
    """Intake's role issues and suspends; the vault's process tells of it on keys.v1, and counts it."""
    port = _free_port()
    state = tmp_path / "state"
    LocalKms.make_master_key(state / "secrets" / "master.key")
    token = mint_token(signing_key(state), agency_id="operator", subject="op", scopes=frozenset({"operate"}))
    told = {
        **environment_for(servers, "vault"),
        "RELAY_DATABASE_URL": database,
        "RELAY_HTTP_PORT": str(port),
        "RELAY_STATE_DIR": str(state),
    }
    intake = servers.logins["intake"]
    intake_url = with_login(
        servers.admin_database_url, intake.role, intake.password, database=database.rpartition("/")[2]
    )
    log = (tmp_path / "vault.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.vault.app",
        env={**os.environ, **told}, cwd=ROOT, stdout=log, stderr=log,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    concern_id = str(uuid4())
    scope = KeyScope(concern_id, "p", "c")
    clock = StillClock(datetime.now(UTC))
    try:
        await _ready(url)
        kms = LocalKms(state / "secrets" / "master.key")
        async with VaultKeys(intake_url, kms, clock) as keys:
            (key,) = (await keys.issue([scope])).values()
            await keys.suspend(concern_id, consent_ref="c", reason="consent_withdrawn")

        heard = await _heard(kafka, concern_id)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
            counts = (await client.get(f"{url}/v1/keys/counts")).json()
            rewrapped = (await client.post(f"{url}/v1/keys/rewrap")).json()
            unnamed = await client.get(f"{url}/v1/keys/counts", headers={"Authorization": ""})
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), DEADLINE_S)
        log.close()

    assert (list(heard.key_ids), heard.reason_code) == ([key.key_id], "consent_withdrawn")
    assert counts["suspended"] >= 1
    assert rewrapped["lost"] == 0
    assert unnamed.status_code == 401
    assert code == 0, (tmp_path / "vault.log").read_text()


async def _heard(kafka, concern_id: str) -> KeySuspended:
    consumer = AIOKafkaConsumer("keys.v1", auto_offset_reset="earliest", **kafka.connection("admin"))
    await consumer.start()
    try:
        async with asyncio.timeout(DEADLINE_S):
            async for record in consumer:
                if record.key == concern_id.encode():
                    assert ("ce_type", b"concern_relay.v1.KeySuspended") in record.headers
                    return KeySuspended.FromString(record.value)
    finally:
        await consumer.stop()
    raise AssertionError("nothing was told")
