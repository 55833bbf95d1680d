"""An agreement revoked between assessment and sending: what rests on it alone stops, on every channel; nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import AgencyClass, Outcome, Urgency
from concern_relay.v1.shares_pb2 import ShareDelivered
from services.routing.core.policy import subject_of
from tests.routing.rig import KENT_CSC, KENT_POLICE, Case, Rig, deployed_with, routing

pytestmark = pytest.mark.database

HUB, OPERATOR = "maidstone-family-hub", "operator"
BODY = {"agency_id": HUB, "name": "Lee Example", "role": "information governance lead", "words": "it was not renewed"}


async def agreed(rig: Rig, urgency: Urgency = Urgency.URGENCY_ROUTINE) -> Case:
    """A concern that a family hub is told of because somebody decided so, and social care because it must be."""
    case = await rig.raise_(urgency=urgency, known_to=(HUB,))
    data = BasisAssessed(
        concern_id=case.concern_id,
        assessed_event_id=str(case.raised.id),
        arrangement_sha256=rig.book.arrangements[0].sha256,
    )
    for agency_class, outcome, must in (
        (AgencyClass.AGENCY_CLASS_FAMILY_HELP, Outcome.OUTCOME_SHARE_CONSENT, False),
        (AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE, Outcome.OUTCOME_SHARE_POWER, True),
        (AgencyClass.AGENCY_CLASS_POLICE, Outcome.OUTCOME_SHARE_POWER, True),
    ):
        items = [ItemAssessment(part_id=p, outcome=outcome) for p in case.parts]
        data.classes.append(ClassAssessment(recipient_class=agency_class, outcome=outcome, must=must, items=items))
    await rig.take(rig.event("assessments.v1", case.concern_id, data, based_on=(("concerns.v1", case.raised.id),)))
    return case


async def said(rig: Rig, path: str, by: str = HUB, **other: Any) -> tuple[int, dict[str, Any]]:
    """Ask for a revocation or a renewal."""
    scopes = {"operate"} if by == OPERATOR else {"inbox"}
    async with rig.client(by, *scopes) as client:
        response = await client.post(f"/v1/agreements/{path}", json={**BODY, **other})
        return response.status_code, response.json()


async def test_what_waits_is_stopped_before_the_answer(new_routing) -> None:
    """Planned, not yet delivered: the hub's is stopped, recorded, and its reason kept; who must be told has it."""
    async with new_routing() as rig:
        case = await agreed(rig)
        assert (await rig.share(case, HUB))["state"] == "planned"

        status, answer = await said(rig, "revocations")

        assert (status, answer["stopped"], answer["renewed_at"]) == (200, 1, None)
        await rig.deliver()
        assert (await rig.share(case, HUB))["state"] == "blocked"
        assert (await rig.share(case, KENT_CSC))["state"] == "delivered"
        assert (await rig.share(case, KENT_POLICE))["state"] == "delivered"
        (blocked,) = await rig.events(case, "DispatchBlocked")
        assert (blocked.data.reason_code, bool(blocked.data.agreement_ref)) == ("policy_stale", True)
        assert [e.data.reason for e in await rig.events(case, "ShareWithheld") if e.data.agency_id == HUB]


async def test_what_comes_later_is_stopped_at_the_door(new_routing) -> None:
    """Assessed after the revocation: the door stops it, and nothing is planned for the hub again."""
    async with new_routing() as rig:
        await said(rig, "revocations")
        case = await agreed(rig)

        await rig.deliver()

        assert (await rig.share(case, HUB))["state"] == "blocked"
        assert (await rig.share(case, KENT_CSC))["state"] == "delivered"
        assert await rig.deliver() == 0
        assert not [e for e in await rig.events(case, "ShareDelivered") if e.data.recipient_agency_id == HUB]


async def test_what_is_urgent_never_waits_for_papers(new_routing) -> None:
    """An urgent concern reaches the hub whether its agreement stands or not."""
    async with new_routing() as rig:
        await said(rig, "revocations")
        case = await agreed(rig, Urgency.URGENCY_URGENT)

        await rig.deliver()

        assert (await rig.share(case, HUB))["state"] == "delivered"
        assert not await rig.events(case, "DispatchBlocked")


async def test_who_must_be_told_is_told_without_an_agreement(new_routing) -> None:
    """Social care revokes: what it must be told goes on, whatever was signed."""
    async with new_routing() as rig:
        case = await agreed(rig)

        status, answer = await said(rig, "revocations", KENT_CSC, agency_id=KENT_CSC)

        assert (status, answer["stopped"]) == (200, 0)
        await rig.deliver()
        assert (await rig.share(case, KENT_CSC))["state"] == "delivered"


