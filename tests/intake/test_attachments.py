"""Attachments over HTTP: the question first, bytes whole and as declared or not at all, released by a named person."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from concern_relay.v1.shares_pb2 import AttachmentFetched
from services.intake.attachments.sweeping import Sweeping
from services.intake.attachments.table import AttachmentTable
from services.intake.limits import Attached, Limits
from tests.intake.rig import together
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database
AGENCY = "larkfield-primary"
BY = {"name": "Asha Verne", "role": "designated safeguarding lead"}
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1200
OTHER = b"%PDF-1.7\n" + bytes(reversed(range(256))) * 1200


def declaration(content: bytes = PDF, **fields: Any) -> dict[str, Any]:
    """What a sender declares of a file."""
    said = {
        "child_image": "no",
        "kind": "body_map",
        "name": "body map.pdf",
        "media_type": "application/pdf",
        "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "by": BY,
    }
    return {**said, **fields}


async def raised(intake: Any, reference: str) -> str:
    """A concern of the agency."""
    answer = await intake.post(submission(reference=reference))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["concern_id"])


async def declared(intake: Any, concern_id: str, content: bytes = PDF, **fields: Any) -> dict[str, Any]:
    """A declared attachment, as it was answered."""
    answer = await intake.follow(concern_id, "attachments", declaration(content, **fields))
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put(intake: Any, url: str, content: Any, agency: str = AGENCY) -> httpx.Response:
    """Upload bytes."""
    headers = {"Authorization": f"Bearer {intake.token(agency)}", "Content-Type": "application/octet-stream"}
    answer: httpx.Response = await intake.client.put(url, content=content, headers=headers)
    return answer


async def show(intake: Any, concern_id: str) -> list[dict[str, Any]]:
    """Where the attachments of a concern stand."""
    headers = {"Authorization": f"Bearer {intake.token(AGENCY)}"}
    answer = await intake.client.get(f"/v1/concerns/{concern_id}/attachments", headers=headers)
    found: list[dict[str, Any]] = answer.json()["attachments"]
    return found


async def objects(intake: Any) -> list[str]:
    """Every object in the store."""
    return [one.object_id async for one in intake.objects.found()]


async def test_a_file_is_declared_uploaded_and_released(shared_intake) -> None:
    """Given a concern, when its body map is declared, uploaded and released, then each step is recorded once."""
    concern_id = await raised(shared_intake, "whole way")

    found = await declared(shared_intake, concern_id, item="seen")
    answer = await put(shared_intake, found["upload_url"], PDF)
    release = {"to_class": "police", "reason": "For the medical.", "by": BY, "accept_unscanned": True}
    released = await shared_intake.follow(concern_id, f"attachments/{found['attachment_id']}/releases", release)

    assert (answer.status_code, answer.json()["state"]) == (202, "not_scanned"), answer.text
    assert released.json()["released"] == [{"to": "", "to_class": "police"}], released.text
    types = [event.type for event in await shared_intake.recorded(concern_id)]
    assert types == ["ConcernRaised", "AttachmentDeclared", "AttachmentStored", "AttachmentReleased"]


async def test_everything_twice_is_once(shared_intake) -> None:
    """Given a file that was declared, uploaded and released, when all of it comes again, then nothing is recorded."""
    concern_id = await raised(shared_intake, "twice")
    release = {"to": "kent-csc", "reason": "They asked.", "by": BY, "accept_unscanned": True}

    for _ in range(2):
        found = await declared(shared_intake, concern_id)
        url = f"/v1/concerns/{concern_id}/attachments/{found['attachment_id']}/bytes"
        answer = await put(shared_intake, url, PDF)
        await shared_intake.follow(concern_id, f"attachments/{found['attachment_id']}/releases", release)

    assert found["repeated"] is True
    assert answer.json()["repeated"] is True
    assert len(await shared_intake.recorded(concern_id)) == 4


async def test_of_two_uploads_at_once_one_counts_and_nothing_is_left_over(new_intake) -> None:
    """Given one declaration, when its bytes come four times at once, then one event and one object."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "at once")
        found = await declared(intake, concern_id)

        answers = await together(*(put(intake, found["upload_url"], PDF) for _ in range(4)))

        assert {answer.status_code for answer in answers} == {202}
        assert [e.type for e in await intake.recorded(concern_id)].count("AttachmentStored") == 1
        assert len(await objects(intake)) == 1


