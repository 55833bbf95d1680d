"""Steps on a share: which share is meant, and the act as a message of the contract."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ShareOutcome
from concern_relay.v1.shares_pb2 import OutcomeGiven, ShareAcknowledged, ShareRead, ShareRedirected
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope
from services.workbench.scenario.acts import GiveOutcome, Redirect
from services.workbench.scenario.said import named_person, note
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.stage import Act

USUAL: Final = "usual"


def share_meant(seen: Seen, agency_id: str) -> Any:
    """Give the newest share of an agency, also one that was called back; without one, the newest there is, if any."""
    every = seen.of("SharePlanned")
    mine = [share for share in every if share.recipient_agency_id == agency_id]
    return next(reversed(mine or every), None)


def shares_meant(seen: Seen, agency_id: str, verb: str, view: str = "") -> list[Any]:
    """Give the shares a step means: the newest of an agency, and of those that stand beside one another each.

    An outcome is of the concern, and so is a redirect, unless ``view`` says otherwise. Without any of the agency, the
    newest there is, if any: the step is tried, and refused.
    """
    newest = {line_of(share): share for share in seen.of("SharePlanned") if share.recipient_agency_id == agency_id}
    if view:
        newest = {line: share for line, share in newest.items() if line == (view if view != USUAL else "")}
    elif verb in {"outcome", "redirect"} and "" in newest:
        newest = {"": newest[""]}
    return list(newest.values()) or [share for share in [share_meant(seen, agency_id)] if share is not None]


def line_of(share: Any) -> str:
    """Give which of an agency's shares it is: the view of one that stands apart, as notice, or empty."""
    return share.view_code if share.apart else ""


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
