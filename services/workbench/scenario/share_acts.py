"""Steps on a share: which share is meant, and the act as a message of the contract."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ShareOutcome
from concern_relay.v1.shares_pb2 import OutcomeGiven, ShareAcknowledged, ShareRead, ShareRedirected
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope
from services.workbench.scenario.acts import GiveOutcome, Redirect
from services.workbench.scenario.said import named_person, note
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.stage import Act


def share_meant(seen: Seen, agency_id: str) -> Any:
    """Give the newest share of an agency, also one that was called back; without one, the newest there is, if any."""
    every = seen.of("SharePlanned")
    mine = [share for share in every if share.recipient_agency_id == agency_id]
    return next(reversed(mine or every), None)


def act_on(share: Any, verb: str, step: Act) -> tuple[Message, list[Content]]:
    """Give what is recorded of an act on a share, and the parts: who acted, and in which words."""
    common = {"concern_id": share.concern_id, "share_id": share.share_id, "recipient_agency_id": step.agency}
    scope = KeyScope(share.concern_id, share_id=share.share_id)
    contents = [named_person(scope, step.name, step.role)]
    if isinstance(step, GiveOutcome | Redirect) and step.reason:
        contents.append(note(scope, step.reason))
    data: Message
    if isinstance(step, GiveOutcome):
        data = OutcomeGiven(**common, outcome=number_of(ShareOutcome, step.outcome.value))
    elif isinstance(step, Redirect):
        data = ShareRedirected(**common, to_agency_id=step.to, reason_code="belongs_elsewhere")
    else:
        data = ShareAcknowledged(**common) if verb == "acknowledge" else ShareRead(**common)
    return data, contents
