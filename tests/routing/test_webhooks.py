"""Webhooks at real HTTP receivers: thin, signed, tried again, never in each other's way, one effect a share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from time import monotonic

import pytest

from concern_relay.v1.codes_pb2 import Urgency
from services.routing.webhooks.post import ANSWER_BYTES_MAX, Poster
from services.routing.webhooks.queue import LEASE
from services.routing.webhooks.reach import Reach
from services.routing.webhooks.schedule import WINDOW
from services.routing.webhooks.sending import Sending
from tests.routing.receiver import CUT, ENDLESS, HANG, LATE, TWICE, Post, Receiver, receiving
from tests.routing.rig import CANARY, KENT_CSC, KENT_POLICE, deployed_with, routing
from tests.routing.test_attachments import File
from tests.routing.test_duties import fostered

pytestmark = pytest.mark.database

ADA = {"name": "Ada Worker", "role": "duty social worker"}
LOCAL = Reach((ip_network("127.0.0.0/8"),), production=False)
DEADLINE_S = 0.5


@pytest.fixture
def hooked(database, tmp_path, monkeypatch):
    """Makes routings whose arrangement reaches Kent's front door by webhook first, then by inbox."""
    monkeypatch.setenv("RELAY_WEBHOOKS_ALLOW", "127.0.0.0/8")
    deploy = deployed_with(tmp_path, {KENT_CSC: "webhook, inbox"})

    @asynccontextmanager
    async def make() -> AsyncIterator[Hooked]:
        async with routing(database, tmp_path, deploy) as rig, Poster(LOCAL, deadline_s=DEADLINE_S) as poster:
            yield Hooked(rig, poster)

    return make


class Hooked:
    """Routing with its webhook worker, and what recipients do to register."""

    def __init__(self, rig, poster) -> None:
        self.rig = rig
        self.poster = poster
        self.sending = Sending(rig.context, rig.book, poster, "https://relay.example")

    async def register(self, receiver: Receiver, agency: str = KENT_CSC, **options) -> tuple[str, str]:
        """Register and verify an endpoint; its id and secret."""
        async with self.rig.client(agency) as client:
            made = (await client.post("/v1/webhooks", json={"url": receiver.url, **options})).json()
            verified = await client.post(f"/v1/webhooks/{made['endpoint_id']}/verify")
            assert verified.json()["state"] == "enabled", verified.text
        return made["endpoint_id"], made["secret"]

    async def send(self) -> int:
        """Send what is due, until nothing is."""
        count = 0
        while taken := await self.sending.send_due():
            count += taken
            await self.sending.settled()
        return count

    async def later(self, moved: timedelta) -> int:
        """Let time pass, then send what is due."""
        self.rig.clock.offset += moved
        sent = await self.send()
        await self.sending.hand_on_due()
        await self.rig.deliver()
        return sent

    async def state(self, case, agency: str = KENT_CSC) -> tuple[str, str]:
        """State and channel of an agency's share."""
        row = await self.rig.share(case, agency)
        return row["state"], row["channel"]

    async def endpoint(self, endpoint_id: str, agency: str = KENT_CSC) -> dict:
        """Where an endpoint stands."""
        async with self.rig.client(agency) as client:
            return (await client.get(f"/v1/webhooks/{endpoint_id}")).json()


async def test_a_share_is_told_and_delivered(hooked) -> None:
    """Given a verified endpoint, when a share is planned, then one thin signed message; 2xx is delivered, no more."""
    async with hooked() as house, receiving() as receiver:
        _, secret = await house.register(receiver)
        case = await house.rig.shared()

        assert await house.send() == 1

        [post] = receiver.messages
        row = await house.rig.share(case, KENT_CSC)
        assert post.verified_by(secret)
        assert post.said["data"]["link"] == f"https://relay.example/v1/inbox/{row['share_id']}"
        assert (row["state"], row["channel"]) == ("delivered", "webhook")
        assert row["acknowledged_at"] is None
        assert row["acknowledge_by"] > row["delivered_at"]
        assert CANARY not in post.body.decode() + json.dumps(post.headers)
        assert await house.send() == 0


async def test_a_file_that_was_released_is_told_thinly_and_settles_nothing(hooked) -> None:
    """Given a file released with a share, one more message: ids and a link to the manifest, nothing of the file."""
    async with hooked() as house, receiving() as receiver:
        await house.register(receiver)
        case = await house.rig.shared()
        await house.send()
        file = File(house.rig, case)
        await file.store()
        await file.release(to=KENT_CSC)

        assert await house.send() == 1

        _, post = receiver.messages
        row = await house.rig.share(case, KENT_CSC)
        assert post.said["type"] == "file.ready"
        assert post.said["data"]["link"] == f"https://relay.example/v1/inbox/{row['share_id']}/attachments"
        assert post.said["data"].keys() == {"share_id", "concern_id", "urgency", "test", "link"}
        assert await house.send() == 0


