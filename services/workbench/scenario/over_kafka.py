"""Raising and following up over Kafka on the running house, as an agency that was let in does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from concern_relay_client import Accepted, Client, NoAnswer, Problem
from concern_relay_client.kafka import KafkaClient
from services.workbench.calls import CallError, Calls
from services.workbench.onboarding import let_in
from services.workbench.servers import Servers
from services.workbench.servers.state import StateDir


def raised_over_kafka(servers: Servers, calls: Calls, agency: str, tree: dict[str, Any]) -> str:
    """Let an agency in, if it is not yet; raise over Kafka; give the concern's id.

    Raises:
        CallError: refused, with the code of the problem; or no answer.
    """
    return _sent(servers, calls, agency, lambda kafka: kafka.raise_concern(tree)).concern_id


def followed_over_kafka(
    servers: Servers, calls: Calls, agency: str, what: tuple[str, str], tree: dict[str, Any]
) -> None:
    """Let an agency in, if it is not yet; follow a concern up over Kafka: in which way, and which concern.

    Raises:
        CallError: as for raising.
    """
    _sent(servers, calls, agency, lambda kafka: kafka.follow_up(*what, tree))


def _sent(
    servers: Servers, calls: Calls, agency: str, send: Callable[[KafkaClient], Coroutine[Any, Any, Accepted]]
) -> Accepted:
    told = let_in(servers, StateDir.at(servers.state_dir), agency, calls.url("intake")).told
    try:
        with Client(told["url"], Path(told["token_file"]).read_text().strip()) as relay:
            return asyncio.run(_answered(relay, told, send))
    except Problem as problem:
        raise CallError(problem.status, problem.code, problem.detail) from problem
    except NoAnswer as error:
        raise CallError(0, "no_answer", str(error)) from error


async def _answered(
    relay: Client, told: dict[str, Any], send: Callable[[KafkaClient], Coroutine[Any, Any, Accepted]]
) -> Accepted:
    async with KafkaClient(relay, agency=told["agency"], connection=told["kafka"]) as kafka:
        return await send(kafka)
