"""Who is told: scenarios of the field as given, when, then over the pure core."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    AuthorityRole,
    Channel,
    ConcernLevel,
    Outcome,
    PersonRole,
    StatutoryStatus,
    Ternary,
    Trigger,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.facts_pb2 import Person, Status
from concern_relay.v1.shares_pb2 import CorrectionSent
from tests.unit.routing.routing_cases import (
    CSC,
    EDUCATION,
    KENT,
    LEEDS,
    MEDWAY,
    POLICE,
    YES,
    Bench,
    added,
    arrangement,
    assess,
    authority,
    concern_of,
    corrected,
    detail,
    eid,
    event,
    item,
    person,
    pid,
    raised,
)

NIGHT = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
EMERGING = ConcernLevel.CONCERN_LEVEL_PROBLEMS_EMERGING
CHILD = PersonRole.PERSON_ROLE_CHILD
ADULT = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN


def reasons(bench: Bench, agency_class: AgencyClass) -> set[WithholdReason]:
    """Why a class, or part of what it could get, was withheld."""
    return {w.reason for w in bench.withheld if w.recipient_class == agency_class}


def test_s01_bruises_go_to_social_care_of_the_home_authority_and_police() -> None:
    """An academy's worry with a suspected crime: social care where the child lives, and police; nobody else yet."""
    concern = raised(
        detail(Trigger.TRIGGER_PHYSICAL_ABUSE, suspected_crime=YES),
        person("tom", lives=KENT),
        item("bruise", core=True),
    )

    bench = Bench().raise_and_assess(concern)

    assert bench.told == {"kent-csc", "kent-police"}
    assert reasons(bench, AgencyClass.AGENCY_CLASS_HEALTH) == {WithholdReason.WITHHOLD_REASON_LEAD_AGENCY_DECIDES}


def test_child_suspect_waits_for_a_person() -> None:
    """Two fifteen-year-olds and an image: police are not told; a person decides first (practice 6)."""
    concern = raised(
        detail(suspected_crime=YES, suspect_is_child=YES), person("amy", lives=KENT), item("image", core=True)
    )

    bench = Bench().raise_and_assess(concern, outcomes={POLICE: Outcome.OUTCOME_PROPOSED})

    assert bench.told == {"kent-csc"}
    assert reasons(bench, POLICE) == {WithholdReason.WITHHOLD_REASON_PERSON_DECIDES}


def test_two_authorities_are_both_told() -> None:
    """S31, S39: where the child lives, and the authority that holds the plan, which its status names."""
    status = Status(status=StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN, gss_code=MEDWAY)
    child = person("eva", lives=KENT, statuses=[status])

    bench = Bench().raise_and_assess(raised(detail(Trigger.TRIGGER_MOVE), child, item("moved", core=True)))

    assert bench.told == {"kent-csc", "medway-csc"}


def test_an_ended_plan_tells_nobody() -> None:
    """A plan that has ended names no authority."""
    status = Status(status=StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN, gss_code=MEDWAY, to_on="2025-01-01")

    bench = Bench().raise_and_assess(
        raised(detail(), person("eva", lives=KENT, statuses=[status]), item("x", core=True))
    )

    assert bench.told == {"kent-csc"}


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (AuthorityRole.AUTHORITY_ROLE_FOUND, {"kent-csc", "medway-csc"}),
        (AuthorityRole.AUTHORITY_ROLE_RESPONSIBLE, {"kent-csc", "medway-csc"}),
        (AuthorityRole.AUTHORITY_ROLE_FORMER, {"kent-csc"}),
    ],
)
def test_every_authority_concerned_is_told(role: AuthorityRole, told: set[str]) -> None:
    """Lives, found, holds the plan, responsible: all are told (practice 24); a former one only on a move."""
    child = person("eva", lives=KENT)
    child.authorities.append(authority(MEDWAY, role))

    bench = Bench().raise_and_assess(raised(detail(), child, item("x", core=True)))

    assert bench.told == told