async def test_the_recipient_reads_and_acknowledges_as_ever(hooked) -> None:
    """The link leads to the share; a named person acknowledges."""
    async with hooked() as house, receiving() as receiver:
        await house.register(receiver)
        await house.rig.shared()
        await house.send()
        path = receiver.messages[0].said["data"]["link"].removeprefix("https://relay.example")

        async with house.rig.client(KENT_CSC) as client:
            opened = await client.post(f"{path}/read", json=ADA)
            acknowledged = await client.post(f"{path}/acknowledge", json=ADA)

        assert CANARY in opened.text
        assert acknowledged.json()["state"] == "acknowledged"


async def test_who_follows_the_link_before_answering_has_it(hooked) -> None:
    """The receiver's answer never arrives, its worker reads at once: delivered by webhook, once, then read."""
    async with hooked() as house, receiving(behave=lambda _: HANG) as receiver:
        await house.register(receiver)
        case = await house.rig.shared()
        await house.sending.send_due()
        await house.sending.settled()
        share_id = receiver.messages[0].said["data"]["share_id"]

        async with house.rig.client(KENT_CSC) as client:
            opened = await client.post(f"/v1/inbox/{share_id}/read", json=ADA)
        receiver.behave = lambda _: 200
        await house.later(timedelta(minutes=20))

        assert opened.json()["share"]["state"] == "read"
        kinds = [e.type for e in await house.rig.events(case) if getattr(e.data, "share_id", "") == share_id]
        assert [k for k in kinds if k != "DeliveryFailed"] == ["SharePlanned", "ShareDelivered", "ShareRead"]


@pytest.mark.parametrize("misbehaviour", [500, 503, 429, 302, 400, 404, HANG, CUT], ids=str)
async def test_what_is_not_taken_is_sent_again_with_the_same_id(hooked, misbehaviour: int) -> None:
    """Whatever it was, the next attempt has the same id and a new timestamp, and then the share is delivered."""
    async with hooked() as house, receiving(behave=lambda _: misbehaviour) as receiver:
        _, secret = await house.register(receiver)
        case = await house.rig.shared()
        await house.send()
        assert (await house.state(case))[0] == "planned"

        receiver.behave = lambda _: 200
        await house.later(timedelta(seconds=8))

        first, second = receiver.messages
        assert first.id == second.id
        assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
        assert second.verified_by(secret)
        assert await house.state(case) == ("delivered", "webhook")
        [failed] = await house.rig.events(case, "DeliveryFailed")
        assert (failed.data.attempt, failed.data.exhausted) == (1, False)


async def test_a_redirect_is_not_followed(hooked) -> None:
    """A receiver that sends elsewhere: nothing is asked of that place."""
    async with hooked() as house, receiving() as elsewhere, receiving(behave=lambda _: 307) as receiver:
        receiver.extra = f"location: {elsewhere.url}\r\n"
        await house.register(receiver)
        await house.rig.shared()

        await house.send()

        assert len(receiver.messages) == 1
        assert elsewhere.posts == []


async def test_an_endless_answer_is_not_read(hooked) -> None:
    """A status is enough; the rest of the body is not waited for."""
    async with hooked() as house, receiving(behave=lambda _: ENDLESS) as receiver:
        await house.register(receiver)
        case = await house.rig.shared()

        await house.send()
        answer = await house.poster.post(receiver.url, {"webhook-id": "msg_1"}, b'{"type": "x"}')

        assert await house.state(case) == ("delivered", "webhook")
        assert len(answer.body) == ANSWER_BYTES_MAX


async def test_an_answer_too_many_answers_nothing_else(hooked) -> None:
    """Who answers twice to one message has not answered the next."""
    async with hooked() as house, receiving(behave=lambda _: TWICE) as receiver:
        await house.register(receiver)
        cases = [await house.rig.shared() for _ in range(5)]

        await house.send()

        assert sorted(receiver.effects().values()) == [1] * 5
        for case in cases:
            assert len(await house.rig.events(case, "ShareDelivered")) == 1


async def test_an_answer_too_late(hooked) -> None:
    """The receiver took it, we no longer listened: sent again with the same id, delivered once."""
    async with hooked() as house, receiving(behave=lambda _: LATE, late_s=DEADLINE_S * 2) as receiver:
        await house.register(receiver)
        case = await house.rig.shared()
        await house.send()
        receiver.behave = lambda _: 200

        await house.later(timedelta(seconds=8))

        assert list(receiver.effects().values()) == [2]
        delivered = [e.data.recipient_agency_id for e in await house.rig.events(case, "ShareDelivered")]
        assert delivered.count(KENT_CSC) == 1


