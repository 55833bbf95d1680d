"""Problems: RFC 9457 ``application/problem+json`` for everything that is refused or fails.

A problem names the field and the remedy. It never repeats what was sent: the value may be about a child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from services.chassis.errors import DeadlineExceeded, IdConflict, KeyUnavailable
from services.chassis.event import Refused
from services.chassis.log import Log

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/problems/"
ERRORS_MAX: Final = 100
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


class Problem(Exception):  # noqa: N818  (the RFC's word)
    """An answer that says no."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        """Say what is wrong and what to do."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Problem:
    """Make a problem to raise."""
    return Problem(status, code, detail, headers=headers, **extensions)


def respond(found: Problem) -> JSONResponse:
    """Give the response of a problem."""
    body = {
        "type": TYPE_PREFIX + found.code,
        "title": _TITLES.get(found.status, "The request was refused"),
        "status": found.status,
        "code": found.code,
        "detail": found.detail,
        **found.extensions,
    }
    return JSONResponse(body, found.status, headers=found.headers, media_type=MEDIA_TYPE)


def validation_problem(errors: Sequence[Mapping[str, Any]], *, status: int = 422) -> Problem:
    """Make the problem of a body that does not fit: each field by JSON pointer, with a remedy, without its value."""
    found = [
        {
            "pointer": pointer(error.get("loc", ())),
            "detail": str(error.get("msg", "not valid")),
            "code": error.get("type", ""),
        }
        for error in errors[:ERRORS_MAX]
    ]
    more = len(errors) - len(found)
    detail = f"{len(errors)} field(s) have to be mended; see errors" + (f" (the first {ERRORS_MAX})" if more else "")
    return Problem(status, "fields_not_valid", detail, errors=found)


def pointer(location: Sequence[Any]) -> str:
    """Write a location as a JSON pointer (RFC 6901), without the leading ``body``."""
    parts = [str(p).replace("~", "~0").replace("/", "~1") for p in location if p != "body"]
    return "".join(f"/{part}" for part in parts)


def install(app: FastAPI) -> None:
    """Make every refusal and every failure of an app a problem."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def _problem(_: Request, error: Any) -> JSONResponse:
    return respond(error)


async def _refused(_: Request, error: Any) -> JSONResponse:
    return respond(Problem(error.status, error.code, str(error)))


async def _invalid(_: Request, error: Any) -> JSONResponse:
    if any(e.get("type") == "json_invalid" for e in error.errors()):
        return respond(Problem(400, "not_json", "the body is not JSON: send UTF-8 application/json"))
    return respond(validation_problem(error.errors()))


async def _http(_: Request, error: Any) -> JSONResponse:
    code = {404: "no_such_path", 405: "method_not_allowed"}.get(error.status_code, f"http_{error.status_code}")
    return respond(Problem(error.status_code, code, _TITLES.get(error.status_code, "refused"), headers=error.headers))


async def _conflict(_: Request, error: Any) -> JSONResponse:
    return respond(Problem(409, "id_conflict", str(error)))


async def _away(_: Request, error: Any) -> JSONResponse:
    log.warning("a server did not answer", error=type(error).__name__)
    return respond(
        Problem(503, "try_again", "a server did not answer in time: try again", headers={"Retry-After": "5"})
    )


async def _failed(_: Request, error: Any) -> JSONResponse:
    log.error("a request failed", error=type(error).__name__)
    return respond(Problem(500, "failed", "something failed here and was logged: try again, then tell the operator"))


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
    Exception: _failed,
}
