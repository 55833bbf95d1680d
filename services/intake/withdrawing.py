"""A consent that a form says is withdrawn is withdrawn: the same act as over the route for it, in whatever it comes.

Forms have a field for the status of a consent, and some senders change it there and send the form. What is recorded
and suspended is then the same as by ``POST …/consents/{ref}/withdrawal`` (Article 7(3) UK GDPR: withdrawing is as easy
as giving). A consent that is first heard of as withdrawn has carried nothing, so nothing is shut because of it: the
concern stands on another basis, or is not shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from concern_relay.v1.codes_pb2 import ConsentStatus
from concern_relay.v1.concerns_pb2 import ConsentWithdrawn
from services.chassis.event import Content
from services.chassis.journal import Act
from services.chassis.keys import Keys
from services.intake.core import IntakeState

CONSENT_WITHDRAWN: Final = "consent_withdrawn"


def said_withdrawn(parts: Sequence[Content]) -> list[str]:
    """Give the consents that a content says are withdrawn."""
    return [
        content.part_id
        for content in parts
        if content.part.WhichOneof("body") == "consent"
        and content.part.consent.status == ConsentStatus.CONSENT_STATUS_WITHDRAWN
    ]


def with_withdrawals(state: IntakeState, act: Act, supplier: str) -> list[Act]:
    """Give an act, and with it the withdrawal of each consent that it says is withdrawn and that stood until now."""
    return [act, *(_withdrawal(ref, act, supplier) for ref in _newly(state, act.contents))]


async def suspend(keys: Keys, state: IntakeState, parts: Sequence[Content]) -> None:
    """Shut the keys of the consents that a content withdrew, before it is answered; harmless when they are shut."""
    for ref in said_withdrawn(parts):
        if ref in state.withdrawn and ref not in state.objected:
            await keys.suspend(state.concern.concern_id, reason=CONSENT_WITHDRAWN, consent_ref=ref)


def _newly(state: IntakeState, parts: Sequence[Content]) -> Iterator[str]:
    for ref in said_withdrawn(parts):
        standing = state.concern.parts.get(ref)
        if standing is None or ref in state.withdrawn or standing.WhichOneof("body") != "consent":
            continue
        if standing.consent.status != ConsentStatus.CONSENT_STATUS_WITHDRAWN:
            yield ref


def _withdrawal(ref: str, act: Act, supplier: str) -> Act:
    data = ConsentWithdrawn(concern_id=act.concern_id, agency_id=act.agency_id, consent_ref=ref, on_behalf_by=supplier)
    return Act(act.concern_id, data, act.agency_id, f"{ref}:{act.key}", (), act.time)
