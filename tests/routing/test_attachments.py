"""Attachments for recipients: only what a named person released to them, with a share they hold; a receipt for each."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import (
    AttachmentCleared,
    AttachmentDeclared,
    AttachmentReleased,
    AttachmentReleaseWithdrawn,
    AttachmentStored,
    ErasureApproved,
)
from concern_relay.v1.facts_pb2 import Attachment, Part
from services.chassis.event import KeyScope
from services.chassis.objects import FolderObjects, new_object_id, sealed_pieces
from tests.routing.rig import KENT_CSC, KENT_POLICE, Case, Rig

pytestmark = pytest.mark.database
ADA = {"name": "Ada Example", "role": "duty social worker"}
CONTENT = b"%PDF-1.7\n" + b"marks on a drawing " * 9000
POLICE = codes.AgencyClass.AGENCY_CLASS_POLICE


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


class File:
    """A file of a case, as intake records it."""

    def __init__(self, rig: Rig, case: Case, item: str = "") -> None:
        self.rig, self.case = rig, case
        self.id, self.object_id = str(uuid4()), new_object_id()
        self.item = case.part("item", item) if item else ""
        self.objects = FolderObjects(rig.context.settings.state_dir / "objects")

    async def record(self, data: Any) -> None:
        """Let intake record something of it."""
        await self.rig.take(self.rig.event("concerns.v1", self.case.concern_id, data))

    @property
    def ids(self) -> dict[str, str]:
        """Ids every message of it carries."""
        return {"concern_id": self.case.concern_id, "agency_id": "larkfield-primary", "attachment_id": self.id}

    async def store(self, *, scan_expected: bool = False) -> None:
        """Let it be declared and uploaded."""
        said = Attachment(
            attachment_id=self.id,
            kind=codes.AttachmentKind.ATTACHMENT_KIND_BODY_MAP,
            name="Zephyrine Quillfeather.pdf",
            media_type="application/pdf",
            length=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).digest(),
        )
        declared = AttachmentDeclared(**self.ids, item_part_id=self.item)
        event = self.rig.event("concerns.v1", self.case.concern_id, declared)
        await self.rig.take(await self.rig.sealed(event, {self.id: Part(attachment=said)}))
        scope = KeyScope(self.case.concern_id)
        key = (await self.rig.keys.issue([scope]))[scope]
        await self.objects.put(self.object_id, sealed_pieces(key, self.object_id, _stream(CONTENT)))
        stored = {"object_id": self.object_id, "key_id": key.key_id, "scan_expected": scan_expected}
        await self.record(AttachmentStored(**self.ids, **stored))

    async def release(
        self, to: str = "", to_class: codes.AgencyClass = codes.AgencyClass.AGENCY_CLASS_UNSPECIFIED
    ) -> None:
        """Let a named person release it."""
        await self.record(AttachmentReleased(**self.ids, to_agency_id=to, to_class=to_class))


async def _share(rig: Rig, case: Case, agency: str) -> str:
    return str((await rig.share(case, agency))["share_id"])


async def _manifest(rig: Rig, case: Case, agency: str) -> list[dict[str, Any]]:
    async with rig.client(agency) as client:
        answer = await client.get(f"/v1/inbox/{await _share(rig, case, agency)}/attachments")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["attachments"]
    return found


async def _fetch(rig: Rig, case: Case, agency: str, file: File, body: Any = None) -> Any:
    async with rig.client(agency) as client:
        path = f"/v1/inbox/{await _share(rig, case, agency)}/attachments/{file.id}/fetch"
        return await client.post(path, json=body or ADA)


async def _delivered(rig: Rig, **options: Any) -> Case:
    case = await rig.shared(**options)
    await rig.deliver()
    return case


async def test_who_it_was_released_to_fetches_it_and_there_is_a_receipt(new_routing) -> None:
    """Given a body map released to the police, when an officer fetches it, then bytes, digest and receipt are there."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to_class=POLICE)

        (line,) = await _manifest(rig, case, KENT_POLICE)
        answer = await _fetch(rig, case, KENT_POLICE, file)
        again = await _fetch(rig, case, KENT_POLICE, file)

        assert (line["kind"], line["length"], line["state"]) == ("body_map", len(CONTENT), "not_scanned")
        assert answer.content == again.content == CONTENT
        digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
        assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
        assert "attachment" in answer.headers["content-disposition"]
        assert [e.data.recipient_agency_id for e in await rig.events(case, "AttachmentFetched")] == [KENT_POLICE]


