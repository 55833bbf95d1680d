"""Two events about one child at one agency, side by side; and the front door that raised a concern itself.

The notice of an attendance suppresses no concern, and no concern the notice (scenario S39). Nobody tells a front door
of what it raised about its own area, and it answers all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from concern_relay.v1.census_pb2 import ReferralSource
from concern_relay.v1.codes_pb2 import (
    AuthorityRole,
    Category,
    Channel,
    ConcernLevel,
    IdentifierCheck,
    IdentifierKind,
    RecallReason,
    ShareOutcome,
    StatutoryStatus,
    Trigger,
    Urgency,
)
from concern_relay.v1.facts_pb2 import Identifier, Item, NamedPerson, Part, Person, Status
from concern_relay.v1.shares_pb2 import DutyStarted, ShareAcknowledged, ShareDelivered, SharePlanned, ShareRecalled
from services.chassis.calendar import LONDON
from services.routing.core.plan import NO_RECIPIENT_JUSTIFIED
from tests.unit.routing.routing_cases import (
    CONCERN,
    DETAIL_ID,
    KENT,
    MEDWAY,
    Bench,
    added,
    assess,
    authority,
    concern_of,
    detail,
    item,
    person,
    pid,
    raised,
)

HOSPITAL, KENT_CSC, MEDWAY_CSC, EDT = "medway-maritime-hospital", "kent-csc", "medway-csc", "kent-edt"
UNKNOWN_LEVEL = ConcernLevel.CONCERN_LEVEL_UNSPECIFIED
NURSE = NamedPerson(name="Pat Example", role="nurse", contact="01634 496 0000")
CARE = Trigger.TRIGGER_UNSCHEDULED_CARE
CHILD, FRACTURE, FLAG = pid("person", "child"), pid("item", "fracture"), pid("item", "flag")


def seen_child() -> Person:
    """A child of three whose plan Kent holds, seen in Medway's emergency department."""
    plan = Status(status=StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN, gss_code=KENT)
    number = Identifier(
        kind=IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER,
        value="9990000018",
        check=IdentifierCheck.IDENTIFIER_CHECK_VALID,
    )
    child = person("child", age_years=3, statuses=[plan], identifiers=[number])
    child.authorities.append(authority(MEDWAY, AuthorityRole.AUTHORITY_ROLE_FOUND))
    return child


def fracture() -> Item:
    """What the emergency department worries about."""
    return item("fracture", Category.CATEGORY_PHYSICAL_HEALTH, core=True, about_person_id=CHILD)


def attended(*more: Item, urgency: Urgency = Urgency.URGENCY_ROUTINE, level: ConcernLevel | None = None) -> Bench:
    """The attendance, with what was worrying about it."""
    worried = ConcernLevel.CONCERN_LEVEL_SIGNIFICANT_HARM if level is None else level
    facts = detail(CARE, level=worried, raised_by=NURSE)
    return Bench().raise_and_assess(raised(facts, seen_child(), *more, sender=HOSPITAL, urgency=urgency))


def shares(bench: Bench, agency: str) -> dict[str, SharePlanned]:
    """An agency's shares by view."""
    return {share.view_code: share for share in bench.planned if share.recipient_agency_id == agency}


def view(bench: Bench, share: SharePlanned) -> Mapping[str, Part]:
    """What a share holds, opened."""
    return next(f.parts for f in bench.recorded if f.data is share)


def delivered(share: SharePlanned) -> ShareDelivered:
    """It is in the inbox."""
    return ShareDelivered(
        concern_id=CONCERN,
        share_id=share.share_id,
        recipient_agency_id=share.recipient_agency_id,
        channel=Channel.CHANNEL_INBOX,
        attempt=1,
    )


