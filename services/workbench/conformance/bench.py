"""What the checks work on: the relay over HTTP, as one agency, and invented practice concerns."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from services.workbench.conformance.check import Fails, holds

DEADLINE_S: Final = 20.0
WAITS_MAX: Final = 5
WAIT_MOST_S: Final = 10.0
CANARY: Final = "Quillfeather-Conformance"
"""An invented name: no problem may repeat it."""


@dataclass
class Bench:
    """The relay under test.

    Attributes:
        url: where it is.
        token: of the agency.
        other_token: of another agency, for what it must not see; empty: none was given.
        on_behalf_of: for a supplier's token: the agency each request is for.
        run: makes references of this run its own.
    """

    url: str
    token: str = field(repr=False)
    other_token: str = field(default="", repr=False)
    on_behalf_of: str = ""
    run: str = field(default_factory=lambda: uuid4().hex[:10])
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=DEADLINE_S))

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def call(self, method: str, path: str, *, token: str | None = None, wait: bool = True, **options: Any) -> Answer:
        """Call once; again only where it says 429 and when to come again."""
        bearer = self.token if token is None else token
        headers = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **options.pop("headers", {})}
        if self.on_behalf_of and bearer == self.token:
            headers["On-Behalf-Of"] = self.on_behalf_of
        for _ in range(WAITS_MAX):
            found = self.http.request(method, self.url + path, headers=headers, **options)
            if found.status_code != 429 or not wait:
                break
            time.sleep(min(float(found.headers.get("retry-after", 1)), WAIT_MOST_S))
        return Answer(found)

    def post(self, body: Any, *, path: str = "/v1/concerns", **options: Any) -> Answer:
        """Raise: bytes as they are, anything else as JSON."""
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", path, content=content, headers=headers, **options)

    def accepted(self, body: Any, **options: Any) -> dict[str, Any]:
        """Raise, and demand a yes.

        Raises:
            Fails: it was no 202.
        """
        found = self.post(body, **options)
        holds(found.status == 202, f"answered {found.status} {found.code}, not 202")
        return found.body

    def concern(self, name: str, **fields: Any) -> dict[str, Any]:
        """Give an invented practice concern; ``fields`` replace or add."""
        return {
            "reference": f"conformance {self.run} {name}",
            "urgency": "routine",
            "raised_by": {"name": "Asha Example", "role": "designated safeguarding lead"},
            "people": [
                {
                    "ref": "child",
                    "role": "child",
                    "names": [{"given": "Practice", "family": CANARY}],
                    "birth_date": "2018-05-02",
                    "authorities": [{"gss_code": "E10000016", "role": "lives"}],
                }
            ],
            "items": [{"ref": "seen", "category": "welfare", "kind": "fact", "about": "child", "text": f"{CANARY}."}],
            "test": True,
            **fields,
        }


def follow_ups() -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Give one of each kind of follow-up: its event, where HTTP takes it, and what it says over Kafka."""
    who = {"name": "Asha Example", "role": "designated safeguarding lead"}
    item = {"category": "welfare", "kind": "fact", "about": "child", "text": "Practice: seen again."}
    right = {"ref": "child", "birth_date": "2018-05-12"}
    consent = {"ref": "c1", "kind": "service", "subject": "child", "purpose": "practice", "by": who}
    return (
        ("InformationAdded", "information", {"by": who, "items": [item]}),
        ("InformationCorrected", "corrections", {"by": who, "reason": "Typed wrong.", "people": [right]}),
        ("ConsentGiven", "consents", consent),
        ("ConsentWithdrawn", "consents/c1/withdrawal", {"by": who, "words": "Practice.", "consent": "c1"}),
        ("ChildMoved", "moves", {"by": who, "child": "child", "to": "E06000035"}),
    )


class Answer:
    """An answer, read without trusting it."""

    def __init__(self, found: httpx.Response) -> None:
        self.status = found.status_code
        self.headers: Mapping[str, str] = found.headers
        self.text = found.text
        try:
            self.json: Any = found.json() if found.content else {}
        except ValueError:
            self.json = None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the answer.

        Raises:
            Fails: it is none.
        """
        if not isinstance(self.json, dict):
            raise Fails(f"answered {self.status} without a JSON object")
        return self.json

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.json.get("code", "")) if isinstance(self.json, dict) else ""


def is_problem(found: Answer, status: int) -> None:
    """Hold an answer to RFC 9457, to its status, and to not repeating what was sent.

    Raises:
        Fails: it is not so.
    """
    holds(found.status == status, f"answered {found.status} {found.code}, not {status}")
    kind = found.headers.get("content-type", "").partition(";")[0]
    holds(kind == "application/problem+json", f"a problem came as {kind or 'nothing'}")
    is_problem_body(found.body, status)
    holds(CANARY not in found.text, "the problem repeats what was sent")


def is_problem_body(body: Mapping[str, Any], status: int) -> None:
    """Hold the JSON of a problem to RFC 9457.

    Raises:
        Fails: it is not so.
    """
    for name in ("type", "title", "status", "code", "detail"):
        holds(body.get(name), f"the problem has no {name}")
    holds(body["status"] == status, f"the problem says {body['status']}, not {status}")
    for error in body.get("errors", ()):
        holds(isinstance(error.get("pointer"), str) and error.get("detail"), "an error has no pointer or no remedy")