async def test_gone_disables_and_the_next_channel_follows(hooked) -> None:
    """410: nothing more is sent there, what waited is parked, an operator is alarmed, the share is in the inbox."""
    async with hooked() as house, receiving(behave=lambda _: 410) as receiver:
        endpoint_id, _ = await house.register(receiver)
        first, second = await house.rig.shared(), await house.rig.shared()
        await house.send()
        third = await house.rig.shared()
        await house.later(timedelta(0))

        stands = await house.endpoint(endpoint_id)
        assert (stands["state"], stands["reason"]) == ("disabled", "gone")
        for case in (first, second, third):
            assert await house.state(case) == ("delivered", "inbox")
        async with house.rig.client("operator", "operate") as client:
            [channel] = (await client.get("/v1/channels")).json()["endpoints"]
        assert (channel["agency_id"], channel["alarm"]) == (KENT_CSC, True)
        assert "url" not in channel


async def test_nobody_registered_the_next_channel_follows_at_once(hooked) -> None:
    """An arrangement that says webhook, an agency without an endpoint: the inbox has it, and why is on record."""
    async with hooked() as house:
        case = await house.rig.shared()

        await house.later(timedelta(0))

        assert await house.state(case) == ("delivered", "inbox")
        [failed] = await house.rig.events(case, "DeliveryFailed")
        assert failed.data.reason_code == "no_endpoint"


@pytest.mark.parametrize(
    ("urgency", "minutes"),
    [
        (Urgency.URGENCY_ROUTINE, 10),
        (Urgency.URGENCY_URGENT, 2),
        (Urgency.URGENCY_EMERGENCY, 0.5),
    ],
)
async def test_a_share_does_not_wait_for_a_dead_endpoint(hooked, urgency: Urgency, minutes: float) -> None:
    """Before its time it waits for the webhook; then the inbox has it. The endpoint hears of it when it is back."""
    async with hooked() as house, receiving(behave=lambda _: 503) as receiver:
        await house.register(receiver)
        emergency = urgency == Urgency.URGENCY_EMERGENCY
        case = await (house.rig.raise_ if emergency else house.rig.shared)(urgency=urgency)
        await house.send()
        await house.later(timedelta(minutes=minutes) - timedelta(seconds=2))
        assert (await house.state(case))[0] == "planned"

        await house.later(timedelta(seconds=3))
        assert await house.state(case) == ("delivered", "inbox")
        receiver.behave = lambda _: 200
        await house.later(timedelta(hours=1))

        assert len(receiver.effects()) == 1
        delivered = [e.data.recipient_agency_id for e in await house.rig.events(case, "ShareDelivered")]
        assert delivered.count(KENT_CSC) == 1


def ready(receiver: Receiver) -> list[Post]:
    """Give what a receiver was sent of a share that is ready, and not of its clocks."""
    return [post for post in receiver.messages if post.said["type"] == "share.ready"]


async def test_after_a_day_a_message_is_parked_and_can_be_sent_again(hooked) -> None:
    """Tried for a day, parked, alarmed; replayed once the endpoint is mended."""
    async with hooked() as house, receiving(behave=lambda _: 500) as receiver:
        endpoint_id, _ = await house.register(receiver)
        await house.rig.shared()
        for _ in range(40):
            await house.later(timedelta(hours=1))
        attempts = len(ready(receiver))
        await house.sending._queue.park_old(house.rig.clock.now())
        assert (await house.endpoint(endpoint_id))["parked"] >= 1
        await house.later(WINDOW)
        assert len(ready(receiver)) == attempts

        receiver.behave = lambda _: 200
        async with house.rig.client(KENT_CSC) as client:
            again = await client.post(f"/v1/webhooks/{endpoint_id}/replay")
        await house.later(timedelta(minutes=10))

        assert again.json()["sent_again"] >= 1  # and what its clocks had to say meanwhile
        assert len(ready(receiver)) == attempts + 1
        assert len({post.headers["webhook-id"] for post in ready(receiver)}) == 1
        assert (await house.endpoint(endpoint_id))["parked"] == 0


