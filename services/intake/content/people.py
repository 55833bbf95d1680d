"""People: names, dates, numbers, addresses, authorities, statuses."""

from __future__ import annotations

from datetime import date, timedelta

from concern_relay.v1 import census_pb2 as census
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.intake import submission as sent
from services.intake.content.case import Case
from services.intake.content.refs import Refs
from services.intake.content.scribe import Scribe
from services.intake.dates import read_day
from services.intake.flags import FlagCode
from services.intake.identifiers import check, concluded

AGE_YEARS_MAX = 120
CHILD_AGE_YEARS = 18
EXPECTED_AHEAD_MAX = timedelta(days=305)
EXPECTED_PAST_MAX = timedelta(days=31)

_CHILD = codes.PersonRole.PERSON_ROLE_CHILD
_UNBORN = codes.PersonRole.PERSON_ROLE_UNBORN_CHILD
_ADOPTED = codes.StatutoryStatus.STATUTORY_STATUS_ADOPTED
_FOR_ADOPTION = codes.HiddenReason.HIDDEN_REASON_ADOPTION


def person(given: sent.Person, index: int, case: Case) -> facts.Person:
    """Give a person as the contract has it, flagging what is odd."""
    made = facts.Person(person_id=case.refs.people[index])
    scribe = case.scribe(made, "people", index)
    made.role = scribe.code(codes.PersonRole, given.role, "role")
    if not given.role:
        scribe.flag(FlagCode.ROLE_NOT_STATED, "role")
    names = [n for n in given.names if n.given or n.family]
    made.names.extend(facts.PersonName(given=n.given, family=n.family, alias=n.alias) for n in names)
    made.birth_date = scribe.day(given.birth_date, "birth_date", past=True)
    made.expected_on = scribe.day(given.expected_on, "expected_on")
    made.died_on = scribe.day(given.died_on, "died_on", past=True)
    scribe.in_order(given.birth_date, given.died_on, "died_on")
    made.age_years = _age(given.age_years, scribe)
    made.sex = scribe.code(codes.Sex, given.sex, "sex")
    made.language = given.language
    made.contact_details.extend(given.contact_details)
    made.can_read_agencies.extend(given.can_read_agencies)
    made.known_to_agencies.extend(given.known_to_agencies)
    made.school_agency_id, made.school_name = given.school.agency, given.school.name
    made.adult_at_risk = scribe.answer(given.adult_at_risk, "adult_at_risk")
    made.can_consent = scribe.answer(given.can_consent, "can_consent")
    made.addresses.extend(address(a, scribe, "addresses", i) for i, a in enumerate(given.addresses))
    _authorities(given, made, scribe)
    _statuses(given, made, scribe)
    made.match = scribe.code(codes.IdentityMatch, given.match, "match")
    _identifiers(given, made, scribe)
    _relationships(given, made, case.refs, scribe)
    _plausible(made, scribe, history=case.history)
    return made


def address(given: sent.Address, scribe: Scribe, *field: str | int) -> facts.Address:
    """Give an address."""
    made = facts.Address(lines=[line for line in given.lines if line], postcode=given.postcode.upper())
    made.uprn = given.uprn
    if given.uprn and check(codes.IdentifierKind.IDENTIFIER_KIND_UPRN, given.uprn) != _VALID:
        scribe.flag(FlagCode.IDENTIFIER_INVALID, *field, "uprn")
    made.from_on = scribe.day(given.from_on, *field, "from_on")
    made.to_on = scribe.day(given.to_on, *field, "to_on")
    scribe.in_order(given.from_on, given.to_on, *field, "to_on")
    made.hidden = scribe.hidden(given.hidden, *field, "hidden")
    return made


_VALID = codes.IdentifierCheck.IDENTIFIER_CHECK_VALID
_INVALID = codes.IdentifierCheck.IDENTIFIER_CHECK_INVALID
_UNCONFIRMED = codes.IdentifierCheck.IDENTIFIER_CHECK_UNCONFIRMED
_CERTAIN = (codes.IdentityMatch.IDENTITY_MATCH_UNSPECIFIED, codes.IdentityMatch.IDENTITY_MATCH_MATCH)


def _age(text: str, scribe: Scribe) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and int(text) <= AGE_YEARS_MAX:
        return int(text)
    scribe.keep(FlagCode.AGE_IMPOSSIBLE, text, "age_years")
    return 0


def _authorities(given: sent.Person, made: facts.Person, scribe: Scribe) -> None:
    for index, authority in enumerate(given.authorities):
        at = ("authorities", index)
        made.authorities.append(
            facts.AuthorityConcern(
                gss_code=scribe.gss(authority.gss_code, *at, "gss_code"),
                role=scribe.code(codes.AuthorityRole, authority.role, *at, "role"),
                from_on=scribe.day(authority.from_on, *at, "from_on"),
            )
        )


