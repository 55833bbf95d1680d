"""What a relay promises whoever raises concerns over HTTP (docs/raising-a-concern.md)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from concern_relay_client import ReceiptNotGenuine, check_receipt
from services.workbench.conformance.bench import CANARY, Bench, is_problem
from services.workbench.conformance.check import Fails, Skips, holds, http

AT_ONCE: Final = 8
BURST: Final = 400


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


@http("problem.shape", "A problem is RFC 9457: code, remedy, fields by JSON pointer; it never repeats what was sent",
      "the refusal cannot be acted upon, or leaks content")  # fmt: skip
def _problem(bench: Bench) -> None:
    found = bench.post({"reference": CANARY, "people": [{"role": "child"}], "test": True, "text": 7})
    is_problem(found, 422)
    holds(any(error["pointer"] == "/raised_by" for error in found.body["errors"]), "the missing field is not named")


@http("problem.unknown_field", "A field that is not known is refused and not dropped; the one probably meant is named",
      "a misspelt field is dropped, and what stands in it reaches nobody")  # fmt: skip
def _unknown_field(bench: Bench) -> None:
    found = bench.post(bench.concern("misspelt", urgancy="urgent"))
    is_problem(found, 422)
    holds("urgency" in found.text, "the field that was probably meant is not named")


_BAD: Final = {
    "cut short": (b'{"reference": "7", "raised_by":', 400),
    "not UTF-8": (b'{"reference": "\xff\xfe"}', 400),
    "UTF-16": ('{"reference": "7"}'.encode("utf-16"), 400),
    "the same name twice": (b'{"reference": "7", "reference": "8"}', 400),
    "nested too deeply": (b"[" * 5000 + b"]" * 5000, 400),
    "NaN": (b'{"reference": NaN}', 400),
    "a list": (b"[]", 422),
    "nothing": (b"", 400),
    "too large": (b'{"text": "' + b"x" * (1024 * 1024) + b'"}', 413),
}


@http("bad.body", "Every body that cannot be taken is a clear problem, and does not stop the next",
      "a malformed body gets another status, no problem, or a failure")  # fmt: skip
def _bad(bench: Bench) -> None:
    for kind, (body, status) in _BAD.items():
        try:
            is_problem(bench.post(body), status)
        except Fails as failed:
            raise Fails(f"{kind}: {failed}") from failed
    bench.accepted(bench.concern("after bad ones"))


@http("bad.media_type", "What is not JSON is 415", "the Content-Type is not looked at")
def _media_type(bench: Bench) -> None:
    is_problem(bench.post(b"<concern/>", headers={"Content-Type": "text/xml"}), 415)


@http("auth.needed", "Without a token 401, with WWW-Authenticate; a token that is none likewise",
      "the door is open, or does not say how to come in")  # fmt: skip
def _auth(bench: Bench) -> None:
    for token in ("", "no.real.token"):
        found = bench.call("GET", "/v1/concerns", token=token)
        is_problem(found, 401)
        holds(found.headers.get("www-authenticate"), "no WWW-Authenticate")


@http("status.own", "Where your own concern stands: state, urgency, times; nothing of other agencies",
      "the status is missing, or shows who was told")  # fmt: skip
def _status(bench: Bench) -> None:
    found = bench.accepted(bench.concern("status"))
    status = bench.call("GET", found["status_url"]).body
    holds(status["state"] in {"received", "acknowledged", "outcome_given"}, f"state {status['state']}")
    known = {"concern_id", "state", "urgency", "received_at", "acknowledged_at", "outcome", "version", "test", "notice"}
    told = {name for name in status if any(word in name for word in ("share", "recipient", "withheld", "agencies"))}
    holds(known <= status.keys() and not told, "fields are missing, or others' are shown")
    listed = bench.call("GET", "/v1/concerns", params={"limit": 5}).body["concerns"]
    holds(listed[0]["concern_id"] == found["concern_id"], "the newest concern is not first in the list")


@http("status.only_own", "Of another agency's concern not even the existence is said (404)",
      "a concern is seen by an agency that did not raise it")  # fmt: skip
def _only_own(bench: Bench) -> None:
    is_problem(bench.call("GET", f"/v1/concerns/{uuid4()}"), 404)
    if not bench.other_token:
        raise Skips("an id nobody has is 404; give --other-token to try with a real concern")
    found = bench.accepted(bench.concern("only own"))
    theirs = bench.call("GET", found["status_url"], token=bench.other_token)
    is_problem(theirs, 404)


@http("codes.listed", "Every list of codes is at /v1/codes, and each by its name",
      "a supplier cannot learn the codes from the API")  # fmt: skip
def _codes(bench: Bench) -> None:
    lists = bench.call("GET", "/v1/codes", token="").body
    holds({"Urgency", "ConcernTrigger", "PersonRole"} <= lists.keys() or len(lists) > 20, "lists are missing")
    name, codes = next((name, codes) for name, codes in lists.items() if name == "Urgency")
    holds(bench.call("GET", f"/v1/codes/{name}", token="").json == codes, "one list differs from all of them")
    holds({"emergency", "urgent", "routine"} <= set(codes), "urgencies are missing")
    is_problem(bench.call("GET", "/v1/codes/NoSuchList", token=""), 404)


@http("versions", "The version stands in the path and in OpenAPI; the document names every door used here",
      "/v1/openapi.json is not there or not complete")  # fmt: skip
def _versions(bench: Bench) -> None:
    document = bench.call("GET", "/v1/openapi.json", token="").body
    holds(str(document.get("openapi", "")).startswith("3."), "no OpenAPI 3")
    holds(document["info"].get("version"), "no version")
    wanted = {"/v1/concerns", "/v1/concerns/{concern_id}", "/v1/codes/{name}", "/v1/receipt-key", "/v1/submission-key"}
    holds(wanted <= document["paths"].keys(), "paths are missing")


@http("practice.isolated", "test=true is practice, said in answer and status",
      "practice is not marked; stop using this relay for practice until it is")  # fmt: skip
def _practice(bench: Bench) -> None:
    found = bench.accepted(bench.concern("practice"))
    holds("practice" in {notice["code"] for notice in found["notice"]}, "the answer does not say practice")
    holds(bench.call("GET", found["status_url"]).body["test"] is True, "the status does not say practice")


@http("history.is_not_sent", "history=true is a statutory return: recorded, sent to nobody, no clock",
      "a return of last year would alarm somebody")  # fmt: skip
def _history(bench: Bench) -> None:
    found = bench.accepted(bench.concern("history", history=True))
    holds("history" in {notice["code"] for notice in found["notice"]}, "the answer does not say history")


@http("follow_up", "Information, a correction, a consent and its withdrawal, and a move are taken (202)",
      "a follow-up is refused; see docs/following-up.md")  # fmt: skip
def _follow_up(bench: Bench) -> None:
    who = {"name": "Asha Example", "role": "designated safeguarding lead"}
    raised = bench.accepted(bench.concern("followed"))
    path, events = raised["status_url"], [raised["receipt"]["event_id"]]
    item = {"category": "welfare", "kind": "fact", "about": "child", "text": "Practice: seen again."}
    right = {"ref": "child", "birth_date": "2018-05-12"}
    consent = {"ref": "c1", "kind": "service", "subject": "child", "purpose": "practice", "by": who}
    for way, body in (
        ("information", {"by": who, "items": [item]}),
        ("corrections", {"by": who, "reason": "Typed wrong.", "people": [right]}),
        ("consents", consent),
        ("consents/c1/withdrawal", {"by": who, "words": "Practice."}),
        ("moves", {"by": who, "child": "child", "to": "E06000035"}),
    ):
        found = bench.post(body, path=f"{path}/{way}")
        holds(found.status == 202, f"{way}: answered {found.status} {found.code}")
        events.append(found.body["receipt"]["event_id"])
    holds(len(set(events)) == len(events), "two follow-ups have one receipt")


@http("rate_limit", "Too much at once is 429 with Retry-After and a problem; nothing of it is recorded or lost",
      "the limit does not say when to come again")  # fmt: skip
def _rate_limit(bench: Bench) -> None:
    body = bench.concern("burst")
    bench.accepted(body)

    def once(_: int) -> Any:
        return bench.post(body, wait=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(once, range(BURST)))
    limited = [answer for answer in found if answer.status == 429]
    others = {answer.status for answer in found} - {202, 429, 503}
    holds(not others, f"under load it answered {', '.join(map(str, sorted(others)))}")
    if not limited:
        raise Skips(f"no limit was met within {BURST} requests")
    is_problem(limited[0], 429)
    after = limited[0].headers.get("retry-after", "")
    holds(after.isdecimal() and int(after) >= 1, "no Retry-After in seconds")
    bench.accepted(body)
