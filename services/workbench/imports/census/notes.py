"""What was odd in a census and was kept: flagged as intake flags, with code and place, never a word of content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

DETAILS: Final = {
    "agency_assumed": "no agency here serves the LEA of the header; it is recorded for the front door. Say --agency",
    "assessment_without_factors": "an assessment was authorised and no factor stands in it",
    "birth_date_twice": "a birth date and an expected one",
    "child_id_missing": "no LAchildID: the child is known by UPN or by content, so a later change is a new concern",
    "child_without_referral": "no CINdetails: recorded without a referral",
    "closed_without_reason": "a closure date and no reason, or a reason and no date",
    "code_not_known": "a code that is not in the list; kept as written",
    "conference_not_required_but_held": "a conference date, and that none was required",
    "conference_before_enquiry": "the conference lies before the start of the section 47 enquiry",
    "collection_not_cin": "the header does not say CIN; read as a children in need census all the same",
    "dates_out_of_order": "the end lies before the beginning",
    "element_not_known": "not of any layout of 2022 to 2026, or there twice; kept as an item",
    "factor_none_combined": "factor 21 (none) stands beside another in one assessment",
    "header_missing": "no header, or no LEA in it",
    "lea_not_of_agency": "the LEA of the header is not the area of the agency it is recorded for",
    "plans_overlap": "two child protection plans at one time",
    "primary_need_missing": "no primary need, and it is not said that there was no further action",
    "referral_before_birth": "the referral lies before the birth of a child that is not called unborn",
    "referral_date_missing": "no CINreferralDate",
    "referral_twice": "two referrals of one child on one day; both are recorded",
    "review_outside_plan": "a review that lies outside its plan",
    "upn_and_reason": "a UPN, and a reason why there is none",
    "upn_missing_without_reason": "neither a UPN nor a reason why there is none",
    "value_too_long": "longer than any value of its kind; kept as an item",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One odd thing.

    Attributes:
        code: why; one of ``DETAILS``, or a flag of intake.
        line: of the file.
        child: ordinal, 0 for the file as a whole.
    """

    code: str
    line: int
    child: int = 0


@dataclass(slots=True)
class Notes:
    """What was odd in one child."""

    child: int
    found: list[Note] = field(default_factory=list)

    def add(self, code: str, line: int) -> None:
        """Note something."""
        assert code in DETAILS, code
        self.found.append(Note(code, line, self.child))
