"""The codes of the contract, and the names of its events, as a scenario writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from concern_relay.v1 import assessments_pb2, concerns_pb2, keys_pb2, shares_pb2
from concern_relay.v1 import codes_pb2 as codes
from services.workbench.scenario.terms import coded, plain

AgencyClass: Any = coded(codes.AgencyClass)
Outcome: Any = coded(codes.Outcome)
Article6: Any = coded(codes.Article6)
Article9: Any = coded(codes.Article9)
DpaCondition: Any = coded(codes.DpaCondition)
CandidateStanding: Any = coded(codes.CandidateStanding)
Gateway: Any = coded(codes.Gateway)
Sensitivity: Any = coded(codes.Sensitivity)
ConsentAbsence: Any = coded(codes.ConsentAbsence)
WithholdReason: Any = coded(codes.WithholdReason)
DeciderRole: Any = coded(codes.DeciderRole)
AccessRequester: Any = coded(codes.AccessRequester)
AccessOutcome: Any = coded(codes.AccessOutcome)
AccessExemption: Any = coded(codes.AccessExemption)
ShareOutcome: Any = coded(codes.ShareOutcome)
FamilyTold: Any = coded(codes.FamilyTold)
FamilyNotToldReason: Any = coded(codes.FamilyNotToldReason)
Urgency: Any = coded(codes.Urgency)
LegalNature: Any = coded(codes.LegalNature)
Regime: Any = coded(codes.Regime)
Part3Basis: Any = coded(codes.Part3Basis)
Channel: Any = coded(codes.Channel)
_EVENTS = sorted(
    name
    for module in (concerns_pb2, assessments_pb2, shares_pb2, keys_pb2)
    for name in module.DESCRIPTOR.message_types_by_name
    if name not in {"ClassAssessment", "ItemAssessment", "Question", "RecipientBasis", "CandidateCondition"}
)
_EVENT_OF = {plain(name).replace("_", ""): name for name in _EVENTS}
EventName: Any = Annotated[
    Literal[tuple(_EVENTS)], BeforeValidator(lambda said: _EVENT_OF.get(plain(str(said)).replace("_", ""), said))
]
