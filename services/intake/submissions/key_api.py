"""``/v1/submission-key``: what submissions over Kafka are sealed to. Public; an operator may replace it at once."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.chassis.auth import Caller, require
from services.chassis.clock import Clock
from services.intake.submission_keys import OPENS_FOR, USED_FOR, SubmissionKey, SubmissionKeys
from services.intake.submissions.wire import INFO, SUITE_NAME

Operator = Annotated[Caller, Depends(require("operate"))]


class KeyAnswer(BaseModel):
    """A public key that opens submissions."""

    key_id: str = Field(description="Goes into the header `ce_keyid`.")
    public_key: str = Field(description="X25519, 32 bytes, base64.")
    ask_again_at: datetime = Field(description="By then another may have taken its place: ask again.")
    opens_until: datetime | None = Field(description="What is sealed to it is opened until then; null: not replaced.")


class KeysAnswer(KeyAnswer):
    """The key to seal to, and those before it that still open."""

    suite: str = SUITE_NAME
    info: str = Field(default=INFO, description="HPKE info: this, your agency id, ce_id, a line feed between them.")
    before: list[KeyAnswer]


def key_routes(keys: SubmissionKeys, clock: Clock) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/submission-key", tags=["reference"])

    @routes.get("", summary="The key to which submissions over Kafka are sealed (HPKE, RFC 9180)")
    async def submission_key() -> KeysAnswer:
        return _answer(keys, clock.now())

    @routes.post("/rotate", summary="Replace the key at once; the one before opens for 30 days more")
    async def rotate(caller: Operator) -> KeysAnswer:
        del caller
        keys.rotate(clock.now())
        return _answer(keys, clock.now())

    return routes


def _answer(keys: SubmissionKeys, now: datetime) -> KeysAnswer:
    newest, *before = keys.all(now)
    return KeysAnswer(**_key(newest).model_dump(), before=[_key(key) for key in before])


def _key(key: SubmissionKey) -> KeyAnswer:
    return KeyAnswer(
        key_id=key.key_id,
        public_key=b64encode(key.public).decode(),
        ask_again_at=key.made + USED_FOR if key.replaced is None else key.replaced,
        opens_until=None if key.replaced is None else key.replaced + OPENS_FOR,
    )
