"""What follows a share, over HTTP and on the real database: recall, breach, erasure, disagreement, requests."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.routing.rig import CANARY, KENT_CSC, KENT_POLICE

pytestmark = pytest.mark.database

SENDER = "larkfield-primary"
ADA = {"name": "Ada Worker", "role": "duty social worker"}
WORDS = {**ADA, "words": "in plain words"}


async def delivered(rig, **options):
    """A concern delivered to Kent's front door and police."""
    case = await rig.shared(**options)
    await rig.deliver()
    return case


async def of_type(rig, case, name):
    """The messages of a type."""
    return [event.data for event in await rig.events(case, name)]


async def recalled(rig, case, client, **fields):
    """The sender recalls what the police were given."""
    body = {**WORDS, "concern_id": case.concern_id, "recipient_agency_id": KENT_POLICE, "reason": "wrong_recipient"}
    return await client.post("/v1/recalls", json={**body, **fields})


async def test_a_recall_closes_the_view_and_opens_a_breach(new_routing) -> None:
    """The wrong recipient reads nothing more, is asked to erase; the sender owns the breach and reports it."""
    async with new_routing() as rig:
        case = await delivered(rig)
        police = str((await rig.share(case, KENT_POLICE))["share_id"])
        async with rig.client(SENDER, "raise") as sender, rig.client(KENT_POLICE) as wrong:
            answer = await recalled(rig, case, sender)
            again = await recalled(rig, case, sender)
            opened = await wrong.post(f"/v1/inbox/{police}/read", json=ADA)
            acknowledged = await wrong.post(f"/v1/inbox/{police}/acknowledge", json=ADA)
            listed = (await wrong.get("/v1/inbox")).json()["shares"]
            [erasure] = (await wrong.get("/v1/erasures")).json()["erasures"]
            erased = await wrong.post(f"/v1/erasures/{erasure['erasure_id']}/confirm", json=ADA)
            breach_id = answer.json()["breaches"][0]["breach_id"]
            reported = await sender.post(f"/v1/breaches/{breach_id}/reported", json=WORDS)

        assert (answer.status_code, answer.json()["share_ids"], again.status_code) == (200, [police], 200)
        assert (opened.status_code, opened.json()["code"]) == (410, "recalled")
        assert (acknowledged.status_code, CANARY in opened.text) == (410, False)
        assert listed[0]["state"] == "recalled"
        assert erased.json()["answer"] == "confirmed"
        assert reported.json()["closed"] == "reported"
        assert [len(await rig.events(case, n)) for n in ("ShareRecalled", "BreachRecorded", "ErasureConfirmed")] == [
            1,
            1,
            1,
        ]


async def test_clocks_of_erasure_and_breach_fire_once(new_routing) -> None:
    """Nobody answers for four days: chased stage by stage, and the breach is overdue."""
    async with new_routing() as rig:
        case = await delivered(rig)
        async with rig.client(SENDER, "raise") as sender:
            await recalled(rig, case, sender)
            for _ in range(30):
                rig.clock.offset += timedelta(hours=12)
                await rig.fire()
            [breach] = (await sender.get("/v1/breaches")).json()["breaches"]
            [erasure] = (await sender.get("/v1/erasures")).json()["erasures"]

        assert breach["overdue"]
        assert (erasure["overdue"], erasure["stage"], erasure["role"]) == (True, 3, "director")
        assert len(await of_type(rig, case, "BreachOverdue")) == 1
        assert [one.stage for one in await of_type(rig, case, "ErasureOverdue")] == [1, 2, 3]


async def test_a_recalled_share_on_its_way_is_not_delivered(new_routing) -> None:
    """Recalled before the worker came: no job is left, nothing is delivered, no breach."""
    async with new_routing() as rig:
        case = await rig.shared()
        async with rig.client(SENDER, "raise") as sender:
            answer = await recalled(rig, case, sender)
        await rig.deliver()

        assert answer.json()["breaches"] == []
        assert (await rig.share(case, KENT_POLICE))["delivered_at"] is None


