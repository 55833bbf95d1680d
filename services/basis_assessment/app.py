"""Basis assessment's process."""

from __future__ import annotations

import os
import sys
from typing import Final

from fastapi import APIRouter
from prometheus_client import Gauge

from services.basis_assessment.access_api import access_routes
from services.basis_assessment.api import decision_routes
from services.basis_assessment.core import BasisCore
from services.basis_assessment.explain_api import explanation_routes
from services.basis_assessment.law_in_use import say_changed
from services.basis_assessment.pack_document import read_book
from services.basis_assessment.rights import read_exemptions
from services.basis_assessment.rooms import Rooms
from services.basis_assessment.store import BasisStore, Decisions
from services.chassis.arrangement.live import follow_arrangements, live_book
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.service import Context, Service, main
from services.chassis.settings import Settings

OPENS: Final = CONTENT_EVENTS
"""What the core reads: the concern. What its own people wrote beside a decision it never reads again."""


def core_of(settings: Settings) -> BasisCore:
    """Make the core over every law pack and arrangement at hand."""
    return BasisCore(read_book(settings.deploy_dir / "law"), live_book(settings))


def routes(context: Context) -> APIRouter:
    """Wire the routes."""
    laws = read_book(context.settings.deploy_dir / "law")
    book = live_book(context.settings)
    rooms = Rooms(context.journal, Decisions(context.pool), book, context.clock, laws)
    exemptions = read_exemptions(context.settings.deploy_dir / "rights" / "subject-access.yaml")
    routing_url = os.environ.get("RELAY_ROUTING_URL", "")
    both = APIRouter()
    both.include_router(decision_routes(rooms))
    both.include_router(explanation_routes(rooms, BasisCore(laws, book), routing_url))
    both.include_router(access_routes(rooms, exemptions, routing_url))
    return both


async def look_at_the_law(context: Context) -> None:
    """Say whether a pack that decided was changed since; once, when the service starts."""
    gauge = Gauge(
        "relay_law_packs_changed", "Law packs changed after they decided", registry=context.telemetry.registry
    )
    await say_changed(read_book(context.settings.deploy_dir / "law"), Decisions(context.pool), gauge)


SERVICE = Service(
    name="basis_assessment",
    core=core_of,
    store=BasisStore(),
    reads=("concerns.v1",),
    writes=("assessments.v1",),
    routes=routes,
    workers=(follow_arrangements, look_at_the_law),
    opens=OPENS,
    purpose="assess",
    may_issue=False,
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
