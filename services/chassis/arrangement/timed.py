"""What agencies have to do by a time beside acknowledging: conferences, visits, notices; and school terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from concern_relay.v1.codes_pb2 import AgencyClass, ShareOutcome
from services.chassis.arrangement.selecting import SELECTION_KEYS, Selection, selection_of
from services.chassis.arrangement.values import Keys, Node, amount, code, day, flag, list_of, said, set_of, word
from services.chassis.calendar import is_working_day
from services.chassis.clauses import Clause, Declared, Facts, read_clause
from services.chassis.marked_yaml import fail


@dataclass(frozen=True, slots=True)
class TimedDuty:
    """Something an agency has to do by a time.

    Attributes:
        when: as of a rule; None where it only follows another.
        unless: as of a rule.
        agency_class: class of the agency whose duty it is.
        select: which agency.
        clock_code: its clock.
        then: code of the duty that follows when it was done, as the next of several visits; its own code repeats it.
        repeats_max: how often it is started in one concern.
        personal: the professional's own; nobody else can discharge it.
        ends: codes of the agency's duties that the same act does: one notification, two limits.
        urgent_clock_code: clock in its place where the concern is urgent or more; empty is the same.
        outcomes: started by one of these outcomes of the agency's own: an enquiry leads to a conference.
        own: only of the agency that raised the concern itself: whom it would have told, that it is itself.
    """

    code: str
    when: Clause | None
    unless: Clause | None
    agency_class: AgencyClass
    select: Selection
    clock_code: str
    cite: str
    then: str = ""
    repeats_max: int = 1
    personal: bool = False
    ends: tuple[str, ...] = ()
    urgent_clock_code: str = ""
    own: bool = False
    outcomes: frozenset[ShareOutcome] = frozenset()

    def arises(self, facts: Facts) -> bool:
        """Say whether it arises from these facts."""
        if self.when is None or self.when.holds(facts) is not True:
            return False
        return self.unless is None or self.unless.holds(facts) is not True


@dataclass(frozen=True, slots=True)
class Term:
    """Days between which the schools of some areas are open, on weekdays that are no bank holidays."""

    areas: frozenset[str]
    first: date
    last: date


@cache
def school_days(terms: tuple[Term, ...]) -> frozenset[date]:
    """Give the days on which schools with these terms are open."""
    days = (term.first + timedelta(days=n) for term in terms for n in range((term.last - term.first).days + 1))
    return frozenset(day for day in days if is_working_day(day))


def read_timed_duty(node: Node, facts: Mapping[str, Declared]) -> TimedDuty:
    """Read a row of ``timed_duties``."""
    keys = Keys.of(
        node,
        *(
            "code",
            "when",
            "unless",
            "class",
            *SELECTION_KEYS,
            "clock",
            "then",
            "repeats_max",
            "personal",
            "ends",
            "urgent_clock",
            "own",
            "outcomes",
            "cite",
        ),
    )
    name = keys.get("code", code)
    nothing: tuple[str, ...] = ()
    return TimedDuty(
        code=name,
        when=keys.maybe("when", lambda inner: read_clause(name, inner, facts), None),
        unless=keys.maybe("unless", lambda inner: read_clause(f"{name}_unless", inner, facts), None),
        agency_class=keys.maybe("class", word(AgencyClass), AgencyClass.AGENCY_CLASS_UNSPECIFIED),
        select=selection_of(node),
        clock_code=keys.get("clock", code),
        cite=keys.get("cite", said),
        then=keys.maybe("then", code, ""),
        repeats_max=keys.maybe("repeats_max", amount, 1),
        personal=keys.maybe("personal", flag, default=False),
        ends=keys.maybe("ends", list_of(code), nothing),
        urgent_clock_code=keys.maybe("urgent_clock", code, ""),
        own=keys.maybe("own", flag, default=False),
        outcomes=keys.maybe("outcomes", set_of(word(ShareOutcome)), frozenset()),
    )


def read_term(node: Node) -> Term:
    """Read a term: the areas whose schools keep it, its first and last day."""
    keys = Keys.of(node, "areas", "first", "last", "cite")
    term = Term(keys.get("areas", set_of(said)), keys.get("first", day), keys.get("last", day))
    if term.last < term.first:
        fail(node, f"ends on {term.last}, before it begins on {term.first}", "correct one of the two days")
    return term
