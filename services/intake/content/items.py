"""Items of information, places, groups and consents."""

from __future__ import annotations

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.chassis.concern import third_parties_alone
from services.intake import submission as sent
from services.intake.content.case import Case
from services.intake.content.people import address
from services.intake.content.refs import Refs
from services.intake.content.scribe import Scribe
from services.intake.flags import FlagCode

_C = codes.Category
_EMERGENCY = codes.Urgency.URGENCY_EMERGENCY

CORE_UNLESS_SAID = frozenset({_C.CATEGORY_WELFARE, _C.CATEGORY_CHILD_VOICE})
"""Categories that are the core of the worry unless the sender says otherwise (practice 2)."""

EMERGENCY_UNLESS_SAID = CORE_UNLESS_SAID | {
    _C.CATEGORY_IDENTITY,
    _C.CATEGORY_ADDRESS,
    _C.CATEGORY_CONTACT_DETAILS,
    _C.CATEGORY_PHYSICAL_HEALTH,
    _C.CATEGORY_DISABILITY,
    _C.CATEGORY_SUBSTANCE_USE,
    _C.CATEGORY_PLACE_OR_GROUP,
}
"""What happened, where, who, how to reach them: what goes in an emergency unless the sender says otherwise (S09)."""

NEVER_ASSUMED = frozenset({_C.CATEGORY_POLICE_INTELLIGENCE, _C.CATEGORY_SOURCE_IDENTITY, _C.CATEGORY_THERAPY})
"""What only the sender can put into an emergency (practice 9)."""


def item(given: sent.Item, item_id: str, case: Case, *at: str | int) -> facts.Item:
    """Give an item as the contract has it."""
    made = facts.Item(item_id=item_id, text=given.text, source=given.source, source_protected=given.source_protected)
    scribe = case.scribe(made, *at)
    made.category = scribe.code(codes.Category, given.category, "category")
    made.kind = scribe.code(codes.AssertionKind, given.kind, "kind")
    made.collected_on_consent = scribe.code(codes.Ternary, given.collected_on_consent, "collected_on_consent")
    made.consent_absence = scribe.code(codes.ConsentAbsence, given.consent_absence, "consent_absence")
    made.occurred = scribe.day(given.occurred, "occurred", past=True)
    made.needed_by.extend(scribe.codes(codes.AgencyClass, given.needed_by, "needed_by"))
    made.bears_on_risk = scribe.code(codes.Ternary, given.bears_on_risk, "bears_on_risk")
    unrelated = made.bears_on_risk == codes.Ternary.TERNARY_NO
    if unrelated and (given.core or given.emergency_minimum):
        scribe.flag(FlagCode.FACTS_CONTRADICT, "bears_on_risk")
    made.not_for.extend(scribe.codes(codes.AgencyClass, given.not_for, "not_for"))
    _subjects(given, made, case.refs, scribe)
    # a category that was said but not understood may be anything: it is assumed to be neither
    known = bool(made.category) or not given.category
    if given.protects:
        made.protects_person_id = case.refs.person.get(given.protects, "")
        if not made.protects_person_id:
            scribe.keep(FlagCode.REF_UNKNOWN, given.protects, "protects")
    apart = third_parties_alone(made, case.roles)
    if apart and not given.core and not given.emergency_minimum:
        scribe.flag(FlagCode.ABOUT_OTHERS_ALONE, "about")
    assumed = known and not apart and not unrelated
    core = assumed and (made.category in CORE_UNLESS_SAID or not made.category)
    emergency = assumed and (made.category in EMERGENCY_UNLESS_SAID or not made.category)
    made.core = core if given.core is None else given.core
    asked = given.emergency_minimum
    made.emergency_minimum = (case.urgency == _EMERGENCY and emergency) if asked is None else asked
    if given.consent:
        made.consent_ref = case.refs.consent.get(given.consent, "")
        if not made.consent_ref:
            scribe.keep(FlagCode.REF_UNKNOWN, given.consent, "consent")
    return made


