"""One ``CINdetails``: referral, assessments, section 47 enquiries, plans, reviews, pre-proceedings. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

from services.intake.dates import Day, read_day
from services.workbench.imports.census.notes import Notes
from services.workbench.imports.census.reader import Reader

STATUSES_MAX: Final = 20
REVIEWS_MAX: Final = 50
FACTORS_MAX: Final = 50
_CODE_CHARS_MAX: Final = 80
_DATE_CHARS_MAX: Final = 40
_TRUTH: Final = {"1": "yes", "true": "yes", "0": "no", "false": "no"}
_PRE_PROCEEDINGS: Final = (
    "PPStartDate",
    "LBPSentDate",
    "FGDMMeetingOffer",
    "FGDMMeetingFac",
    "InitialPPMeetingDate",
    "ReviewMeetingsCount",
    "StepDecisionDate",
    "PPOutcome",
    "CourtAppDate",
    "LetterInitCPDate",
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a referral came to.

    Attributes:
        referred: the date, as written.
        detail: fields of the concern as a whole.
        statuses: plans of the child.
        items: everything in words.
    """

    referred: str
    detail: dict[str, Any]
    statuses: list[dict[str, Any]]
    items: list[dict[str, Any]]


def said(title: str, *pairs: tuple[str, str]) -> str:
    """Say what stands in a record in one line; what is empty is left out."""
    return f"{title}: " + "; ".join(f"{name} {value}" for name, value in pairs if value)


def case_of(reader: Reader, gss: str, notes: Notes) -> Case:
    """Read a referral."""
    line = reader.line
    referred, source = reader.one("CINreferralDate"), reader.one("ReferralSource")
    need, closed = reader.one("PrimaryNeedCode"), reader.one("CINclosureDate")
    reason, conference = reader.one("ReasonForClosure"), reader.one("DateOfInitialCPC")
    nothing = _truth(reader.one("ReferralNFA"))
    if not referred:
        notes.add("referral_date_missing", line)
    if not need and nothing != "yes":
        notes.add("primary_need_missing", line)
    if bool(closed) != bool(reason):
        notes.add("closed_without_reason", line)
    _in_order(referred, closed, line, notes)
    assessments, factors = _assessments(reader, referred, notes)
    plans = _plans(reader, gss, notes)
    first = said(
        "Referral to children's social care",
        ("on", referred),
        ("source", source),
        ("primary need", need),
        ("no further action", nothing),
        ("initial child protection conference", conference),
        ("closed on", closed),
        ("reason", reason),
    )
    items = [_item(first, referred, "welfare"), *assessments, *_enquiries(reader, notes), *_proceedings(reader)]
    statuses = [_short(plan, line, notes) for plan in plans[:STATUSES_MAX]]
    # what has no room among the statuses is kept in words
    items += [
        _item(_status_in_words(plan), plan["from_on"])
        for plan in plans
        if plan not in statuses or len(plan.get("reviewed_on", ())) > REVIEWS_MAX
    ]
    if reason.upper() == "RC1" and len(statuses) < STATUSES_MAX:
        statuses.append({"status": "adopted", "from_on": closed[:_DATE_CHARS_MAX]})
    detail = {
        "primary_need": need,
        "referral_source": source,
        "factors": factors[:FACTORS_MAX],
        "closed_on": closed,
        "closure_reason": reason,
        "no_further_action": nothing,
    }
    return Case(referred, _short(detail, line, notes), statuses, items)


def _assessments(reader: Reader, referred: str, notes: Notes) -> tuple[list[dict[str, Any]], list[str]]:
    items, factors = [], list[str]()
    for one in reader.groups("Assessments", "Assessment"):
        begun, reviewed = one.one("AssessmentActualStartDate"), one.one("AssessmentInternalReviewDate")
        ended = one.one("AssessmentAuthorisationDate")
        found = one.all("AssessmentFactors", "AssessmentFactor")
        for group in one.groups("FactorsIdentifiedAtAssessment", "AssessmentFactorsList"):
            found += group.all("AssessmentFactors", "AssessmentFactor")
        if ended and not found:
            notes.add("assessment_without_factors", one.line)
        if "21" in found and len(set(found)) > 1:
            notes.add("factor_none_combined", one.line)
        _in_order(referred, begun, one.line, notes)
        _in_order(begun, ended, one.line, notes)
        text = said(
            "Assessment",
            ("started", begun),
            ("internal review", reviewed),
            ("authorised", ended),
            ("factors", ", ".join(found)),
        )
        items.append(_item(text, begun))
        factors += found
    once = list(dict.fromkeys(factors))
    # "none" in one assessment says nothing about another one
    return items, once if once == ["21"] else [factor for factor in once if factor != "21"]


