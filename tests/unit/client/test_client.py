"""The client that suppliers use: what it sends, when it tries again, what it makes of each answer."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay_client import (
    Client,
    Conflict,
    Identifier,
    Item,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    NotValid,
    Person,
    Problem,
    RaisedBy,
    ReceiptNotGenuine,
    Submission,
    TooMany,
    check_receipt,
)
from concern_relay_client import models as typed
from concern_relay_client.retrying import MOST_S, RETRY_AFTER_MOST_S, pause_s
from services.chassis.integrity.note import Signer
from services.chassis.integrity.receipt import issue
from services.intake import submission as theirs
from services.intake.reading import read

SIGNER = Signer("concern-relay.test/ledger/receipts", b"s" * 32)
CONCERN = "7771a82d-7eba-8022-a41b-e27be104aaed"
LEAST = Submission(reference="7", raised_by=RaisedBy(role="volunteer"), people=[Person(role="child")], text="Hungry.")


def accepted() -> dict[str, Any]:
    """Give an answer that says yes, signed as intake signs."""
    receipt = issue(
        SIGNER, concern_id=CONCERN, event_id=CONCERN, agency="school", recorded_time="2026-11-25T12:00:00Z",
        leaf=b"l" * 32,
    )  # fmt: skip
    return {"concern_id": CONCERN, "status_url": f"/v1/concerns/{CONCERN}", "receipt": receipt.to_json()}


class Relay:
    """The other side: gives these answers in turn, and remembers what it was sent."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if request.url.path == "/v1/receipt-key":
            return httpx.Response(200, json={"verifier": str(SIGNER.verifier)})
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(relay: Relay, **options: Any) -> Client:
    """Give a client of it."""
    http = httpx.Client(transport=httpx.MockTransport(relay))
    return Client("http://relay", "token", http=http, **options)


def test_an_acceptance_is_returned_with_its_receipt_checked():
    """Given a yes, the typed answer; what was sent holds what was stated and no more."""
    relay = Relay(httpx.Response(202, json=accepted()))

    found = client(relay).raise_concern(LEAST, idempotency_key="k1")

    assert (found.concern_id, found.repeated, found.call_999) == (CONCERN, False, False)
    assert json.loads(relay.seen[0].content) == {
        "reference": "7",
        "raised_by": {"role": "volunteer"},
        "people": [{"role": "child"}],
        "text": "Hungry.",
    }
    assert relay.seen[0].headers["authorization"] == "Bearer token"
    assert relay.seen[0].headers["idempotency-key"] == '"k1"'


def test_what_may_pass_is_tried_again_with_a_fresh_token():
    """Given no answer, then not ready, then a yes: the yes; the token is asked for at every attempt."""
    tokens = iter(("one", "two", "three"))
    relay = Relay(httpx.ConnectError("x"), httpx.Response(503), httpx.Response(202, json=accepted()))
    http = httpx.Client(transport=httpx.MockTransport(relay))
    calling = Client("http://relay", lambda: next(tokens), http=http, receipt_key=str(SIGNER.verifier))

    assert calling.raise_concern(LEAST).concern_id == CONCERN

    assert [r.headers["authorization"] for r in relay.seen] == ["Bearer one", "Bearer two", "Bearer three"]
    assert len({r.content for r in relay.seen}) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, NotValid), (401, NotAuthenticated), (403, NotAllowed), (404, NotFound), (409, Conflict), (413, NotValid),
        (415, NotValid), (422, NotValid), (429, TooMany), (500, NotReady), (503, NotReady), (418, Problem),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_exception(status, kind):
    """Given a problem, its exception by status, with code, remedy and fields; at once where nothing may pass."""
    body = {"code": "c", "detail": "Mend it.", "errors": [{"pointer": "/text", "code": "missing", "detail": "Say."}]}
    relay = Relay(*[httpx.Response(status, json=body) for _ in range(9)])

    with pytest.raises(Problem) as raised:
        client(relay, deadline_s=0.1).raise_concern(LEAST)

    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.detail, raised.value.errors[0].pointer) == ("c", "Mend it.", "/text")
    assert len(relay.seen) == 1


def test_what_a_proxy_answers_is_a_problem_too():
    """Given a page of HTML with a 502, a problem and no crash."""
    with pytest.raises(NotReady):
        client(Relay(httpx.Response(502, text="<html>")), deadline_s=0.05).raise_concern(LEAST)


def test_no_answer_by_the_deadline_says_that_sending_again_is_harmless():
    """Given nobody there, NoAnswer within the deadline."""
    with pytest.raises(NoAnswer, match="harmless"):
        client(Relay(httpx.ConnectTimeout("x")), deadline_s=0.05).raise_concern(LEAST)