def test_s29_known_fgm_goes_where_the_girl_lives() -> None:
    """School in Kent, girl lives in Medway: Kent Police and social care of Medway, by the next working day."""
    friday = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    girl = person("hana", lives=MEDWAY, school_agency_id="stourside-academy")
    concern = raised(
        detail(Trigger.TRIGGER_FGM_KNOWN, suspected_crime=YES), girl, item("told", core=True),
        sender="stourside-academy", at=friday,
    )  # fmt: skip

    bench = Bench().raise_and_assess(concern).deliver("kent-police", at=friday)

    assert bench.told == {"medway-csc", "kent-police"}
    share = bench.state.shares[bench.share("kent-police").share_id]
    assert share.acknowledge_by == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_s24_domestic_abuse_reaches_each_childs_own_school() -> None:
    """Police attend on Friday night: primary and college before Monday's bell; nursery and home are not."""
    concern = raised(
        detail(Trigger.TRIGGER_DOMESTIC_ABUSE, level=ConcernLevel.CONCERN_LEVEL_CHILD_IN_NEED),
        person("six", lives=KENT, school_agency_id="larkfield-primary"),
        person("sixteen", lives=KENT, school_agency_id="weald-college"),
        person("three", lives=KENT, school_agency_id="hopfield-nursery", known_to_agencies=["kent-community-health"]),
        person("nine", lives=KENT),
        item("incident", core=True),
        sender="kent-police",
        at=NIGHT,
    )

    bench = Bench().raise_and_assess(concern).deliver("weald-college", at=NIGHT)

    assert bench.told == {"kent-csc", "larkfield-primary", "weald-college"}
    assert bench.state.shares[bench.share("weald-college").share_id].acknowledge_by == datetime(
        2026, 11, 30, 8, 0, tzinfo=UTC
    )
    assert pid("person", "sixteen") in bench.view("weald-college")
    assert pid("person", "six") not in bench.view("weald-college")
    assert pid("person", "three") not in bench.view("larkfield-primary")
    proposed = {w.agency_id for w in bench.withheld if w.reason == WithholdReason.WITHHOLD_REASON_LEAD_AGENCY_DECIDES}
    assert proposed == {"hopfield-nursery", "kent-community-health"}


def test_s28_an_allegation_against_the_head_never_reaches_the_school() -> None:
    """Designated officer of the employer's authority; every inbox the head reads is suppressed."""
    head = person("head", ADULT, can_read_agencies=["larkfield-primary"])
    concern = raised(
        detail(Trigger.TRIGGER_POSITION_OF_TRUST, suspected_crime=YES),
        person("pupil", lives=KENT, school_agency_id="larkfield-primary"),
        head,
        item("gripped", core=True, about_person_id=head.person_id),
        sender="open-door-charity",
    )

    bench = Bench().raise_and_assess(concern, outcomes={EDUCATION: Outcome.OUTCOME_SHARE_POWER})

    assert {"kent-designated-officer", "kent-csc", "kent-police"} <= bench.told
    assert "larkfield-primary" not in bench.told
    assert bench.share("larkfield-primary-chair").fallback_code == "conflict"
    assert bench.share("larkfield-primary-chair").meant_agency_id == "larkfield-primary"


def test_a_front_door_the_accused_can_read_is_replaced_by_its_director() -> None:
    """A social worker is the adult of concern: the director in person is told, and the record says for whom."""
    worker = person("worker", ADULT, can_read_agencies=["kent-csc", "kent-edt"])

    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=KENT), worker, item("x", core=True)))

    assert bench.told == {"kent-csc-director"}
    share = bench.share("kent-csc-director")
    assert (share.meant_agency_id, share.fallback_code) == ("kent-csc", "conflict")
    assert list(share.channels) == [Channel.CHANNEL_MANUAL]


def test_when_every_inbox_could_be_read_a_person_telephones() -> None:
    """Nobody there is beyond the person's reach: the authority is telephoned; the concern never ends there."""
    worker = person("worker", ADULT, can_read_agencies=["kent-csc", "kent-edt", "kent-csc-director"])

    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=KENT), worker, item("x", core=True)))

    assert bench.told == {"outside-e10000016"}
    assert list(bench.share("outside-e10000016").channels) == [Channel.CHANNEL_MANUAL]


def test_a_professional_is_nobody_to_hide_from() -> None:
    """A named professional who works with the family reads their own inbox."""
    nurse = person("nurse", PersonRole.PERSON_ROLE_PROFESSIONAL, can_read_agencies=["kent-csc"])

    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=KENT), nurse, item("x", core=True)))

    assert bench.told == {"kent-csc"}


