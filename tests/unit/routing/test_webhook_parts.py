"""The pure parts of a webhook: its signature, where it may go, when it is tried again, what it says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.errors import SettingsError
from services.chassis.settings import REPOSITORY, Settings
from services.routing.webhooks.api import alarms
from services.routing.webhooks.message import SHARE_READY, body_of, message_id
from services.routing.webhooks.post import Poster
from services.routing.webhooks.reach import Reach, reach_of
from services.routing.webhooks.schedule import (
    ANNOUNCED_MAX_S,
    DELAYS_S,
    JITTER,
    REST_MAX_S,
    WINDOW,
    hand_on_after,
    rest,
    retry_in,
)
from services.routing.webhooks.secrets import SecretSeal
from services.routing.webhooks.signature import new_secret, signed_headers

SPEC_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SPEC_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SPEC_AT = datetime.fromtimestamp(1614265330, UTC)
SPEC_BODY = b'{"test": 2432232314}'
SPEC_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class TestSignature:
    """Standard Webhooks, scheme v1."""

    def test_the_vector_of_the_specification(self) -> None:
        """The same secret, id, time and body give the signature the reference library gives (standardwebhooks 1.1)."""
        headers = signed_headers(SPEC_ID, SPEC_AT, SPEC_BODY, [SPEC_SECRET])

        assert headers == {
            "webhook-id": SPEC_ID,
            "webhook-timestamp": "1614265330",
            "webhook-signature": SPEC_SIGNATURE,
        }

    def test_two_secrets_while_one_is_rotated_out(self) -> None:
        """Both signatures stand there, the newest first; whoever holds either can verify."""
        fresh = new_secret()

        found = signed_headers(SPEC_ID, SPEC_AT, SPEC_BODY, [fresh, SPEC_SECRET])["webhook-signature"].split(" ")

        assert found == [
            signed_headers(SPEC_ID, SPEC_AT, SPEC_BODY, [fresh])["webhook-signature"],
            SPEC_SIGNATURE,
        ]

    def test_a_dot_in_an_id_is_refused(self) -> None:
        """It would let one message be read as another."""
        with pytest.raises(ValueError, match="dot"):
            signed_headers("msg.1", SPEC_AT, SPEC_BODY, [SPEC_SECRET])

    def test_secrets_at_rest(self) -> None:
        """Sealed for one endpoint under one local key; nothing else opens it, and it does not stand there in clear."""
        endpoint, secret, seal = uuid4(), new_secret(), SecretSeal(b"k" * 64)
        sealed = seal.seal(endpoint, secret)

        assert seal.open(endpoint, sealed) == secret
        assert secret.encode() not in sealed
        for other, where in ((SecretSeal(b"l" * 64), endpoint), (seal, uuid4())):
            with pytest.raises(SettingsError, match="does not open"):
                other.open(where, sealed)

    def test_the_sample_of_the_documentation(self) -> None:
        """What docs/channels.md tells recipients to do takes our messages, fresh and unaltered ones alone."""
        page = (REPOSITORY / "docs" / "channels.md").read_text(encoding="utf-8")
        found: dict[str, Any] = {}
        exec(page.split("```python\n")[1].split("```")[0], found)
        headers, now = signed_headers(SPEC_ID, SPEC_AT, SPEC_BODY, [new_secret(), SPEC_SECRET]), SPEC_AT.timestamp()

        assert found["verified"](SPEC_SECRET, headers, SPEC_BODY, now)
        assert not found["verified"](SPEC_SECRET, headers, SPEC_BODY + b" ", now)
        assert not found["verified"](SPEC_SECRET, headers, SPEC_BODY, now + 301)
        assert not found["verified"](new_secret(), headers, SPEC_BODY, now)


class TestReach:
    """The guard against calling what only this machine can reach."""

    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
            *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
            *("::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1"),
            *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        ],
    )
    def test_what_is_not_public_is_not_called(self, address: str) -> None:
        """Loopback, private, link-local, shared, reserved, multicast; also inside an IPv6 address."""
        assert not Reach().allows(ip_address(address))
        assert not Reach(production=False).allows(ip_address(address))

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
    def test_what_is_public_is(self, address: str) -> None:
        """An ordinary address, in either form."""
        assert Reach().allows(ip_address(address))

    def test_a_closed_network_that_was_named(self) -> None:
        """Named networks only; the cloud's metadata address is in none of them."""
        reach = Reach((ip_network("10.20.0.0/16"),))

        assert reach.allows(ip_address("10.20.3.4"))
        assert not reach.allows(ip_address("10.21.3.4"))
        assert not reach.allows(ip_address("169.254.169.254"))

    def test_loopback_only_where_it_was_allowed_and_never_in_production(self) -> None:
        """A developer's machine names it; production does not go there even if named."""
        named = (ip_network("127.0.0.0/8"),)

        assert Reach(named, production=False).allows(ip_address("127.0.0.1"))
        assert not Reach(named, production=True).allows(ip_address("127.0.0.1"))

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("http://hooks.example/x", "https"),
            ("ftp://hooks.example/x", "https"),
            ("file:///etc/passwd", "no address"),
            ("https://user:secret@hooks.example/", "user"),
            ("https://hooks.example/#part", "fragment"),
            ("https://127.0.0.1/x", "not public"),
            ("https://[::1]/x", "not public"),
            ("https://[fe80::1%25eth0]/x", "not public"),
            ("https://169.254.169.254/latest/meta-data", "not public"),
            ("https:///x", "no address"),
            ("https://hooks.example:99999/", "no address"),
            ("https://hooks.example/a b", "characters"),
            ("https://hooks.example/\r\nhost: x", "characters"),
            ("https://hooks.example/" + "a" * 500, "characters"),
            ("nonsense", "no address"),
        ],
    )
    def test_addresses_that_are_refused(self, url: str, said: str) -> None:
        """Each refusal says what is wrong with it."""
        assert said in Reach().objection(url)

    @pytest.mark.parametrize("url", ["https://hooks.example/x?tenant=1", "https://hooks.example:8443/"])
    def test_addresses_that_are_taken(self, url: str) -> None:
        """https, a name, a path."""
        assert Reach().objection(url) == ""

    def test_without_tls_only_to_this_machine(self) -> None:
        """Plain HTTP to loopback where allowed; to nowhere else, and not in production."""
        named = (ip_network("127.0.0.0/8"),)

        assert Reach(named, production=False).objection("http://127.0.0.1:8080/x") == ""
        assert "https" in Reach(named, production=False).objection("http://hooks.example/x")
        assert "https" in Reach(production=False).objection("http://127.0.0.1:8080/x")
        assert "https" in Reach(named, production=True).objection("http://127.0.0.1:8080/x")

    def test_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Networks by variable; nonsense, and loopback in production, stop the start."""
        production = Settings("routing", profile="production")
        monkeypatch.setenv("RELAY_WEBHOOKS_ALLOW", "10.20.0.0/16, 10.30.0.0/16")
        assert len(reach_of(production).networks) == 2
        for wrong in ("10.20.0.1/8x", "127.0.0.0/8", "::1/128"):
            monkeypatch.setenv("RELAY_WEBHOOKS_ALLOW", wrong)
            with pytest.raises(SettingsError):
                reach_of(production)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]"])
    def test_every_way_to_write_loopback_ends_at_the_guard(self, host: str) -> None:
        """Whatever the name resolves to is looked at when connecting, so spellings gain nothing."""

        async def post() -> str:
            async with Poster(Reach(production=False)) as poster:
                return (await poster.post(f"https://{host}:1/", {}, b"{}")).reason

        assert asyncio.run(post()) in {"not_public", "no_connection"}
        assert asyncio.run(post()) != "ok"


class TestSchedule:
    """Retries over a day, jittered; an endpoint that is away rests; a share does not wait."""

    def test_the_delays_fill_a_day(self) -> None:
        """From seconds to hours, inside the window after which a message is parked."""
        total = timedelta(seconds=sum(DELAYS_S))

        assert WINDOW - timedelta(hours=4) < total * (1 - JITTER) + timedelta(hours=4)
        assert timedelta(hours=22) < total < WINDOW
        assert list(DELAYS_S) == sorted(DELAYS_S)

    @given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True), st.floats(0, 1e9))
    def test_whatever_the_attempt(self, attempt: int, chance: float, announced_s: float) -> None:
        """Never at once, never beyond the longest delay and its jitter, never before what was announced."""
        wait_s = retry_in(attempt, chance, announced_s).total_seconds()

        assert DELAYS_S[0] * (1 - JITTER) - 1e-6 <= wait_s <= DELAYS_S[-1] * (1 + JITTER) + 1e-6
        assert wait_s >= min(announced_s, ANNOUNCED_MAX_S) - 1e-6

    @given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
    def test_rests_are_bounded(self, failures: int, chance: float) -> None:
        """An endpoint is tried again at least every six minutes, however long it was away."""
        assert 0 < rest(failures, chance).total_seconds() <= REST_MAX_S * (1 + JITTER)

    def test_a_child_does_not_wait_for_a_webhook(self) -> None:
        """The next channel takes over within the 15 minutes of practice 1, at once for an emergency."""
        routine = hand_on_after(Urgency.URGENCY_ROUTINE)

        assert hand_on_after(Urgency.URGENCY_EMERGENCY) < hand_on_after(Urgency.URGENCY_URGENT) < routine
        assert routine < timedelta(minutes=15)
        assert hand_on_after(99) == routine


def test_a_message_is_thin() -> None:
    """Ids, urgency, a link; exactly these, and the same id however often it is sent."""
    share, concern = uuid4(), uuid4()
    row = {
        "share_id": share, "duty_id": None, "concern_id": concern, "urgency": Urgency.URGENCY_URGENT, "test": False,
        "type": SHARE_READY, "happened_at": SPEC_AT,
    }  # fmt: skip

    said = json.loads(body_of(row, "https://relay.example"))

    assert said.keys() == {"type", "timestamp", "data"}
    assert said["data"] == {
        "share_id": str(share),
        "concern_id": str(concern),
        "urgency": "urgent",
        "test": False,
        "link": f"https://relay.example/v1/inbox/{share}",
    }
    assert message_id(SHARE_READY, "e1", str(share)) == message_id(SHARE_READY, "e2", str(share))


@pytest.mark.parametrize(("test", "alarm"), [(False, True), (True, False)])
def test_a_dead_endpoint_rings_somebody_unless_it_is_one_of_practice(test: bool, alarm: bool) -> None:
    """Given an endpoint that is gone, a person has to look at it; at one of practice nobody has (practice 28)."""
    row = {"test": test, "failing_since": None, "state": "disabled", "parked": 0, "reason": "gone"}

    assert alarms(row, datetime(2026, 11, 26, tzinfo=UTC)) is alarm