def test_the_notice_stands_beside_the_concern() -> None:
    """Kent holds the plan and gets both: the notice without the fracture, the concern with it; each names the other."""
    bench = attended(fracture())
    found = shares(bench, KENT_CSC)

    assert set(found) == {"notice", ""}
    assert view(bench, found["notice"]).keys() == {CHILD, DETAIL_ID}
    assert FRACTURE in view(bench, found[""])
    assert list(found["notice"].beside_share_ids) == [found[""].share_id]
    assert list(found[""].beside_share_ids) == [found["notice"].share_id]
    assert found["notice"].apart
    assert not found[""].apart


def test_who_holds_no_plan_gets_no_notice() -> None:
    """Medway, where the child was found, is told of the concern alone."""
    assert set(shares(attended(fracture()), MEDWAY_CSC)) == {""}


def test_a_notice_says_status_and_contact_and_no_more() -> None:
    """The plan, the child's number, whom to ring and when; no level, no trigger, nothing of the worry."""
    bench = attended(fracture())
    notice = shares(bench, KENT_CSC)["notice"]
    told = view(bench, notice)
    said = told[DETAIL_ID].detail

    assert said.raised_by.contact == "01634 496 0000"
    assert not said.level
    assert not said.triggers
    assert told[CHILD].person.statuses[0].gss_code == KENT
    assert told[CHILD].person.identifiers[0].value == "9990000018"


def test_nothing_is_said_to_be_withheld_from_who_got_it_beside() -> None:
    """The fracture is not in the notice, and stands in the share beside it: nothing was kept from Kent."""
    bench = attended(fracture())

    assert not [w for w in bench.withheld if w.agency_id == KENT_CSC]


def test_neither_acknowledgement_stands_for_the_other() -> None:
    """Whoever takes the notice has not taken the concern: its clock runs on."""
    bench = attended(fracture())
    notice, concern = (shares(bench, KENT_CSC)[view] for view in ("notice", ""))
    for share in (notice, concern):
        bench.act(delivered(share))
    said = ShareAcknowledged(concern_id=CONCERN, share_id=notice.share_id, recipient_agency_id=KENT_CSC)
    bench.act(said, NamedPerson(name="Ada Worker", role="duty"))

    assert bench.state.shares[notice.share_id].acknowledged_at
    assert not bench.state.shares[concern.share_id].acknowledged_at
    assert f"acknowledge:{concern.share_id}" in bench.timers
    assert f"acknowledge:{notice.share_id}" not in bench.timers


def test_recalling_the_notice_recalls_no_concern() -> None:
    """Each is called back by itself; the other stands, and social care is still told."""
    bench = attended(fracture())
    notice, concern = (shares(bench, KENT_CSC)[view] for view in ("notice", ""))
    bench.act(delivered(notice))
    reason = RecallReason.RECALL_REASON_SENT_IN_ERROR
    recall = ShareRecalled(concern_id=CONCERN, share_id=notice.share_id, agency_id=HOSPITAL, reason=reason)
    bench.act(recall, NamedPerson(name="Pat Example", role="nurse"))

    assert bench.state.shares[notice.share_id].recalled_at
    assert not bench.state.shares[concern.share_id].recalled_at


def test_what_is_urgent_wakes_people_with_the_concern_and_not_with_the_notice() -> None:
    """At night the emergency duty team has the concern; the notice waits for the front door, by the working day."""
    saturday = datetime(2026, 11, 28, 21, 10, tzinfo=LONDON)
    facts = detail(CARE)
    bench = Bench().raise_and_assess(
        raised(facts, seen_child(), fracture(), sender=HOSPITAL, urgency=Urgency.URGENCY_URGENT, at=saturday)
    )

    assert set(shares(bench, EDT)) == {""}
    assert set(shares(bench, KENT_CSC)) == {"", "notice"}
    assert shares(bench, KENT_CSC)["notice"].urgency == Urgency.URGENCY_ROUTINE