async def test_what_is_tried_on_anothers_share_is_recorded_once(new_routing) -> None:
    """403, and a record of who tried what; a hundred tries are one record, an unknown share none."""
    async with new_routing() as rig:
        case = await delivered(rig)
        share_id = str((await rig.share(case, KENT_CSC))["share_id"])
        async with rig.client("medway-csc") as client:
            answers = [await client.post(f"/v1/inbox/{share_id}/acknowledge", json=ADA) for _ in range(3)]
            answers.append(await recalled(rig, case, client))
            unknown = await client.post(f"/v1/inbox/{uuid4()}/acknowledge", json=ADA)

        assert [one.status_code for one in answers] == [403, 403, 403, 403]
        assert unknown.status_code == 404
        tried = [(one.agency_id, one.act_code, one.reason_code) for one in await of_type(rig, case, "ActRefused")]
        assert tried == [
            ("medway-csc", "acknowledge", "not_the_recipient"),
            ("medway-csc", "recall", "not_the_sender"),
        ]


async def test_a_disagreement_from_raising_to_agreeing(new_routing) -> None:
    """The sender disagrees with who answers it, without knowing who else was told; both see it, a third does not."""
    async with new_routing() as rig:
        case = await delivered(rig)
        body = {**WORDS, "concern_id": case.concern_id, "about": "no_answer"}
        async with rig.client(SENDER, "raise") as sender, rig.client(KENT_CSC) as social_care:
            raised = await sender.post("/v1/disagreements", json=body)
            again = await sender.post("/v1/disagreements", json=body)
            path = f"/v1/disagreements/{raised.json()['disagreement_id']}"
            moved = await social_care.post(f"{path}/next-stage", json=WORDS)
            seen = (await social_care.get("/v1/disagreements")).json()["disagreements"]
            read = await social_care.post(f"{path}/read", json=ADA)
            alone = await social_care.post(f"{path}/resolve", json={**WORDS, "resolution": "outcome_stands"})
            ended = await sender.post(f"{path}/resolve", json={**WORDS, "resolution": "outcome_stands"})
        async with rig.client(KENT_POLICE) as third:
            foreign = await third.post(f"{path}/read", json=ADA)
            none = (await third.get("/v1/disagreements")).json()["disagreements"]

        assert (raised.status_code, raised.json()["recipient_agency_id"]) == (200, KENT_CSC)
        assert again.json()["disagreement_id"] == raised.json()["disagreement_id"]
        assert (moved.json()["stage"], len(seen), none) == (2, 1, [])
        assert "in plain words" in read.text
        assert (alone.status_code, foreign.status_code) == (403, 403)
        assert ended.json()["resolution"] == "outcome_stands"
        assert len(await rig.events(case, "ContentViewed")) == 1


async def test_a_request_from_asking_to_reading_the_answer(new_routing) -> None:
    """Who is asked reads whom it is about and the question; who asked reads the answer; a third reads nothing."""
    async with new_routing() as rig:
        case = await delivered(rig)
        body = {**ADA, "concern_id": case.concern_id, "to_agency_id": "north-downs-surgery", "band": "red"}
        body |= {"power": "ca1989_s47", "purpose": "section 47 enquiry", "question": "Seen since June?"}
        async with rig.client(KENT_CSC) as asking, rig.client("north-downs-surgery") as asked:
            one = await asking.post("/v1/requests", json=body)
            same = await asking.post("/v1/requests", json=body)
            path = f"/v1/requests/{one.json()['request_id']}"
            [open_] = (await asked.get("/v1/requests")).json()["requests"]
            question = await asked.post(f"{path}/read", json=ADA)
            nothing = await asked.post(f"{path}/answer", json={**ADA, "answer": "provided"})
            given = await asked.post(f"{path}/answer", json={**ADA, "answer": "provided", "words": "Twice, in July."})
            answer = await asking.post(f"{path}/read", json=ADA)
        async with rig.client(KENT_POLICE) as third:
            foreign = await third.post(f"{path}/read", json=ADA)

        assert (one.status_code, same.json()["request_id"]) == (200, one.json()["request_id"])
        assert (open_["band"], open_["state"], open_["clock_code"]) == ("red", "open", "request_red")
        assert all(word in question.text for word in ("Seen since June?", "section 47 enquiry", CANARY))
        assert f"{CANARY}: worry" not in question.text
        assert (nothing.status_code, nothing.json()["code"]) == (422, "reason_required")
        assert given.json()["state"] == "provided"
        assert "Twice, in July." in answer.text
        assert (foreign.status_code, "July" in foreign.text) == (403, False)