def test_an_authority_outside_is_told_by_hand_and_it_says_so() -> None:
    """A child who lives in Leeds: the front door of Leeds by telephone; the share says why."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=LEEDS), item("x", core=True)))

    assert bench.told == {"outside-e08000035"}
    assert bench.share("outside-e08000035").fallback_code == "outside_arrangement"


def test_a_welsh_authority_is_told_by_hand() -> None:
    """The manual channel serves Wales and Scotland (practice 23)."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives="W06000015"), item("x", core=True)))

    assert bench.told == {"outside-w06000015"}


@pytest.mark.parametrize("code", ["E99999999", "Kent", "E0600003"])
def test_a_code_nobody_knows_tells_the_senders_authority_too(code: str) -> None:
    """A mistyped authority never loses a child: the front door of the sender's area is told as well."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=code), item("x", core=True)))

    assert "kent-csc" in bench.told
    assert bench.share("kent-csc").fallback_code == "sender_area"


def test_no_authority_stated_falls_back_to_the_senders_area() -> None:
    """Nobody said where the child lives: one front door in the sender's area, and only one."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom"), item("x", core=True), sender="open-door-charity"))

    assert bench.told == {"kent-csc"}


def test_an_unknown_sender_still_reaches_a_front_door() -> None:
    """An agency nobody lists raised it: the arrangement's front door answers."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom"), item("x", core=True), sender="unheard-of"))

    assert bench.told == {"kent-csc"}


def test_a_merged_school_is_reached_at_its_successor() -> None:
    """A notice to a school that was merged goes to the one that took it over, and says so."""
    child = person("six", lives=MEDWAY, school_agency_id="chatham-vale-primary")
    concern = raised(detail(Trigger.TRIGGER_DOMESTIC_ABUSE), child, item("incident", core=True), sender="kent-police")

    bench = Bench().raise_and_assess(concern)

    share = bench.share("hoo-road-primary")
    assert (share.meant_agency_id, share.fallback_code) == ("chatham-vale-primary", "succeeded")


def test_an_unknown_school_is_on_record_and_the_front_door_is_told() -> None:
    """The school cannot be found: social care is told, and who could not be told is recorded with the reason."""
    child = person("six", lives=MEDWAY, school_agency_id="no-such-school")
    concern = raised(
        detail(Trigger.TRIGGER_DOMESTIC_ABUSE, level=EMERGING), child, item("incident", core=True), sender="kent-police"
    )

    bench = Bench().raise_and_assess(concern, outcomes={CSC: Outcome.OUTCOME_SHARE_POWER})

    assert bench.told == {"medway-csc"}
    [gap] = [w for w in bench.withheld if w.recipient_class == EDUCATION and w.agency_id == "no-such-school"]
    assert (gap.reason, gap.rule_code) == (WithholdReason.WITHHOLD_REASON_NO_ROLE, "agency_unknown")


def test_the_sender_is_not_told_of_its_own_concern() -> None:
    """Social care raised it itself: the other authority is told, the sender is not, and that is on record."""
    child = person("eva", lives=KENT)
    child.authorities.append(authority(MEDWAY, AuthorityRole.AUTHORITY_ROLE_FOUND))

    bench = Bench().raise_and_assess(raised(detail(), child, item("x", core=True), sender="kent-csc"))

    assert bench.told == {"medway-csc"}
    assert WithholdReason.WITHHOLD_REASON_IS_SENDER in reasons(bench, CSC)


def test_problems_emerging_end_with_a_reasoned_decision() -> None:
    """No row must be followed: nobody is told, and the decision says so (no recipient justified)."""
    bench = Bench().raise_and_assess(raised(detail(level=EMERGING), person("tom", lives=KENT), item("x", core=True)))

    assert bench.told == set()
    assert "no_recipient_justified" in {w.rule_code for w in bench.withheld}


def test_s10_consent_lets_a_usual_recipient_be_told() -> None:
    """The parent agreed to the family hub: consent is a decision; social care is not told."""
    concern = raised(
        detail(level=EMERGING), person("tom", lives=KENT), item("sleep", core=True), sender="kent-community-health"
    )
    family_help = AgencyClass.AGENCY_CLASS_FAMILY_HELP

    bench = Bench().raise_and_assess(concern, outcomes={family_help: Outcome.OUTCOME_SHARE_CONSENT})

    assert bench.told == {"maidstone-family-hub"}


def test_s15_a_class_the_law_does_not_allow_is_not_told() -> None:
    """More detrimental than not sharing: routing never goes beyond the assessment."""
    bench = Bench().raise_and_assess(
        raised(detail(), person("kim", lives=KENT), item("x", core=True), sender="channel-sexual-health"),
        outcomes={CSC: Outcome.OUTCOME_NOT_SHARED_DETRIMENT},
    )

    assert bench.told == set()
    assert reasons(bench, CSC) == {WithholdReason.WITHHOLD_REASON_DETRIMENT}
    assert "no_recipient_justified" in {w.rule_code for w in bench.withheld}


def test_s18_an_adult_at_risk_has_a_leg_of_her_own() -> None:
    """Adult social care is told of the adult; the child's record is not copied to it."""
    sister = person("sister", PersonRole.PERSON_ROLE_SIBLING, lives=KENT, adult_at_risk=YES)
    tom = person("tom", lives=KENT)
    concern = raised(
        detail(), tom, sister, item("neglect", core=True, about_person_id=tom.person_id),
        item("hunger", about_person_id=sister.person_id),
    )  # fmt: skip

    bench = Bench().raise_and_assess(concern)

    assert bench.told == {"kent-csc", "kent-adult-social-care"}
    assert bench.items("kent-adult-social-care") == {pid("item", "hunger")}
    assert tom.person_id not in bench.view("kent-adult-social-care")


