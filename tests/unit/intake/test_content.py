"""A submission becomes parts; what is odd is kept and flagged, never refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1 import census_pb2 as census
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.facts_pb2 import Consent, Item, Part, Person
from services.chassis.event import KeyScope, derived_id
from services.intake.content import Contents
from services.intake.flags import Flag, FlagCode
from services.intake.identifiers import check
from tests.unit.intake.events import CANARY, said, submission

NHS = codes.IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER


def flags(contents: Contents) -> set[tuple[str, str]]:
    """Give the flags as code and pointer."""
    return {(flag.code.value, flag.pointer) for flag in contents.flags}


def parts(contents: Contents, body: str) -> list[Any]:
    """Give what parts of one kind hold."""
    return [getattr(c.part, body) for c in contents.parts if c.part.WhichOneof("body") == body]


def child(**fields: Any) -> tuple[Person, Contents]:
    """Give the child of a submission in which the child is as said."""
    contents = said(submission(people=[{"role": "child", "names": ["Tamsin Orchard"], **fields}]))
    return parts(contents, "person")[0], contents


def item(urgency: str = "urgent", **fields: Any) -> tuple[Item, Contents]:
    """Give the one item of a submission."""
    contents = said(submission(urgency=urgency, items=[{"text": "Seen at the gate.", **fields}]))
    return parts(contents, "item")[0], contents


# ------------------------------------------------------------------------------------------------ nothing is odd


def test_a_plain_submission_has_no_flags():
    """What is complete and right is not commented on."""
    assert said(submission()).flags == ()


def test_every_part_has_the_id_of_the_thing_inside_and_its_own_key_scope():
    """Person and item are sealed apart, so that one adult can be erased alone; the rest under the concern."""
    contents = said(
        submission(
            places=[{"ref": "park", "name": "The park"}],
            items=[{"ref": "i", "text": "x", "about": "mother", "consent": "c"}],
            consents=[{"ref": "c", "kind": "service", "status": "given"}],
        )
    )
    concern_id = contents.concern_id
    scopes = {c.part.WhichOneof("body"): (c.part_id, c.scope) for c in contents.parts}
    mother = next(p for p in parts(contents, "person") if p.role == codes.PersonRole.PERSON_ROLE_PARENT)
    consent = parts(contents, "consent")[0].consent_ref

    assert scopes["detail"] == (derived_id(concern_id, "detail"), KeyScope(concern_id))
    assert scopes["place"] == (parts(contents, "place")[0].place_id, KeyScope(concern_id))
    assert scopes["consent"] == (consent, KeyScope(concern_id))
    assert scopes["item"] == (parts(contents, "item")[0].item_id, KeyScope(concern_id, mother.person_id, consent))
    assert KeyScope(concern_id, mother.person_id) in {c.scope for c in contents.parts}


def test_part_ids_hold_no_trace_of_the_senders_refs():
    """A ref may be a name; whoever has the log but not the key can test no guess."""
    contents = said(submission(people=[{"ref": "tamsin-orchard", "role": "child"}]))

    assert parts(contents, "person")[0].person_id != derived_id(contents.concern_id, "person", "tamsin-orchard")


def test_people_without_refs_are_called_by_their_role():
    """Whoever writes by hand may say "child" where there is one; two children need refs, or stay apart by content."""
    one = said(submission(people=[{"role": "child"}, {"role": "parent"}], items=[{"text": "x", "about": "child"}]))
    two = said(submission(people=[{"role": "child"}, {"role": "child"}], items=[{"text": "x", "about": "child"}]))

    assert parts(one, "item")[0].about_person_id
    assert ("ref_unknown", "/items/0/about/0") in flags(two)
    assert len({p.person_id for p in parts(two, "person")}) == 2


@given(st.permutations(range(3)))
def test_the_order_of_lists_changes_nothing(order: list[int]):
    """People, places and items are known by what they are, never by where they stand."""
    people = [{"ref": r, "role": "child", "names": [r]} for r in "abc"]
    items = [{"text": f"{t}"} for t in "xyz"]
    one = said(submission(people=people, items=items))
    other = said(submission(people=[people[i] for i in order], items=[items[i] for i in order]))

    assert {c.part_id: c.part for c in one.parts} == {c.part_id: c.part for c in other.parts}


def test_two_items_of_the_same_words_are_two():
    """Said twice is said twice, also without refs."""
    contents = said(submission(items=[{"text": "He hit me."}, {"text": "He hit me."}]))

    assert len({i.item_id for i in parts(contents, "item")}) == 2


def test_text_alone_is_an_item_that_is_the_core():
    """Whoever writes one sentence has said what matters."""
    contents = said({**submission(), "items": [], "text": "Barefoot in the rain."})

    assert [(i.text, i.core) for i in parts(contents, "item")] == [("Barefoot in the rain.", True)]


# ------------------------------------------------------------------------------------------------ identifiers


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("nhs_number", "9990000018", "VALID"),
        ("nhs_number", "999 000 0026", "VALID"),
        ("nhs_number", "9990000019", "INVALID"),
        ("nhs_number", "99900000", "INVALID"),
        ("nhs_number", "see notes", "INVALID"),
        ("upn", "B801200005001", "VALID"),
        ("upn", "l887540224002", "VALID"),
        ("upn", "B801200005002", "INVALID"),
        ("uprn", "100062345678", "VALID"),
        ("uprn", "1000623456789", "INVALID"),
        ("la_child_id", "anything", "NOT_CHECKABLE"),
        ("pnc_id", "84/123456Z", "NOT_CHECKABLE"),
    ],
)
def test_numbers_are_checked_reported_and_kept(kind: str, value: str, found: str):
    """A wrong number is a finding about the number; the concern goes on (Children Act 2004 s16LC(8), scenario S22)."""
    person, contents = child(identifiers=[{"kind": kind, "value": value}])
    number = person.identifiers[0]

    assert number.value == value
    assert number.check == codes.IdentifierCheck.Value(f"IDENTIFIER_CHECK_{found}")
    assert (("identifier_invalid", "/people/0/identifiers/0/value") in flags(contents)) == (found == "INVALID")


@given(st.sampled_from(codes.IdentifierKind.values()), st.text(max_size=40))
def test_any_text_can_be_checked_as_a_number(kind: int, value: str):
    """The check finds, it does not raise."""
    assert check(kind, value) in codes.IdentifierCheck.values()  # type: ignore[arg-type]


def test_a_missing_number_is_flagged_and_nothing_more():
    """Nothing waits for a number."""
    _, contents = child()

    assert ("identifier_missing", "/people/0/identifiers") in flags(contents)


@pytest.mark.parametrize("how", [{"statuses": [{"status": "adopted"}]}, {}], ids=["by status", "by one number"])
def test_numbers_of_an_adopted_child_travel_no_further(how):
    """A number can lead from one identity to the other (Children Act 2004 s16LC(7))."""
    hidden = {} if how else {"hidden": "adoption"}
    person, contents = child(
        identifiers=[
            {"kind": "upn", "value": "B801200005001", **hidden},
            {"kind": "nhs_number", "value": "9990000018"},
        ],
        **how,
    )

    assert {n.hidden for n in person.identifiers} == {codes.HiddenReason.HIDDEN_REASON_ADOPTION}
    assert ("identifier_hidden_adoption", "/people/0/identifiers/1") in flags(contents)


# ------------------------------------------------------------------------------------------------ hiding fails safe


@pytest.mark.parametrize(
    ("said_hidden", "reason", "flagged"),
    [
        ("refuge", "REFUGE", False),
        ("domestic abuse", "DOMESTIC_ABUSE", False),
        (True, "NOT_STATED", True),
        ("yes", "NOT_STATED", True),
        ("refugge", "NOT_STATED", True),
        (False, "UNSPECIFIED", False),
        ("no", "UNSPECIFIED", False),
    ],
)
def test_whatever_is_said_but_no_hides_an_address(said_hidden, reason, flagged):
    """An address shown once is known for good: a slip of the keyboard must not show it."""
    person, contents = child(addresses=[{"lines": ["1 Elm Row"], "hidden": said_hidden}])

    assert person.addresses[0].hidden == codes.HiddenReason.Value(f"HIDDEN_REASON_{reason}")
    assert (("hidden_without_reason", "/people/0/addresses/0/hidden") in flags(contents)) == flagged


def test_the_address_of_a_refuge_is_hidden_by_rule():
    """Nobody has to remember it."""
    contents = said(submission(places=[{"kind": "refuge", "address": {"postcode": "me1 1zz"}}]))

    assert parts(contents, "place")[0].address.hidden == codes.HiddenReason.HIDDEN_REASON_REFUGE
    assert parts(contents, "place")[0].address.postcode == "ME1 1ZZ"
    assert ("refuge_hidden", "/places/0/address") in flags(contents)


# ------------------------------------------------------------------------------------------------ dates and ages


@pytest.mark.parametrize("text", ["2018", "2018-05", "2018-05-02", "2018-05-02T09:15", "2018-05-02T09:15:00+01:00"])
def test_dates_are_kept_as_precise_as_they_were_given(text: str):
    """What is not known is not filled in."""
    person, contents = child(birth_date=text)

    assert person.birth_date == text
    assert not person.unread
    assert not {code for code, _ in flags(contents)} & {"date_not_read", "birth_date_unknown"}


@pytest.mark.parametrize("text", ["02/05/2018", "2018-02-30", "2018-13", "last May", "18", "2018-5-2", "0000", "٢٠١٨"])
def test_a_date_in_words_is_kept_for_a_person_to_read(text: str):
    """02/05 is May in one system and February in another: it is not guessed, and not lost."""
    person, contents = child(birth_date=text)

    assert person.birth_date == ""
    assert [(u.field, u.text) for u in person.unread] == [("birth_date", text)]
    assert ("date_not_read", "/people/0/birth_date") in flags(contents)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"birth_date": "1850"}, "date_unlikely", "birth_date"),
        ({"birth_date": "2199-01-01"}, "date_unlikely", "birth_date"),
        ({"birth_date": "2027-01-01"}, "date_in_future", "birth_date"),
        ({"birth_date": "2005-01-01"}, "not_a_child_by_age", "birth_date"),
        ({"birth_date": "1901"}, "age_impossible", "birth_date"),
        ({"age_years": 19}, "not_a_child_by_age", "age_years"),
        ({"age_years": 400}, "age_impossible", "age_years"),
        ({"age_years": "about seven"}, "age_impossible", "age_years"),
        ({"age_years": -1}, "age_impossible", "age_years"),
        ({"birth_date": "2018-05-02", "age_years": 3}, "age_and_birth_date_disagree", "age_years"),
        ({"role": "unborn_child", "expected_on": "2028-01-01"}, "expected_date_unlikely", "expected_on"),
        ({"role": "unborn_child", "expected_on": "2026-01-01"}, "expected_date_unlikely", "expected_on"),
        ({"addresses": [{"from_on": "2026", "to_on": "2025-03"}]}, "dates_out_of_order", "addresses/0/to_on"),
        (
            {"statuses": [{"status": "looked_after", "from_on": "2026-02", "to_on": "2026-01-31"}]},
            "dates_out_of_order",
            "statuses/0/to_on",
        ),
        ({"birth_date": ""}, "birth_date_unknown", "birth_date"),
        ({"names": []}, "child_unnamed", "names"),
        ({"role": ""}, "role_not_stated", "role"),
        ({"role": "kid"}, "code_not_known", "role"),
        ({"authorities": [{"gss_code": "Kent"}]}, "authority_code_not_read", "authorities/0/gss_code"),
        ({"relationships": [{"to": "uncle", "kind": "uncle"}]}, "ref_unknown", "relationships/0/to"),
    ],
    ids=str,
)
def test_what_is_odd_about_a_person_is_flagged_where_it_stands(fields, code, field):
    """Each flag names the field, and the person goes on."""
    _, contents = child(**fields)

    assert (code, f"/people/0/{field}") in flags(contents)


@pytest.mark.parametrize("age", [{"birth_date": "2018"}, {"birth_date": "2018-05", "age_years": 8}, {"age_years": 17}])
def test_what_may_be_right_is_not_flagged(age):
    """A year alone leaves two ages possible; neither is odd."""
    _, contents = child(**age)

    assert not {code for code, _ in flags(contents)} & {
        "age_impossible",
        "not_a_child_by_age",
        "age_and_birth_date_disagree",
        "birth_date_unknown",
    }


# ------------------------------------------------------------------------------------------------ codes


def test_a_code_that_is_not_known_is_kept_and_not_acted_on():
    """The word stays with what it belongs to, sealed with it and erased with it."""
    contents = said(submission(detail={"triggers": ["neglect", "dog bite"], "level": "red"}))
    detail = parts(contents, "detail")[0]

    assert list(detail.triggers) == [codes.Trigger.TRIGGER_NEGLECT]
    assert {(u.field, u.text) for u in detail.unread} == {("triggers/1", "dog_bite"), ("level", "red")}
    assert {("code_not_known", "/detail/triggers/1"), ("code_not_known", "/detail/level")} <= flags(contents)


def test_census_codes_alone_will_do():
    """N1, 3B and 16A are what systems hold; a prefix that could be two codes is none."""
    detail = parts(
        said(submission(detail={"primary_need": "N1", "referral_source": "3B", "factors": ["16A", "8"]})), "detail"
    )[0]

    assert detail.primary_need == census.PrimaryNeed.PRIMARY_NEED_N1_ABUSE_OR_NEGLECT
    assert detail.referral_source == census.ReferralSource.REFERRAL_SOURCE_3B_HEALTH_VISITOR
    assert list(detail.factors) == [census.AssessmentFactor.ASSESSMENT_FACTOR_16A_NEGLECT]
    assert [u.text for u in detail.unread] == ["8"]


@pytest.mark.parametrize(
    ("answer", "value"), [("yes", 1), (True, 1), ("no", 2), (False, 2), ("unknown", 0), ("", 0), ("perhaps", 0)]
)
def test_yes_no_and_unknown_are_three_answers(answer, value):
    """Unknown is an honest answer, and becomes a question, never a guess."""
    contents = said(submission(detail={"suspected_crime": answer}))

    assert parts(contents, "detail")[0].suspected_crime == value
    assert (("code_not_known", "/detail/suspected_crime") in flags(contents)) == (answer == "perhaps")


@pytest.mark.parametrize(
    ("urgency", "taken", "flagged"),
    [
        ("emergency", "EMERGENCY", False),
        ("Routine", "ROUTINE", False),
        ("", "URGENT", True),
        ("emergancy", "URGENT", True),
    ],
)
def test_an_urgency_nobody_knows_is_urgent(urgency, taken, flagged):
    """A slip of the keyboard must not make a child wait."""
    contents = said(submission(urgency=urgency))

    assert contents.urgency == codes.Urgency.Value(f"URGENCY_{taken}")
    assert (("urgency_not_stated", "/urgency") in flags(contents)) == flagged


def test_history_is_not_urgent():
    """A statutory return waits for nobody, and nobody is bothered with what it lacks."""
    contents = said(
        submission(urgency="", history=True, raised_by={"role": "census"}, items=[{"text": "x", "core": False}])
    )

    assert contents.urgency == codes.Urgency.URGENCY_ROUTINE
    assert flags(contents) == set()


def test_danger_without_an_emergency_is_flagged():
    """The machine does not make it an emergency; it says what the person should do."""
    contents = said(submission(detail={"immediate_danger": "yes"}))

    assert contents.urgency == codes.Urgency.URGENCY_URGENT
    assert ("danger_but_not_emergency", "/detail/immediate_danger") in flags(contents)


# ------------------------------------------------------------------------------------------------ items and consents


@pytest.mark.parametrize(
    ("fields", "core"),
    [
        ({}, True),
        ({"category": "welfare"}, True),
        ({"category": "child_voice"}, True),
        ({"category": "mental_health"}, False),
        ({"category": "mental_helth"}, False),
        ({"category": "mental_health", "core": True}, True),
        ({"category": "welfare", "core": False}, False),
        ({"category": "welfare", "bears_on_risk": "no"}, False),
        ({"category": "welfare", "bears_on_risk": "no", "core": True}, True),
    ],
    ids=str,
)
def test_the_core_of_the_worry_follows_from_the_category_unless_it_is_said(fields, core):
    """The core goes at once (practice 2); a category that was not understood may be anything."""
    assert item(**fields)[0].core is core


def test_the_core_that_does_not_bear_on_the_risk_is_flagged():
    """Both cannot be so: it stays the core, which goes, and the sender is told."""
    assert ("facts_contradict", "/items/0/bears_on_risk") in flags(item(core=True, bears_on_risk="no")[1])
    assert not flags(item(category="criminal_offence", bears_on_risk="no")[1]) & {
        ("facts_contradict", "/items/0/bears_on_risk")
    }


def test_without_a_core_the_sender_is_told():
    """Only identities go out at once then."""
    assert ("no_core_item", "/items") in flags(item(category="education")[1])


@pytest.mark.parametrize(
    ("fields", "minimum"),
    [
        ({}, True),
        ({"category": "physical_health"}, True),
        ({"category": "address"}, True),
        ({"category": "contact_details"}, True),
        ({"category": "physical_health", "bears_on_risk": "no"}, False),
        ({"emergency_minimum": False}, False),
    ],
    ids=str,
)
def test_the_emergency_minimum_is_what_happened_where_and_who(fields, minimum):
    """What the sender keeps out stays out (scenario S09)."""
    assert item("emergency", **fields)[0].emergency_minimum is minimum
    assert item("urgent", **fields)[0].emergency_minimum is False


def test_in_an_emergency_somebody_learns_what_happened():
    """Where no item was marked, all that the sender did not keep out is taken, but never therapy or intelligence."""
    contents = said(
        submission(
            urgency="emergency",
            items=[
                {"ref": "a", "category": "mental_health", "text": "a"},
                {"ref": "b", "category": "therapy", "text": "b"},
                {"ref": "c", "category": "police_intelligence", "text": "c"},
                {"ref": "d", "category": "mental_health", "text": "d", "emergency_minimum": False},
            ],
        )
    )

    assert {i.text for i in parts(contents, "item") if i.emergency_minimum} == {"a"}
    assert ("no_emergency_minimum", "/items") in flags(contents)


def test_an_item_about_several_is_about_the_first_and_mentions_the_others():
    """A place and a group stand beside the person."""
    contents = said(
        submission(
            places=[{"ref": "park"}],
            groups=[{"ref": "men", "members": ["mother", "nobody"]}],
            items=[{"text": "x", "about": ["child", "park", "men", "mother"], "mentions": ["child", "ghost"]}],
        )
    )
    found: Item = parts(contents, "item")[0]
    people = {p.role: p.person_id for p in parts(contents, "person")}

    assert found.about_person_id == people[codes.PersonRole.PERSON_ROLE_CHILD]
    assert list(found.mentions_person_ids) == [people[codes.PersonRole.PERSON_ROLE_PARENT]]
    assert found.about_place_id
    assert found.about_group_id
    assert [u.text for u in found.unread] == ["ghost"]
    assert {("ref_unknown", "/items/0/mentions/1"), ("ref_unknown", "/groups/0/members/1")} <= flags(contents)


def test_a_consent_covers_items_and_an_item_rests_on_a_consent():
    """Both directions are resolved to the same opaque ids; what leads nowhere is flagged."""
    contents = said(
        submission(
            items=[{"ref": "i", "text": "x", "consent": "c"}, {"text": "y", "consent": "gone"}],
            consents=[
                {
                    "ref": "c",
                    "kind": "basis",
                    "status": "given",
                    "subject": "mother",
                    "given_by": "gran",
                    "items": ["i", "j"],
                    "given_on": "2026-11-02",
                    "expires_on": "2026-11-01",
                    "recipients": ["family help", "everybody"],
                }
            ],
        )
    )
    consent: Consent = parts(contents, "consent")[0]
    resting = next(i for i in parts(contents, "item") if i.text == "x")

    assert resting.consent_ref == consent.consent_ref
    assert list(consent.item_ids) == [resting.item_id]
    assert list(consent.recipient_classes) == [codes.AgencyClass.AGENCY_CLASS_FAMILY_HELP]
    assert {
        ("ref_unknown", "/items/1/consent"),
        ("ref_unknown", "/consents/0/given_by"),
        ("ref_unknown", "/consents/0/items/1"),
        ("code_not_known", "/consents/0/recipients/1"),
        ("dates_out_of_order", "/consents/0/expires_on"),
    } <= flags(contents)


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"kind": "basis", "status": "given"}, ("consent_without_end", "/consents/0/expires_on")),
        ({"kind": "basis", "status": "not_sought"}, ("consent_absence_not_stated", "/consents/0/absence")),
    ],
)
def test_a_consent_that_the_law_asks_more_of_is_flagged(fields, flag):
    """Consent as basis has an end; its absence has one of three reasons."""
    assert flag in flags(said(submission(consents=[fields])))


def test_agreement_to_a_service_is_no_consent_as_basis():
    """The four kinds are never mixed (practice 12), and this one needs no end."""
    contents = said(submission(consents=[{"kind": "service", "status": "given"}]))

    assert parts(contents, "consent")[0].kind == codes.ConsentKind.CONSENT_KIND_SERVICE
    assert flags(contents) == set()


def test_who_made_the_senders_judgement_is_asked_after_not_before():
    """A judgement without a name is taken and flagged."""
    contents = said(submission(detail={"more_detrimental": "yes", "detrimental_to": "education"}))

    assert ("considered_by_missing", "/detail/considered_by") in flags(contents)


def test_no_lawful_basis_is_asked_for_and_one_that_comes_is_kept():
    """It is checked later and never relied upon (practice 13)."""
    detail = parts(said(submission(detail={"basis_asked_for": "f_legitimate_interests"})), "detail")[0]

    assert detail.basis_asked_for == codes.Article6.ARTICLE6_F_LEGITIMATE_INTERESTS


def test_what_is_said_against_sharing_is_kept_and_nothing_waits_for_it():
    """In words as people write them; one nobody knows is flagged, and the others stand."""
    contents = said(submission(detail={"myths": ["Not my role", "the weather", "not_my_role"]}))

    assert parts(contents, "detail")[0].myths == [codes.SharingMyth.SHARING_MYTH_NOT_MY_ROLE]
    assert flags(contents) == {("code_not_known", "/detail/myths/1")}


def test_a_concern_about_adults_alone_is_flagged_and_taken():
    """The child may not be named; the danger is."""
    contents = said(submission(people=[{"role": "adult_of_concern"}], items=[{"text": "x"}]))

    assert {("no_child_named", "/people"), ("authority_unknown", "/people")} <= flags(contents)


def test_a_concern_may_be_about_a_place_alone():
    """A park is a subject; no person is made from a description."""
    contents = said(
        submission(
            people=[],
            places=[{"ref": "p", "kind": "open_space", "gss_code": "e06000035"}],
            groups=[{"descriptions": ["male, about 19"]}],
            items=[{"text": "x", "about": "p"}],
        )
    )

    assert parts(contents, "person") == []
    assert parts(contents, "place")[0].gss_code == "E06000035"
    assert flags(contents) == set()


def test_flags_hold_no_word_of_the_content():
    """Codes, pointers and remedies; the canary stands in every field that is odd."""
    contents = said(
        {
            **submission(),
            "urgency": CANARY,
            "occurred": CANARY,
            "people": [{"ref": CANARY, "role": CANARY, "birth_date": CANARY, "identifiers": [{"value": CANARY}]}],
            "items": [{"text": CANARY, "about": CANARY, "mentions": [CANARY, f"{CANARY}!"], "category": CANARY}],
        }
    )
    told = json.dumps([(f.code.value, f.pointer, f.detail) for f in contents.flags])

    assert len(contents.flags) >= 5
    assert not any(word in told for word in CANARY.split())


def test_every_flag_has_a_remedy():
    """No code without words."""
    assert all(len(Flag(code, "").detail) > 20 for code in FlagCode)


def test_kept_words_stay_with_the_person_they_are_about():
    """An erasure of the person takes them along: they are sealed in the same part."""
    contents = said(submission(people=[{"ref": "a", "role": "child", "birth_date": CANARY}]))
    holding = [c for c in contents.parts if CANARY in str(c.part)]

    assert [c.part.WhichOneof("body") for c in holding] == ["person"]
    assert holding[0].scope.person_id == holding[0].part_id


def test_parts_survive_the_wire():
    """What was made can be read back as it is."""
    for content in said(submission()).parts:
        assert Part.FromString(content.part.SerializeToString()) == content.part
