"""What rests on an agreement between agencies, and what is told whether one stands or not. Pure.

An agreement may be revoked between assessment and sending (scenario S49). That stops what people decided to share under
it, and nothing else: not what must be told by law or guidance, not what is urgent. Children do not wait for papers.

A revocation is of an agency's agreement, named by its reference: a new version of an arrangement that has the same
reference does not bring it back, one with a new reference does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid5

from concern_relay.v1.codes_pb2 import AgencyClass, Outcome, Urgency
from concern_relay.v1.shares_pb2 import (
    AgreementRenewed,
    AgreementRevoked,
    DispatchBlocked,
    DispatchReleased,
    SharePlanned,
)
from services.chassis.arrangement import Agency, Arrangement, Force
from services.chassis.event import NOTHING, Decision, Fact, Refused
from services.routing.core.said import named, recorded

POLICY_STALE: Final = "policy_stale"
CORRECTION: Final = "correction"
"""Rule code of a share that only puts right what its recipient holds already."""

_AGENCIES: Final = UUID("0d9e6c38-6b0b-5a55-9f0c-7a3f6b0e4c11")
_NEVER_WAITS: Final = frozenset({Outcome.OUTCOME_SHARE_DUTY, Outcome.OUTCOME_SHARE_EMERGENCY})

Revoked = frozenset[tuple[str, str]]
"""Agreements that do not stand: agency id and reference."""


@dataclass(frozen=True, slots=True)
class Agreements:
    """What a concern, or an agency's own id, knows of agreements.

    Attributes:
        stale: agreements that stopped a share of this concern, and were not renewed since.
        released: shares that were stopped and planned anew.
        revoked: agency, reference and who revoked it; under the agency's own id only.
    """

    stale: Revoked = frozenset()
    released: frozenset[str] = frozenset()
    revoked: frozenset[tuple[str, str, str]] = frozenset()

    def bar(self, agency: Agency) -> bool:
        """Whether what rests on an agency's agreement stays here: it was stopped, and no other was signed since."""
        signed = agency.agreement or ""
        return any(agency.agency_id == a and signed in {"", ref} for a, ref in self.stale)


def agreements_after(known: Agreements, data: Any) -> Agreements:
    """Fold an event; one that is about no agreement leaves them as they are."""
    match data:
        case DispatchBlocked(reason_code=code) if code == POLICY_STALE:
            return replace(known, stale=known.stale | {(data.recipient_agency_id, data.agreement_ref)})
        case DispatchReleased():
            again = {(data.recipient_agency_id, data.agreement_ref)}
            return replace(known, stale=known.stale - again, released=known.released | {data.share_id})
        case AgreementRevoked():
            return replace(known, revoked=known.revoked | {_mark(data, data.revoked_by_agency_id)})
        case AgreementRenewed():
            return replace(known, revoked=known.revoked - {_mark(data, data.renewed_by_agency_id)})
        case _:
            return known


def _mark(data: Any, by: str) -> tuple[str, str, str]:
    return data.agency_id, data.agreement_ref, by


def subject_of(agency_id: str) -> str:
    """Give the opaque id under which an agency's agreement is recorded, in the place of a concern's."""
    return str(uuid5(_AGENCIES, agency_id))


def signed_by(arrangement: Arrangement, agency_id: str, by: str, *, runs_it: bool) -> str:
    """Give the reference of an agency's agreement, for whoever may revoke or renew it: itself, or who runs it all.

    Raises:
        Refused: 404 for an unknown agency, 403 for another's agreement, 409 for one that has none.
    """
    if agency_id != by and not runs_it:
        raise Refused(403, "not_your_agreement", "revoke your own agreement, or ask who runs the arrangement")
    agency = arrangement.agencies.get(agency_id)
    if agency is None:
        raise Refused(404, "unknown_agency", "no agency of the arrangement in force has that id")
    if not agency.agreement:
        raise Refused(409, "no_agreement", "that agency has signed no agreement; there is nothing to revoke")
    return agency.agreement


def revoked(known: Agreements, fact: Fact, data: AgreementRevoked) -> Decision:
    """Record a revocation; one that stands already leads to nothing."""
    named(fact)
    if _mark(data, data.revoked_by_agency_id) in known.revoked:
        return NOTHING
    return Decision((recorded(data, fact, "", _said(fact, data, data.revoked_by_agency_id)),))


def renewed(known: Agreements, fact: Fact, data: AgreementRenewed) -> Decision:
    """Record that an agreement stands again, as far as this agency had revoked it.

    Raises:
        Refused: 409 when it did not.
    """
    named(fact)
    if _mark(data, data.renewed_by_agency_id) not in known.revoked:
        raise Refused(409, "not_revoked", "you have not revoked that agreement; whoever did can renew it")
    return Decision((recorded(data, fact, "", _said(fact, data, data.renewed_by_agency_id)),))


def _said(fact: Fact, data: Any, by: str) -> str:
    """Name all that was said: the id of the record commits to it."""
    return f"{fact.id}/{data.agency_id}/{data.agreement_ref}/{by}"


def stale_ref(planned: SharePlanned, then: Arrangement, now: Arrangement, gone: Revoked) -> str:
    """Give the reference of the agreement for whose sake a share must not leave; empty when it may.

    Args:
        planned: the share.
        then: the arrangement it was planned under.
        now: the one in force.
        gone: agreements that were revoked.
    """
    if not rests_on_agreement(then, planned):
        return ""
    before, agency = then.agency(planned.recipient_agency_id), now.agency(planned.recipient_agency_id)
    had = (before.agreement if before is not None else "") or ""
    has = (agency.agreement if agency is not None else "") or ""
    if not has:
        return had  # a version came into force in between, and it names no agreement any more
    return has if (planned.recipient_agency_id, has) in gone else ""


def rests_on_agreement(arrangement: Arrangement, planned: SharePlanned) -> bool:
    """Say whether a planned share may leave only while its recipient's agreement stands."""
    if planned.emergency or planned.urgency >= Urgency.URGENCY_URGENT or planned.outcome in _NEVER_WAITS:
        return False
    if planned.rule_code == CORRECTION:
        return False  # who holds old content is told what of it no longer stands (UK GDPR Article 19)
    return not statutory(arrangement, planned.recipient_class, planned.rule_code)


def statutory(arrangement: Arrangement, agency_class: AgencyClass, rule_code: str) -> bool:
    """Say whether a class is told under a duty of its own: by its gateway, or because the rule says must."""
    row = arrangement.matrix.get(agency_class)
    if row is not None and row.gateway in arrangement.duties.statutory:
        return True
    return any(
        told.force is Force.MUST
        for rule in arrangement.rules
        if rule.code == rule_code
        for told in rule.tells
        if told.agency_class == agency_class
    )