def _enquiries(reader: Reader, notes: Notes) -> list[dict[str, Any]]:
    items = []
    for one in reader.groups("Section47"):
        begun, target = one.one("S47ActualStartDate"), one.one("InitialCPCtarget")
        held, not_needed = one.one("DateOfInitialCPC"), _truth(one.one("ICPCnotRequired"))
        if held and not_needed == "yes":
            notes.add("conference_not_required_but_held", one.line)
        first, last = read_day(begun), read_day(held)
        if _before(last, first):
            notes.add("conference_before_enquiry", one.line)
        text = said(
            "Section 47 enquiry",
            ("started", begun),
            ("conference due", target),
            ("conference held", held),
            ("conference not required", not_needed),
        )
        items.append(_item(text, begun))
    return items


def _plans(reader: Reader, gss: str, notes: Notes) -> list[dict[str, Any]]:
    found = [
        {
            "status": "child_in_need",
            "gss_code": gss,
            "from_on": one.one("CINPlanStartDate"),
            "to_on": one.one("CINPlanEndDate"),
        }
        for one in reader.groups("CINPlanDates")
    ]
    protection = []
    for one in reader.groups("ChildProtectionPlans", "ChildProtectionPlan"):
        plan: dict[str, Any] = {
            "status": "child_protection_plan",
            "gss_code": gss,
            "from_on": one.one("CPPstartDate"),
            "to_on": one.one("CPPendDate"),
            "initial_category": one.one("InitialCategoryOfAbuse"),
            "latest_category": one.one("LatestCategoryOfAbuse"),
            "previous_plans": one.one("NumberOfPreviousCPP"),
        }
        reviews = [date for group in one.groups("Reviews") for date in group.all("CPPreviewDate")]
        plan["reviewed_on"] = [*reviews, *one.all("CPPreviewDate")]
        if any(_outside(review, plan) for review in plan["reviewed_on"]):
            notes.add("review_outside_plan", one.line)
        protection.append(plan)
    _overlap(protection, reader.line, notes)
    return found + protection


def _proceedings(reader: Reader) -> list[dict[str, Any]]:
    items = []
    for one in reader.groups("PreProceedingsandFGDM"):
        pairs = [(name, one.one(name)) for name in _PRE_PROCEEDINGS]
        if any(value for _, value in pairs):
            items.append(_item(said("Pre-proceedings and family group decision making", *pairs), pairs[0][1]))
    return items


def _item(text: str, occurred: str, category: str = "service_involvement") -> dict[str, Any]:
    return {
        "text": text,
        "category": category,
        "kind": "fact",
        "about": ["child"],
        "source": "children in need census",
        "occurred": occurred if len(occurred) <= _DATE_CHARS_MAX else "",
    }


def _status_in_words(status: dict[str, Any]) -> str:
    pairs = ((name.replace("_", " "), value) for name, value in status.items() if name not in ("status", "gss_code"))
    return said(
        status["status"].replace("_", " "), *((n, ", ".join(v) if isinstance(v, list) else v) for n, v in pairs)
    )


def _short(fields: dict[str, Any], line: int, notes: Notes) -> dict[str, Any]:
    """Bound values to what intake takes; the whole of it stands in the words beside it."""
    limits = {"from_on": _DATE_CHARS_MAX, "to_on": _DATE_CHARS_MAX, "closed_on": _DATE_CHARS_MAX}
    limits["reviewed_on"] = _DATE_CHARS_MAX
    made: dict[str, Any] = {}
    for name, value in fields.items():
        limit = limits.get(name, _CODE_CHARS_MAX)
        made[name] = [v[:limit] for v in value[:REVIEWS_MAX]] if isinstance(value, list) else value[:limit]
        if made[name] != value:
            notes.add("value_too_long", line)
    return made


def _truth(text: str) -> str:
    return _TRUTH.get(text.lower(), text)


def _in_order(begins: str, ends: str, line: int, notes: Notes) -> None:
    if _before(read_day(ends), read_day(begins)):
        notes.add("dates_out_of_order", line)


def _before(day: Day | None, other: Day | None) -> bool:
    return day is not None and other is not None and day.last < other.first


def _outside(review: str, plan: dict[str, Any]) -> bool:
    day = read_day(review)
    return _before(day, read_day(plan["from_on"])) or _before(read_day(plan["to_on"]), day)


def _overlap(plans: list[dict[str, Any]], line: int, notes: Notes) -> None:
    dated = [(begun.first, read_day(p["to_on"])) for p in plans if (begun := read_day(p["from_on"])) is not None]
    dated.sort(key=lambda pair: pair[0])
    for (_, ended), (begins, _) in itertools.pairwise(dated):
        if ended is None or begins < ended.last:
            notes.add("plans_overlap", line)
            return