async def test_one_that_hangs_holds_back_no_other(hooked) -> None:
    """Thirty messages for an endpoint that hangs, five for one that answers: the five are there within a second."""
    async with hooked() as house, receiving(behave=lambda _: HANG) as hanging, receiving() as sound:
        await house.register(hanging)
        await house.register(sound, KENT_POLICE)
        for _ in range(30):
            await house.rig.shared()
        await house.rig.deliver()  # to the police's inbox: their endpoint is told of it

        started = monotonic()
        while len(sound.effects()) < 30:
            await house.sending.send_due()
            await asyncio.sleep(0.01)
            assert monotonic() - started < 20

        assert len(hanging.messages) <= 16
        await house.sending.settled()


async def test_a_worker_that_died_with_messages(hooked) -> None:
    """Its messages are anybody's after the lease, and nobody's before."""
    async with hooked() as house, receiving() as receiver:
        await house.register(receiver)
        case = await house.rig.shared()
        await house.sending._queue.lease(house.rig.clock.now(), [])
        assert await house.send() == 0

        await house.later(LEASE + timedelta(seconds=1))

        assert await house.state(case) == ("delivered", "webhook")


async def test_a_withdrawn_key_stops_it_at_the_door(hooked) -> None:
    """Nobody is told of a share that may not leave any more."""
    async with hooked() as house, receiving() as receiver:
        await house.register(receiver)
        case = await house.rig.shared(consent_ref="c1")
        house.rig.keys.destroy(case.concern_id)

        await house.send()

        assert receiver.messages == []
        assert (await house.state(case))[0] == "blocked"
        [blocked] = [
            e for e in await house.rig.events(case, "DispatchBlocked") if e.data.recipient_agency_id == KENT_CSC
        ]
        assert blocked.data.reason_code == "key_suspended"


async def test_practice_goes_to_practice_endpoints_only(hooked) -> None:
    """A test share never reaches a real endpoint, a real one never a test endpoint."""
    async with hooked() as house, receiving() as real, receiving() as practice:
        await house.register(real)
        await house.register(practice, test=True)
        await house.rig.shared()
        await house.rig.shared(test=True)

        await house.send()

        assert [post.said["data"]["test"] for post in real.messages] == [False]
        assert [post.said["data"]["test"] for post in practice.messages] == [True]


async def test_an_inbox_agency_may_be_told_as_well(hooked) -> None:
    """The arrangement says inbox: delivered there whatever the endpoint answers; the message is a courtesy."""
    async with hooked() as house, receiving(behave=lambda _: 500) as receiver:
        await house.register(receiver, KENT_POLICE)
        case = await house.rig.shared()
        await house.rig.deliver()
        await house.send()

        assert await house.state(case, KENT_POLICE) == ("delivered", "inbox")
        assert len(receiver.messages) == 1
        failed = await house.rig.events(case, "DeliveryFailed")
        assert [e for e in failed if e.data.recipient_agency_id == KENT_POLICE] == []


