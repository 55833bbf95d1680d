"""The edge of every service: problems for everything, no echo of what was sent, limits, health, OpenAPI."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from services.chassis.auth import Caller, Tokens, mint_token, require
from services.chassis.edge import Large
from services.chassis.errors import DeadlineExceeded, IdConflict
from services.chassis.event import Refused
from services.chassis.health import Health
from services.chassis.http import create_app, problem
from services.chassis.telemetry import Telemetry

CANARY = "Zephyrine Quillfeather"
KEY = Ed25519PrivateKey.generate()
LIMIT = 2_000


class Colour(StrEnum):
    """A list of words."""

    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    """One of two kinds."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]


class Body(BaseModel):
    """Something of everything that can be wrong."""

    model_config = ConfigDict(extra="forbid")

    colour: Colour | None = None
    number: int = Field(default=1, ge=1, le=9)
    short: str = Field(default="", max_length=3, pattern="^[a-z]*$")
    born: date | None = None
    seen: AwareDatetime | None = None
    ref: UUID | None = None
    flag: bool = False
    words: list[str] = Field(default=[], max_length=2)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    checked: str = ""
    counts: dict[str, int] = {}

    @field_validator("checked")
    @classmethod
    def _echoes(cls, value: str) -> str:
        if value == "custom":
            raise PydanticCustomError("not_checked", "Say that it was checked.")
        if value:
            raise ValueError(f"a careless message that repeats {value}")
        return value


def _routes() -> APIRouter:
    routes = APIRouter()

    @routes.post("/v1/things")
    async def things(body: Body) -> dict[str, str]:
        return {"short": body.short}

    @routes.get("/v1/things/{number}")
    async def thing(number: int, limit: Annotated[int, Query(ge=1)] = 1) -> int:
        return number * limit

    @routes.post("/v1/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @routes.get("/v1/fails/{how}")
    async def fails(how: str) -> None:
        raise {
            "bug": RuntimeError(CANARY),
            "away": DeadlineExceeded("the database"),
            "conflict": IdConflict("the id is known with other content"),
            "refused": Refused(409, "already_answered", "it was answered before: see its status"),
            "problem": problem(410, "erased", "it was erased", headers={"Retry-After": "9"}, erased_on="2026-03-02"),
        }[how]

    @routes.get("/v1/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    @routes.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<p>"

    @routes.get("/v1/mine")
    async def mine(caller: Annotated[Caller, Depends(require("inbox", "raise"))]) -> str:
        return caller.agency_id

    return routes


def an_app(**options: Any) -> FastAPI:
    """Make an app with those routes."""
    health = options.pop("health", Health())
    return create_app(
        "test",
        [_routes()],
        health=health,
        telemetry=Telemetry("test"),
        tokens=Tokens(KEY.public_key()),
        body_bytes_max=LIMIT,
        **options,
    )


def ask(method: str, path: str, app: FastAPI | None = None, **options: Any) -> httpx.Response:
    """Ask an app once."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app or an_app(), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.wait_for(client.request(method, path, **options), 20)

    return asyncio.run(once())


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """See that it is a problem of that kind, whole, and without what was sent; give its members."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"/problems/{code}"
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    assert "Quillfeather" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return body


WRONG = [
    ("colour", CANARY, "enum", "send one of: 'red' or 'blue'"),
    ("number", CANARY, "int_parsing", "send an integer"),
    ("number", 10, "less_than_equal", "send 9 or less"),
    ("short", CANARY, "string_too_long", "send at most 3 characters"),
    ("short", "Quillfeather"[:3], "string_pattern_mismatch", "send text of the form ^[a-z]*$"),
    ("short", [CANARY], "string_type", "send a string"),
    ("born", CANARY, "date_from_datetime_parsing", "send ISO 8601, as 2026-03-02"),
    ("seen", "2026-03-02T09:00:00", "timezone_aware", "send ISO 8601 with its zone, as 2026-03-02T09:00:00Z"),
    ("ref", CANARY, "uuid_parsing", "send a UUID"),
    ("flag", CANARY, "bool_parsing", "send true or false"),
    ("words", [CANARY] * 3, "too_long", "send at most 2"),
    ("pet", {"kind": CANARY}, "union_tag_invalid", "send one of: 'cat', 'dog'"),
    ("pet", {}, "union_tag_not_found", "add it: 'kind'"),
    ("checked", CANARY, "value_error", "see its schema in /v1/openapi.json"),
]


@pytest.mark.parametrize(("name", "value", "code", "remedy"), WRONG, ids=[f"{w[0]} {w[2]}" for w in WRONG])
def test_a_wrong_field_is_named_with_its_remedy_and_without_its_value(name, value, code, remedy) -> None:
    """By JSON pointer; a sender can mend it, and an onlooker of the answer learns nothing."""
    response = ask("POST", "/v1/things", json={name: value})

    (error,) = assert_problem(response, 422, "fields_not_valid")["errors"]
    assert (error["pointer"], error["code"], error["remedy"]) == (f"/{name}", code, remedy)
    assert "Qui" not in response.text


def test_all_wrong_fields_are_told_at_once() -> None:
    """A sender mends them in one go; an unknown field is refused, not dropped."""
    response = ask("POST", "/v1/things", json={"number": 0, "words": [1], "colur": "red", "counts": {CANARY: "x"}})

    errors = assert_problem(response, 422, "fields_not_valid")["errors"]
    assert {error["pointer"] for error in errors} == {"/number", "/words/0", "/colur", "/counts/?"}


def test_our_own_words_pass() -> None:
    """An error that a model raises by name was written by us."""
    (error,) = ask("POST", "/v1/things", json={"checked": "custom"}).json()["errors"]

    assert error == {"pointer": "/checked", "code": "not_checked", "detail": "Say that it was checked."}


def test_wrong_parameters_say_where_they_stand() -> None:
    """Path and query are told apart from the body."""
    response = ask("GET", "/v1/things/Quillfeather", params={"limit": 0})

    errors = assert_problem(response, 422, "fields_not_valid")["errors"]
    assert {(error["in"], error["pointer"]) for error in errors} == {("path", "/number"), ("query", "/limit")}


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "not_json"),
        (b"\xff\xfe", "application/json", 400, "not_json"),
        (b"[]", "application/json", 422, "fields_not_valid"),
        (CANARY.encode(), "text/plain", 415, "not_json"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"{}", "application/cloudevents+json", 200, None),
    ],
)
def test_a_body_that_is_no_json(content, content_type, status, code) -> None:
    """It is said which it is: not JSON, or not said to be."""
    response = ask("POST", "/v1/things", content=content, headers={"content-type": content_type})

    assert response.status_code == status
    if code:
        assert_problem(response, status, code)