def test_an_altered_receipt_is_not_taken_for_a_yes():
    """Given an acceptance whose receipt was changed, or signed by another key, it is no acceptance."""
    answer = accepted()
    answer["receipt"]["concern_id"] = "another"

    with pytest.raises(ReceiptNotGenuine):
        client(Relay(httpx.Response(202, json=answer))).raise_concern(LEAST)
    with pytest.raises(ReceiptNotGenuine):
        check_receipt(accepted()["receipt"], str(Signer(SIGNER.name, b"t" * 32).verifier))
    for wrong in ({}, {"signature": "%"}, accepted()["receipt"] | {"signature": "AAAA"}):
        with pytest.raises(ReceiptNotGenuine):
            check_receipt(wrong, str(SIGNER.verifier))
    with pytest.raises(ReceiptNotGenuine):
        check_receipt(accepted()["receipt"], "no key")


def test_a_receipt_key_that_was_replaced_is_asked_for_anew_unless_one_was_pinned():
    """Given a receipt of a newer key, the key is fetched again; a pinned key is never exchanged."""
    relay = Relay(httpx.Response(202, json=accepted()), httpx.Response(202, json=accepted()))
    calling = client(relay)
    calling._published = str(Signer(SIGNER.name, b"o" * 32).verifier)

    assert calling.raise_concern(LEAST).concern_id == CONCERN
    with pytest.raises(ReceiptNotGenuine):
        client(relay, receipt_key=str(Signer(SIGNER.name, b"o" * 32).verifier)).raise_concern(LEAST)


def test_pages_are_followed_to_the_end():
    """Given two pages, every concern once."""
    status = {"concern_id": CONCERN, "state": "received", "urgency": "urgent", "received_at": "2026-11-25T12:00:00Z"}
    relay = Relay(
        httpx.Response(200, json={"concerns": [status, status], "after": "a"}),
        httpx.Response(200, json={"concerns": [status], "after": None}),
    )

    assert len(list(client(relay).concerns())) == 3
    assert relay.seen[1].url.params["after"] == "a"


@given(attempt=st.integers(0, 60), asked=st.one_of(st.none(), st.integers(0, 10**6).map(str), st.just("soon")),
       spread=st.floats(0, 1))  # fmt: skip
def test_a_pause_never_undercuts_what_was_asked_and_is_bounded(attempt, asked, spread):
    """At least Retry-After (up to a minute), never more than that and ten seconds."""
    found = pause_s(attempt, asked, spread)

    wanted = min(float(asked), RETRY_AFTER_MOST_S) if asked and asked.isdecimal() else 0.0
    assert wanted <= found <= RETRY_AFTER_MOST_S + MOST_S


@pytest.mark.parametrize("name", ["Submission", "Person", "Item", "Identifier", "Authority", "RaisedBy", "Detail"])
def test_every_field_of_the_client_is_one_of_the_service(name):
    """The client's models name no field that intake would refuse."""
    ours, known = getattr(typed, name).model_fields, getattr(theirs, name).model_fields

    assert set(ours) <= set(known)


def test_what_the_client_writes_intake_reads():
    """Given a submission with something of each kind, intake reads it without a flag."""
    full = Submission(
        reference="R-1",
        raised_by=RaisedBy(name="Asha Verne"),
        urgency="urgent",
        people=[Person(ref="child", role="child", names=["Tamsin Orchard"],
                       identifiers=[Identifier(kind="nhs_number", value="9990000018")])],
        items=[Item(text="A bruise.", category="welfare", kind="fact", about="child")],
        test=True,
    )  # fmt: skip

    found = read(json.dumps(full.to_json()).encode())

    assert found.submission.test
    assert found.flags == ()


def test_a_file_is_declared_measured_and_its_bytes_sent() -> None:
    """Given a file, when it is attached, then it is declared with its length and digest, and its bytes follow."""
    under = f"/v1/concerns/{CONCERN}/attachments"
    url = f"{under}/{CONCERN}/bytes"
    declared = httpx.Response(202, json={"attachment_id": CONCERN, "state": "declared", "upload_url": url})
    stored = httpx.Response(202, json={"attachment_id": CONCERN, "state": "not_scanned", "upload_url": ""})
    relay = Relay(declared, stored)

    found = client(relay).attach(
        CONCERN, {"child_image": "no", "media_type": "application/pdf", "by": "A B"}, b"%PDF-1"
    )

    sent = json.loads(relay.seen[0].content)
    assert (sent["length"], sent["sha256"]) == (6, hashlib.sha256(b"%PDF-1").hexdigest())
    assert (relay.seen[1].method, relay.seen[1].url.path, relay.seen[1].content) == ("PUT", url, b"%PDF-1")
    assert found.state == "not_scanned"


def test_where_the_answer_is_not_no_nothing_is_sent() -> None:
    """Given the answer yes, when it is refused with what to do instead, then no bytes follow."""
    relay = Relay(httpx.Response(422, json={"code": "image_not_taken", "detail": "no", "instead": []}))

    with pytest.raises(NotValid):
        client(relay).attach(CONCERN, {"child_image": "yes", "by": "A B"})

    assert len(relay.seen) == 1
