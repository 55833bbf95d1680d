"""Whether the packs that decided are still the files at hand. A pack that decided never changes (docs/law.md).

Nothing is held back where one was changed: concerns are assessed by the file there is, named by its own digest. It
is said at once, in the log and as a metric, because what was decided before can no longer be explained in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import Gauge

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.basis_assessment.pack import LawBook
from services.basis_assessment.store import Decisions
from services.chassis.log import Log

LOOKED_AT: Final = 1_000
"""Newest assessments that are looked at when the service starts."""
MEND: Final = (
    "a law pack was changed after it decided: bring the old file back, and give the changed one a name of its own"
)
log = Log(__name__)


def changed(laws: LawBook, assessed: Iterable[BasisAssessed]) -> tuple[str, ...]:
    """Give the names of packs that decided and are at hand with other bytes, in order."""
    used = {(one.law_pack, one.law_pack_sha256) for one in assessed if one.law_pack_sha256}
    return tuple(
        sorted({name for name, sha256 in used if laws.by_digest(sha256) is None and laws.by_name(name) is not None})
    )


async def say_changed(laws: LawBook, decisions: Decisions, gauge: Gauge) -> tuple[str, ...]:
    """Look once at what decided lately; say which packs were changed since, and give their names."""
    found = changed(laws, await decisions.newest_assessed(LOOKED_AT))
    gauge.set(len(found))
    for name in found:
        log.error(MEND, code=name)
    return found
