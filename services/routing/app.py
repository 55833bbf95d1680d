"""Routing's process."""

from __future__ import annotations

import sys
from typing import Final

from fastapi import APIRouter

from services.chassis.arrangement.live import follow_arrangements, live_book
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.objects import objects_of
from services.chassis.service import Context, Service, main
from services.routing.acting import Acting
from services.routing.afterwards.acting import Afterwards
from services.routing.afterwards.api import erasure_routes, recall_routes
from services.routing.afterwards.disagreements import disagreement_routes
from services.routing.afterwards.requests import request_routes
from services.routing.afterwards.tables import Found
from services.routing.alarms import alarm_routes
from services.routing.api import Inbox, by_hand_routes, inbox_routes
from services.routing.attachments.api import FETCH, attachment_routes
from services.routing.attachments.fetching import Fetching
from services.routing.by_hand.api import ByHand, bringing_routes, opening_routes
from services.routing.by_hand.bringing import Bringing
from services.routing.by_hand.links import Links
from services.routing.collecting import Collecting
from services.routing.core import RoutingCore
from services.routing.delivery import Delivery
from services.routing.duties.answers import Duties
from services.routing.duties.api import duty_routes
from services.routing.revoking import Revocations, revocation_routes
from services.routing.store import RoutingStore, Shares
from services.routing.webhooks import wiring as webhooks

OPENS: Final = CONTENT_EVENTS | {"SharePlanned"}
"""What the core reads: the concern, and what each agency was given, so that nothing is sent twice."""


def routes(context: Context) -> APIRouter:
    """Wire the routes."""
    book = live_book(context.settings)
    acting = Acting(context.journal, Shares(context.pool), Collecting(context, book).collected)
    duties = Duties(context.pool, book, context.clock)
    inbox = Inbox(acting, context.keys, book, duties)
    every = APIRouter()
    fetching = Fetching(context.journal, context.keys, objects_of(context.settings))
    every.include_router(attachment_routes(acting, fetching))
    after = Afterwards(context.journal, Found(context.pool), context.keys)
    following = (
        *(recall_routes(after), erasure_routes(after), disagreement_routes(after), request_routes(after)),
        revocation_routes(Revocations(context, book)),
    )
    watched = (alarm_routes(context.pool, book), duty_routes(after, duties))
    for routes_ in (inbox_routes(inbox), by_hand_routes(inbox), *watched, *following):
        every.include_router(routes_)
    by_hand = ByHand(
        acting,
        Bringing(context, book),
        Links(context.pool, context.clock, context.journal.desk.local_key),
        webhooks.base_url_of(context.settings),
        fetching,
    )
    for routes_ in (bringing_routes(by_hand), opening_routes(by_hand), webhooks.routes_of(context)):
        every.include_router(routes_)
    return every


async def deliver(context: Context) -> None:
    """Bring planned shares where they belong, for as long as the process lives."""
    delivery = Delivery(context, live_book(context.settings))
    context.health.add("delivery", lambda: not delivery.failing, "shares are not delivered; is the database up?")
    await delivery.run()


async def send_webhooks(context: Context) -> None:
    """Tell endpoints what is there for them, for as long as the process lives."""
    await webhooks.send(context, live_book(context.settings))


SERVICE = Service(
    name="routing",
    core=lambda settings: RoutingCore(live_book(settings)),
    store=RoutingStore(),
    reads=("concerns.v1", "assessments.v1"),
    writes=("shares.v1",),
    routes=routes,
    workers=(deliver, send_webhooks, webhooks.watch, follow_arrangements),
    opens=OPENS,
    purpose="route",
    large=(FETCH,),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
