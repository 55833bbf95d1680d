"""Attachments put together: the store, the question, the limits."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter

from services.chassis.edge import Large
from services.chassis.objects import objects_of
from services.chassis.service import Context
from services.intake.acceptance import Acceptance
from services.intake.attachments.api import attachment_routes
from services.intake.attachments.declaring import Attaching
from services.intake.attachments.question import read_guidance
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


def routes_of(context: Context, acceptance: Acceptance, door: Door, limits: Limits) -> APIRouter:
    """Give the routes of attachments."""
    uploading = Uploading(
        Attaching(acceptance),
        objects_of(context.settings),
        read_guidance(context.settings.deploy_dir / "attachments.yaml"),
        AttachmentTable(context.pool),
    )
    return attachment_routes(door, uploading, limits.attachments)
