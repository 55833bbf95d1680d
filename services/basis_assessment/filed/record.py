"""What stands on the page of a disclosure, as data: codes and their words, no content."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.basis_assessment.explain import Asked, CandidateExplained, Finding, Step


class Audience(StrEnum):
    """For whom a page is made."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Sent:
    """The share a page is about, in codes and times. A class that was not told has none.

    Attributes:
        acknowledge_by: when a named person there has to have acknowledged.
        clock: rule of that clock.
        rule: the arrangement's rule that names the recipient.
        meant_agency_id: whom it was meant for, where this one stood in.
    """

    share_id: str
    recipient_agency_id: str
    planned: datetime | None = None
    delivered: datetime | None = None
    acknowledged: datetime | None = None
    acknowledge_by: datetime | None = None
    clock: str = ""
    rule: str = ""
    meant_agency_id: str = ""
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is a controller here, with what the arrangement says of it."""

    agency_id: str
    name: str
    natures: tuple[str, ...] = ()
    policy_document: str = ""
    dpia: str = ""
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """Parts that were treated alike: how many, of which legal class, and what they rest on or why they stayed."""

    count: int
    sensitivity: str
    outcome: str
    article9: str
    condition: str
    limb: str
    reason: str
    steps: tuple[Step, ...]
    candidates: tuple[CandidateExplained, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """A question put to a person, and what became of it. The person's name stays sealed; the role is said."""

    asks: str
    role: str
    agency_id: str
    proposal: str
    due: str
    clock: str
    state: str
    outcome: str = ""
    reason_code: str = ""
    override: bool = False
    review_on: str = ""
    decided_by_role: str = ""
    decided_by_agency: str = ""


@dataclass(frozen=True, slots=True)
class LawFollowed:
    """The law pack that was followed, and what nobody has compared with the published text."""

    name: str
    title: str
    sha256: str
    as_of: str
    valid_from: str
    valid_to: str
    unverified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A disclosure to one recipient, or to a class that was not told."""

    audience: Audience
    concern_id: str
    assessed_event_id: str
    emergency: bool
    sentence: str
    told: bool
    waits: bool
    recipient_class: str
    discloser: Body
    recipient: Body
    sent: Sent | None
    purpose: str
    article6: str
    part3: str
    regimes: str
    alternates: tuple[str, ...]
    gateway: str
    why: tuple[Step, ...]
    refused: tuple[Step, ...]
    shared: tuple[Kind, ...]
    withheld: tuple[Kind, ...]
    at_most: tuple[str, ...]
    questions: tuple[Asked, ...]
    decisions: tuple[DecisionMade, ...]
    answers: tuple[Step, ...]
    governance: tuple[Step, ...]
    law: LawFollowed
    arrangement: str
    arrangement_sha256: str
    findings: tuple[Finding, ...]

    @property
    def verb(self) -> str:
        """What the discloser did, as the heading says it."""
        return "told" if self.told else "has not yet told" if self.waits else "did not tell"

    def as_dict(self) -> dict[str, Any]:
        """Give it as data, for machines."""
        return asdict(self)