def test_the_concern_that_comes_later_goes_out_beside_the_notice() -> None:
    """First the notice alone; when the fracture is seen, Kent gets the concern whole, and Medway hears of it too."""
    bench = attended(level=UNKNOWN_LEVEL)
    assert bench.told == {KENT_CSC}

    worry = detail(CARE, Trigger.TRIGGER_PHYSICAL_ABUSE, raised_by=NURSE)
    more = added(worry, fracture())
    facts = raised(detail(CARE, level=UNKNOWN_LEVEL), seen_child(), sender=HOSPITAL)
    bench.feed(more, assess(concern_of(facts, more), assessed="added", name="second"))
    found = shares(bench, KENT_CSC)

    assert {CHILD, FRACTURE, DETAIL_ID} <= view(bench, found[""]).keys()
    assert list(found[""].beside_share_ids) == [found["notice"].share_id]
    assert MEDWAY_CSC in bench.told


def test_nothing_changes_for_the_notice_when_more_is_learnt_of_the_worry() -> None:
    """What the notice says still stands: it is not sent twice."""
    bench = attended(fracture())
    facts = raised(detail(CARE), seen_child(), fracture(), sender=HOSPITAL)
    more = added(item("bruise", Category.CATEGORY_PHYSICAL_HEALTH, about_person_id=CHILD))
    bench.feed(more, assess(concern_of(facts, more), assessed="added", name="second"))

    assert [s.view_code for s in bench.planned if s.recipient_agency_id == KENT_CSC] == ["notice", "", ""]


@pytest.mark.parametrize(
    ("facts", "things", "urgency"),
    [
        (detail(CARE, level=ConcernLevel.CONCERN_LEVEL_CHILD_IN_NEED), (), Urgency.URGENCY_ROUTINE),
        (detail(CARE, Trigger.TRIGGER_NEGLECT, level=UNKNOWN_LEVEL), (), Urgency.URGENCY_ROUTINE),
        (detail(CARE, level=UNKNOWN_LEVEL), (fracture(),), Urgency.URGENCY_ROUTINE),
        (detail(CARE, level=UNKNOWN_LEVEL), (), Urgency.URGENCY_URGENT),
        (detail(level=UNKNOWN_LEVEL), (), Urgency.URGENCY_ROUTINE),
    ],
)
def test_whatever_else_is_said_makes_it_a_concern(facts: object, things: tuple[Item, ...], urgency: Urgency) -> None:
    """A level, another circumstance, a worrying item, haste: who has the child in its area is told as well."""
    bench = Bench().raise_and_assess(raised(facts, seen_child(), *things, sender=HOSPITAL, urgency=urgency))  # type: ignore[arg-type]

    assert MEDWAY_CSC in bench.told


def test_a_plan_whose_authority_nobody_states_is_looked_up_where_the_child_lives() -> None:
    """A notice always reaches a front door."""
    child = person("child", lives=MEDWAY, age_years=3)
    bench = Bench().raise_and_assess(raised(detail(CARE, level=UNKNOWN_LEVEL), child, sender=HOSPITAL))

    assert bench.told == {MEDWAY_CSC}


def test_an_emergency_department_that_names_no_circumstance_gives_notice_all_the_same() -> None:
    """Where it comes from and the plan say enough."""
    facts = detail(Trigger.TRIGGER_PHYSICAL_ABUSE)
    facts.referral_source = ReferralSource.REFERRAL_SOURCE_3E_EMERGENCY_DEPARTMENT
    bench = Bench().raise_and_assess(raised(facts, seen_child(), fracture(), sender=HOSPITAL))

    assert set(shares(bench, KENT_CSC)) == {"", "notice"}


# -- the front door that raised it itself


def by_kent(*codes: tuple[str, AuthorityRole], urgency: Urgency = Urgency.URGENCY_ROUTINE) -> Bench:
    """Kent's front door raises a concern."""
    child = person("child", age_years=8)
    child.authorities.extend(authority(code, role) for code, role in codes)
    return Bench().raise_and_assess(raised(detail(), child, item("x", core=True), sender=KENT_CSC, urgency=urgency))


