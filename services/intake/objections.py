"""Withdrawals that stop nothing: keys open again where a consent was not what a disclosure rested on.

The vault suspends first and asks afterwards (design section 6). When the assessment made after the withdrawal is in,
the core says whether anything had rested on the consent. If not, the keys resume before the objection is recorded, so
whoever reads that fact can open what it is about.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from concern_relay.v1.concerns_pb2 import ObjectionRecorded
from services.chassis import log as logging
from services.chassis.errors import RelayError
from services.chassis.event import Refused
from services.chassis.journal import Journal
from services.chassis.keys import Keys
from services.intake.core import IntakeState, objection_due
from services.intake.store import Concerns
from services.intake.withdrawing import CONSENT_WITHDRAWN

EVERY_S: Final = 0.5
BATCH_MAX: Final = 100
UNSETTLED_MAX: Final = 10_000
PURPOSE: Final = "objection"
NOT_THE_BASIS: Final = "consent_not_the_basis"
log = logging.Log(__name__)


async def settle(journal: Journal[IntakeState], concerns: Concerns, keys: Keys) -> int:
    """Settle the withdrawals that were assessed since; give how many."""
    waiting = await concerns.assessed_withdrawals(BATCH_MAX)
    for concern_id, consent_ref in waiting:
        state, _ = await journal.state(concern_id, purpose=PURPOSE)
        if objection_due(state, consent_ref):
            await keys.resume_consent(concern_id, consent_ref, reason=NOT_THE_BASIS)
            data = ObjectionRecorded(
                concern_id=concern_id,
                agency_id=state.status.agency_id,
                consent_ref=consent_ref,
                withdrawal_event_id=state.withdrawn[consent_ref],
            )
            try:
                await journal.act(concern_id, data, agency_id=state.status.agency_id, key=consent_ref)
            except Refused:
                log.warning("an objection was not recorded: looked at again when the concern changes")
        await concerns.withdrawal_settled(concern_id, consent_ref)
    return len(waiting)


async def shut(concerns: Concerns, keys: Keys) -> int:
    """Shut the keys of every withdrawal that is not settled: a process may have been killed between record and key."""
    waiting = await concerns.unsettled_withdrawals(UNSETTLED_MAX)
    for concern_id, consent_ref in waiting:
        await keys.suspend(concern_id, reason=CONSENT_WITHDRAWN, consent_ref=consent_ref)
    return len(waiting)


async def keep_settling(journal: Journal[IntakeState], concerns: Concerns, keys: Keys) -> None:
    """Settle withdrawals until cancelled; first see that their keys are shut."""
    are_shut = False
    while True:
        try:
            if not are_shut:
                await shut(concerns, keys)
                are_shut = True
            while await settle(journal, concerns, keys) == BATCH_MAX:
                pass
        except (OSError, TimeoutError, asyncpg.PostgresError, RelayError) as error:
            log.warning("withdrawals not settled, tried again", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)
