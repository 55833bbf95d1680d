"""What a recipient is given: minimised, suppressed, and without a trace of what was left out."""

from __future__ import annotations

import pytest

from concern_relay.v1.codes_pb2 import (
    Category,
    ConsentKind,
    ConsentStatus,
    HiddenReason,
    IdentifierCheck,
    IdentifierKind,
    Outcome,
    PersonRole,
    PlaceKind,
    Sensitivity,
    StatutoryStatus,
    Ternary,
    Trigger,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.facts_pb2 import (
    Address,
    Consent,
    Group,
    Identifier,
    Item,
    NamedPerson,
    Person,
    Place,
    Relationship,
    Status,
)
from tests.unit.routing.routing_cases import (
    CSC,
    DETAIL_ID,
    EDUCATION,
    HEALTH,
    KENT,
    MEDWAY,
    POLICE,
    YES,
    Bench,
    assess,
    concern_of,
    detail,
    item,
    person,
    pid,
    raised,
)

REFUGE = HiddenReason.HIDDEN_REASON_REFUGE
PARENT = PersonRole.PERSON_ROLE_PARENT
THIRD = PersonRole.PERSON_ROLE_THIRD_PARTY
ADULT = PersonRole.PERSON_ROLE_ADULT_OF_CONCERN


def old_home() -> Address:
    """Where they lived before; known to many."""
    return Address(lines=["4 Old Orchard Street"], postcode="ME14 1XX")


def new_home(**fields: object) -> Address:
    """Where they live now; hidden."""
    return Address(lines=["17 Rosefield Crescent"], postcode="CT2 7ZZ", uprn="100060000017", **fields)  # type: ignore[arg-type]


def everything_shared(*things: object, urgency: int = 0, **outcomes: int) -> Bench:
    """Raise a concern and let the law allow social care, police, health and the child's school all of it."""
    concern = raised(*things, urgency=urgency or Urgency.URGENCY_ROUTINE, sender="open-door-charity")  # type: ignore[arg-type]
    shared = dict.fromkeys((CSC, POLICE, HEALTH, EDUCATION), Outcome.OUTCOME_SHARE_POWER)
    return Bench().feed(concern, assess(concern_of(concern), outcomes={**shared, **outcomes}))  # type: ignore[dict-item]


def pupil(**fields: object) -> Person:
    """A child with a school and a health visitor."""
    return person(
        "tom", lives=KENT, school_agency_id="larkfield-primary", known_to_agencies=["kent-community-health"], **fields
    )


def left(bench: Bench, agency: str) -> dict[str, WithholdReason]:
    """Why parts were withheld from an agency, by part id."""
    return {part_id: w.reason for w in bench.withheld if w.agency_id == agency for part_id in w.part_ids}


ALL = ("kent-csc", "kent-police", "kent-community-health", "larkfield-primary")


def test_each_role_gets_what_it_needs() -> None:
    """One concern, four views: health detail for social care and health, convictions for social care and police."""
    bench = everything_shared(
        detail(suspected_crime=YES),
        pupil(),
        item("worry", core=True),
        item("asthma", Category.CATEGORY_PHYSICAL_HEALTH),
        item("arrest", Category.CATEGORY_CRIMINAL_OFFENCE),
        item("marks", Category.CATEGORY_EDUCATION),
        item("rent", Category.CATEGORY_FINANCE),
        item("therapy", Category.CATEGORY_THERAPY),
    )

    def given(agency: str) -> set[str]:
        names = {pid("item", name): name for name in ("worry", "asthma", "arrest", "marks", "rent", "therapy")}
        return {names[part_id] for part_id in bench.items(agency)}

    assert given("kent-csc") == {"worry", "asthma", "arrest", "marks", "rent"}
    assert given("kent-police") == {"worry", "asthma", "arrest"}
    assert given("kent-community-health") == {"worry", "asthma"}
    assert given("larkfield-primary") == {"worry", "marks"}
    assert left(bench, "kent-csc") == {pid("item", "therapy"): WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE}


@pytest.mark.parametrize("category", [Category.CATEGORY_POLICE_INTELLIGENCE, Category.CATEGORY_SOURCE_IDENTITY])
@pytest.mark.parametrize("urgency", [Urgency.URGENCY_ROUTINE, Urgency.URGENCY_EMERGENCY])
def test_some_things_are_never_shared(category: Category, urgency: Urgency) -> None:
    """Law enforcement only, and who told: by rule, in emergencies too, even as the core of the worry."""
    bench = everything_shared(
        detail(), pupil(), item("worry", core=True), item("secret", category, "SECRET", core=True), urgency=urgency
    )

    for agency in bench.told:
        assert "SECRET" not in bench.texts(agency)


def test_an_item_the_law_calls_law_enforcement_is_never_shared() -> None:
    """The law pack's sensitivity counts as much as the category."""
    concern = raised(detail(), pupil(), item("worry", core=True), item("intel"))
    basis = assess(concern_of(concern))
    for assessed in basis.data.classes:  # type: ignore[union-attr]
        for one in assessed.items:
            if one.part_id == pid("item", "intel"):
                one.sensitivity = Sensitivity.SENSITIVITY_LAW_ENFORCEMENT

    bench = Bench().feed(concern, basis)

    assert left(bench, "kent-csc") == {pid("item", "intel"): WithholdReason.WITHHOLD_REASON_LAW_ENFORCEMENT_ONLY}


def test_a_blocked_item_waits_and_the_rest_goes() -> None:
    """BLOCKED is an item's, never a concern's (practice 2): S07 without policy document."""
    concern = raised(detail(), pupil(), item("worry", core=True), item("note", Category.CATEGORY_MENTAL_HEALTH))
    blocked = {pid("item", "note"): WithholdReason.WITHHOLD_REASON_NO_POLICY_DOCUMENT}

    bench = Bench().feed(concern, assess(concern_of(concern), blocked=blocked))

    assert bench.items("kent-csc") == {pid("item", "worry")}
    assert left(bench, "kent-csc") == blocked


def test_a_part_the_law_was_not_asked_about_waits_without_a_word() -> None:
    """No assessment of a part: it is neither sent nor called withheld; the next assessment settles it."""
    concern = raised(detail(), pupil(), item("worry", core=True), item("later"))
    basis = assess(concern_of(concern))
    for assessed in basis.data.classes:  # type: ignore[union-attr]
        kept = [one for one in assessed.items if one.part_id != pid("item", "later")]
        del assessed.items[:]
        assessed.items.extend(kept)

    bench = Bench().feed(concern, basis)

    assert bench.items("kent-csc") == {pid("item", "worry")}
    assert left(bench, "kent-csc") == {}


class TestHiddenAddress:
    """An address that is hidden stays hidden, wherever it stands (practice 9)."""

    def hidden(self, **fields: object) -> Bench:
        """A mother in a refuge, a child whose record repeats the address without the mark."""
        mother = person("mum", PARENT, addresses=[old_home(), new_home(hidden=REFUGE)])
        tom = pupil(addresses=[new_home()])
        place = Place(place_id=pid("place", "home"), kind=PlaceKind.PLACE_KIND_HOME, name="home", address=new_home())
        return everything_shared(
            detail(setting="seen at 17 Rosefield Crescent, ct27zz", **fields),
            tom,
            mother,
            place,
            item("worry", core=True, text="They moved from school to CT2 7ZZ, 17 rosefield  crescent, last week."),
            item("flat", Category.CATEGORY_ADDRESS, about_person_id=mother.person_id),
        )

    @pytest.mark.parametrize("agency", ALL)
    def test_nobody_is_given_it(self, agency: str) -> None:
        """Not in an address, not in a place, not in the words of an item, not in the setting."""
        texts = self.hidden().texts(agency).casefold()

        for word in ("rosefield", "ct2 7zz", "ct27zz", "100060000017"):
            assert word not in texts

    def test_the_words_around_it_stay(self) -> None:
        """Only the address is struck from a text, without a mark."""
        view = self.hidden().view("kent-csc")

        assert view[pid("item", "worry")].item.text == "They moved from school to, last week."

    def test_old_and_new_cannot_be_linked(self) -> None:
        """The old address may travel; nothing of the new one does, so nobody can put them together."""
        mother = self.hidden().view("kent-csc")[pid("person", "mum")].person

        assert [list(address.lines) for address in mother.addresses] == [["4 Old Orchard Street"]]
        assert pid("item", "flat") not in self.hidden().items("kent-csc")

    def test_it_is_on_record(self) -> None:
        """That it was withheld, from whom and why, is recorded; the record is not shown to the recipient."""
        assert left(self.hidden(), "kent-csc")[pid("person", "mum")] == WithholdReason.WITHHOLD_REASON_HIDDEN_ADDRESS

    def test_a_refuge_is_no_place(self) -> None:
        """A refuge is left out as a place altogether."""
        refuge = Place(place_id=pid("place", "refuge"), kind=PlaceKind.PLACE_KIND_REFUGE, name="Harbour House")

        bench = everything_shared(detail(), pupil(), refuge, item("w", core=True, about_place_id=refuge.place_id))

        assert "Harbour House" not in bench.texts("kent-csc")
        assert bench.view("kent-csc")[pid("item", "w")].item.about_place_id == ""


class TestSources:
    """Who told, and asked not to be named."""

    def test_an_anonymous_referrer_is_nowhere(self) -> None:
        """Name and contact leave the detail and every text; that the family must not learn who told stays."""
        bench = everything_shared(
            detail(
                referrer_anonymous=True,
                raised_by=NamedPerson(name="Jean Neighbour", role="neighbour", contact="07700 900123"),
                reference="NEIGHBOUR/7",
                family_told_note="Jean Neighbour did not tell them",
            ),
            pupil(),
            item("worry", core=True, text="Jean  Neighbour heard shouting (07700 900123).", source="Jean Neighbour"),
        )

        for agency in ALL:
            if agency in bench.told:
                assert "neighbour" not in bench.texts(agency).casefold()
                assert "900123" not in bench.texts(agency)
        seen = bench.view("kent-csc")[DETAIL_ID].detail
        assert seen.referrer_anonymous
        assert left(bench, "kent-csc")[DETAIL_ID] == WithholdReason.WITHHOLD_REASON_PROTECTED_SOURCE

    def test_a_protected_source_is_nowhere(self) -> None:
        """Not as the source of its item, and not in the words of another."""
        bench = everything_shared(
            detail(),
            pupil(),
            item("worry", core=True, source="Mr Brown the caretaker", source_protected=True),
            item("more", text="As Mr Brown the caretaker said, he limps."),
        )

        assert "Brown" not in bench.texts("kent-csc")
        assert bench.view("kent-csc")[pid("item", "more")].item.text == "As said, he limps."

    def test_a_source_who_may_be_named_is(self) -> None:
        """Fact, opinion, hearsay and who said it travel together."""
        bench = everything_shared(detail(), pupil(), item("worry", core=True, source="class teacher"))

        assert bench.view("kent-csc")[pid("item", "worry")].item.source == "class teacher"


class TestPeople:
    """Whose data a recipient is given."""

    def test_other_pupils_stay_out(self) -> None:
        """S01: what is said of other pupils is not the worry; a core item keeps its words and loses the pointer."""
        other = person("other", THIRD)
        bench = everything_shared(
            detail(),
            pupil(),
            other,
            item("worry", core=True, mentions_person_ids=[other.person_id]),
            item("gossip", about_person_id=other.person_id),
        )

        assert bench.items("larkfield-primary") == {pid("item", "worry")}
        assert not bench.view("larkfield-primary")[pid("item", "worry")].item.mentions_person_ids
        assert other.person_id not in bench.view("larkfield-primary")
        assert left(bench, "larkfield-primary")[pid("item", "gossip")] == WithholdReason.WITHHOLD_REASON_OTHER_PERSON

    def test_somebody_nobody_speaks_of_stays_out(self) -> None:
        """A third party is in a view only with something said about them."""
        bystander, spoken_of = person("bystander", THIRD), person("friend", THIRD)
        bench = everything_shared(
            detail(), pupil(), bystander, spoken_of, item("worry", core=True, about_person_id=spoken_of.person_id)
        )

        assert bystander.person_id not in bench.view("kent-csc")
        assert spoken_of.person_id in bench.view("kent-csc")

    def test_s17_the_fathers_therapy_stays_with_him(self) -> None:
        """Data about an adult to protect a child: his illness for social care, not what he said in therapy."""
        father = person("dad", ADULT)
        bench = everything_shared(
            detail(),
            pupil(),
            father,
            item("danger", core=True, about_person_id=father.person_id),
            item("illness", Category.CATEGORY_MENTAL_HEALTH, about_person_id=father.person_id),
            item("session", Category.CATEGORY_THERAPY, about_person_id=father.person_id),
            item("orientation", Category.CATEGORY_SEXUAL_ORIENTATION, about_person_id=father.person_id),
        )

        assert bench.items("kent-csc") == {pid("item", "danger"), pid("item", "illness")}
        assert bench.items("larkfield-primary") == {pid("item", "danger")}
        assert father.person_id not in bench.view("larkfield-primary")

    def test_relationships_lead_only_to_people_in_the_view(self) -> None:
        """A pointer to somebody left out would be a trace."""
        father = person("dad", ADULT)
        tom = pupil(relationships=[Relationship(to_person_id=father.person_id, kind="father")])
        bench = everything_shared(detail(), tom, father, item("worry", core=True))

        assert bench.view("kent-csc")[tom.person_id].person.relationships
        assert not bench.view("larkfield-primary")[tom.person_id].person.relationships

    def test_numbers_go_where_they_are_needed(self) -> None:
        """NHS number for health, pupil number for school, no police number anywhere, no bad or hidden number."""
        numbers = [
            Identifier(kind=IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER, value="9990000018"),
            Identifier(kind=IdentifierKind.IDENTIFIER_KIND_UPN, value="U886400024001"),
            Identifier(kind=IdentifierKind.IDENTIFIER_KIND_PNC_ID, value="PNC/1"),
            Identifier(
                kind=IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER,
                value="9990000019",
                check=IdentifierCheck.IDENTIFIER_CHECK_INVALID,
            ),
            Identifier(kind=IdentifierKind.IDENTIFIER_KIND_UPN, value="HIDDEN", hidden=REFUGE),
        ]
        bench = everything_shared(detail(suspected_crime=YES), pupil(identifiers=numbers), item("worry", core=True))

        def seen(agency: str) -> list[str]:
            return [number.value for number in bench.view(agency)[pid("person", "tom")].person.identifiers]

        assert seen("kent-csc") == ["9990000018", "U886400024001"]
        assert seen("kent-community-health") == ["9990000018"]
        assert seen("larkfield-primary") == ["U886400024001"]
        assert seen("kent-police") == []

    def test_s22_an_adopted_childs_numbers_stay_at_home(self) -> None:
        """A number may reveal the birth identity (Children Act 2004 s16LC(7))."""
        adopted = pupil(
            identifiers=[Identifier(kind=IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER, value="9990000018")],
            statuses=[Status(status=StatutoryStatus.STATUTORY_STATUS_ADOPTED)],
        )
        bench = everything_shared(detail(), adopted, item("worry", core=True))

        assert not bench.view("kent-csc")[adopted.person_id].person.identifiers

    def test_what_serves_routing_alone_never_travels(self) -> None:
        """Who could read which inbox, and which agencies know the person, are in no view."""
        father = person("dad", PARENT, can_read_agencies=["medway-csc"], known_to_agencies=["channel-sexual-health"])
        bench = everything_shared(detail(), pupil(), father, item("worry", core=True, needed_by=[CSC]))

        for agency in bench.told:
            assert "medway-csc" not in bench.texts(agency)
            assert "channel-sexual-health" not in bench.texts(agency)
            assert "needed_by" not in bench.texts(agency)

    def test_only_social_care_sees_which_authorities_are_concerned(self) -> None:
        """Who leads is for those who have to settle it; nobody else learns where a family went."""
        bench = everything_shared(detail(), pupil(), item("worry", core=True))

        assert bench.view("kent-csc")[pid("person", "tom")].person.authorities
        assert not bench.view("kent-community-health")[pid("person", "tom")].person.authorities


class TestSendersWord:
    """What the sender says about who needs an item."""

    def test_not_for(self) -> None:
        """The sender says police must not see it."""
        bench = everything_shared(
            detail(suspected_crime=YES), pupil(), item("worry", core=True), item("x", not_for=[POLICE])
        )

        assert left(bench, "kent-police") == {pid("item", "x"): WithholdReason.WITHHOLD_REASON_DECIDED}
        assert pid("item", "x") in bench.items("kent-csc")

    def test_what_does_not_bear_on_the_risk_goes_to_nobody(self) -> None:
        """An unrelated conviction stays, to every recipient; marked as the core it goes, for nothing may be missing."""
        bench = everything_shared(
            detail(suspected_crime=YES),
            pupil(),
            item("worry", core=True, bears_on_risk=Ternary.TERNARY_NO),
            item("theft", bears_on_risk=Ternary.TERNARY_NO),
        )

        for agency in ("kent-csc", "kent-police"):
            assert bench.items(agency) == {pid("item", "worry")}
            assert left(bench, agency) == {pid("item", "theft"): WithholdReason.WITHHOLD_REASON_NOT_NEEDED_FOR_ROLE}

    def test_needed_by_never_holds_the_core_back(self) -> None:
        """The sender names who needs an item: others do not get it, unless it is the core of the worry."""
        bench = everything_shared(
            detail(), pupil(), item("worry", core=True, needed_by=[POLICE]), item("x", needed_by=[POLICE])
        )

        assert bench.items("kent-csc") == {pid("item", "worry")}


def test_groups_and_places_go_where_the_role_covers_them() -> None:
    """S38: the park and the group for social care and police; the school sees the pattern and nobody's name."""
    park = Place(place_id=pid("place", "park"), kind=PlaceKind.PLACE_KIND_OPEN_SPACE, name="Mote Park", gss_code=KENT)
    group = Group(
        group_id=pid("group", "older"), descriptions=["tall, red jacket"], person_ids=[pid("person", "tom"), "nobody"]
    )
    bench = everything_shared(
        detail(Trigger.TRIGGER_EXTRA_FAMILIAL_HARM, suspected_crime=YES),
        pupil(),
        park,
        group,
        item("knives", core=True),
    )

    assert {park.place_id, group.group_id} <= bench.view("kent-police").keys()
    assert list(bench.view("kent-police")[group.group_id].group.person_ids) == [pid("person", "tom")]
    assert {park.place_id, group.group_id} <= bench.view("larkfield-primary").keys()
    assert not {pid("person", "tom"), pid("item", "knives")} & bench.view("larkfield-primary").keys()
    assert not bench.view("larkfield-primary")[group.group_id].group.person_ids


def test_a_consent_travels_with_what_rests_on_it() -> None:
    """A recipient must know that an item rests on consent, and can be called back."""
    consent = Consent(
        consent_ref=pid("consent", "c"),
        kind=ConsentKind.CONSENT_KIND_BASIS,
        status=ConsentStatus.CONSENT_STATUS_GIVEN,
        item_ids=[pid("item", "sleep"), pid("item", "therapy")],
        expires_on="2027-01-01",
    )
    unused = Consent(consent_ref=pid("consent", "other"), kind=ConsentKind.CONSENT_KIND_SERVICE)
    bench = everything_shared(
        detail(), pupil(), consent, unused, item("sleep", consent_ref=consent.consent_ref, core=True),
        item("therapy", Category.CATEGORY_THERAPY),
    )  # fmt: skip

    seen = bench.view("kent-csc")[consent.consent_ref].consent
    assert list(seen.item_ids) == [pid("item", "sleep")]
    assert seen.expires_on == "2027-01-01"
    assert unused.consent_ref not in bench.view("kent-csc")


def test_a_basis_the_sender_asked_for_stays_with_the_sender() -> None:
    """The sender's legal musings and judgements of detriment are no part of anybody's view."""
    bench = everything_shared(
        detail(basis_asked_for=5, more_detrimental=YES, considered_by=NamedPerson(name="Pat Lead", role="lead")),
        pupil(),
        item("worry", core=True),
    )

    assert "Pat Lead" not in bench.texts("kent-csc")
    assert not bench.view("kent-csc")[DETAIL_ID].detail.basis_asked_for


def test_unread_words_stay_at_home() -> None:
    """Free words that could not be read are kept with the record and copied into no view."""
    tom = pupil()
    tom.unread.add(field="birth_date", text="UNREAD WORDS")
    odd = item("worry", core=True)
    odd.unread.add(field="occurred", text="UNREAD WORDS")

    bench = everything_shared(detail(), tom, odd)

    assert all("UNREAD" not in bench.texts(agency) for agency in bench.told)


def test_the_ambulance_gets_what_saves_a_life() -> None:
    """S09: overdose, where she is and whom to call; not the counselling, not the school, not the brothers."""
    mother = person("mum", PARENT, contact_details=["07700 900456"])
    brother = person("ben", PersonRole.PERSON_ROLE_SIBLING)
    girl = person("jo", lives=MEDWAY, addresses=[old_home()], school_agency_id="lines-secondary")
    concern = raised(
        detail(life_at_risk=YES), girl, mother, brother,
        item("overdose", Category.CATEGORY_PHYSICAL_HEALTH, core=True),
        item("counselling", Category.CATEGORY_THERAPY, emergency_minimum=True),
        sender="nightline-helpline", urgency=Urgency.URGENCY_EMERGENCY,
    )  # fmt: skip

    bench = Bench().feed(concern)

    assert bench.items("secamb") == {pid("item", "overdose")}
    assert "900456" in bench.texts("secamb")
    assert "Old Orchard" in bench.texts("secamb")
    assert "lines-secondary" not in bench.texts("secamb")
    assert brother.person_id not in bench.view("secamb")


def test_items_keep_their_worth() -> None:
    """Fact, opinion, allegation and hearsay are never blurred on the way (failure F17)."""
    rumour = Item(item_id=pid("item", "r"), category=Category.CATEGORY_WELFARE, kind=4, text="they say", core=True)

    bench = everything_shared(detail(), pupil(), rumour)

    assert bench.view("kent-csc")[pid("item", "r")].item.kind == 4


def test_an_accused_employees_health_goes_to_nobody_unless_it_is_the_core_of_the_worry() -> None:
    """S28: what is said of the head's health is in no view; as the core of the worry it is in all that may have it."""
    head = person("head", PersonRole.PERSON_ROLE_ADULT_OF_CONCERN)
    health = Category.CATEGORY_PHYSICAL_HEALTH
    ill = item("ill", health, about_person_id=head.person_id)
    drunk = item("drunk", health, about_person_id=head.person_id, core=True)
    of_child = item("arm", health, about_person_id=person("tom").person_id)

    bench = Bench().raise_and_assess(
        raised(detail(Trigger.TRIGGER_POSITION_OF_TRUST), person("tom", lives=KENT), head, ill, drunk, of_child)
    )

    assert bench.items("kent-csc") == {drunk.item_id, of_child.item_id}
    assert all(ill.item_id not in bench.items(agency) for agency in bench.told)