async def test_what_has_left_stays_with_its_recipient(new_routing) -> None:
    """A revocation is no recall: what the hub has, it reads and acknowledges."""
    async with new_routing() as rig:
        case = await agreed(rig)
        await rig.deliver()

        _, answer = await said(rig, "revocations")

        assert answer["stopped"] == 0
        share_id = (await rig.share(case, HUB))["share_id"]
        async with rig.client(HUB) as client:
            response = await client.post(
                f"/v1/inbox/{share_id}/acknowledge", json={"name": "Sam Example", "role": "family worker"}
            )
            assert response.status_code == 200


async def test_when_it_stands_again_what_was_stopped_is_sent_once(new_routing) -> None:
    """Renewed by who revoked it: the content goes under a new share, once, however often it is said."""
    async with new_routing() as rig:
        case = await agreed(rig)
        await said(rig, "revocations")
        stopped = (await rig.share(case, HUB))["share_id"]

        first = await said(rig, "renewals")
        again = await said(rig, "renewals")

        assert (first[1]["planned_anew"], again[0], again[1]["planned_anew"]) == (1, 200, 0)
        await rig.deliver()
        row = await rig.share(case, HUB)
        assert (row["state"], row["share_id"] != stopped) == ("delivered", True)
        delivered = [e for e in await rig.events(case, "ShareDelivered") if e.data.recipient_agency_id == HUB]
        assert len(delivered) == 1


async def test_each_party_takes_back_only_its_own_revocation(new_routing) -> None:
    """Both revoked it: it stands when both have renewed it, and a stranger can do neither."""
    async with new_routing() as rig:
        case = await agreed(rig)
        await said(rig, "revocations")
        await said(rig, "revocations", OPERATOR)
        stranger = await said(rig, "revocations", KENT_POLICE)
        assert (stranger[0], stranger[1]["code"]) == (403, "not_your_agreement")

        mine = await said(rig, "renewals")

        assert mine[1]["planned_anew"] == 0
        await rig.deliver()
        assert (await rig.share(case, HUB))["state"] == "blocked"
        theirs = await said(rig, "renewals", OPERATOR)
        assert theirs[1]["planned_anew"] == 1


async def test_bad_requests_say_what_to_do(new_routing) -> None:
    """Nobody's agency, one that signed nothing, one that was not revoked, nobody named."""
    async with new_routing() as rig:
        unknown = await said(rig, "revocations", OPERATOR, agency_id="no-such-agency")
        unsigned = await said(rig, "revocations", OPERATOR, agency_id="chatham-vale-primary")
        unrevoked = await said(rig, "renewals")
        nameless = await said(rig, "revocations", name="")

        assert (unknown[0], unknown[1]["code"]) == (404, "unknown_agency")
        assert (unsigned[0], unsigned[1]["code"]) == (409, "no_agreement")
        assert (unrevoked[0], unrevoked[1]["code"]) == (409, "not_revoked")
        assert nameless[0] in {400, 422}


async def test_twice_is_harmless_and_after_a_renewal_it_counts_again(new_routing) -> None:
    """Revoked twice, renewed, revoked: two revocations and one renewal are on record, under the agency's own id."""
    async with new_routing() as rig:
        for path in ("revocations", "revocations", "renewals", "revocations"):
            status, _ = await said(rig, path)
            assert status == 200

        rows = await rig.pool.fetch(
            "SELECT headers FROM entry WHERE concern_id = $1 AND origin = 'o'", UUID(subject_of(HUB))
        )
        assert len(rows) == 3
        async with rig.client(HUB, "inbox") as client:
            listed = (await client.get("/v1/agreements/revocations")).json()["revocations"]
        assert [one["renewed_at"] is None for one in listed] == [True, False]


async def test_by_hand_nothing_is_handed_over_and_the_rest_is_planned(database, tmp_path) -> None:
    """A share that waits for a person is stopped too; the page behind it is gone, and says so."""
    deploy = deployed_with(tmp_path, {HUB: "manual"})
    async with routing(database, tmp_path, deploy) as rig:
        case = await agreed(rig)
        await said(rig, "revocations", OPERATOR)
        share_id = (await rig.share(case, HUB))["share_id"]

        async with rig.client("larkfield-primary", "raise") as client:
            page = await client.post(f"/v1/by-hand/{share_id}/pack", json={"name": "Pat Example", "role": "lead"})

        assert page.status_code == 410
        assert not [e for e in await rig.events(case) if isinstance(e.data, ShareDelivered)
                    and e.data.recipient_agency_id == HUB]  # fmt: skip
