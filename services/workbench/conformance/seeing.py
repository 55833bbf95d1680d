"""What a relay promises after acceptance: status, codes, versions, follow-ups, practice, limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from services.workbench.conformance.bench import Bench, follow_ups, is_problem
from services.workbench.conformance.check import Skips, holds, http

AT_ONCE: Final = 48
BURST: Final = 400


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


@http("versions", "Every answer names its version in API-Version; one that is not served is 400 (docs/versions.md)",
      "a system cannot tell which version it talks to")  # fmt: skip
def _versions(bench: Bench) -> None:
    served = bench.call("GET", "/v1/codes", token="").headers.get("api-version")
    holds(served == "1", f"API-Version is {served or 'not there'}")
    is_problem(bench.call("GET", "/v1/codes", token="", headers={"API-Version": "0"}), 400)


@http("openapi", "OpenAPI 3 is served, and names every door used here",
      "/v1/openapi.json is not there or not complete")  # fmt: skip
def _openapi(bench: Bench) -> None:
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
    raised = bench.accepted(bench.concern("followed"))
    path, events = raised["status_url"], [raised["receipt"]["event_id"]]
    for _, way, body in follow_ups():
        found = bench.post({n: v for n, v in body.items() if n != "consent"}, path=f"{path}/{way}")
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