def own(bench: Bench) -> list[DutyStarted]:
    """The duties of a front door about what it raised itself."""
    return [f.data for f in bench.recorded if isinstance(f.data, DutyStarted) and f.data.duty_code == "own_concern"]


LIVES, FOUND = AuthorityRole.AUTHORITY_ROLE_LIVES, AuthorityRole.AUTHORITY_ROLE_FOUND


def test_a_front_door_answers_for_what_it_raised_itself() -> None:
    """Nobody tells it, and it has until the end of the next working day, as for anybody's concern; it leads."""
    bench = by_kent((KENT, LIVES))
    [duty] = own(bench)

    assert duty.agency_id == KENT_CSC
    assert duty.leads
    assert duty.due_at.ToDatetime() == datetime(2026, 11, 24, 17)  # noqa: DTZ001  (Greenwich time in November)
    assert bench.state.leads == {KENT_CSC}
    assert NO_RECIPIENT_JUSTIFIED not in {w.rule_code for w in bench.withheld}


def test_what_is_urgent_has_hours() -> None:
    """Four hours around the clock, as when somebody else had told it."""
    [duty] = own(by_kent((KENT, LIVES), urgency=Urgency.URGENCY_URGENT))

    assert duty.due_at.ToDatetime() == datetime(2026, 11, 23, 14)  # noqa: DTZ001


def test_what_is_anothers_area_is_the_others() -> None:
    """Kent raises a concern about a child of Medway: Medway is told, and no duty is Kent's."""
    bench = by_kent((MEDWAY, LIVES))

    assert not own(bench)
    assert bench.told == {MEDWAY_CSC}


def test_where_found_leads_before_who_raised_it() -> None:
    """The child lives in Kent and was found in Medway: both answer, Medway leads."""
    bench = by_kent((KENT, LIVES), (MEDWAY, FOUND))
    [duty] = own(bench)

    assert not duty.leads
    assert bench.state.leads == {MEDWAY_CSC}


def test_the_lead_passes_from_who_raised_it_to_who_accepts() -> None:
    """Kent raised it and leads; the child was found in Medway, as is learnt later; Medway accepts and leads."""
    bench = by_kent((KENT, LIVES))
    child = person("child", age_years=8)
    child.authorities.extend([authority(KENT), authority(MEDWAY, AuthorityRole.AUTHORITY_ROLE_HOLDS_PLAN)])
    facts = raised(detail(), person("child", lives=KENT, age_years=8), item("x", core=True), sender=KENT_CSC)
    more = added(child)
    bench.feed(more, assess(concern_of(facts, more), assessed="added", name="second"))
    bench.deliver(MEDWAY_CSC).acknowledge(MEDWAY_CSC)
    bench.outcome(MEDWAY_CSC, ShareOutcome.SHARE_OUTCOME_SECTION_47_ENQUIRY)

    assert bench.state.leads == {MEDWAY_CSC}


def test_it_is_started_once() -> None:
    """More is learnt: the clock of the first day runs on, and no second one."""
    bench = by_kent((KENT, LIVES))
    facts = raised(detail(), person("child", lives=KENT, age_years=8), item("x", core=True), sender=KENT_CSC)
    more = added(item("y"))
    bench.feed(more, assess(concern_of(facts, more), assessed="added", name="second"))

    assert len(own(bench)) == 1


def test_a_door_the_accused_can_read_owns_nothing() -> None:
    """Its director in person is told instead, as whenever somebody reads the inbox."""
    accused = person("worker", 5, can_read_agencies=[KENT_CSC])  # type: ignore[arg-type]
    child = person("child", lives=KENT, age_years=8)
    bench = Bench().raise_and_assess(raised(detail(), child, accused, item("x", core=True), sender=KENT_CSC))

    assert not own(bench)
    assert "kent-csc-director" in bench.told
