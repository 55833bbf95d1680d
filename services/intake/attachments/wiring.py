"""Attachments put together: the store, the question, the limits."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import asyncpg
from fastapi import APIRouter
from prometheus_client import Gauge

from services.chassis.clock import SystemClock
from services.chassis.edge import Large
from services.chassis.errors import RelayError
from services.chassis.log import Log
from services.chassis.objects import objects_of
from services.chassis.service import Context
from services.intake.acceptance import Acceptance
from services.intake.attachments.api import attachment_routes
from services.intake.attachments.declaring import Attaching
from services.intake.attachments.question import read_guidance
from services.intake.attachments.scanner import scanner_of
from services.intake.attachments.scanning import Scanning
from services.intake.attachments.sweeping import Sweeping
from services.intake.attachments.table import AttachmentTable
from services.intake.attachments.uploading import Uploading
from services.intake.door import Door
from services.intake.limits import Limits
from services.intake.limits.allowance import UPLOAD_BYTES_MAX

UPLOAD_DEADLINE_S: Final = 300.0
"""For the bytes of one file to come: 20 MB at half a megabit a second."""
UPLOAD: Final = Large(
    "PUT", re.compile("/v1/concerns/[^/]+/attachments/[^/]+/bytes"), UPLOAD_BYTES_MAX, UPLOAD_DEADLINE_S
)


SCAN_EVERY_S: Final = 1.0
SWEEP_EVERY_S: Final = 60.0
PASSING: Final = (OSError, TimeoutError, asyncpg.PostgresError, RelayError)
log = Log(__name__)


def routes_of(context: Context, acceptance: Acceptance, door: Door, limits: Limits) -> APIRouter:
    """Give the routes of attachments."""
    uploading = Uploading(
        Attaching(acceptance),
        objects_of(context.settings),
        read_guidance(context.settings.deploy_dir / "attachments.yaml"),
        AttachmentTable(context.pool),
        scan_expected=scanner_of(context.settings.profile) is not None,
    )
    return attachment_routes(door, uploading, limits.attachments)


async def scan(context: Context) -> None:
    """Give what is in quarantine to the scan, for as long as the process lives; without one there is nothing to do."""
    scanner = scanner_of(context.settings.profile)
    if scanner is None:
        log.info("no scan is set up: attachments are shown as not scanned", code="not_scanned")
        return
    table = AttachmentTable(context.pool)
    waiting = Gauge("relay_intake_quarantined", "Files that wait for a scan", registry=context.telemetry.registry)
    scanning = Scanning(context.journal, context.keys, objects_of(context.settings), table, context.clock, scanner)
    while True:
        taken = 0
        try:
            taken = await scanning.scan_due()
            waiting.set(await table.quarantined())
        except PASSING as error:
            log.warning("attachments not scanned, tried again", error=type(error).__name__)
        if not taken:
            await asyncio.sleep(SCAN_EVERY_S)


async def sweep(context: Context) -> None:
    """Remove what the store need not keep, for as long as the process lives."""
    sweeping = Sweeping(objects_of(context.settings), AttachmentTable(context.pool))
    while True:
        try:
            await sweeping.sweep(SystemClock().now())
        except PASSING as error:
            log.warning("the object store was not swept, tried again", error=type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY_S)
