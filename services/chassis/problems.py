"""Problems: RFC 9457 ``application/problem+json`` for everything that is refused or fails.

A problem names the field and the remedy. It never repeats what was sent: the value may be about a child.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from services.chassis.errors import DeadlineExceeded, IdConflict, KeyUnavailable
from services.chassis.event import Refused
from services.chassis.fields_not_valid import ERRORS_MAX, field_errors
from services.chassis.log import Log

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/problems/"
log = Log(__name__)

_TITLES: Final = {
    400: "The request cannot be read",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    422: "Something in it has to be mended",
    429: "Too many requests",
    500: "Something failed here",
    503: "Not ready",
}
_PLAIN: Final = {
    400: ("not_json", "the body cannot be read: send UTF-8 application/json"),
    404: ("no_such_path", "there is nothing at this path: see /v1/openapi.json"),
    405: ("method_not_allowed", "this path takes other methods: see the Allow header"),
}
"""What the framework refuses by itself: code and detail."""


class Problem(HTTPException):
    """An answer that says no. An HTTPException, so that the framework hands it on wherever it is raised."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        """Say what is wrong and what to do; never with what was sent."""
        super().__init__(status, detail, dict(headers or {}))
        self.status = status
        self.code = code
        self.extensions = extensions

    def __str__(self) -> str:
        """Give the detail."""
        return str(self.detail)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Problem:
    """Make a problem to raise."""
    return Problem(status, code, detail, headers=headers, **extensions)


def body_of(found: Problem) -> dict[str, Any]:
    """Give the JSON object of a problem, the same over HTTP and Kafka."""
    return {
        "type": TYPE_PREFIX + found.code,
        "title": _TITLES.get(found.status, "The request was refused"),
        "status": found.status,
        "code": found.code,
        "detail": found.detail,
        **found.extensions,
    }


def respond(found: Problem) -> JSONResponse:
    """Give the response of a problem."""
    return JSONResponse(body_of(found), found.status, headers=dict(found.headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every refusal and every failure of an app a problem."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def _problem(_: Request, error: Any) -> JSONResponse:
    return respond(error)


async def _refused(_: Request, error: Any) -> JSONResponse:
    return respond(Problem(error.status, error.code, str(error)))


async def _invalid(request: Request, error: Any) -> JSONResponse:
    errors = error.errors()
    of_body = any(each["loc"][:1] == ("body",) for each in errors)
    if of_body and not _is_json(request.headers.get("content-type", "")):
        return respond(Problem(415, "not_json", "send the body with Content-Type: application/json"))
    if any(each["type"] == "json_invalid" for each in errors):
        return respond(Problem(400, "not_json", "the body is not JSON: send UTF-8 application/json"))
    detail = f"{len(errors)} field(s) have to be mended; see errors"
    if len(errors) > ERRORS_MAX:
        detail += f" (the first {ERRORS_MAX})"
    return respond(Problem(422, "fields_not_valid", detail, errors=field_errors(errors)))


def _is_json(content_type: str) -> bool:
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


async def _http(_: Request, error: Any) -> JSONResponse:
    status = error.status_code
    code, detail = _PLAIN.get(status, (f"http_{status}", _TITLES.get(status, "the request was refused")))
    return respond(Problem(status, code, detail, headers=error.headers))


async def _conflict(_: Request, error: Any) -> JSONResponse:
    return respond(Problem(409, "id_conflict", str(error)))


async def _away(_: Request, error: Any) -> JSONResponse:
    log.warning("a server did not answer", error=type(error).__name__)
    return respond(
        Problem(503, "try_again", "a server did not answer in time: try again", headers={"Retry-After": "5"})
    )


_HANDLERS: Final[Mapping[type[Exception], Any]] = {
    Problem: _problem,
    Refused: _refused,
    RequestValidationError: _invalid,
    StarletteHTTPException: _http,
    IdConflict: _conflict,
    KeyUnavailable: _away,
    DeadlineExceeded: _away,
    TimeoutError: _away,
    OSError: _away,
}
"""Any other exception is a failure of ours; the edge answers it."""

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, for machines; `detail` says what to do. Never what was sent.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/fields_not_valid"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "examples": ["fields_not_valid"]},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": ERRORS_MAX,
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901; empty for the whole."},
                    "in": {"type": "string", "enum": ["query", "path", "header", "cookie"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Tell in an OpenAPI document that every refusal is a problem; the framework's own 422 is not what is sent."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            pages = any("text/html" in each.get("content", {}) for each in responses.values())
            responses.setdefault("default", {"description": "A problem"})
            for status, response in responses.items():
                if status == "default" or int(status) >= 400:
                    if status == "422" and response.get("description") == "Validation Error":
                        response["description"] = "Fields have to be mended; each by JSON pointer"
                    # a page that a person has opened says what is wrong as a page
                    response["content"] = content | ({"text/html": {}} if pages else {})
    return document