def test_s34_home_and_host_authority_are_told_of_a_boy_in_custody() -> None:
    """Remanded: home and host authority, youth justice; staff conduct goes to the host's designated officer."""
    boy = person("lee", lives=KENT)
    boy.authorities.append(authority(KENT, AuthorityRole.AUTHORITY_ROLE_RESPONSIBLE))
    boy.authorities.append(authority(MEDWAY, AuthorityRole.AUTHORITY_ROLE_HOST))
    officer = person("officer", ADULT, can_read_agencies=["cookham-secure"])
    concern = raised(
        detail(Trigger.TRIGGER_SECURE_ESTATE, Trigger.TRIGGER_POSITION_OF_TRUST), boy, officer, item("hurt", core=True)
    )

    bench = Bench().raise_and_assess(concern)

    custody = {"kent-youth-justice", "youth-custody-service"}
    assert bench.told == {"kent-csc", "medway-csc", "medway-designated-officer", *custody}


def test_history_is_never_routed() -> None:
    """A statutory return is recorded: no share, no clock, no decision (practice 29)."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=KENT), item("x", core=True), history=True))

    assert bench.recorded == []
    assert bench.timers == {}


def test_practice_is_marked_on_the_share() -> None:
    """A test concern is planned as a test, so that it never reaches a real inbox (practice 28)."""
    bench = Bench().raise_and_assess(raised(detail(), person("tom", lives=KENT), item("x", core=True), test=True))

    assert bench.share("kent-csc").test


class TestEmergency:
    """An emergency goes out before any assessment (practice 3)."""

    def overdose(self, **fields: object) -> Person:
        """A girl at home."""
        return person("jo", lives=KENT, **fields)

    def test_it_goes_to_police_ambulance_and_social_care_at_once(self) -> None:
        """S09: raised, not assessed: police, ambulance and the front door have the emergency minimum."""
        concern = raised(
            detail(life_at_risk=YES), self.overdose(), item("overdose", core=True),
            item("where", emergency_minimum=True), item("counselling"),
            sender="nightline-helpline", urgency=Urgency.URGENCY_EMERGENCY,
        )  # fmt: skip

        bench = Bench().feed(concern)

        assert bench.told == {"kent-police", "secamb", "kent-csc"}
        assert bench.items("secamb") == {pid("item", "overdose"), pid("item", "where")}
        assert all(share.emergency and not share.assessment_event_id for share in bench.planned)

    def test_the_later_assessment_finds_it_sent(self) -> None:
        """The assessment sends only what is new, and names the share it adds to."""
        concern = raised(
            detail(life_at_risk=YES), self.overdose(), item("overdose", core=True), item("history"),
            sender="nightline-helpline", urgency=Urgency.URGENCY_EMERGENCY,
        )  # fmt: skip
        bench = Bench().feed(concern)
        first = {share.recipient_agency_id: share.share_id for share in bench.planned}

        bench.feed(assess(concern_of(concern)))

        later = {share.recipient_agency_id: share for share in bench.planned if share.assessment_event_id}
        assert later["kent-csc"].adds_to_share_id == first["kent-csc"]
        new = [fact for fact in bench.recorded if fact.data == later["kent-csc"]]
        assert set(new[0].parts) == {pid("item", "history")}

    def test_at_night_the_emergency_duty_team_is_told_too(self) -> None:
        """Friday 22:00: the team on duty beside the front door, whose day begins on Monday."""
        bench = Bench().feed(
            raised(detail(), self.overdose(), item("o", core=True), urgency=Urgency.URGENCY_EMERGENCY, at=NIGHT)
        )

        assert bench.told == {"kent-police", "secamb", "kent-csc", "kent-edt"}
        assert bench.share("kent-edt").fallback_code == "out_of_hours_cover"

    def test_suppression_still_holds(self) -> None:
        """An officer is the adult of concern: professional standards by telephone, never the force's inbox."""
        officer = person("officer", ADULT, can_read_agencies=["kent-police"])
        bench = Bench().feed(
            raised(detail(), self.overdose(), officer, item("o", core=True), urgency=Urgency.URGENCY_EMERGENCY)
        )

        assert "kent-police" not in bench.told
        assert "kent-police-standards" in bench.told

    def test_what_is_added_goes_at_once_too(self) -> None:
        """More of an emergency does not wait for an assessment either, and nothing is sent twice."""
        concern = raised(detail(), self.overdose(), item("overdose", core=True), urgency=Urgency.URGENCY_EMERGENCY)
        bench = Bench().feed(concern)

        bench.feed(added(item("pills", emergency_minimum=True)))

        new = [fact for fact in bench.recorded if fact.type == "SharePlanned"][-1]
        assert set(new.parts) == {pid("item", "pills")}

    def test_raising_the_urgency_later_sends_it(self) -> None:
        """What becomes an emergency is one from then on."""
        bench = Bench().feed(raised(detail(), self.overdose(), item("x", core=True)))
        assert bench.told == set()

        bench.feed(added(item("worse", core=True), urgency=Urgency.URGENCY_EMERGENCY))

        assert bench.told == {"kent-police", "secamb", "kent-csc"}


