"""The inbox over HTTP: what a recipient sees and does, and what nobody else may."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.routing.rig import CANARY, KENT_CSC, KENT_POLICE

pytestmark = pytest.mark.database

ADA = {"name": "Ada Worker", "role": "duty social worker"}


async def delivered(rig, **options):
    """A concern delivered to Kent's front door and police; gives it and the front door's share id."""
    case = await rig.shared(**options)
    await rig.deliver()
    return case, str((await rig.share(case, KENT_CSC))["share_id"])


async def test_from_the_list_to_the_outcome(new_routing) -> None:
    """List, open, acknowledge, give an outcome: the four states, and who did it."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            listed = (await client.get("/v1/inbox")).json()["shares"]
            opened = await client.post(f"/v1/inbox/{share_id}/read", json=ADA)
            acknowledged = await client.post(f"/v1/inbox/{share_id}/acknowledge", json=ADA)
            outcome = await client.post(
                f"/v1/inbox/{share_id}/outcome", json={**ADA, "outcome": "referral_accepted", "reason": ""}
            )

        assert [(one["share_id"], one["state"]) for one in listed] == [(share_id, "delivered")]
        assert listed[0]["clock"]["cite"].startswith("Working Together")
        assert opened.json()["share"]["state"] == "read"
        assert acknowledged.json()["state"] == "acknowledged"
        assert outcome.json()["outcome"] == "referral_accepted"
        types = [event.type for event in await rig.events(case) if getattr(event.data, "share_id", "") == share_id]
        assert types == ["SharePlanned", "ShareDelivered", "ShareRead", "ShareAcknowledged", "OutcomeGiven"]


async def test_a_view_is_in_words(new_routing) -> None:
    """Codes are words; what is not set does not appear; the concern's name for things is its part id."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            parts = (await client.post(f"/v1/inbox/{share_id}/read", json=ADA)).json()["parts"]

        bodies = {part["part_id"]: part["body"] for part in parts}
        child = bodies[case.part("person", "child")]
        assert child["role"] == "child"
        assert child["names"] == [{"given": CANARY}]
        assert child["authorities"] == [{"gss_code": "E10000016", "role": "lives"}]
        assert bodies[case.part("item", "worry")]["category"] == "welfare"
        assert "needed_by" not in bodies[case.part("item", "worry")]


async def test_a_reading_is_recorded_before_anything_is_shown(new_routing) -> None:
    """Without a named person nothing is opened and nothing recorded; the token's own name serves."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            nameless = await client.post(f"/v1/inbox/{share_id}/read", json={})
        async with rig.client(KENT_CSC, name="Bo Named", role="duty") as client:
            named = await client.post(f"/v1/inbox/{share_id}/read", json={})

        assert (nameless.status_code, nameless.json()["code"]) == (422, "named_person_required")
        assert CANARY not in nameless.text
        assert named.status_code == 200
        assert len(await rig.events(case, "ShareRead")) == 1


