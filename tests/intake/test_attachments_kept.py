"""What becomes of bytes that came: scanned, kept from everybody, removed; and of those a killed process left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import ErasureApproved, ErasureProposed
from concern_relay.v1.facts_pb2 import NamedPerson, Part
from services.chassis.errors import SettingsError
from services.chassis.event import Content, KeyScope, derived_id
from services.chassis.objects import FolderObjects, new_object_id
from services.intake.attachments.scanner import CommandScanner, HttpScanner, ScanAway, Scanner, scanner_of
from services.intake.attachments.scanning import Scanning, retry_after
from services.intake.attachments.sweeping import Sweeping
from services.intake.attachments.table import AttachmentTable
from tests.intake.test_attachments import AGENCY, BY, PDF, declaration, declared, objects, put, raised, show

pytestmark = pytest.mark.database
HARMFUL = PDF + b"X-HARMFUL-X"
SAYS_NO = CommandScanner(("sh", "-c", "if grep -aq X-HARMFUL-X; then exit 1; else exit 0; fi"))
KILL_DEADLINE_S = 20.0


def scanning(intake: Any, scanner: Scanner = SAYS_NO) -> Scanning:
    """A scan worker, as one process would have it."""
    return Scanning(intake.journal, intake.keys, intake.objects, AttachmentTable(intake.pool), intake.clock, scanner)


async def uploaded(intake: Any, concern_id: str, content: bytes = PDF) -> str:
    """An uploaded file; gives its id."""
    found = await declared(intake, concern_id, content)
    answer = await put(intake, found["upload_url"], content)
    assert answer.status_code == 202, answer.text
    return str(found["attachment_id"])


async def released(intake: Any, concern_id: str, attachment_id: str) -> str:
    """Release it, with open eyes; gives the code of a refusal."""
    body = {"to": "kent-csc", "reason": "Needed.", "by": BY, "accept_unscanned": True}
    answer = await intake.follow(concern_id, f"attachments/{attachment_id}/releases", body)
    return str(answer.json().get("code", ""))


async def test_what_is_cleared_may_be_released_and_what_is_not_never(new_intake) -> None:
    """Given a scan, when it finds nothing in one file and something in the other, then only the first is released."""
    async with new_intake(scan_expected=True) as intake:
        concern_id = await raised(intake, "scanned")
        good, bad = await uploaded(intake, concern_id), await uploaded(intake, concern_id, HARMFUL)

        before = [await released(intake, concern_id, one) for one in (good, bad)]
        taken = await scanning(intake).scan_due()
        after = [await released(intake, concern_id, one) for one in (good, bad)]
        await Sweeping(intake.objects, AttachmentTable(intake.pool)).gone()

        assert before == ["in_quarantine", "in_quarantine"]
        assert (taken, after) == (2, ["", "attachment_refused"])
        assert {one["attachment_id"]: one["state"] for one in await show(intake, concern_id)} == {
            good: "cleared",
            bad: "refused",
        }
        assert len(await objects(intake)) == 1


async def test_the_same_harmful_file_is_not_taken_again(new_intake) -> None:
    """Given a file the scan refused, when it is declared again, then that is refused."""
    async with new_intake(scan_expected=True) as intake:
        concern_id = await raised(intake, "again")
        await uploaded(intake, concern_id, HARMFUL)
        await scanning(intake).scan_due()

        answer = await intake.follow(concern_id, "attachments", declaration(HARMFUL))

        assert (answer.status_code, answer.json()["code"]) == (409, "attachment_refused")


async def test_a_named_person_has_a_refused_file_scanned_again(new_intake) -> None:
    """Given a file a scan refused, when it is declared with scan_again and sent, it is scanned anew, and not swept."""
    async with new_intake(scan_expected=True) as intake:
        concern_id = await raised(intake, "scan again")
        attachment_id = await uploaded(intake, concern_id, HARMFUL)
        await scanning(intake).scan_due()

        found = await intake.follow(concern_id, "attachments", {**declaration(HARMFUL), "scan_again": True})
        await put(intake, found.json()["upload_url"], HARMFUL)
        await Sweeping(intake.objects, AttachmentTable(intake.pool)).gone()
        quarantined = await released(intake, concern_id, attachment_id)
        await scanning(intake, CommandScanner(("sh", "-c", "cat >/dev/null"))).scan_due()

        assert found.json()["state"] == "declared"
        assert quarantined == "in_quarantine"
        assert [one["state"] for one in await show(intake, concern_id)] == ["cleared"]


async def test_where_nothing_scans_nothing_is_scanned_again(new_intake) -> None:
    """Given no scan here, asking for another one is answered so."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "nothing scans")

        answer = await intake.follow(concern_id, "attachments", {**declaration(HARMFUL), "scan_again": True})

        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_scans")


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "exit 2"),
        ("/no/such/program",),
        ("sh", "-c", "kill -9 $$"),
        ("sh", "-c", "exit 0"),
        ("sh", "-c", "exit 1"),
        (sys.executable, "-c", "import no_such_module"),
    ],
    ids=["cannot say", "not there", "killed", "clean before it was read", "harm in everything", "crashes"],
)
async def test_without_an_answer_it_stays_in_quarantine_and_is_tried_again(new_intake, command) -> None:
    """Given a scan that gives no answer, then nobody is given the file; when it answers later, it is settled."""
    async with new_intake(scan_expected=True) as intake:
        concern_id = await raised(intake, "no answer")
        attachment_id = await uploaded(intake, concern_id, PDF * 10)

        await scanning(intake, CommandScanner(command)).scan_due()
        at_once = await scanning(intake).scan_due()
        stands = [one["state"] for one in await show(intake, concern_id)]
        refused = await released(intake, concern_id, attachment_id)
        await intake.later(retry_after(1))
        later = await scanning(intake).scan_due()

        assert (at_once, stands, refused, later) == (0, ["quarantined"], "in_quarantine", 1)
        assert [one["state"] for one in await show(intake, concern_id)] == ["cleared"]