async def test_of_what_was_not_released_to_it_a_recipient_sees_no_trace(new_routing) -> None:
    """Given a file released to the police, then social care sees nothing; asking is as for one that is not there."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to=KENT_POLICE)

        manifest = await _manifest(rig, case, KENT_CSC)
        asked = await _fetch(rig, case, KENT_CSC, file)
        invented = await _fetch(rig, case, KENT_CSC, File(rig, case))

        assert manifest == []
        assert (asked.status_code, asked.json()) == (invented.status_code, invented.json())
        assert asked.status_code == 404
        assert await rig.events(case, "AttachmentFetched") == []


async def test_a_file_of_an_item_goes_only_where_the_item_went(new_routing) -> None:
    """Given a file of an item that a recipient was not given, when it is released to it, then it is not offered."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        here, elsewhere = File(rig, case, "worry"), File(rig, case, "an item that went nowhere")
        for file in (here, elsewhere):
            await file.store()
            await file.release(to=KENT_CSC)

        manifest = await _manifest(rig, case, KENT_CSC)

        assert [line["attachment_id"] for line in manifest] == [here.id]


async def test_before_the_scan_has_answered_nobody_is_given_it(new_routing) -> None:
    """Given a file in quarantine, then it is not offered; cleared, it is."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store(scan_expected=True)
        await file.release(to=KENT_CSC)

        before = await _manifest(rig, case, KENT_CSC)
        await file.record(
            AttachmentCleared(concern_id=case.concern_id, attachment_id=file.id, object_id=file.object_id)
        )
        after = await _manifest(rig, case, KENT_CSC)

        assert (before, [line["state"] for line in after]) == ([], ["cleared"])


async def test_a_release_taken_back_and_an_erasure_close_it(new_routing) -> None:
    """Given two released files, when one release is taken back and the concern is erased, then neither is there."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        one, other = File(rig, case), File(rig, case)
        for file in (one, other):
            await file.store()
            await file.release(to=KENT_CSC)

        await one.record(AttachmentReleaseWithdrawn(**one.ids, to_agency_id=KENT_CSC))
        left = [line["attachment_id"] for line in await _manifest(rig, case, KENT_CSC)]
        await other.record(ErasureApproved(concern_id=case.concern_id, agency_id="larkfield-primary"))

        assert left == [other.id]
        assert await _manifest(rig, case, KENT_CSC) == []


async def test_under_a_suspended_key_it_opens_no_more(new_routing) -> None:
    """Given a released file, when its key is suspended, then fetching it is answered as gone; nothing is recorded."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to=KENT_CSC)
        scope = KeyScope(case.concern_id)
        key = (await rig.keys.issue([scope]))[scope]

        await rig.keys.suspend(case.concern_id, reason="test_case", key_ids=[key.key_id])
        answer = await _fetch(rig, case, KENT_CSC, file)

        assert (answer.status_code, answer.json()["code"]) == (410, "content_gone")
        assert await rig.events(case, "AttachmentFetched") == []


@pytest.mark.parametrize("spoil", ["removed", "altered"])
async def test_bytes_that_are_gone_or_altered_are_said_to_be(new_routing, spoil) -> None:
    """Given a released file, when the store lost or changed it, then the answer is a problem and no receipt is made."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to=KENT_CSC)
        if spoil == "removed":
            await file.objects.remove(file.object_id)
        else:
            place = next((rig.context.settings.state_dir / "objects").glob(f"*/{file.object_id}"))
            sealed = bytearray(place.read_bytes())
            sealed[100] ^= 1
            place.write_bytes(sealed)

        answer = await _fetch(rig, case, KENT_CSC, file)

        assert (answer.status_code, answer.json()["code"]) == (410, "content_gone")
        assert await rig.events(case, "AttachmentFetched") == []