async def test_every_reader_once(new_routing) -> None:
    """The same person twice is one record; another is another."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            for name in ("Ada", "Ada", "Bo"):
                answer = await client.post(f"/v1/inbox/{share_id}/read", json={"name": name, "role": "duty"})
                assert answer.status_code == 200

        assert len(await rig.events(case, "ShareRead")) == 2


async def test_another_agency_sees_and_does_nothing(new_routing) -> None:
    """Wrong agency: 403 on every door, and an empty list."""
    async with new_routing() as rig:
        _, share_id = await delivered(rig)
        async with rig.client("medway-csc") as client:
            listed = await client.get("/v1/inbox")
            answers = [
                await client.post(f"/v1/inbox/{share_id}/read", json=ADA),
                await client.post(f"/v1/inbox/{share_id}/acknowledge", json=ADA),
                await client.post(f"/v1/inbox/{share_id}/outcome", json={**ADA, "outcome": "recorded"}),
                await client.post(f"/v1/inbox/{share_id}/redirect", json={**ADA, "to_agency_id": "surrey-csc"}),
            ]

        assert listed.json()["shares"] == []
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "not_the_recipient")] * 4
        assert all(CANARY not in one.text for one in answers)


async def test_an_unknown_share(new_routing) -> None:
    """404, with what to do."""
    async with new_routing() as rig, rig.client(KENT_CSC) as client:
        answer = await client.post(f"/v1/inbox/{uuid4()}/acknowledge", json=ADA)

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_share")


async def test_acknowledging_twice_is_harmless(new_routing) -> None:
    """The same person again, or another: 200, and one acknowledgement on record, the first one's."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            answers = [
                await client.post(f"/v1/inbox/{share_id}/acknowledge", json=who)
                for who in (ADA, ADA, {"name": "Bo", "role": "manager"})
            ]

        assert [one.status_code for one in answers] == [200, 200, 200]
        assert len(await rig.events(case, "ShareAcknowledged")) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("acknowledge", {"name": "", "role": "r"}, 422, "fields_not_valid"),
        ("acknowledge", {"name": "n"}, 422, "fields_not_valid"),
        ("acknowledge", {**ADA, "robot": True}, 422, "fields_not_valid"),
        ("outcome", {**ADA, "outcome": "recorded"}, 409, "not_acknowledged"),
        ("outcome", {**ADA, "outcome": "nonsense"}, 422, "fields_not_valid"),
        ("redirect", {**ADA, "to_agency_id": "nobody"}, 422, "not_a_front_door"),
        ("redirect", {**ADA, "to_agency_id": KENT_CSC}, 422, "not_another_agency"),
    ],
)
async def test_what_is_refused(new_routing, path: str, body: dict[str, str], status: int, code: str) -> None:
    """Each refusal has a status, a code and a remedy."""
    async with new_routing() as rig:
        _, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            answer = await client.post(f"/v1/inbox/{share_id}/{path}", json=body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_no_further_action_needs_its_reason(new_routing) -> None:
    """Without a reason refused; with one recorded, sealed with the share."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            await client.post(f"/v1/inbox/{share_id}/acknowledge", json=ADA)
            body = {**ADA, "outcome": "no_further_action", "reason": " "}
            refused = await client.post(f"/v1/inbox/{share_id}/outcome", json=body)
            given = await client.post(f"/v1/inbox/{share_id}/outcome", json={**body, "reason": "seen and safe"})

        assert refused.json()["code"] == "reason_required"
        assert given.status_code == 200
        [event] = await rig.events(case, "OutcomeGiven")
        assert len(event.data.parts) == 2


async def test_redirect_reaches_the_other_front_door(new_routing) -> None:
    """Kent passes it on; Medway finds it in its inbox with the same content."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            answer = await client.post(f"/v1/inbox/{share_id}/redirect", json={**ADA, "to_agency_id": "medway-csc"})
        await rig.deliver()
        async with rig.client("medway-csc") as client:
            [share] = (await client.get("/v1/inbox")).json()["shares"]
            opened = await client.post(f"/v1/inbox/{share['share_id']}/read", json=ADA)

        assert answer.json()["redirected_to"] == "medway-csc"
        assert share["redirects_share_id"] == share_id
        assert case.part("item", "worry") in {part["part_id"] for part in opened.json()["parts"]}


async def test_practice_never_reaches_a_real_inbox(new_routing) -> None:
    """A test concern is in the practice list alone."""
    async with new_routing() as rig:
        await delivered(rig, test=True)
        async with rig.client(KENT_CSC) as client:
            real = (await client.get("/v1/inbox")).json()["shares"]
            practice = (await client.get("/v1/inbox", params={"test": True})).json()["shares"]

        assert real == []
        assert len(practice) == 1


async def test_pages_and_states(new_routing) -> None:
    """Oldest first, in pages; by state; an unknown state is refused."""
    async with new_routing() as rig:
        for _ in range(5):
            await delivered(rig)
        async with rig.client(KENT_CSC) as client:
            first = (await client.get("/v1/inbox", params={"limit": 3})).json()
            second = (await client.get("/v1/inbox", params={"limit": 3, "after": first["next"]})).json()
            none = (await client.get("/v1/inbox", params={"state": "acknowledged"})).json()
            unknown = await client.get("/v1/inbox", params={"state": "lost"})

        assert [len(first["shares"]), len(second["shares"]), second["next"]] == [3, 2, None]
        assert none["shares"] == []
        assert unknown.status_code == 422


async def test_an_erased_share_is_gone(new_routing) -> None:
    """The keys of the share are destroyed: 410, and still no content anywhere."""
    async with new_routing() as rig:
        case, share_id = await delivered(rig)
        [planned] = [e for e in await rig.events(case, "SharePlanned") if e.data.share_id == share_id]
        async with rig.client(KENT_CSC) as client:
            await client.post(f"/v1/inbox/{share_id}/read", json=ADA)
            rig.keys.destroy(case.concern_id, key_ids={part.key_id for part in planned.data.parts})
            answer = await client.post(f"/v1/inbox/{share_id}/read", json=ADA)

        assert (answer.status_code, answer.json()["code"]) == (410, "content_gone")


async def test_without_the_scope_nothing(new_routing) -> None:
    """A token that may only raise sees no inbox."""
    async with new_routing() as rig, rig.client(KENT_CSC, "raise") as client:
        answer = await client.get("/v1/inbox")

        assert answer.status_code == 403


class TestByHand:
    """The manual channel drives the same states (practice 23)."""

    async def test_a_call_delivers_and_a_named_person_acknowledges(self, new_routing) -> None:
        """Leeds by telephone: delivered, then acknowledged by whoever took it on; the list is empty after."""
        async with new_routing() as rig:
            case = await rig.shared(lives="E08000035")
            async with rig.client("larkfield-primary", "raise") as client:
                [share] = (await client.get("/v1/by-hand")).json()["shares"]
                path = f"/v1/by-hand/{share['share_id']}"
                call = {**ADA, "told_name": "Lee Duty", "told_role": "duty worker", "said": "read out"}
                told = await client.post(f"{path}/delivered", json=call)
                taken = await client.post(f"{path}/acknowledged", json={"name": "Lee Duty", "role": "duty worker"})
                left = (await client.get("/v1/by-hand")).json()["shares"]

            assert share["stands_in_because"] == "outside_arrangement"
            assert told.json()["state"] == "delivered"
            assert taken.json()["state"] == "acknowledged"
            assert left == []
            [event] = await rig.events(case, "ShareDelivered")
            assert len(event.data.parts) == 3

    async def test_another_sender_sees_and_records_nothing(self, new_routing) -> None:
        """Calls are the sender's to make, or an operator's."""
        async with new_routing() as rig:
            await rig.shared(lives="E08000035")
            async with rig.client("operator", "operate") as client:
                [share] = (await client.get("/v1/by-hand")).json()["shares"]
            async with rig.client("stourside-academy", "raise") as client:
                listed = (await client.get("/v1/by-hand")).json()["shares"]
                body = {**ADA, "told_name": "L", "told_role": "d"}
                answer = await client.post(f"/v1/by-hand/{share['share_id']}/delivered", json=body)

            assert listed == []
            assert (answer.status_code, answer.json()["code"]) == (403, "not_the_sender")

    async def test_nobody_acknowledges_for_a_recipient_with_an_inbox(self, new_routing) -> None:
        """What lies in an inbox is acknowledged there."""
        async with new_routing() as rig:
            _, share_id = await delivered(rig)
            async with rig.client("larkfield-primary", "raise") as client:
                answer = await client.post(f"/v1/by-hand/{share_id}/acknowledged", json=ADA)

            assert (answer.status_code, answer.json()["code"]) == (409, "has_an_inbox")


async def test_openapi_tells_every_route(new_routing) -> None:
    """The document names the routes, and is JSON."""
    async with new_routing() as rig, rig.client(KENT_POLICE) as client:
        document = json.loads((await client.get("/v1/openapi.json")).text)

        assert {"/v1/inbox", "/v1/inbox/{share_id}", "/v1/by-hand"} <= document["paths"].keys()