async def test_a_scan_that_hangs_is_ended() -> None:
    """Given a command that never answers, then it is killed at its deadline, and that is no answer."""
    scanner = CommandScanner(("sleep", "60"), deadline_s=0.3)

    with pytest.raises(ScanAway):
        await scanner.clean(_stream(b"x" * 1_000_000))


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


@contextmanager
def _endpoint(status: int, body: bytes) -> Iterator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            seen.append(content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/scan", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, {"clean": True}, True),
        (200, {"clean": False}, False),
        (200, {"clean": "yes"}, None),
        (200, {}, None),
        (200, [], None),
        (500, {"clean": True}, None),
    ],
)
async def test_an_endpoint_is_asked_with_the_bytes(status, body, found) -> None:
    """Only 200 with a plain true or false is an answer; anything else is none."""
    with _endpoint(status, json.dumps(body).encode()) as (url, seen):
        try:
            answer: bool | None = await HttpScanner(url).clean(_stream(PDF))
        except ScanAway:
            answer = None

    assert answer is found
    assert seen == [PDF]


def test_the_settings_name_one_scan_or_none() -> None:
    """None is none; both are a mistake; in production bytes cross no network in the clear."""
    assert scanner_of("production", {}) is None
    assert scanner_of("local", {"RELAY_SCAN_COMMAND": "clamdscan --no-summary -"}) == CommandScanner(
        ("clamdscan", "--no-summary", "-")
    )
    for environ in (
        {"RELAY_SCAN_COMMAND": "x", "RELAY_SCAN_URL": "https://x"},
        {"RELAY_SCAN_URL": "ftp://x"},
        {"RELAY_SCAN_URL": "http://scanner.example/scan"},
    ):
        with pytest.raises(SettingsError):
            scanner_of("production", environ)


async def test_after_an_erasure_the_bytes_are_removed_and_nothing_can_be_added(new_intake) -> None:
    """Given a file about a concern, when its erasure is approved, then its object goes, and other objects stay."""
    async with new_intake() as intake:
        concern_id, other = await raised(intake, "erased"), await raised(intake, "kept")
        await uploaded(intake, concern_id)
        await uploaded(intake, other)
        ids = {"concern_id": concern_id, "agency_id": AGENCY, "erasure_id": derived_id(concern_id, "erase", "x")}
        reason = codes.ErasureReason.values()[1]

        for number, data in enumerate((ErasureProposed(**ids, reason=reason), ErasureApproved(**ids))):
            who = Part(named_person=NamedPerson(name=f"Person {number}", role="governance lead"))
            content = Content(derived_id(concern_id, "by", str(number)), KeyScope(ids["erasure_id"]), who)
            await intake.journal.act(concern_id, data, agency_id=AGENCY, key=str(number), contents=[content])
        removed = await Sweeping(intake.objects, AttachmentTable(intake.pool)).gone()

        assert removed == 1
        assert len(await objects(intake)) == 1


async def test_an_object_nothing_was_recorded_of_is_swept_after_a_week(new_intake) -> None:
    """Given an object of a process that was killed before it recorded it, then it goes after a week, and no other."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "orphan")
        await uploaded(intake, concern_id)
        kept = await objects(intake)
        await intake.objects.put(new_object_id(), _stream(b"x"))
        sweeping = Sweeping(intake.objects, AttachmentTable(intake.pool))

        early = await sweeping.sweep(datetime.now(UTC) + timedelta(days=6))
        late = await sweeping.sweep(datetime.now(UTC) + timedelta(days=8))

        assert (early, late) == (0, 1)
        assert await objects(intake) == kept


_PUTS = """
import asyncio, sys
from pathlib import Path
from services.chassis.objects import FolderObjects, new_object_id
async def endless():
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0.01)
asyncio.run(FolderObjects(Path(sys.argv[1])).put(new_object_id(), endless()))
"""


def test_a_process_killed_on_the_way_leaves_no_object(tmp_path: Path) -> None:
    """Given bytes that come, when the process is killed, then there is no object, and what it left is swept."""
    process = subprocess.Popen([sys.executable, "-c", _PUTS, str(tmp_path)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + KILL_DEADLINE_S
    while not any(p.is_file() and p.stat().st_size for p in tmp_path.rglob("*")):
        assert time.monotonic() < deadline, "nothing was written"
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    store = FolderObjects(tmp_path)

    async def look() -> tuple[list[Any], int]:
        return [one async for one in store.found()], await store.sweep(datetime.now(UTC) + timedelta(hours=1))

    assert asyncio.run(look()) == ([], 1)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
