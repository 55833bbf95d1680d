"""The concern as a whole."""

from __future__ import annotations

from datetime import date

from concern_relay.v1 import census_pb2 as census
from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import facts_pb2 as facts
from services.intake import submission as sent
from services.intake.content.scribe import Scribe
from services.intake.flags import FlagCode, Flags

_YES = codes.Ternary.TERNARY_YES
_NONE = census.AssessmentFactor.ASSESSMENT_FACTOR_21_NONE
_ANSWERS = (
    "suspected_crime",
    "immediate_danger",
    "suspect_is_child",
    "aggravated",
    "life_at_risk",
    "subject_incapable",
    "service_only",
    "more_detrimental",
    "balancing_test_complete",
)


def detail(given: sent.Submission, flags: Flags, today: date) -> tuple[facts.ConcernDetail, codes.Urgency]:
    """Give the concern as a whole, and how soon somebody has to act."""
    made = facts.ConcernDetail(reference=given.reference, referrer_anonymous=given.raised_by.anonymous)
    whole = Scribe(made, flags, today)
    made.occurred = whole.day(given.occurred, "occurred", past=True)
    made.raised_by.CopyFrom(_actor(given.raised_by))
    if not (given.raised_by.name or given.raised_by.anonymous or given.history):
        whole.flag(FlagCode.RAISED_BY_UNNAMED, "raised_by", "name")
    urgency = _urgency(given, whole)
    told(given.family_told, made, Scribe(made, flags, today, ("family_told",)))
    circumstances(given.detail, made, Scribe(made, flags, today, ("detail",)), urgency)
    return made, urgency


def _actor(given: sent.Actor) -> facts.NamedPerson:
    return facts.NamedPerson(name=given.name, role=given.role, contact=given.contact)


def _urgency(given: sent.Submission, whole: Scribe) -> codes.Urgency:
    """Without a word we know it is urgent: a slip of the keyboard must not make a child wait. History waits anyway."""
    stated = whole.code(codes.Urgency, given.urgency, "urgency")
    if stated:
        return stated  # type: ignore[no-any-return]
    if given.history:
        return codes.Urgency.URGENCY_ROUTINE
    whole.flag(FlagCode.URGENCY_NOT_STATED, "urgency")
    return codes.Urgency.URGENCY_URGENT


def told(given: sent.FamilyTold, made: facts.ConcernDetail, scribe: Scribe) -> None:
    """Fill in what the family was told."""
    made.family_told = scribe.code(codes.FamilyTold, given.told, "told")
    made.family_not_told_reason = scribe.code(codes.FamilyNotToldReason, given.reason, "reason")
    made.family_told_review_on = scribe.day(given.review_on, "review_on")
    made.family_told_note = given.note


def circumstances(given: sent.Detail, made: facts.ConcernDetail, scribe: Scribe, urgency: codes.Urgency) -> None:
    """Fill in the circumstances of a concern."""
    made.level = scribe.code(codes.ConcernLevel, given.level, "level")
    made.triggers.extend(scribe.codes(codes.Trigger, given.triggers, "triggers"))
    for name in _ANSWERS:
        setattr(made, name, scribe.answer(getattr(given, name), name))
    made.primary_need = scribe.code(census.PrimaryNeed, given.primary_need, "primary_need", short=True)
    made.referral_source = scribe.code(census.ReferralSource, given.referral_source, "referral_source", short=True)
    made.factors.extend(scribe.codes(census.AssessmentFactor, given.factors, "factors", short=True))
    made.closed_on = scribe.day(given.closed_on, "closed_on", past=True)
    made.closure_reason = scribe.code(census.ClosureReason, given.closure_reason, "closure_reason", short=True)
    made.no_further_action = scribe.answer(given.no_further_action, "no_further_action")
    made.setting = given.setting
    made.basis_asked_for = scribe.code(codes.Article6, given.basis_asked_for, "basis_asked_for")
    made.consent_absence = scribe.code(codes.ConsentAbsence, given.consent_absence, "consent_absence")
    made.detrimental_to.extend(scribe.codes(codes.AgencyClass, given.detrimental_to, "detrimental_to"))
    made.myths.extend(scribe.codes(codes.SharingMyth, given.myths, "myths"))
    if given.considered_by is not None:
        made.considered_by.CopyFrom(_actor(given.considered_by))
    if made.more_detrimental == _YES and not made.considered_by.name:
        scribe.flag(FlagCode.CONSIDERED_BY_MISSING, "considered_by")
    if _NONE in made.factors and len(made.factors) > 1:
        scribe.flag(FlagCode.FACTOR_NONE_COMBINED, "factors")
    danger = _YES in (made.immediate_danger, made.life_at_risk)
    if danger and urgency != codes.Urgency.URGENCY_EMERGENCY:
        scribe.flag(FlagCode.DANGER_BUT_NOT_EMERGENCY, "immediate_danger")
