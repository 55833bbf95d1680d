"""The ledger: records of history appended by the audit process, then verified offline by a process of its own."""

from __future__ import annotations

import asyncio
import resource
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.measure import Bench
from bench.rows import Row
from bench.work import records
from services.audit.ledger import snapshot
from services.audit.signer import load_signer
from services.chassis.envelope import Record
from services.workbench.servers import Servers
from tests.audit.rig import Rig, eventually, rig

APPENDED_S_MIN = 20_000
MILLION = 1_000_000
VERIFIED_S_MAX = 60.0
TIMES = 8  # so many records for one concern of the other benches
FILL_MAX = 20_000
DEADLINE_S = 600.0


@dataclass(frozen=True)
class _Broker:
    """What the rig asks of a broker."""

    servers: Servers

    @property
    def bootstrap(self) -> str:
        """host:port."""
        return self.servers.kafka.bootstrap

    def connection(self) -> dict[str, Any]:
        """Arguments of an aiokafka client, as the administrator."""
        return self.servers.kafka.connection("admin")


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Append ``runs`` times ``TIMES * count`` records, then verify them all."""
    return asyncio.run(_rows(bench, runs, TIMES * count))


async def _rows(bench: Bench, runs: int, count: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="relay-bench-ledger-") as name:
        folder = Path(name)
        async with (
            bench.database(f"bench{secrets.token_hex(5)}") as dsn,
            rig(_Broker(bench.servers), dsn, folder, count=1) as ledger,
        ):
            source = (replace(record, topic=ledger.topics[0]) for record in records(runs * count))
            appended = [await _append(ledger, source, count) for _ in range(runs)]
            export = await _exported(ledger, folder / "export.ndjson")
            took_s, peak_mb = await _verify(export, str(load_signer(ledger.settings, ledger.charter.origin).verifier))
    return [
        Row("ledger append", "records/s", tuple(appended), at_least=APPENDED_S_MIN),
        Row("ledger verify, for 1,000,000 records", "s", (took_s * MILLION / (runs * count),),
            at_most=VERIFIED_S_MAX, reason=f"(measured on {runs * count:,})"),
        Row("ledger verify, memory at its highest", "MB", (peak_mb,)),
    ]  # fmt: skip


async def _append(ledger: Rig, source: Iterator[Record], count: int) -> float:
    """Fill the topic while nobody reads it, then let an audit process take it; records/s after its first batch."""
    before = await ledger.size()
    for _ in range(0, count, FILL_MAX):
        await ledger.put_records(list(islice(source, FILL_MAX)))
        ledger.sent.clear()
    async with ledger.process():
        await eventually(lambda: _holds(ledger, before + 1), "first batch", DEADLINE_S)
        first, began = await ledger.size(), perf_counter()
        await eventually(lambda: _holds(ledger, before + count), "last batch", DEADLINE_S)
        rate = (before + count - first) / (perf_counter() - began)
        await ledger.signed(before + count)
    return rate


async def _holds(ledger: Rig, count: int) -> bool:
    return await ledger.size() >= count


async def _exported(ledger: Rig, path: Path) -> Path:
    async with ledger.pool.acquire() as connection, snapshot(connection) as found:
        with path.open("wb") as file:
            async for chunk in found.export(ledger.charter.origin):
                file.write(chunk)
    return path


async def _verify(export: Path, key: str) -> tuple[float, float]:
    """Verify an export in a process of its own; give seconds and the megabytes it took at its highest."""
    began = perf_counter()
    verifier = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.workbench.cli", "ledger", "verify", "--json"),
        *("--file", str(export), "--key", key),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer, _ = await asyncio.wait_for(verifier.communicate(), DEADLINE_S)
    if verifier.returncode != 0:
        raise RuntimeError(f"the ledger does not verify: {answer.decode()[:500]}")
    return perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
