"""Agreements revoked and renewed in a scenario on the cores: what routing's door and its route do."""

from __future__ import annotations

from dataclasses import dataclass, field

from concern_relay.v1.shares_pb2 import (
    AgreementRenewed,
    AgreementRevoked,
    DispatchBlocked,
    DispatchReleased,
    ShareDelivered,
    SharePlanned,
)
from services.chassis.arrangement import Arrangement
from services.chassis.event import KeyScope, Refused
from services.routing.core.policy import Revoked, signed_by, stale_ref, subject_of
from services.workbench.scenario.after import Renew, Revoke
from services.workbench.scenario.said import named_person, note
from services.workbench.scenario.world import World


@dataclass
class Agreed:
    """The agreements of an arrangement, and who revoked which."""

    arrangement: Arrangement
    marks: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def gone(self) -> Revoked:
        """Agreements that do not stand."""
        return frozenset((agency, ref) for agency, ref, _ in self.marks)

    def stale(self, planned: SharePlanned) -> str:
        """Be the door: give the agreement for whose sake a share may not leave; empty when it may."""
        return stale_ref(planned, self.arrangement, self.arrangement, self.gone)

    def said(self, step: Revoke | Renew, world: World, key: str) -> str:
        """Revoke, and stop what waits; or renew, and plan anew what was stopped. Gives the code it is refused with."""
        by = step.whose
        try:
            ref = signed_by(self.arrangement, step.agency, by, runs_it=step.operator)
            self._recorded(step, world, ref, key)
        except Refused as refused:
            return refused.code
        mark = (step.agency, ref, by)
        if not isinstance(step, Renew):
            self.marks.add(mark)
            self._stop(world, step.agency)
            return ""
        self.marks.discard(mark)
        if (step.agency, ref) not in self.gone:
            _release(world, step.agency, ref)
        return ""

    def _recorded(self, step: Revoke | Renew, world: World, ref: str, key: str) -> None:
        subject, by = subject_of(step.agency), step.whose
        scope = KeyScope(subject)
        contents = [named_person(scope, step.name, step.role), *([note(scope, step.words)] if step.words else [])]
        data: AgreementRenewed | AgreementRevoked
        if isinstance(step, Renew):
            data = AgreementRenewed(agency_id=step.agency, agreement_ref=ref, renewed_by_agency_id=by)
        else:
            data = AgreementRevoked(agency_id=step.agency, agreement_ref=ref, revoked_by_agency_id=by)
        data.concern_id = subject
        world.act("routing", subject, data, agency=step.agency, key=key, contents=contents)

    def _stop(self, world: World, agency_id: str) -> None:
        facts = [happened.fact.data for happened in world.events]
        left = {d.share_id for d in facts if isinstance(d, ShareDelivered | DispatchBlocked)}
        for planned in [one for one in facts if isinstance(one, SharePlanned) and one.share_id not in left]:
            if planned.recipient_agency_id == agency_id:
                world.stop(planned)


def _release(world: World, agency_id: str, ref: str) -> None:
    for blocked in [happened.fact.data for happened in world.events]:
        whose = (agency_id, ref)
        if isinstance(blocked, DispatchBlocked) and (blocked.recipient_agency_id, blocked.agreement_ref) == whose:
            released = DispatchReleased(
                concern_id=blocked.concern_id,
                share_id=blocked.share_id,
                recipient_agency_id=agency_id,
                agreement_ref=ref,
            )
            world.act("routing", blocked.concern_id, released, agency=agency_id, key=f"{blocked.share_id}/released")