@pytest.mark.parametrize("answer", ["yes", "unsure", True])
async def test_where_the_answer_is_not_no_nothing_is_taken_and_the_answer_is_recorded(shared_intake, answer) -> None:
    """The problem says what to do instead, with where that comes from; later bytes of that file are not taken."""
    concern_id = await raised(shared_intake, f"image {answer}")

    refused = await shared_intake.follow(concern_id, "attachments", {"child_image": answer, "by": BY})

    assert (refused.status_code, refused.json()["code"]) == (422, "image_not_taken")
    assert all(each["text"] and each["cite"] for each in refused.json()["instead"])
    assert [e.type for e in await shared_intake.recorded(concern_id)] == ["ConcernRaised", "AttachmentRefused"]


async def test_a_yes_is_not_unsaid_by_a_no(shared_intake) -> None:
    """Given a file of which somebody answered yes, when it is declared with no, then it is refused."""
    concern_id = await raised(shared_intake, "unsaid")
    await shared_intake.follow(concern_id, "attachments", declaration(child_image="yes"))

    again = await shared_intake.follow(concern_id, "attachments", declaration())

    assert (again.status_code, again.json()["code"]) == (409, "answered_before")


async def test_a_second_person_who_answers_yes_gets_the_same_advice(shared_intake) -> None:
    """Given a file of which somebody answered yes, when another does too, then it is said again and recorded once."""
    concern_id = await raised(shared_intake, "second yes")
    await shared_intake.follow(concern_id, "attachments", declaration(child_image="yes"))

    other = declaration(child_image="yes", by={"name": "Somebody Else", "role": "deputy"})
    again = await shared_intake.follow(concern_id, "attachments", other)

    assert (again.status_code, again.json()["code"]) == (422, "image_not_taken"), again.text
    assert len(await shared_intake.recorded(concern_id)) == 2


async def test_what_is_found_later_to_be_such_an_image_is_closed_for_everybody(new_intake) -> None:
    """Given an uploaded, released file, when it is declared again with yes, then it is refused and its bytes go."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "found later")
        found = await declared(intake, concern_id)
        await put(intake, found["upload_url"], PDF)
        release = {"to": "kent-csc", "reason": "Needed.", "by": BY, "accept_unscanned": True}
        await intake.follow(concern_id, f"attachments/{found['attachment_id']}/releases", release)

        answer = await intake.follow(concern_id, "attachments", declaration(child_image="yes"))
        removed = await Sweeping(intake.objects, AttachmentTable(intake.pool)).gone()

        assert answer.json()["code"] == "image_not_taken"
        assert [one["state"] for one in await show(intake, concern_id)] == ["refused"]
        assert (removed, await objects(intake)) == (1, [])


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"child_image": ""}, 422, "field_wrong"),
        ({"child_image": "perhaps"}, 422, "field_wrong"),
        ({"by": {"role": "lead"}}, 422, "field_wrong"),
        ({"kind": "selfie"}, 422, "field_wrong"),
        ({"sha256": "abc"}, 422, "field_wrong"),
        ({"length": 0}, 422, "field_wrong"),
        ({"length": -1}, 422, "field_wrong"),
        ({"length": 10**9}, 413, "too_large"),
        ({"media_type": "application/zip"}, 415, "type_not_taken"),
        ({"media_type": "application/msword"}, 415, "type_not_taken"),
        ({"item": "nothing of that name"}, 422, "no_such_item"),
        ({"about": "nobody"}, 422, "no_such_person"),
        ({"contents": "aGVsbG8="}, 422, "field_wrong"),
    ],
)
async def test_a_declaration_that_cannot_be_taken_says_why(shared_intake, fields, status, code) -> None:
    """Nothing is recorded, and nothing that was sent is repeated."""
    concern_id = await raised(shared_intake, f"wrong {fields}")

    answer = await shared_intake.follow(concern_id, "attachments", declaration(**fields))

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "nothing of that name" not in answer.text
    assert len(await shared_intake.recorded(concern_id)) == 1


ZIP = b"PK\x03\x04" + b"\x00" * 5000
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 5000


@pytest.mark.parametrize(
    ("said", "sent", "status", "code"),
    [
        (PDF, PDF[:-1], 422, "shorter_than_declared"),
        (PDF, PDF + b"x", 413, "longer_than_declared"),
        (PDF, OTHER, 422, "digest_differs"),
        (PDF, b"", 422, "shorter_than_declared"),
        (ZIP, ZIP, 415, "type_differs"),
        (PNG, PNG, 415, "type_differs"),
        (b"MZ" + b"\x00" * 5000, b"MZ" + b"\x00" * 5000, 415, "type_differs"),
        (b"<html><script>alert(1)</script>", b"<html><script>alert(1)</script>", 415, "type_differs"),
    ],
)
async def test_other_bytes_than_declared_are_not_kept(new_intake, said, sent, status, code) -> None:
    """Given a declaration of a PDF, when other bytes come, then nothing is in the store, and the right ones may."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "other bytes")
        found = await declared(intake, concern_id, said)

        answer = await put(intake, found["upload_url"], sent)

        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await objects(intake) == []
        assert [one["state"] for one in await show(intake, concern_id)] == ["declared"]