def _statuses(given: sent.Person, made: facts.Person, scribe: Scribe) -> None:
    for index, status in enumerate(given.statuses):
        at = ("statuses", index)
        scribe.in_order(status.from_on, status.to_on, *at, "to_on")
        made.statuses.append(
            facts.Status(
                status=scribe.code(codes.StatutoryStatus, status.status, *at, "status"),
                gss_code=scribe.gss(status.gss_code, *at, "gss_code"),
                from_on=scribe.day(status.from_on, *at, "from_on"),
                to_on=scribe.day(status.to_on, *at, "to_on"),
                initial_category=_abuse(status.initial_category, scribe, *at, "initial_category"),
                latest_category=_abuse(status.latest_category, scribe, *at, "latest_category"),
                previous_plans=status.previous_plans,
                reviewed_on=[
                    day
                    for n, review in enumerate(status.reviewed_on)
                    if (day := scribe.day(review, *at, "reviewed_on", n, past=True))
                ],
            )
        )


def _abuse(word: str, scribe: Scribe, *field: str | int) -> census.AbuseCategory:
    return scribe.code(census.AbuseCategory, word, *field, short=True)  # type: ignore[no-any-return]


def _identifiers(given: sent.Person, made: facts.Person, scribe: Scribe) -> None:
    for index, number in enumerate(given.identifiers):
        at = ("identifiers", index)
        kind = scribe.code(codes.IdentifierKind, number.kind, *at, "kind")
        found = check(kind, number.value)
        if found == _INVALID:
            scribe.flag(FlagCode.IDENTIFIER_INVALID, *at, "value")
        match = _match(number, scribe, *at)
        if match not in _CERTAIN and found != _INVALID:
            found = _UNCONFIRMED
            scribe.flag(FlagCode.MATCH_NOT_CERTAIN, *at, "value")
        hidden = scribe.hidden(number.hidden, *at, "hidden")
        made.identifiers.append(
            facts.Identifier(kind=kind, value=number.value, check=found, hidden=hidden, match=match)
        )
    adopted = any(s.status == _ADOPTED for s in made.statuses)
    if adopted or any(n.hidden == _FOR_ADOPTION for n in made.identifiers):
        # Children Act 2004 s16LC(7): a number can lead from the new identity to the birth identity and back
        for index, shown in enumerate(made.identifiers):
            if not shown.hidden:
                shown.hidden = _FOR_ADOPTION
                scribe.flag(FlagCode.IDENTIFIER_HIDDEN_ADOPTION, "identifiers", index)


def _match(number: sent.Identifier, scribe: Scribe, *at: str | int) -> codes.IdentityMatch:
    """Give what a matcher concluded of a number; what cannot be read is uncertain, the side that harms nobody."""
    stated = scribe.code(codes.IdentityMatch, number.match, *at, "match")
    if stated or not (number.match or number.confidence):
        return stated  # type: ignore[no-any-return]
    found = None if number.match else concluded(number.confidence)
    if found is None and not number.match:
        scribe.keep(FlagCode.CODE_NOT_KNOWN, number.confidence, *at, "confidence")
    return found or codes.IdentityMatch.IDENTITY_MATCH_POTENTIAL_MATCH


def _relationships(given: sent.Person, made: facts.Person, refs: Refs, scribe: Scribe) -> None:
    for index, relationship in enumerate(given.relationships):
        other = refs.person.get(relationship.to)
        if other is None:
            scribe.keep(FlagCode.REF_UNKNOWN, f"{relationship.to}: {relationship.kind}", "relationships", index, "to")
            continue
        responsible = scribe.answer(
            relationship.parental_responsibility, "relationships", index, "parental_responsibility"
        )
        made.relationships.append(
            facts.Relationship(to_person_id=other, kind=relationship.kind, parental_responsibility=responsible)
        )


def _plausible(made: facts.Person, scribe: Scribe, *, history: bool) -> None:
    """Flag what is missing of a child, and ages nobody has. A return names no child, and is of years gone by."""
    _ages(made, scribe, history=history)
    if made.role == _CHILD:
        if not made.names and not history:
            scribe.flag(FlagCode.CHILD_UNNAMED, "names")
        if not made.identifiers:
            scribe.flag(FlagCode.IDENTIFIER_MISSING, "identifiers")
        if not (made.birth_date or made.age_years):
            scribe.flag(FlagCode.BIRTH_DATE_UNKNOWN, "birth_date")
    expected = read_day(made.expected_on)
    if made.role == _UNBORN and expected is not None and not history:
        early, late = scribe.today - EXPECTED_PAST_MAX, scribe.today + EXPECTED_AHEAD_MAX
        if expected.last < early or expected.first > late:
            scribe.flag(FlagCode.EXPECTED_DATE_UNLIKELY, "expected_on")


def _ages(made: facts.Person, scribe: Scribe, *, history: bool) -> None:
    born = read_day(made.birth_date)
    if born is None:
        if made.role == _CHILD and made.age_years >= CHILD_AGE_YEARS:
            scribe.flag(FlagCode.NOT_A_CHILD_BY_AGE, "age_years")
        return
    youngest, oldest = _years(born.last, scribe.today), _years(born.first, scribe.today)
    if youngest > AGE_YEARS_MAX:
        scribe.flag(FlagCode.AGE_IMPOSSIBLE, "birth_date")
    elif made.role == _CHILD and youngest >= CHILD_AGE_YEARS and not history:
        scribe.flag(FlagCode.NOT_A_CHILD_BY_AGE, "birth_date")
    if made.age_years and not youngest - 1 <= made.age_years <= oldest + 1:
        scribe.flag(FlagCode.AGE_AND_BIRTH_DATE_DISAGREE, "age_years")


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
