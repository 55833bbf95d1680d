"""What was odd in a submission and was kept: flagged, never refused.

A child is never behind paperwork (practice 1 to 4; Children Act 2004 s16LC(8) for numbers). The codes travel in the
clear with the event; the pointers go back to the sender. Neither holds a word of content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

FLAGS_MAX = 100
"""Flags told at once: a sender with more has one mistake in its mapping, not a hundred children with odd dates."""


class FlagCode(StrEnum):
    """Why something was flagged."""

    ABOUT_OTHERS_ALONE = "about_others_alone"
    AGE_AND_BIRTH_DATE_DISAGREE = "age_and_birth_date_disagree"
    AGE_IMPOSSIBLE = "age_impossible"
    AUTHORITY_CODE_NOT_READ = "authority_code_not_read"
    AUTHORITY_UNKNOWN = "authority_unknown"
    BIRTH_DATE_CHANGED = "birth_date_changed"
    BIRTH_DATE_UNKNOWN = "birth_date_unknown"
    CHARACTERS_REMOVED = "characters_removed"
    CHILD_UNNAMED = "child_unnamed"
    CODE_NOT_KNOWN = "code_not_known"
    CONSENTS_CONTRADICT = "consents_contradict"
    CONSENT_WITHOUT_END = "consent_without_end"
    CONSENT_ABSENCE_NOT_STATED = "consent_absence_not_stated"
    CORRECTED_SINCE = "corrected_since"
    CONSIDERED_BY_MISSING = "considered_by_missing"
    DANGER_BUT_NOT_EMERGENCY = "danger_but_not_emergency"
    DATE_IN_FUTURE = "date_in_future"
    DATE_NOT_READ = "date_not_read"
    DATE_UNLIKELY = "date_unlikely"
    DATES_OUT_OF_ORDER = "dates_out_of_order"
    DESTINATION_UNKNOWN = "destination_unknown"
    EXPECTED_DATE_UNLIKELY = "expected_date_unlikely"
    FACTS_CONTRADICT = "facts_contradict"
    FACTOR_NONE_COMBINED = "factor_none_combined"
    HIDDEN_WITHOUT_REASON = "hidden_without_reason"
    IDENTIFIER_HIDDEN_ADOPTION = "identifier_hidden_adoption"
    IDENTIFIER_INVALID = "identifier_invalid"
    IDENTIFIER_MISSING = "identifier_missing"
    MATCH_NOT_CERTAIN = "match_not_certain"
    NAME_CHANGED = "name_changed"
    NO_CHILD_NAMED = "no_child_named"
    NO_CORE_ITEM = "no_core_item"
    NO_EMERGENCY_MINIMUM = "no_emergency_minimum"
    NOT_A_CHILD_BY_AGE = "not_a_child_by_age"
    RAISED_BY_UNNAMED = "raised_by_unnamed"
    REF_UNKNOWN = "ref_unknown"
    REFUGE_HIDDEN = "refuge_hidden"
    ROLE_NOT_STATED = "role_not_stated"
    SAME_REFERENCE_OTHER_CHILD = "same_reference_other_child"
    URGENCY_NOT_STATED = "urgency_not_stated"


_DETAILS = {
    FlagCode.ABOUT_OTHERS_ALONE: "About a third party alone: it goes to nobody. If it matters to the child, send a "
    "correction with core: true, or with whom it protects, or who needs it.",
    FlagCode.AGE_AND_BIRTH_DATE_DISAGREE: "Age and birth date disagree; both were kept. Correct it when you know.",
    FlagCode.AGE_IMPOSSIBLE: "Nobody has this age or birth date; it was kept. Check it and send a correction.",
    FlagCode.AUTHORITY_CODE_NOT_READ: "Not the ONS code of an authority, as E10000016; kept as you wrote it.",
    FlagCode.AUTHORITY_UNKNOWN: "No authority and no current address: say where the child lives or was found.",
    FlagCode.BIRTH_DATE_CHANGED: "This correction changes a child's birth date. If this is another child, telephone.",
    FlagCode.BIRTH_DATE_UNKNOWN: "No birth date and no age; send either when you know it.",
    FlagCode.CHARACTERS_REMOVED: "Control characters were taken out; every word was kept.",
    FlagCode.CHILD_UNNAMED: "A child without a name; send the name, or what the child is called, when you know it.",
    FlagCode.CODE_NOT_KNOWN: "Not a code we know; kept as you wrote it, and not acted on. See /v1/codes for the words.",
    FlagCode.CONSENTS_CONTRADICT: "Consent is stated as given and as not given, by one person for one thing. Both were "
    "kept. Send a correction with the one that stands, or say with given_on which came later.",
    FlagCode.CONSENT_WITHOUT_END: "Consent as the lawful basis has an end date; without it, it is not relied on.",
    FlagCode.CONSENT_ABSENCE_NOT_STATED: "Say why consent was not sought: one of the three limbs of paragraph 18(2).",
    FlagCode.CORRECTED_SINCE: "This content was accepted before and was corrected since; nothing was recorded now. "
    "If it is to stand again, send it with a new Idempotency-Key.",
    FlagCode.CONSIDERED_BY_MISSING: "A judgement was stated without who made it; a named person will be asked.",
    FlagCode.DANGER_BUT_NOT_EMERGENCY: "Danger or a risk to life was stated, and the urgency is not emergency. If a "
    "child is in danger now, call 999 and send urgency emergency.",
    FlagCode.DATE_IN_FUTURE: "A date that has not come yet; it was kept. Check it.",
    FlagCode.DATE_NOT_READ: "Not a date we can read; kept as you wrote it. Write 2018, 2018-05 or 2018-05-02.",
    FlagCode.DATE_UNLIKELY: "A date before 1900 or after 2100; it was kept. Check it.",
    FlagCode.DATES_OUT_OF_ORDER: "The end lies before the beginning; both were kept. Check them.",
    FlagCode.DESTINATION_UNKNOWN: "Nobody knows where the child went: telephone the authority the child left, and the "
    "police if the child may be in danger. It is recorded and passed on.",
    FlagCode.EXPECTED_DATE_UNLIKELY: "More than ten months ahead, or more than a month past; it was kept. Check it.",
    FlagCode.FACTS_CONTRADICT: "This and something else that was said cannot both be so. Both were kept, and nothing "
    "waits for it. Send a correction that says which it is.",
    FlagCode.FACTOR_NONE_COMBINED: "Factor 21 (none) cannot be combined with another; all were kept.",
    FlagCode.HIDDEN_WITHOUT_REASON: "Hidden without a reason we know: it stays hidden. Say why when you can.",
    FlagCode.IDENTIFIER_HIDDEN_ADOPTION: "Numbers of an adopted child travel no further (Children Act 2004 s16LC(7)).",
    FlagCode.IDENTIFIER_INVALID: "The number fails its check; it was kept as a finding and is not used to identify.",
    FlagCode.IDENTIFIER_MISSING: "No number for this child. Nothing waits for it (Children Act 2004 s16LC(8)).",
    FlagCode.MATCH_NOT_CERTAIN: "A matcher named this number without certainty; it identifies nobody and goes "
    "to nobody. Let a person compare, and send a correction with match: match, or without the number.",
    FlagCode.NAME_CHANGED: "This correction changes a child's name. If this is another child, telephone.",
    FlagCode.NO_CHILD_NAMED: "No child, place or group is named; the concern goes out with those who are.",
    FlagCode.NO_CORE_ITEM: "No item is marked as the core of the worry, so only identities go out at once.",
    FlagCode.NO_EMERGENCY_MINIMUM: "No item was marked for the emergency; every item that may was taken.",
    FlagCode.NOT_A_CHILD_BY_AGE: "By this birth date or age the child is 18 or over; other rules apply to adults.",
    FlagCode.RAISED_BY_UNNAMED: "No name of who raises it; the front door cannot ring back.",
    FlagCode.REF_UNKNOWN: "Refers to nobody and nothing in this submission; the reference was left out.",
    FlagCode.REFUGE_HIDDEN: "The address of a refuge is hidden by rule.",
    FlagCode.ROLE_NOT_STATED: "Say the part this person plays: child, parent, carer, sibling, adult_of_concern, …",
    FlagCode.SAME_REFERENCE_OTHER_CHILD: "Your reference was used before for a concern that is not plainly about the "
    "same child. This is a new concern, linked to the first; nothing was merged.",
    FlagCode.URGENCY_NOT_STATED: "No urgency we know: handled as urgent. Send emergency, urgent or routine.",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One odd thing that was kept.

    Attributes:
        code: why.
        pointer: the field, as ``/people/0/birth_date``; empty for the whole.
    """

    code: FlagCode
    pointer: str

    @property
    def detail(self) -> str:
        """What it means and what to do."""
        return _DETAILS[self.code]


@dataclass(slots=True)
class Flags:
    """Flags of one submission, gathered while it is read."""

    found: list[Flag] = field(default_factory=list)

    def add(self, code: FlagCode, *where: str | int) -> None:
        """Flag a field; a field is flagged once for one reason, and no more than ``FLAGS_MAX`` in all."""
        flag = Flag(code, pointer(*where))
        if flag not in self.found and len(self.found) < FLAGS_MAX:
            self.found.append(flag)


def pointer(*where: str | int) -> str:
    """Give the JSON pointer of a path (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in where)


def codes(flags: tuple[Flag, ...]) -> list[str]:
    """Give the distinct codes, sorted: what travels with the event."""
    return sorted({flag.code.value for flag in flags})
