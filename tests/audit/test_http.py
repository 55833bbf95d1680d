"""What an auditor or operator gets over HTTP, and who is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from services.audit.api import journey_routes, ledger_routes
from services.audit.proof import Proof
from services.audit.signer import load_signer
from services.chassis.auth import mint_token, signing_key, tokens_of
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.integrity.leaf import leaf_of
from services.chassis.telemetry import Telemetry
from tests.audit.rig import Rig, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


@asynccontextmanager
async def client(rig: Rig, *scopes: str) -> AsyncIterator[httpx.AsyncClient]:
    """Call the app in this process, with a token of these scopes."""
    key = str(load_signer(rig.settings, rig.charter.origin).verifier)
    app = create_app(
        "audit", [ledger_routes(rig.pool, rig.charter.origin, [key]), journey_routes(rig.pool)], health=Health(),
        telemetry=Telemetry("audit"), tokens=tokens_of(rig.settings),
    )  # fmt: skip
    token = mint_token(
        signing_key(rig.settings.state_dir), agency_id="auditor", subject="auditor-1", scopes=frozenset(scopes)
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit", headers=headers) as http:
        yield http


async def test_a_proof_and_the_public_key_are_enough(new_rig) -> None:
    """Given a record, when its proof is asked for, then record, proof and public key show that it is in the ledger."""
    async with new_rig() as rig:
        async with rig.running():
            await rig.put(*(raised() for _ in range(40)))
            await rig.holds(40)
        async with client(rig, "audit") as http:
            record = rig.sent[17]
            event_id = dict(record.headers)["ce_id"].decode()
            proof = Proof.parse((await http.get(f"/v1/ledger/proof/{event_id}")).content)
            verifier = load_signer(rig.settings, rig.charter.origin).verifier
            assert (await http.get("/v1/ledger/keys")).text == f"{verifier}\n"

        leaf = leaf_of(record.topic, record.key, record.headers, record.value)
        checkpoint = proof.check(leaf, rig.charter.origin, [verifier])

        assert checkpoint.size == 40


async def test_the_export_verifies_and_ends_at_the_newest_checkpoint(new_rig) -> None:
    """Given a ledger, when its export is streamed, then an outsider finds nothing wrong with it."""
    async with new_rig() as rig:
        async with rig.running():
            await rig.put(*(raised(bulk=5000) for _ in range(200)))
            await rig.holds(200)
        async with client(rig, "operate") as http:
            export = await http.get("/v1/ledger/export")
            checkpoint = await http.get("/v1/ledger/checkpoint")

        report = await rig.verified(export.content, held=[checkpoint.content])

        assert report.ok, report.findings
        assert report.signed == 200


async def test_what_is_not_there_says_so(new_rig) -> None:
    """Given an empty ledger, when it is asked, then each answer is a problem with a remedy."""
    async with new_rig() as rig, client(rig, "audit") as http:
        answers = [
            await http.get(path)
            for path in (
                "/v1/ledger/checkpoint",
                f"/v1/ledger/proof/{uuid4()}",
                f"/v1/journeys/{uuid4()}",
                "/v1/journeys?after=x",
            )
        ]

        assert [a.status_code for a in answers] == [404, 404, 404, 422]
        assert [a.json()["code"] for a in answers[:3]] == ["nothing_signed", "not_in_ledger", "unknown_concern"]


@pytest.mark.parametrize("path", ["checkpoint", "export", "findings"])
async def test_an_agency_is_refused(new_rig, path) -> None:
    """Given an agency's token, when it asks the ledger or a journey, then it is refused."""
    async with new_rig() as rig, client(rig, "raise", "inbox") as http:
        assert (await http.get(f"/v1/ledger/{path}")).status_code == 403
        assert (await http.get("/v1/journeys")).status_code == 403


async def test_concerns_are_listed_page_by_page_the_newest_first(new_rig) -> None:
    """Given five concerns, one of them sent twice, when they are listed by two, then each comes once."""
    async with new_rig() as rig:
        events = [raised() for _ in range(5)]
        async with rig.running():
            for n, event in enumerate(events):
                await rig.put(event)
                await rig.holds(n + 1)
            await rig.put(events[0])
            await rig.holds(6)
        pages, after = [], ""
        async with client(rig, "operate") as http:
            while True:
                page = (await http.get("/v1/journeys", params={"limit": 2, "after": after})).json()
                pages.append([row["concern_id"] for row in page["journeys"]])
                if not (after := page["next"]):
                    break

        newest_first = [event.concern_id for event in reversed(events)]

        assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
