"""Intake's process."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from typing import Final

import asyncpg
from fastapi import APIRouter

from services.chassis import log as logging
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.errors import SettingsError
from services.chassis.service import Context, Service, main
from services.chassis.settings import Settings
from services.chassis.tokens import revoked_of
from services.intake.acceptance import Acceptance
from services.intake.api import concern_routes, open_routes
from services.intake.attachments import wiring as attaching
from services.intake.codes_api import code_routes
from services.intake.core import WATCH_DEFAULT, IntakeCore, attachments, erasure
from services.intake.door import Door
from services.intake.erasure_api import erasure_routes
from services.intake.follow_up_api import follow_up_routes
from services.intake.idempotency import Requests
from services.intake.limits import Admission, read_limits
from services.intake.objections import keep_settling
from services.intake.preview_api import preview_routes
from services.intake.receipts import publish_key, signer_of
from services.intake.store import Concerns, IntakeStore
from services.intake.submission_keys import keys_of
from services.intake.submissions import Lanes, Taker
from services.intake.submissions.key_api import key_routes
from services.intake.suppliers import Suppliers

WATCH_MINUTES: Final = "RELAY_WATCH_MINUTES"
WATCH_MINUTES_MAX: Final = 24 * 60
SWEEP_EVERY_S: Final = 3600.0
ROTATE_LOOK_EVERY_S: Final = 600.0
log = logging.Log(__name__)


def core_of(_: Settings) -> IntakeCore:
    """Make the core with the watch of this place.

    Raises:
        SettingsError: the watch is no number of minutes.
    """
    text = os.environ.get(WATCH_MINUTES, "")
    if not text:
        return IntakeCore(WATCH_DEFAULT)
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= WATCH_MINUTES_MAX:
        raise SettingsError(f"{WATCH_MINUTES} must be minutes, more than 0 and at most {WATCH_MINUTES_MAX}")
    return IntakeCore(timedelta(minutes=minutes))


def routes(context: Context) -> APIRouter:
    """Wire the routes."""
    signer = signer_of(context.settings)
    publish_key(context.settings.state_dir, signer.verifier)
    keys = keys_of(context.settings)
    keys.rotate_when_due(context.clock.now())
    concerns = Concerns(context.pool)
    acceptance = Acceptance(context.journal, concerns, context.keys, signer, context.clock)
    both = APIRouter()
    both.include_router(key_routes(keys, context.clock))
    limits = read_limits(context.settings.deploy_dir / "limits.yaml")
    revoked = revoked_of(context.settings.state_dir)
    suppliers = Suppliers(context.settings.deploy_dir / "suppliers.yaml", revoked)
    admission = Admission(limits, context.telemetry.registry)
    door = Door(acceptance, Requests(context.pool), context.clock, admission, suppliers)
    both.include_router(concern_routes(door, concerns, context.keys))
    both.include_router(preview_routes(context.clock, os.environ.get("RELAY_BASIS_ASSESSMENT_URL", "")))
    both.include_router(follow_up_routes(door))
    both.include_router(erasure_routes(acceptance))
    both.include_router(attaching.routes_of(context, acceptance, door, limits))
    both.include_router(open_routes(str(signer.verifier)))
    both.include_router(code_routes())
    return both


async def submissions(context: Context) -> None:
    """Take what agencies send over Kafka."""
    acceptance = Acceptance(
        context.journal, Concerns(context.pool), context.keys, signer_of(context.settings), context.clock
    )
    keys = keys_of(context.settings)
    taker = Taker(acceptance, keys, context.journal, context.clock, context.telemetry)
    lanes = Lanes(context.settings, taker)
    context.parked.retake = lanes.retake
    context.health.add("submissions", lambda: lanes.answering, "submissions over Kafka wait; is the broker up?")
    await lanes.run()


async def rotate(context: Context) -> None:
    """Replace the key that submissions are sealed to when it is due."""
    keys = keys_of(context.settings)
    while True:
        try:
            keys.rotate_when_due(context.clock.now())
        except (OSError, SettingsError) as error:
            log.warning("submission key not rotated, tried again", error=type(error).__name__)
        await asyncio.sleep(ROTATE_LOOK_EVERY_S)


async def objections(context: Context) -> None:
    """Let keys open again where a withdrawn consent was not what anything rested on."""
    await keep_settling(context.journal, Concerns(context.pool), context.keys)


async def sweep(context: Context) -> None:
    """Forget idempotency keys past their time."""
    requests = Requests(context.pool)
    while True:
        try:
            await requests.sweep(context.clock.now())
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            log.warning("idempotency keys not swept, tried again later", error=type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY_S)


SERVICE = Service(
    name="intake",
    core=core_of,
    store=IntakeStore(),
    reads=("assessments.v1", "shares.v1"),
    writes=("concerns.v1",),
    routes=routes,
    workers=(sweep, objections, submissions, rotate, attaching.scan, attaching.sweep),
    opens=CONTENT_EVENTS | erasure.TYPES | attachments.TYPES,
    purpose="accept",
    large=(attaching.UPLOAD,),
    patience_ms=100,  # what became of a concern, for its sender to look up: nothing goes on from here
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