def test_what_is_nowhere_or_not_so() -> None:
    """Unknown paths and methods are problems too."""
    assert_problem(ask("GET", f"/v1/{CANARY}"), 404, "no_such_path")
    refused = ask("DELETE", "/v1/things")
    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"


def test_a_name_is_not_taken_for_an_id() -> None:
    """A path of its own takes its own methods only, though another method's route would read its name as an id."""
    routes = APIRouter()

    @routes.get("/v1/things/{thing_id}")
    async def thing(thing_id: UUID) -> str:
        return str(thing_id)

    @routes.post("/v1/things/preview")
    async def preview() -> str:
        return "seen"

    def app() -> FastAPI:
        tokens = Tokens(KEY.public_key())
        return create_app("test", [routes], health=Health(), telemetry=Telemetry("test"), tokens=tokens)

    refused = ask("GET", "/v1/things/preview", app())

    assert_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "POST"
    assert ask("POST", "/v1/things/preview", app()).status_code == 200
    assert ask("GET", "/v1/things/7771a82d-7eba-8022-8000-000000000000", app()).status_code == 200


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("bug", 500, "failed"),
        ("away", 503, "try_again"),
        ("conflict", 409, "id_conflict"),
        ("refused", 409, "already_answered"),
        ("problem", 410, "erased"),
    ],
)
def test_whatever_fails_is_a_problem(how, status, code) -> None:
    """Our refusals keep their code; a failure says nothing of its cause."""
    body = assert_problem(ask("GET", f"/v1/fails/{how}"), status, code)

    assert body.get("erased_on") == ("2026-03-02" if how == "problem" else None)