async def test_the_store_sees_neither_the_bytes_nor_a_name(new_intake) -> None:
    """Given an uploaded file, then no piece of it, nor the concern, stands in the store's folder or file names."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "sealed")
        found = await declared(intake, concern_id)
        await put(intake, found["upload_url"], PDF)

        (object_id,) = await objects(intake)
        sealed = b"".join([piece async for piece in intake.objects.get(object_id)])

        assert PDF[:64] not in sealed
        assert object_id not in (concern_id, found["attachment_id"])
        assert len(sealed) == len(PDF) + 16 * 5


async def test_another_agency_does_not_even_learn_that_there_is_a_concern(shared_intake) -> None:
    """Declaring, uploading, releasing and looking answer as if there were none."""
    concern_id = await raised(shared_intake, "not yours")
    found = await declared(shared_intake, concern_id)
    other = "stourside-academy"

    declare = await shared_intake.follow(concern_id, "attachments", declaration(), agency=other)
    upload = await put(shared_intake, found["upload_url"], PDF, agency=other)
    release = {"to": other, "reason": "Mine.", "by": BY}
    path = f"attachments/{found['attachment_id']}/releases"
    mine = await shared_intake.follow(concern_id, path, release, agency=other)

    assert [a.status_code for a in (declare, upload, mine)] == [404, 404, 404]
    assert {a.json()["code"] for a in (declare, upload, mine)} == {"not_yours"}


async def test_who_was_told_is_not_given_away_by_a_release(shared_intake) -> None:
    """Given a concern nobody was told of, when a file is released to the police, then the answer is the same."""
    concern_id = await raised(shared_intake, "who was told")
    found = await declared(shared_intake, concern_id)
    await put(shared_intake, found["upload_url"], PDF)

    path = f"attachments/{found['attachment_id']}/releases"
    release = {"to_class": "police", "reason": "Needed.", "by": BY, "accept_unscanned": True}
    answer = await shared_intake.follow(concern_id, path, release)

    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"by": {"role": "lead"}}, 422, "field_wrong"),
        ({"reason": ""}, 422, "field_wrong"),
        ({"to_class": ""}, 422, "field_wrong"),
        ({"to_class": "everybody"}, 422, "field_wrong"),
        ({"to": "kent-csc"}, 422, "field_wrong"),
        ({"accept_unscanned": False}, 409, "not_scanned"),
    ],
)
async def test_a_release_needs_a_person_a_reason_one_recipient_and_open_eyes(
    shared_intake, fields, status, code
) -> None:
    """Nothing is released otherwise."""
    concern_id = await raised(shared_intake, f"release {fields}")
    found = await declared(shared_intake, concern_id)
    await put(shared_intake, found["upload_url"], PDF)

    release = {"to_class": "police", "reason": "Needed.", "by": BY, "accept_unscanned": True, **fields}
    answer = await shared_intake.follow(concern_id, f"attachments/{found['attachment_id']}/releases", release)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_what_did_not_come_is_not_released(shared_intake) -> None:
    """Given a declaration without bytes, when it is released, then that is refused."""
    concern_id = await raised(shared_intake, "no bytes")
    found = await declared(shared_intake, concern_id)

    release = {"to": "kent-csc", "reason": "Needed.", "by": BY, "accept_unscanned": True}
    answer = await shared_intake.follow(concern_id, f"attachments/{found['attachment_id']}/releases", release)

    assert answer.json()["code"] == "attachment_not_here"


async def test_a_declaration_without_bytes_expires_and_can_be_made_anew(new_intake) -> None:
    """Given a declaration, when a day passes, then the sender sees that it expired, and a new one takes bytes."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "late")
        found = await declared(intake, concern_id)

        await intake.later(timedelta(hours=25))
        stands = [one["state"] for one in await show(intake, concern_id)]
        late = await put(intake, found["upload_url"], PDF)
        again = await declared(intake, concern_id)
        answer = await put(intake, again["upload_url"], PDF)

        assert stands == ["expired"]
        assert late.json()["code"] == "attachment_not_open"
        assert answer.status_code == 202, answer.text


