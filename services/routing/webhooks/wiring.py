"""The webhooks' parts put together for a process: routes, the worker, and the one that keeps watch."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Final

from fastapi import APIRouter
from prometheus_client import Gauge

from services.chassis import database
from services.chassis.arrangement import Book
from services.chassis.errors import SettingsError
from services.chassis.log import Log
from services.chassis.service import Context
from services.chassis.settings import Settings
from services.routing.webhooks.api import alarms, channel_routes, webhook_routes
from services.routing.webhooks.endpoints import Endpoints
from services.routing.webhooks.post import Poster
from services.routing.webhooks.queue import Queue
from services.routing.webhooks.reach import reach_of
from services.routing.webhooks.secrets import SecretSeal
from services.routing.webhooks.sending import Sending

WATCH_EVERY_S: Final = 15.0
CA_VARIABLE: Final = "RELAY_WEBHOOKS_CA_FILE"
log = Log(__name__)


def poster_of(settings: Settings) -> Poster:
    """Give what posts.

    Raises:
        SettingsError: the file of authorities cannot be read.
    """
    try:
        tls = ssl.create_default_context(cafile=os.environ.get(CA_VARIABLE) or None)
    except OSError as error:
        raise SettingsError(f"{CA_VARIABLE} must name a PEM file of certificate authorities") from error
    return Poster(reach_of(settings), tls)


def base_url_of(settings: Settings) -> str:
    """Give where recipients reach the inbox: RELAY_PUBLIC_URL, else this house's own address.

    Raises:
        SettingsError: production without one reached by TLS.
    """
    url = os.environ.get("RELAY_PUBLIC_URL") or os.environ.get("RELAY_ROUTING_URL") or ""
    if settings.profile == "production" and not url.startswith("https://"):
        raise SettingsError("RELAY_PUBLIC_URL must be the https address at which recipients reach the inbox")
    return (url or f"http://{settings.http_host}:{settings.http_port}").rstrip("/")


def endpoints_of(context: Context) -> Endpoints:
    """Give the registration of endpoints."""
    settings = context.settings
    seal = SecretSeal(context.journal.desk.local_key)
    return Endpoints(context.pool, context.clock, reach_of(settings), poster_of(settings), seal)


def routes_of(context: Context) -> APIRouter:
    """Give the routes of the webhooks."""
    endpoints, queue = endpoints_of(context), Queue(context.pool)
    both = APIRouter()
    both.include_router(webhook_routes(endpoints, queue))
    both.include_router(channel_routes(endpoints, queue))
    return both


async def send(context: Context, book: Book) -> None:
    """Send webhooks for as long as the process lives."""
    async with poster_of(context.settings) as poster:
        sending = Sending(context, book, poster, base_url_of(context.settings))
        context.health.add("webhooks", lambda: not sending.failing, "webhooks are not sent; is the database up?")
        await sending.run()


async def watch(context: Context) -> None:
    """Keep the gauges true, park what was tried for a day, and say aloud when a channel is dead."""
    queue, registry = Queue(context.pool), context.telemetry.registry
    endpoints = Gauge("relay_webhook_endpoints", "Webhook endpoints, by state", ["state"], registry=registry)
    messages = Gauge("relay_webhook_messages", "Webhook messages, by state", ["state"], registry=registry)
    alarmed: set[str] = set()
    while True:
        try:
            now = context.clock.now()
            await queue.park_old(now)
            rows = await queue.standing()
        except database.PASSING as error:
            log.warning("channels not looked at, trying again", error=type(error).__name__)
        else:
            dead = {str(row["endpoint_id"]) for row in rows if alarms(row, now)}
            for state in ("pending", "enabled", "disabled"):
                endpoints.labels(state).set(sum(row["state"] == state for row in rows))
            endpoints.labels("dead").set(len(dead))
            messages.labels("waiting").set(sum(row["waiting"] for row in rows))
            messages.labels("parked").set(sum(row["parked"] for row in rows))
            if dead - alarmed:
                log.error("a webhook channel is dead: telephone its agency", channel="webhook", count=len(dead))
            alarmed = dead
        await asyncio.sleep(WATCH_EVERY_S)
