"""Where a concern stands for its sender, and the watch over it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import DecisionRecorded
from concern_relay.v1.shares_pb2 import OutcomeGiven, ShareAcknowledged, ShareDelivered, SharePlanned
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database

CSC = codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE


async def raised(intake, **fields) -> str:
    """Raise a concern and give its id."""
    return str((await intake.post(submission(**fields))).json()["concern_id"])


async def test_the_sender_follows_its_concern_to_the_outcome(new_intake):
    """Received, acknowledged, outcome: nothing of who was told."""
    async with new_intake() as intake:
        concern = await raised(intake)
        seen = []
        for data in (
            SharePlanned(concern_id=concern, share_id="s", recipient_agency_id="kent-csc", recipient_class=CSC),
            ShareDelivered(concern_id=concern, share_id="s", recipient_agency_id="kent-csc"),
            ShareAcknowledged(concern_id=concern, share_id="s", recipient_agency_id="kent-csc"),
            OutcomeGiven(concern_id=concern, share_id="s", outcome=codes.ShareOutcome.SHARE_OUTCOME_SECTION_47_ENQUIRY),
        ):
            await intake.hear(concern, data)
            answer = await intake.get(f"/v1/concerns/{concern}")
            assert "kent-csc" not in answer.text
            seen.append(answer.json())

        assert [s["state"] for s in seen] == ["received", "received", "acknowledged", "outcome_given"]
        assert seen[2]["acknowledged_at"]
        assert seen[3]["outcome"]["code"] == "section_47_enquiry"
        assert (await intake.get("/v1/concerns")).json()["concerns"] == [seen[3]]


async def test_the_reasons_come_back_to_the_sender_and_nobody_elses_do(new_intake):
    """No further action, with why: in words, from who answers the sender; what the police wrote is not shown."""
    async with new_intake() as intake:
        concern = await raised(intake)
        police = codes.AgencyClass.AGENCY_CLASS_POLICE
        nfa = codes.ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION
        for share_id, agency_class, words in (("s", CSC, "Below the threshold."), ("p", police, "Known to us.")):
            await intake.hear(
                concern, SharePlanned(concern_id=concern, share_id=share_id, recipient_class=agency_class)
            )
            await intake.hear(concern, OutcomeGiven(concern_id=concern, share_id=share_id, outcome=nfa), words=words)

        answer = await intake.get(f"/v1/concerns/{concern}")

        assert answer.json()["outcome"]["reason"] == "Below the threshold."
        assert "Known to us." not in answer.text


async def test_of_another_agencys_concern_not_even_the_existence_is_said(new_intake):
    """The same answer as for an id that never was."""
    async with new_intake() as intake:
        concern = await raised(intake)

        other = await intake.get(f"/v1/concerns/{concern}", agency="stourside-academy")
        never = await intake.get(f"/v1/concerns/{uuid4()}", agency="stourside-academy")

        assert (other.status_code, never.status_code) == (404, 404)
        assert other.json() == never.json()
        assert (await intake.get("/v1/concerns", agency="stourside-academy")).json() == {"concerns": [], "after": None}


async def test_pages_show_every_concern_once_newest_first(new_intake):
    """With others of the same moment between two pages."""
    async with new_intake() as intake:
        ids = [await raised(intake, reference=f"r{n}") for n in range(7)]
        seen: list[str] = []
        after = ""
        while True:
            page = (await intake.get("/v1/concerns", limit=3, **({"after": after} if after else {}))).json()
            seen += [c["concern_id"] for c in page["concerns"]]
            after = page["after"]
            if after is None:
                break

        assert seen == ids[::-1]


@pytest.mark.parametrize("after", ["x", "1_", "nan_00000000-0000-0000-0000-000000000000", "1e300_" + "0" * 32, "_"])
async def test_a_cursor_nobody_gave_is_refused(shared_intake, after):
    """With what to do."""
    answer = await shared_intake.get("/v1/concerns", after=after)

    assert (answer.status_code, answer.json()["code"]) == (422, "after_not_valid")


async def test_practice_that_nobody_has_makes_nobody_telephone(new_intake):
    """Given a practice concern whose watch ran out, the event says practice, its sender is not told to call."""
    async with new_intake() as intake:
        concern = await raised(intake, test=True)
        await intake.later(timedelta(minutes=15, seconds=5))

        status = (await intake.get(f"/v1/concerns/{concern}")).json()
        _, expired = await intake.recorded()
        assert (expired.type, expired.data.test) == ("WatchExpired", True)
        assert status["notice"] == []


async def test_nobody_has_it_after_fifteen_minutes_so_the_alarm_says_telephone(new_intake):
    """Recorded for the front door, shown to the sender (practice 1)."""
    async with new_intake() as intake:
        concern = await raised(intake)

        assert await intake.later(timedelta(minutes=14, seconds=55)) == []
        (due,) = await intake.later(timedelta(seconds=10))

        status = (await intake.get(f"/v1/concerns/{concern}")).json()
        _, expired = await intake.recorded()
        assert due.timer.name == "watch"
        assert (expired.type, expired.data.agency_id) == ("WatchExpired", "larkfield-primary")
        assert [n["code"] for n in status["notice"]] == ["telephone_now"]

        await intake.hear(concern, ShareDelivered(concern_id=concern, share_id="s"))
        assert (await intake.get(f"/v1/concerns/{concern}")).json()["notice"] == []


@pytest.mark.parametrize("data", [ShareDelivered(share_id="s"), DecisionRecorded(decision_id="d")], ids=str)
async def test_no_alarm_where_somebody_has_it(new_intake, data):
    """A delivered share or a person's decision drops the timer."""
    async with new_intake() as intake:
        concern = await raised(intake)
        data.concern_id = concern
        await intake.hear(concern, data)

        assert await intake.later(timedelta(hours=1)) == []
        assert len(await intake.recorded()) == 1


async def test_history_is_not_watched(new_intake):
    """No share, no clock, no pattern (practice 29)."""
    async with new_intake() as intake:
        await raised(intake, history=True)

        assert await intake.later(timedelta(days=1)) == []


async def test_the_table_says_what_the_fold_says(new_intake):
    """Two homes of one fold: what a list shows is what the events mean."""
    async with new_intake() as intake:
        concern = await raised(intake)
        await intake.post(submission(text="More.", urgency="emergency"))
        for data in (
            SharePlanned(concern_id=concern, share_id="s", recipient_class=CSC),
            ShareAcknowledged(concern_id=concern, share_id="s"),
        ):
            await intake.hear(concern, data)

        state, _ = await intake.journal.state(concern)
        standing = await intake.acceptance.concerns.standing(concern)

        assert standing is not None
        assert standing.status == state.status
        assert state.status.version == 2


async def test_what_is_heard_of_a_concern_never_raised_here_is_passed_over(new_intake):
    """A pattern has shares too, and is nobody's submission."""
    async with new_intake() as intake:
        stranger = str(uuid4())
        await intake.hear(stranger, SharePlanned(concern_id=stranger, share_id="s", recipient_class=CSC))

        assert await intake.acceptance.concerns.standing(stranger) is None