async def test_a_concern_has_so_many_and_an_agency_awaits_so_many(new_intake) -> None:
    """Given limits of two and three, when more are declared, then the answer says what to do."""
    limits = Limits(attachments=Attached(per_concern=2, awaited=3))
    async with new_intake(limits=limits) as intake:
        first, second = await raised(intake, "one"), await raised(intake, "two")
        for number in range(2):
            await declared(intake, first, PDF + bytes([number]))
        await declared(intake, second, PDF)

        too_many = await intake.follow(first, "attachments", declaration(PDF))
        awaited = await intake.follow(second, "attachments", declaration(OTHER))

        assert (too_many.status_code, too_many.json()["code"]) == (422, "too_many")
        assert (awaited.status_code, awaited.json()["code"]) == (429, "too_many_awaited")
        assert awaited.headers["retry-after"]


async def test_a_form_instead_of_bytes_is_told_so(shared_intake) -> None:
    """Given a browser's form, when it is sent as the bytes, then the answer says how to send them."""
    concern_id = await raised(shared_intake, "form")
    found = await declared(shared_intake, concern_id)
    headers = {"Authorization": f"Bearer {shared_intake.token(AGENCY)}"}

    answer = await shared_intake.client.put(found["upload_url"], files={"file": PDF}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "not_bytes")


async def test_the_question_is_there_for_every_system_to_show(shared_intake) -> None:
    """Given no token, when the question is asked for, then it comes with what to do instead and the limits."""
    answer = await shared_intake.client.get("/v1/attachment-question")

    assert answer.json()["answers"] == ["no", "yes", "unsure"]
    assert answer.json()["bytes_max"] == 20_000_000


async def test_its_sender_sees_that_a_file_was_fetched_and_not_by_whom(new_intake) -> None:
    """Given two receipts at those it was released to, the sender's answer has their times and no agency."""
    async with new_intake() as intake:
        concern_id = await raised(intake, "receipts")
        found = await declared(intake, concern_id)
        await put(intake, found["upload_url"], PDF)
        for share in ("s", "p"):
            data = AttachmentFetched(
                concern_id=concern_id, share_id=share, recipient_agency_id="kent-csc",
                attachment_id=found["attachment_id"],
            )  # fmt: skip
            await intake.hear(concern_id, data)

        (one,) = await show(intake, concern_id)

        assert len(one["fetched"]) == 2
        assert "kent-csc" not in str(one)


async def test_files_declared_at_one_moment_are_no_more_than_the_limit(new_intake) -> None:
    """Given room for two and six declared at once, two are taken and four are told so."""
    async with new_intake(limits=Limits(attachments=Attached(per_concern=2, awaited=50))) as intake:
        concern_id = await raised(intake, "at one moment")

        files = [declaration(PDF + bytes([number])) for number in range(6)]
        answers = await together(*(intake.follow(concern_id, "attachments", one) for one in files))

        assert sorted(answer.status_code for answer in answers) == [202, 202, 422, 422, 422, 422]
        assert len(await show(intake, concern_id)) == 2
