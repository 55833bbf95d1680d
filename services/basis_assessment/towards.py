"""What telling one agency rests on: what its class has in common, or what it is by itself in law (practice 13)."""

from __future__ import annotations

from collections.abc import Iterator

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, RecipientBasis
from concern_relay.v1.codes_pb2 import Gateway

_OWN = ("outcome", "article6", "alternates", "gateway", "clause_codes", "alternate_codes")


def own_basis(
    agency_id: str, of_class: ClassAssessment, of_agency: ClassAssessment, otherwise: Gateway
) -> Iterator[RecipientBasis]:
    """Give what telling an agency rests on, where that is not what telling its class rests on.

    Args:
        agency_id: the agency.
        of_class: as it follows from what all of the class have in common.
        of_agency: as it follows from what the agency is.
        otherwise: the enactment where the law pack names none.
    """
    own = RecipientBasis(agency_id=agency_id, **{name: getattr(of_agency, name) for name in _OWN})
    own.gateway = own.gateway or otherwise
    if any(getattr(of_class, name) != getattr(own, name) for name in _OWN):
        yield own


def towards(of_class: ClassAssessment, agency_id: str) -> ClassAssessment:
    """Give the assessment of a class as it is for one of its agencies; the items are the class's."""
    own = next((one for one in of_class.recipients if one.agency_id == agency_id), None)
    if own is None:
        return of_class
    found = ClassAssessment()
    found.CopyFrom(of_class)
    for name in _OWN:
        found.ClearField(name)
    found.MergeFrom(ClassAssessment(**{name: getattr(own, name) for name in _OWN}))
    return found


def assessed_towards(assessed: BasisAssessed, agency_id: str) -> BasisAssessed:
    """Give an assessment as it is for one agency; as it is for all where that agency is as others of its class."""
    if not any(own.agency_id == agency_id for one in assessed.classes for own in one.recipients):
        return assessed
    found = BasisAssessed()
    found.CopyFrom(assessed)
    for one in found.classes:
        one.CopyFrom(towards(one, agency_id))
    return found