class TestRegistering:
    """An endpoint belongs to an agency, proves itself, and keeps its secret."""

    async def test_nothing_is_sent_before_the_challenge(self, hooked) -> None:
        """Registered is not enabled."""
        async with hooked() as house, receiving() as receiver, house.rig.client(KENT_CSC) as client:
            made = await client.post("/v1/webhooks", json={"url": receiver.url})
            await house.rig.shared()
            await house.send()

            assert made.status_code == 201
            assert receiver.posts == []
            assert (await house.endpoint(made.json()["endpoint_id"]))["state"] == "pending"

    async def test_the_challenge_must_come_back(self, hooked) -> None:
        """2xx without the value, or another status, enables nothing."""
        async with hooked() as house, receiving() as receiver, house.rig.client(KENT_CSC) as client:
            receiver.extra = "x: y\r\n"
            made = (await client.post("/v1/webhooks", json={"url": receiver.url})).json()
            real = receiver._answer

            async def deaf(post, writer) -> None:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()

            receiver._answer = deaf  # type: ignore[method-assign]
            refused = await client.post(f"/v1/webhooks/{made['endpoint_id']}/verify")
            receiver._answer = real  # type: ignore[method-assign]
            enabled = await client.post(f"/v1/webhooks/{made['endpoint_id']}/verify")

            assert (refused.status_code, refused.json()["code"]) == (409, "challenge_failed")
            assert enabled.json()["state"] == "enabled"
            assert receiver.posts[-1].verified_by(made["secret"])

    async def test_rotation_overlaps(self, hooked) -> None:
        """For a day either secret verifies; then the new one alone."""
        async with hooked() as house, receiving() as receiver:
            endpoint_id, old = await house.register(receiver)
            async with house.rig.client(KENT_CSC) as client:
                new = (await client.post(f"/v1/webhooks/{endpoint_id}/rotate")).json()["secret"]
            await house.rig.shared()
            await house.send()
            house.rig.clock.offset += timedelta(hours=25)
            await house.rig.shared()
            await house.send()

            during, after = receiver.messages
            assert (during.verified_by(old), during.verified_by(new)) == (True, True)
            assert (after.verified_by(old), after.verified_by(new)) == (False, True)

    async def test_another_agency_finds_none(self, hooked) -> None:
        """404 for everything of another's, and an empty list."""
        async with hooked() as house, receiving() as receiver:
            endpoint_id, _ = await house.register(receiver)
            async with house.rig.client(KENT_POLICE) as client:
                listed = (await client.get("/v1/webhooks")).json()
                answers = [
                    await client.get(f"/v1/webhooks/{endpoint_id}"),
                    *[await client.post(f"/v1/webhooks/{endpoint_id}/{v}") for v in ("verify", "rotate", "disable")],
                    await client.delete(f"/v1/webhooks/{endpoint_id}"),
                ]

            assert listed == []
            assert {answer.status_code for answer in answers} == {404}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"url": "http://hooks.example/x"}, "address_refused"),
            ({"url": "https://10.0.0.1/x"}, "address_refused"),
            ({"url": "https://hooks.example/", "events": ["share.everything"]}, "unknown_event"),
            ({"url": ""}, "fields_not_valid"),
            ({"url": "https://hooks.example/", "secret": "mine"}, "fields_not_valid"),
        ],
    )
    async def test_what_is_refused(self, hooked, body: dict, code: str) -> None:
        """With a code and a remedy."""
        async with hooked() as house, house.rig.client(KENT_CSC) as client:
            answer = await client.post("/v1/webhooks", json=body)

            assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_no_more_than_five(self, hooked) -> None:
        """And after a deletion there is room again."""
        async with hooked() as house, house.rig.client(KENT_CSC) as client:
            made = [await client.post("/v1/webhooks", json={"url": f"https://h{n}.example/"}) for n in range(6)]
            await client.delete(f"/v1/webhooks/{made[0].json()['endpoint_id']}")
            again = await client.post("/v1/webhooks", json={"url": "https://h7.example/"})

            assert [one.status_code for one in made] == [201] * 5 + [409]
            assert again.status_code == 201

    async def test_the_secret_is_shown_once_and_kept_sealed(self, hooked) -> None:
        """Not in any later answer, not in the database."""
        async with hooked() as house, receiving() as receiver:
            endpoint_id, secret = await house.register(receiver)
            stands = json.dumps(await house.endpoint(endpoint_id))
            [row] = await house.rig.pool.fetch("SELECT * FROM webhook_endpoint")

            assert secret not in stands
            assert secret.encode() not in b"".join(v for v in row.values() if isinstance(v, bytes))


async def test_a_private_address_is_not_called_whatever_was_registered(hooked) -> None:
    """Allowed when it was registered, not any more: nothing reaches the receiver, the share goes by inbox."""
    async with hooked() as house, receiving() as receiver, Poster(Reach(production=False)) as guarded:
        await house.register(receiver)
        challenged = len(receiver.posts)
        case = await house.rig.shared()
        house.sending.poster = guarded

        await house.send()
        await house.later(timedelta(minutes=11))

        assert len(receiver.posts) == challenged
        assert await house.state(case) == ("delivered", "inbox")
        failed = await house.rig.events(case, "DeliveryFailed")
        assert failed[0].data.reason_code == "not_public"


async def test_a_duty_is_told_when_it_falls_and_when_it_is_overdue(hooked) -> None:
    """Thin: an id and a link, no word of what it is; once each, to whose it is, and the link gives the rest."""
    async with hooked() as house, receiving() as kent:
        await house.register(kent)
        case = await fostered(house.rig)
        await house.send()
        house.rig.clock.offset += timedelta(days=20)
        await house.rig.fire()
        await house.send()

        told = [post.said for post in kent.messages if post.said["type"].startswith("duty.")]
        [started, overdue] = told
        assert (started["type"], overdue["type"]) == ("duty.started", "duty.overdue")
        said = started["data"]
        assert set(said) == {"duty_id", "concern_id", "urgency", "test", "link"}
        assert (said["duty_id"], said["concern_id"]) == (overdue["data"]["duty_id"], case.concern_id)
        assert "fostering" not in json.dumps(started)
        path = said["link"].removeprefix("https://relay.example")
        async with house.rig.client(KENT_CSC) as client, house.rig.client(KENT_POLICE) as police:
            own, others = await client.get(path), await police.get(path)
        assert (own.json()["duty"], own.json()["state"]) == ("private_fostering_visit", "overdue")
        assert others.status_code == 404
