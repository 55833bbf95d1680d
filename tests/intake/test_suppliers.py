"""Suppliers: for the agencies they are listed for, recorded beside them, and for nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.chassis.auth import mint_token
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database

MIS = "supplier-mis"
LISTED = "version: 1\nsuppliers: {supplier-mis: {name: MIS, serves: [larkfield-primary, sandbox-mis]}}\n"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list with one supplier for one school and its sandbox."""
    path = tmp_path / "suppliers.yaml"
    path.write_text(LISTED)
    return path


async def _send(intake: Any, agency: str, *, behalf: str = "", scopes: str = "supply", reference: str = "r") -> Any:
    headers = {"Authorization": f"Bearer {intake.token(agency, frozenset({scopes}))}"}
    headers |= {"On-Behalf-Of": behalf} if behalf else {}
    return await intake.client.post("/v1/concerns", json=submission(reference=reference), headers=headers)


async def test_a_supplier_raises_for_an_agency_and_is_recorded_beside_it(new_intake, listed) -> None:
    """The school is the sender, sees its concern, and the event says who sent it; the follow-up too."""
    async with new_intake(suppliers=listed) as intake:
        answer = await _send(intake, MIS, behalf="larkfield-primary")
        concern_id = answer.json()["concern_id"]
        headers = {
            "Authorization": f"Bearer {intake.token(MIS, frozenset({'supply'}))}",
            "On-Behalf-Of": "larkfield-primary",
        }
        added = await intake.client.post(f"/v1/concerns/{concern_id}/information", json={"text": "x"}, headers=headers)
        events = await intake.recorded(concern_id)

        assert [answer.status_code, added.status_code] == [202, 202]
        assert (await intake.get(f"/v1/concerns/{concern_id}")).status_code == 200
        assert {(e.data.agency_id, e.data.on_behalf_by) for e in events} == {("larkfield-primary", MIS)}


@pytest.mark.parametrize(
    ("agency", "behalf", "scopes", "status", "code"),
    [
        (MIS, "stourside-academy", "supply", 403, "not_your_agency"),
        (MIS, "", "supply", 400, "on_behalf_missing"),
        ("supplier-other", "larkfield-primary", "supply", 403, "not_your_agency"),
        ("stourside-academy", "larkfield-primary", "raise", 403, "not_a_supplier"),
        (MIS, "larkfield-primary", "inbox", 403, "scope_missing"),
    ],
)
async def test_who_is_not_listed_for_an_agency_is_refused(
    new_intake, listed, agency, behalf, scopes, status, code
) -> None:
    """Another agency, no agency, another supplier, a school that poses as one: a problem, and nothing recorded."""
    async with new_intake(suppliers=listed) as intake:
        answer = await _send(intake, agency, behalf=behalf, scopes=scopes)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert await intake.recorded() == []


async def test_a_token_of_the_agency_that_names_its_supplier_is_held_to_the_list(new_intake, listed) -> None:
    """The claim ``act`` names the supplier; taken off the list, it is refused at once."""
    async with new_intake(suppliers=listed) as intake:
        token = mint_token(
            intake._token_key, agency_id="larkfield-primary", subject="s", scopes=frozenset({"raise"}), actor=MIS
        )
        headers = {"Authorization": f"Bearer {token}"}
        first = await intake.client.post("/v1/concerns", json=submission(reference="act"), headers=headers)
        listed.write_text("version: 1\nsuppliers: {}\n")
        second = await intake.client.post("/v1/concerns", json=submission(reference="act 2"), headers=headers)
        (event,) = await intake.recorded()

        assert [first.status_code, second.status_code] == [202, 403]
        assert event.data.on_behalf_by == MIS


async def test_what_a_supplier_sends_for_a_sandbox_is_practice(new_intake, listed) -> None:
    """Whatever it says of itself, it can reach no real inbox."""
    async with new_intake(suppliers=listed) as intake:
        answer = await _send(intake, MIS, behalf="sandbox-mis")
        (event,) = await intake.recorded()

        assert answer.status_code == 202
        assert event.data.test is True


async def test_code_lists_say_what_each_code_means_and_are_asked_for_once(shared_intake) -> None:
    """A list has a version, the meaning of each code, and an ETag that answers 304 until it changes."""
    found = await shared_intake.client.get("/v1/codes/Urgency/meanings")
    again = await shared_intake.client.get(
        "/v1/codes/Urgency/meanings", headers={"If-None-Match": found.headers["etag"]}
    )
    other = await shared_intake.client.get("/v1/codes/Urgency", headers={"If-None-Match": found.headers["etag"]})

    assert [c["code"] for c in found.json()["codes"]] == other.json()
    assert all(c["description"] for c in found.json()["codes"])
    assert found.json()["version"].startswith("urn:sha256:")
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


async def test_a_version_that_is_not_served_is_refused(shared_intake) -> None:
    """Every answer says which version it is of; a version asked for by name is served or refused, never guessed."""
    served = await shared_intake.client.get("/v1/codes/Urgency", headers={"API-Version": "1"})
    refused = await shared_intake.client.get("/v1/codes/Urgency", headers={"API-Version": "2"})

    assert (served.status_code, served.headers["api-version"]) == (200, "1")
    assert (refused.status_code, refused.json()["code"]) == (400, "version_not_served")