async def test_a_request_without_purpose_is_returned(new_routing) -> None:
    """422 with what is missing; on record; no clock; who was to be asked never sees it."""
    async with new_routing() as rig:
        case = await delivered(rig)
        body = {**ADA, "concern_id": case.concern_id, "to_agency_id": "north-downs-surgery", "band": "green"}
        async with rig.client(KENT_CSC) as asking, rig.client("north-downs-surgery") as asked:
            answer = await asking.post("/v1/requests", json={**body, "question": "Anything?"})
            mine = (await asking.get("/v1/requests")).json()["requests"]
            theirs = (await asked.get("/v1/requests")).json()["requests"]

        assert (answer.status_code, answer.json()["code"]) == (422, "purpose_required")
        assert ([one["state"] for one in mine], theirs) == (["returned"], [])
        assert len(await rig.events(case, "InformationRequestReturned")) == 1
        timers = await rig.pool.fetchval("SELECT count(*) FROM timer WHERE name LIKE 'request:%'")
        assert timers == 0


async def test_who_was_not_told_asks_nobody(new_routing) -> None:
    """There is no search: an agency that does not know of a concern cannot ask about it, nor learn that it exists."""
    async with new_routing() as rig:
        case = await delivered(rig)
        body = {**ADA, "to_agency_id": "north-downs-surgery", "band": "red", "power": "ca1989_s47"}
        body |= {"purpose": "curious", "question": "Anything?"}
        async with rig.client("medway-csc") as client:
            known = await client.post("/v1/requests", json={**body, "concern_id": case.concern_id})
            unknown = await client.post("/v1/requests", json={**body, "concern_id": str(uuid4())})

        assert (known.status_code, known.json()["code"]) == (403, "not_told")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_concern")


async def test_nothing_that_was_said_lies_in_the_clear(new_routing) -> None:
    """Words of a recall, a request and its answer are sealed in the journal; the tables hold none."""
    async with new_routing() as rig:
        case = await delivered(rig)
        secret = "Marmalade Thursday"
        async with rig.client(SENDER, "raise") as sender, rig.client(KENT_CSC) as asking:
            await recalled(rig, case, sender, words=secret)
            body = {**ADA, "concern_id": case.concern_id, "to_agency_id": "north-downs-surgery", "band": "red"}
            await asking.post(
                "/v1/requests", json={**body, "power": "ca1989_s47", "purpose": secret, "question": secret}
            )

        for table in ("entry", "share", "breach", "erasure", "information_request", "disagreement"):
            rows = await rig.pool.fetch(f"SELECT * FROM {table}")
            assert secret.encode() not in b"".join(str(tuple(r)).encode() for r in rows)
            assert not any(secret.encode() in v for r in rows for v in r if isinstance(v, bytes))


async def test_a_receipt_for_each_attachment(new_routing) -> None:
    """A named person says to have a part; the share shows it; a part that is not there has none."""
    async with new_routing() as rig:
        case = await delivered(rig)
        share_id = str((await rig.share(case, KENT_CSC))["share_id"])
        worry = case.part("item", "worry")
        async with rig.client(KENT_CSC) as client:
            one = await client.post(f"/v1/inbox/{share_id}/attachments/{worry}/received", json=ADA)
            none = await client.post(f"/v1/inbox/{share_id}/attachments/{uuid4()}/received", json=ADA)

        assert one.json()["receipts"] == [worry]
        assert (none.status_code, none.json()["code"]) == (404, "unknown_part")