class TestLater:
    """What comes after the first assessment."""

    def test_an_assessment_that_overtakes_its_concern_waits_for_it(self) -> None:
        """The two topics have no common order: the assessment first, then the concern, gives the same shares."""
        concern = raised(detail(), person("tom", lives=KENT), item("x", core=True))
        basis = assess(concern_of(concern))

        ahead, behind = Bench().feed(basis, concern), Bench().feed(concern, basis)

        assert ahead.recorded
        assert [s.share_id for s in ahead.planned] == [s.share_id for s in behind.planned]
        assert ahead.state.waiting == ()

    def test_a_second_assessment_that_overtakes_waits_for_what_was_added(self) -> None:
        """Nothing is taken for erased that has merely not arrived yet."""
        concern = raised(detail(), person("tom", lives=KENT), item("x", core=True))
        more = added(item("more"))
        bench = Bench().raise_and_assess(concern)

        bench.feed(assess(concern_of(concern, more), assessed="added"))
        assert WithholdReason.WITHHOLD_REASON_ERASED not in reasons(bench, CSC)
        bench.feed(more)

        assert bench.items("kent-csc") == {pid("item", "x"), pid("item", "more")}

    def test_what_is_added_is_sent_alone(self) -> None:
        """Only what is new is in the second share, which names the first."""
        concern, more = raised(detail(), person("tom", lives=KENT), item("x", core=True)), added(item("more"))
        bench = Bench().raise_and_assess(concern)
        first = bench.share("kent-csc").share_id

        bench.feed(more, assess(concern_of(concern, more), assessed="added"))

        second = bench.share("kent-csc")
        assert second.adds_to_share_id == first
        assert set([f for f in bench.recorded if f.type == "SharePlanned"][-1].parts) == {pid("item", "more")}

    def test_the_same_assessment_again_sends_nothing(self) -> None:
        """An assessment that changes nothing leads to no share and no further record."""
        concern = raised(detail(), person("tom", lives=KENT), item("x", core=True))
        bench = Bench().raise_and_assess(concern)
        before = len(bench.recorded)

        bench.feed(assess(concern_of(concern), name="again"))

        assert len(bench.recorded) == before

    def test_a_correction_reaches_who_got_the_old_content(self) -> None:
        """The child lives in Medway after all: Medway is told, and Kent gets the correction of what it holds."""
        wrong, right = person("tom", lives=KENT), person("tom", lives=MEDWAY)
        concern = raised(detail(), wrong, item("x", core=True))
        fixed = corrected(detail(), right, item("x", core=True), changed=[right.person_id])
        bench = Bench().raise_and_assess(concern)
        first = bench.share("kent-csc").share_id

        bench.feed(fixed, assess(concern_of(concern, fixed), assessed="corrected"))

        assert bench.told == {"kent-csc", "medway-csc"}
        assert bench.view("kent-csc")[right.person_id].person.authorities[0].gss_code == MEDWAY
        [sent] = [fact.data for fact in bench.recorded if isinstance(fact.data, CorrectionSent)]
        assert (sent.recipient_agency_id, sent.corrects_share_id) == ("kent-csc", first)

    def test_what_no_longer_stands_is_withdrawn_where_it_was_sent(self) -> None:
        """An item the sender took back: whoever holds it is told which part no longer stands."""
        tom = person("tom", lives=KENT)
        concern = raised(detail(), tom, item("x", core=True), item("wrong"))
        fixed = corrected(detail(), tom, item("x", core=True), removed=[pid("item", "wrong")])
        bench = Bench().raise_and_assess(concern)

        bench.feed(fixed, assess(concern_of(concern, fixed), assessed="corrected"))

        assert list(bench.share("kent-csc").withdrawn_part_ids) == [pid("item", "wrong")]

    def test_a_withdrawal_is_said_once(self) -> None:
        """The next assessment does not withdraw it again."""
        tom = person("tom", lives=KENT)
        concern = raised(detail(), tom, item("x", core=True), item("wrong"))
        fixed = corrected(detail(), tom, item("x", core=True), removed=[pid("item", "wrong")])
        after = assess(concern_of(concern, fixed), assessed="corrected")
        bench = Bench().raise_and_assess(concern).feed(fixed, after)
        before = len(bench.planned)

        bench.feed(assess(concern_of(concern, fixed), assessed="corrected", name="again"))

        assert len(bench.planned) == before

    def test_content_changed_after_the_assessment_waits_for_the_next(self) -> None:
        """The law was asked about the old words: the new ones wait until it was asked about them."""
        tom = person("tom", lives=KENT)
        concern = raised(detail(), tom, item("x", core=True), item("y", text="old"))
        fixed = corrected(detail(), tom, item("x", core=True), item("y", text="new"), changed=[pid("item", "y")])

        bench = Bench().feed(concern, fixed, assess(concern_of(concern), assessed="raised"))

        assert bench.items("kent-csc") == {pid("item", "x")}

    def test_an_erased_part_is_withheld_with_the_reason(self) -> None:
        """A part whose key is gone is on record as erased; the rest goes out."""
        concern = raised(detail(), person("tom", lives=KENT), item("x", core=True), item("gone"))
        basis = assess(concern_of(concern))
        left = {part_id: part for part_id, part in concern.parts.items() if part_id != pid("item", "gone")}
        erased = event("raised", type(concern.data)(), left)
        erased.data.CopyFrom(concern.data)  # type: ignore[union-attr]

        bench = Bench().feed(erased, basis)

        assert bench.items("kent-csc") == {pid("item", "x")}
        assert WithholdReason.WITHHOLD_REASON_ERASED in reasons(bench, CSC)

    def test_a_share_id_is_the_same_whenever_it_is_derived(self) -> None:
        """Deterministic and by natural key: agency and cause, never an index."""
        concern = raised(detail(suspected_crime=YES), person("tom", lives=KENT), item("x", core=True))

        one, two = Bench().raise_and_assess(concern), Bench().raise_and_assess(concern)

        assert [fact.id for fact in one.recorded] == [fact.id for fact in two.recorded]


def test_ternary_no_is_not_unknown() -> None:
    """An item of the fixtures: no crime stated as no keeps police out."""
    concern = raised(detail(suspected_crime=Ternary.TERNARY_NO), person("tom", lives=KENT), item("x", core=True))

    assert Bench().raise_and_assess(concern).told == {"kent-csc"}


def test_an_arrangement_no_longer_at_hand_is_replaced_by_the_one_in_force() -> None:
    """The digest an assessment names is unknown here: the arrangement of the day decides, and is named."""
    concern = raised(detail(), person("tom", lives=KENT), item("x", core=True))
    basis = assess(concern_of(concern))
    basis.data.arrangement_sha256 = "00" * 32  # type: ignore[union-attr]

    bench = Bench().feed(concern, basis)

    assert bench.share("kent-csc").arrangement_sha256 == arrangement().sha256
    assert bench.share("kent-csc").assessment_event_id == str(eid("assessment of raised"))
