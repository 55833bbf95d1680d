"""Letting an agency in: its login, topics and access rules on Kafka, its token, and what it has to be told of them.

Everything is made so that doing it again changes nothing; what an agency has is in one private file, to be handed over.
Who is in is remembered in the state folder; the cluster is then held to that as to the rest of the registry.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jwt

from services.chassis import topics
from services.chassis.arrangement import SANDBOX_PREFIX, ArrangementBook
from services.chassis.tokens import FOR_GOOD, local_token, revoked_of
from services.chassis.topics.cluster import Cluster
from services.workbench.servers import Servers
from services.workbench.servers.scram import remove_logins, set_logins
from services.workbench.servers.state import StateDir, write_private

FILE: Final = "agencies.json"
GROUP: Final = "agency"
RECEIPT_KEYS: Final = "receipts.keys"
"""Where intake publishes them, the newest first."""
RENEW_BEFORE_S: Final = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Letting:
    """What letting an agency in led to.

    Attributes:
        agency_id: the agency.
        changed: what was not so before: login, topics, rules, token.
        handover: private file with all that the agency needs.
    """

    agency_id: str
    changed: tuple[str, ...]
    handover: Path
    told: dict[str, Any] = field(repr=False)


Act = Callable[[Servers, StateDir, str, str], Letting]


def onboarded(state: StateDir) -> tuple[str, ...]:
    """Give the agencies that were let in and are not gone."""
    return tuple(sorted(state.read(FILE)))


def known(agency_id: str, folder: Path) -> bool:
    """Whether an agency may be let in: one of an arrangement, as the files now stand, or a sandbox."""
    if agency_id.startswith(SANDBOX_PREFIX):
        return True
    return any(agency_id in arrangement.agencies for arrangement in ArrangementBook.load(folder).arrangements)


def let_in(servers: Servers, state: StateDir, agency_id: str, url: str) -> Letting:
    """Give an agency its login, topics, access rules and token; what it has, it keeps.

    Raises:
        ServersError, TopicsError: the broker is away or refuses.
    """
    changed: list[str] = []
    rows = state.read(FILE)
    topics.load().topics([agency_id])  # an impossible name is refused before anything is made
    admin = servers.kafka.connection("admin")
    if agency_id not in rows:
        changed.append("login")
    password = state.secret(GROUP, agency_id)
    asyncio.run(set_logins(admin, {agency_id: password}))
    state.write(FILE, {**rows, agency_id: {"since": rows.get(agency_id, {}).get("since") or _now()}})
    applied = asyncio.run(topics.apply(topics.load(), admin, agencies=onboarded(state)))
    changed += ["topics"] if applied.created else []
    changed += ["rules"] if applied.granted or applied.revoked else []
    if _lifted(state, agency_id) | (_issues_tokens() and not _token_holds(state, agency_id)):
        if _issues_tokens():
            local_token(state.path, agency_id)
        changed.append("token")
    return Letting(agency_id, tuple(changed), *_handover(servers, state, agency_id, password, url))


def renew(servers: Servers, state: StateDir, agency_id: str, url: str) -> Letting:
    """Give an agency a new password and a new token; those before hold no longer."""
    state.forget_secret(GROUP, agency_id)
    revoked_of(state.path).revoke(agency_id, int(time.time()) + 1)
    if _issues_tokens():
        local_token(state.path, agency_id)
    done = let_in(servers, state, agency_id, url)
    return Letting(agency_id, ("login", "token"), done.handover, done.told)


def let_go(servers: Servers, state: StateDir, agency_id: str, *, purge: bool) -> tuple[str, ...]:
    """Take an agency's login, access rules and tokens away; give what was done.

    Its topics stay until their time is up, so that intake still takes what lies there; ``purge`` deletes them.
    """
    admin = servers.kafka.connection("admin")
    revoked_of(state.path).revoke(agency_id, FOR_GOOD)
    (state.path / "tokens" / f"{agency_id}.jwt").unlink(missing_ok=True)
    asyncio.run(remove_logins(admin, [agency_id]))
    state.forget_secret(GROUP, agency_id)
    asyncio.run(_off_the_cluster(admin, agency_id, purge=purge))
    rows = state.read(FILE)
    rows.pop(agency_id, None)
    state.write(FILE, rows)
    _handover_path(state, agency_id).unlink(missing_ok=True)
    return ("tokens", "login", "rules", *(["topics"] if purge else []))


def told_of(state: StateDir, agency_id: str) -> dict[str, Any] | None:
    """Give what an agency was told, its secrets left out; None: it is not in."""
    row = state.read(FILE).get(agency_id)
    if row is None:
        return None
    path = _handover_path(state, agency_id)
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    told.get("kafka", {}).pop("sasl_plain_password", None)
    return {"agency": agency_id, **row, **told, "handover": str(path)}


async def _off_the_cluster(admin: dict[str, Any], agency_id: str, *, purge: bool) -> None:
    named = {topic.name for topic in topics.load().topics([agency_id]) if agency_id in topic.name}
    async with Cluster(admin) as cluster:
        rules = await cluster.granted()
        await cluster.revoke([acl for acl in rules if acl.principal == agency_id or (purge and acl.name in named)])
        if purge:
            await cluster.delete(sorted(named))


def _issues_tokens() -> bool:
    """Whether tokens are made here; where an OpenID Connect issuer is set, it alone makes them."""
    return not os.environ.get("RELAY_OIDC_JWKS_URL")


def _lifted(state: StateDir, agency_id: str) -> bool:
    """Take the ban of a removal away; tokens from before it stay refused."""
    revoked = revoked_of(state.path)
    if revoked.before(agency_id) < FOR_GOOD:
        return False
    revoked.revoke(agency_id, int(time.time()) + 1)
    return True


def _token_holds(state: StateDir, agency_id: str) -> bool:
    try:
        text = (state.path / "tokens" / f"{agency_id}.jwt").read_text().strip()
        claims = jwt.decode(text, options={"verify_signature": False})
    except (OSError, jwt.PyJWTError):
        return False
    refused = revoked_of(state.path).refuses(agency_id, int(claims["iat"]))
    return not refused and float(claims["exp"]) > time.time() + RENEW_BEFORE_S


def _handover(
    servers: Servers, state: StateDir, agency_id: str, password: str, url: str
) -> tuple[Path, dict[str, Any]]:
    kafka = dict(servers.kafka.connection("admin"))
    if servers.kafka.mechanism is not None:
        kafka |= {"sasl_plain_username": agency_id, "sasl_plain_password": password}
    told = {
        "agency": agency_id,
        "url": url,
        **({"token_file": str(state.path / "tokens" / f"{agency_id}.jwt")} if _issues_tokens() else {}),
        "receipt_key": _receipt_key(state),
        "kafka": kafka,
        "submissions": f"submissions.{agency_id}.v1",
        "receipts": f"receipts.{agency_id}.v1",
        "group_prefix": f"{agency_id}.",
    }
    path = _handover_path(state, agency_id)
    write_private(path, json.dumps(told, indent=1) + "\n")
    return path, told


def _receipt_key(state: StateDir) -> str:
    """Give the verifier key of receipts, to be pinned by who holds them; empty before intake has run."""
    path = state.path / RECEIPT_KEYS
    return path.read_text().split()[0] if path.exists() else ""


def _handover_path(state: StateDir, agency_id: str) -> Path:
    return state.folder("agencies") / f"{agency_id}.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
