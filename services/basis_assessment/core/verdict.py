"""What a law pack comes to: for a class of recipient, for an item, and what is remembered of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from concern_relay.v1.assessments_pb2 import ClassAssessment, ItemAssessment
from concern_relay.v1.codes_pb2 import Outcome
from services.chassis.calendar import Clock
from services.chassis.clauses import Facts, Truth, Value

Known: TypeAlias = tuple[Value | None, ...]
Seen: TypeAlias = tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A person has to decide: what is asked, of whom, what is proposed, and how long they have."""

    question: str
    of_lead: bool
    proposal: Outcome
    clock: Clock


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What follows for one item.

    Attributes:
        message: as it is recorded, without the part id; never changed. Its outcome is unspecified where the person's
            decision gives it.
        questions: codes of questions whose answers would matter.
        pending: what a person is asked, if anything.
        unconditioned: shared before a condition was found.
    """

    message: ItemAssessment
    questions: tuple[str, ...]
    pending: Pending | None
    unconditioned: bool


@dataclass(frozen=True, slots=True)
class ClassVerdict:
    """What follows for a class of recipient.

    Attributes:
        message: as it is recorded, without what the arrangement says and without items; never changed.
        shares: whether anything may go to this class.
        unbalanced: shared on a basis whose record is not complete.
        as_based: outcome of whatever is shared, by its Article 6 basis.
        found: facts of the class, and what came out for it, for its items.
    """

    message: ClassAssessment
    shares: bool
    questions: tuple[str, ...]
    pending: Pending | None
    unbalanced: bool
    as_based: Outcome
    found: Facts = field(repr=False)
    views: dict[Seen, dict[Known, ItemVerdict]] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """The facts that are the same for every class and item.

    Attributes:
        classes: what was answered before about classes, in every case their tables cannot tell from this one.
        seen: what the tables of items see of it.
    """

    facts: Facts
    classes: dict[Known, ClassVerdict] = field(repr=False, compare=False)
    seen: Seen


@dataclass(frozen=True, slots=True)
class View:
    """A class that shares, in a case: what its items are weighed by, with what was answered about them before."""

    case: Case
    of_class: ClassVerdict
    items: dict[Known, ItemVerdict] = field(repr=False, compare=False)
