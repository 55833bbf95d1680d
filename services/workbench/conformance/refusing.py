"""What a relay promises when it says no: a problem that helps, whatever was sent."""

from __future__ import annotations

from typing import Final

from services.workbench.conformance.bench import CANARY, Bench, is_problem
from services.workbench.conformance.check import Fails, holds, http


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