def test_a_failure_is_logged_by_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells an operator that there is a fault, and nothing of the child."""
    with caplog.at_level(logging.INFO):
        ask("GET", "/v1/fails/bug")

    assert any(getattr(record, "relay", {}).get("error") == "RuntimeError" for record in caplog.records)
    assert "Quillfeather" not in caplog.text


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield b"x" * 100


@pytest.mark.parametrize("path", ["/v1/things", "/v1/raw"])
def test_a_body_too_large_is_refused_however_it_comes(path) -> None:
    """Declared or in pieces, parsed by a model or read raw."""
    json_type = {"content-type": "application/json"}

    assert_problem(ask("POST", path, content=b"x" * (LIMIT + 1), headers=json_type), 413, "too_large")
    assert_problem(ask("POST", path, content=_in_pieces(LIMIT + 100), headers=json_type), 413, "too_large")


def test_a_body_within_the_limit_is_taken() -> None:
    """Up to the last byte."""
    assert ask("POST", "/v1/raw", content=_in_pieces(LIMIT)).json() == LIMIT
    assert ask("POST", "/v1/raw", content=b"x" * LIMIT).json() == LIMIT


def test_a_path_that_is_named_takes_more_and_longer_and_no_other_does() -> None:
    """Given a path for large bodies, then it takes them up to its own limit; the others keep theirs."""
    large = (Large("POST", re.compile("/v1/raw"), 3 * LIMIT, 20.0), Large("GET", re.compile("/v1/slow"), LIMIT, 0.05))
    app = an_app(large=large)

    assert ask("POST", "/v1/raw", app, content=_in_pieces(3 * LIMIT)).json() == 3 * LIMIT
    assert_problem(ask("POST", "/v1/raw", app, content=_in_pieces(3 * LIMIT + 100)), 413, "too_large")
    json_type = {"content-type": "application/json"}
    assert_problem(ask("POST", "/v1/things", app, content=b"x" * (LIMIT + 1), headers=json_type), 413, "too_large")
    assert_problem(ask("GET", "/v1/slow", app), 503, "too_slow")


def test_a_request_has_a_deadline() -> None:
    """Whoever waits is told to try again."""
    response = ask("GET", "/v1/slow", an_app(deadline_s=0.05))

    assert_problem(response, 503, "too_slow")
    assert response.headers["retry-after"] == "5"


def test_too_much_at_once_is_told_to_come_again() -> None:
    """One more than is taken in hand is refused at once; health is answered all the same, and after it all are."""
    app = an_app(deadline_s=0.5, in_hand_max=2)

    async def crowd() -> tuple[httpx.Response, ...]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            waiting = [asyncio.create_task(client.get("/v1/slow")) for _ in range(2)]
            await asyncio.sleep(0)
            while True:  # until both are in hand
                refused = await client.get("/v1/things/1")
                if refused.status_code == 503:
                    break
            healthy = await client.get("/livez")
            await asyncio.gather(*waiting)
            return refused, healthy, await client.get("/v1/things/1")

    refused, healthy, after = asyncio.run(crowd())

    assert_problem(refused, 503, "busy")
    assert (healthy.status_code, after.status_code) == (200, 200)


def _bearer(*scopes: str) -> dict[str, str]:
    token = mint_token(KEY, agency_id="a-school", subject="s", name=CANARY, scopes=frozenset(scopes))
    return {"authorization": f"Bearer {token}"}


def test_who_may_is_let_in() -> None:
    """One of the scopes is enough."""
    assert ask("GET", "/v1/mine", headers=_bearer("inbox", "audit")).json() == "a-school"


@pytest.mark.parametrize(
    ("headers", "status", "code", "challenge"),
    [
        ({}, 401, "no_token", 'Bearer realm="concern-relay"'),
        ({"authorization": "Basic YTpi"}, 401, "no_token", 'Bearer realm="concern-relay"'),
        ({"authorization": "Bearer"}, 401, "no_token", 'Bearer realm="concern-relay"'),
        ({"authorization": "Bearer x.y.z"}, 401, "token_not_valid", 'error="invalid_token"'),
        (_bearer("audit"), 403, "scope_missing", 'error="insufficient_scope", scope="inbox raise"'),
        (_bearer(), 403, "scope_missing", 'error="insufficient_scope"'),
    ],
)
def test_who_may_not_is_told_why(headers, status, code, challenge) -> None:
    """With the challenge of RFC 6750, so that a client knows what to get."""
    response = ask("GET", "/v1/mine", headers=headers)

    assert_problem(response, status, code)
    assert challenge in response.headers["www-authenticate"]


def test_every_answer_is_secured() -> None:
    """JSON may load nothing; a page states its own policy; neither is stored or framed."""
    answer, page = ask("GET", "/v1/things/1"), ask("GET", "/page")

    for response in (answer, page):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-frame-options"] == "DENY"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "content-security-policy" not in page.headers


def test_health_says_what_is_wrong() -> None:
    """Alive as long as it answers; ready when each check passes, and else with a remedy."""
    health, fine = Health(), [True]
    health.add("broker", lambda: fine[0], "is the broker up?")
    app = an_app(health=health)
    assert ask("GET", "/readyz", app).json() == {"ready": True, "checks": {"broker": "ok"}}
    fine[0] = False

    response = ask("GET", "/readyz", app)

    assert (response.status_code, response.json()["checks"]) == (503, {"broker": "is the broker up?"})
    assert ask("GET", "/livez", app).status_code == 200


def test_answers_are_measured_by_route_not_by_path() -> None:
    """No id reaches a label, whatever is asked, and there are no more labels than routes."""
    app = an_app()
    for path in ("/v1/things/41", "/v1/things/42", f"/v1/{CANARY}", "/v1/other"):
        ask("GET", path, app)

    metrics = ask("GET", "/metrics", app).text

    assert (
        'http_server_request_duration_seconds_count{method="GET",route="/v1/things/{number}",status="200"} 2.0'
        in metrics
    )
    assert 'route="unmatched",status="404"} 2.0' in metrics
    assert "Quillfeather" not in metrics


def test_openapi_tells_of_problems_and_of_the_token() -> None:
    """What is refused is described as it is sent; the framework's own form is not."""
    document = ask("GET", "/v1/openapi.json").json()

    operation = document["paths"]["/v1/things"]["post"]
    for status in ("422", "default"):
        assert operation["responses"][status]["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    assert document["paths"]["/v1/mine"]["get"]["security"] == [{"HTTPBearer": []}]
    assert "HTTPValidationError" not in json.dumps(document)
