"""What a relay promises whoever raises concerns (docs/raising-a-concern.md): what is taken, and what it comes to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from concern_relay_client import ReceiptNotGenuine, check_receipt
from services.workbench.conformance.bench import Bench, is_problem
from services.workbench.conformance.check import Fails, holds, http

AT_ONCE: Final = 8


def _warned(answer: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}


@http("raise.least", "What is needed, and nothing more: a reference, who, about whom, one thing that was said",
      "a field is demanded that may be missing")  # fmt: skip
def _least(bench: Bench) -> None:
    least = {
        "reference": f"conformance {bench.run} least",
        "raised_by": {"role": "volunteer"},
        "people": [{"role": "child"}],
        "text": "Practice: always hungry.",
        "test": True,
    }
    found = bench.accepted(least)
    for name in ("concern_id", "status_url", "receipt", "warnings", "notice"):
        holds(name in found, f"the answer has no {name}")


@http("raise.full", "The whole schema is taken: detail, people, numbers, items, consents, family told",
      "a documented field is refused; see errors of the problem")  # fmt: skip
def _full(bench: Bench) -> None:
    whole = bench.concern("full") | {
        "urgency": "urgent",
        "occurred": "2026-11-23T09:15",
        "detail": {"level": "significant_harm", "triggers": ["physical_abuse"], "suspected_crime": "yes",
                   "immediate_danger": "no", "primary_need": "N1", "referral_source": "2A", "factors": ["18C"]},
        "places": [{"ref": "school", "kind": "school", "name": "Practice School"}],
        "consents": [{"ref": "c1", "kind": "service", "status": "refused", "subject": "child"}],
        "family_told": {"told": "deferred", "reason": "risk_to_child", "review_on": "2026-12-01"},
    }  # fmt: skip
    bench.accepted(whole)


@http("receipt.verifies", "Every 202 carries a signed receipt that the key of /v1/receipt-key verifies",
      "the receipt key that is published is not the one that signs")  # fmt: skip
def _receipt(bench: Bench) -> None:
    verifier = bench.call("GET", "/v1/receipt-key").body["verifier"]
    found = bench.accepted(bench.concern("receipt"))
    try:
        check_receipt(found["receipt"], verifier)
    except ReceiptNotGenuine as error:
        raise Fails(str(error)) from error
    holds(found["receipt"]["concern_id"] == found["concern_id"], "the receipt is of another concern")


@http("resend.no_op", "The same reference and content again: nothing is recorded, the first answer again",
      "a resend made another concern or another receipt")  # fmt: skip
def _resend(bench: Bench) -> None:
    first, again = (bench.accepted(bench.concern("resend")) for _ in range(2))
    holds(again["repeated"] and not again["corrected"], "the resend is not marked as repeated")
    holds(first["receipt"] == again["receipt"], "the resend has another receipt")


@http("resend.at_once", "Ten of the same at once are one concern", "two requests at once made two concerns")
def _at_once(bench: Bench) -> None:
    body = bench.concern("at once")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda _: bench.accepted(body), range(10)))
    holds(len({one["concern_id"] for one in found}) == 1, "several concerns")
    holds(sum(not one["repeated"] for one in found) == 1, "not exactly one of them was the first")


@http("change.corrects", "Changed content, plainly the same child: a correction of the same concern",
      "a correction became a concern of its own")  # fmt: skip
def _corrects(bench: Bench) -> None:
    first = bench.accepted(bench.concern("corrected"))
    changed = bench.accepted(bench.concern("corrected", text="More was said."))
    holds(changed["corrected"], "the change is not marked as a correction")
    holds(changed["concern_id"] == first["concern_id"], "the correction is another concern")
    late = bench.accepted(bench.concern("corrected"))
    holds(late["repeated"] and "corrected_since" in _warned(late), "a late retry undid the correction")


@http("other_child.flagged", "Another child under the same reference: a concern of its own, linked and flagged",
      "two children were merged, or the second is not linked to the first")  # fmt: skip
def _other_child(bench: Bench) -> None:
    first = bench.accepted(bench.concern("reused"))
    other = {"ref": "child", "role": "child", "names": ["Another Practice"], "birth_date": "2011-01-09"}
    second = bench.accepted(bench.concern("reused", people=[other]))
    holds(second["concern_id"] != first["concern_id"], "two children are one concern")
    holds(second["same_reference_as"] == first["concern_id"], "the second does not name the first")
    holds("same_reference_other_child" in _warned(second), "the second is not flagged")


@http("idempotency_key", "A key gives its own first answer again; with another body it is refused (422)",
      "Idempotency-Key is not honoured")  # fmt: skip
def _key(bench: Bench) -> None:
    headers = {"Idempotency-Key": f'"{uuid4()}"'}
    first = bench.accepted(bench.concern("keyed"), headers=headers)
    bench.accepted(bench.concern("keyed", text="Changed without a key."))
    again = bench.accepted(bench.concern("keyed"), headers=headers)
    holds(again["receipt"] == first["receipt"], "the key did not give its first answer")
    is_problem(bench.post(bench.concern("keyed", text="Another."), headers=headers), 422)


@http("identifiers.never_block", "A number that fails its check is flagged, never refused (Children Act 2004 s16LC(8))",
      "a wrong NHS number or UPN holds a concern up")  # fmt: skip
def _identifiers(bench: Bench) -> None:
    body = bench.concern("numbers")
    body["people"][0]["identifiers"] = [
        {"kind": "nhs_number", "value": "1234567890"},
        {"kind": "upn", "value": "not a upn"},
    ]
    holds("identifier_invalid" in _warned(bench.accepted(body)), "a wrong number was not flagged")


@http("odd.kept", "A code that is not known and a date in words are kept and flagged, never refused",
      "an odd value is refused, or taken without a word")  # fmt: skip
def _odd(bench: Bench) -> None:
    body = bench.concern("odd", occurred="last Tuesday", urgency="quite urgent")
    body["items"][0]["category"] = "no such category"
    found = bench.accepted(body)
    holds({"code_not_known", "date_not_read"} <= _warned(found), f"flagged was only {', '.join(_warned(found))}")
    holds(all(warning["detail"] for warning in found["warnings"]), "a warning says no remedy")
    status = bench.call("GET", found["status_url"]).body
    holds(status["urgency"] == "urgent", "an urgency that is not known is not handled as urgent")


@http("emergency.says_999", "An emergency is accepted, and the answer says: call 999, this is not a call",
      "whoever raises an emergency is not told to call")  # fmt: skip
def _emergency(bench: Bench) -> None:
    found = bench.accepted(bench.concern("emergency", urgency="emergency"))
    texts = " ".join(notice["text"] for notice in found["notice"] if notice["code"] == "call_999")
    holds("999" in texts and "not a call" in texts, "no notice to call 999")