def _subjects(given: sent.Item, made: facts.Item, refs: Refs, scribe: Scribe) -> None:
    """Resolve whom it is about: the first person, place and group; further people it is about are mentioned too."""
    mentioned: list[str] = []
    for index, ref in enumerate(given.about):
        if (person_id := refs.person.get(ref)) is not None:
            if not made.about_person_id:
                made.about_person_id = person_id
            elif person_id not in {made.about_person_id, *mentioned}:
                mentioned.append(person_id)
                made.also_about_person_ids.append(person_id)
        elif ref in refs.place and not made.about_place_id:
            made.about_place_id = refs.place[ref]
        elif ref in refs.group and not made.about_group_id:
            made.about_group_id = refs.group[ref]
        else:
            scribe.keep(FlagCode.REF_UNKNOWN, ref, "about", index)
    for index, ref in enumerate(given.mentions):
        if (person_id := refs.person.get(ref)) is not None:
            mentioned.append(person_id)
        else:
            scribe.keep(FlagCode.REF_UNKNOWN, ref, "mentions", index)
    made.mentions_person_ids.extend(dict.fromkeys(p for p in mentioned if p != made.about_person_id))


def place(given: sent.Place, index: int, case: Case) -> facts.Place:
    """Give a place; where a refuge is, is hidden by rule."""
    made = facts.Place(place_id=case.refs.places[index], name=given.name)
    scribe = case.scribe(made, "places", index)
    made.kind = scribe.code(codes.PlaceKind, given.kind, "kind")
    made.gss_code = scribe.gss(given.gss_code, "gss_code")
    if given.address is not None:
        made.address.CopyFrom(address(given.address, scribe, "address"))
        if made.kind == codes.PlaceKind.PLACE_KIND_REFUGE and not made.address.hidden:
            made.address.hidden = codes.HiddenReason.HIDDEN_REASON_REFUGE
            scribe.flag(FlagCode.REFUGE_HIDDEN, "address")
    return made


def group(given: sent.Group, index: int, case: Case) -> facts.Group:
    """Give a group."""
    made = facts.Group(
        group_id=case.refs.groups[index], name=given.name, descriptions=[d for d in given.descriptions if d]
    )
    scribe = case.scribe(made, "groups", index)
    for position, ref in enumerate(given.members):
        if (person_id := case.refs.person.get(ref)) is not None:
            made.person_ids.append(person_id)
        else:
            scribe.keep(FlagCode.REF_UNKNOWN, ref, "members", position)
    return made


def consent(given: sent.Consent, index: int, case: Case) -> facts.Consent:
    """Give a consent, or its absence."""
    made = facts.Consent(consent_ref=case.refs.consents[index], purpose=given.purpose, explicit=given.explicit)
    scribe = case.scribe(made, "consents", index)
    made.kind = scribe.code(codes.ConsentKind, given.kind, "kind")
    made.status = scribe.code(codes.ConsentStatus, given.status, "status")
    made.absence = scribe.code(codes.ConsentAbsence, given.absence, "absence")
    made.given_on = scribe.day(given.given_on, "given_on", past=True)
    made.expires_on = scribe.day(given.expires_on, "expires_on")
    scribe.in_order(given.given_on, given.expires_on, "expires_on")
    made.recipient_classes.extend(scribe.codes(codes.AgencyClass, given.recipients, "recipients"))
    for field, ref in (("subject", given.subject), ("given_by", given.given_by)):
        if ref and ref not in case.refs.person:
            scribe.keep(FlagCode.REF_UNKNOWN, ref, field)
    made.subject_person_id = case.refs.person.get(given.subject, "")
    made.given_by_person_id = case.refs.person.get(given.given_by, "")
    for position, ref in enumerate(given.items):
        if (item_id := case.refs.item.get(ref)) is not None:
            made.item_ids.append(item_id)
        else:
            scribe.keep(FlagCode.REF_UNKNOWN, ref, "items", position)
    _consent_complete(made, scribe)
    return made


def _consent_complete(made: facts.Consent, scribe: Scribe) -> None:
    """Flag what the law asks of a consent, or of its absence, and is missing (UK GDPR Art 7; Sch 1 para 18(2))."""
    basis = made.kind == codes.ConsentKind.CONSENT_KIND_BASIS
    if basis and made.status == codes.ConsentStatus.CONSENT_STATUS_GIVEN and not made.expires_on:
        scribe.flag(FlagCode.CONSENT_WITHOUT_END, "expires_on")
    if basis and made.status == codes.ConsentStatus.CONSENT_STATUS_NOT_SOUGHT and not made.absence:
        scribe.flag(FlagCode.CONSENT_ABSENCE_NOT_STATED, "absence")