async def test_a_system_does_not_fetch_for_nobody(new_routing) -> None:
    """Given a released file, when nobody is named, then it is refused."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to=KENT_CSC)

        answer = await _fetch(rig, case, KENT_CSC, file, {"name": " ", "role": "system"})

        assert answer.status_code == 422
        assert await rig.events(case, "AttachmentFetched") == []


async def test_of_a_share_that_was_called_back_nothing_is_given(new_routing) -> None:
    """Given a released file, when its share is recalled, then the manifest is empty, and fetching says why."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store()
        await file.release(to=KENT_POLICE)
        async with rig.client("larkfield-primary", "decide", "raise") as client:
            body = {"concern_id": case.concern_id, "recipient_agency_id": KENT_POLICE, "reason": "wrong_recipient"}
            recalled = await client.post("/v1/recalls", json={**body, **ADA, "words": "By mistake."})
        assert recalled.status_code < 300, recalled.text

        answer = await _fetch(rig, case, KENT_POLICE, file)

        assert await _manifest(rig, case, KENT_POLICE) == []
        assert (answer.status_code, answer.json()["code"]) == (410, "recalled")


async def test_a_recipient_is_told_once_that_a_file_lies_ready_and_when_it_does_not_any_more(new_routing) -> None:
    """Given a release, its share names the file, on record once; taken back it is named no more; the other has none."""
    async with new_routing() as rig:
        case = await _delivered(rig)
        file = File(rig, case)
        await file.store(scan_expected=True)
        await file.release(to=KENT_CSC)
        waiting = (await rig.share(case, KENT_CSC))["files"]
        await file.record(AttachmentCleared(**{n: v for n, v in file.ids.items() if n != "agency_id"}))
        await rig.assess(case)
        await rig.deliver()
        named = (await rig.share(case, KENT_CSC))["files"]
        async with rig.client(KENT_CSC) as client:
            (listed,) = (await client.get("/v1/inbox")).json()["shares"]
        others = (await rig.share(case, KENT_POLICE))["files"]
        told = [e.data.recipient_agency_id for e in await rig.events(case, "AttachmentOffered")]

        await file.record(AttachmentReleaseWithdrawn(**file.ids, to_agency_id=KENT_CSC))

        assert (waiting, named, others) == ([], [file.id], [])
        assert listed["files"] == [file.id]
        assert told == [KENT_CSC]
        assert (await rig.share(case, KENT_CSC))["files"] == []
        assert len(await rig.events(case, "AttachmentOfferEnded")) == 1


async def test_who_is_told_of_the_concern_after_a_release_is_told_of_the_file_too(new_routing) -> None:
    """Given a file released before anybody of its class was told, a delivery tells of the file, a recall ends it."""
    async with new_routing() as rig:
        case = await rig.raise_()
        file = File(rig, case)
        await file.store()
        await file.release(to_class=POLICE)
        before = await rig.events(case, "AttachmentOffered")
        await rig.assess(case)
        await rig.deliver()
        told = [e.data.recipient_agency_id for e in await rig.events(case, "AttachmentOffered")]

        async with rig.client("larkfield-primary", "raise") as sender:
            body = {**ADA, "concern_id": case.concern_id, "recipient_agency_id": KENT_POLICE, "words": "x"}
            await sender.post("/v1/recalls", json={**body, "reason": "wrong_recipient"})

        assert (before, told) == ([], [KENT_POLICE])
        assert len(await rig.events(case, "AttachmentOfferEnded")) == 1
        assert (await rig.share(case, KENT_POLICE))["files"] == []
