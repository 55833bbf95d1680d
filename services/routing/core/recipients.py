"""Which agencies: from a row of the arrangement ("children's social care where the child lives") to inboxes.

Every row that must be followed ends somewhere. An agency that closed, was merged, cannot be found or could be read by
the person of concern is replaced, in a fixed order, and the replacement says for whom and why. What no agency can take
is given back as a gap, to be recorded with its reason.
"""

from __future__ import annotations

from dataclasses import replace

from concern_relay.v1.codes_pb2 import WithholdReason
from services.chassis.arrangement import Told
from services.routing.core.asked import Asked, Gap, Recipient, could_read
from services.routing.core.directory import found_by, leading
from services.routing.core.stand_in import stand_ins

__all__ = ["Asked", "Gap", "Recipient", "could_read", "leading", "recipients"]


def recipients(asked: Asked, told: Told) -> tuple[tuple[Recipient, ...], tuple[Gap, ...]]:
    """Give the agencies a row of the arrangement means, and those it means that are not told."""
    chosen: dict[str, Recipient] = {}
    gaps: list[Gap] = []
    found = tuple(found_by(asked, told))
    for one in found:
        if one.agency is None:
            gaps.append(Gap(told, one.meant, WithholdReason.WITHHOLD_REASON_NO_ROLE, "agency_unknown"))
            continue
        for resolved in stand_ins(asked, told, one, one.agency, gaps):
            known = chosen.get(resolved.agency.agency_id)
            if known is not None:
                resolved = replace(known, children=_both(known.children, resolved.children))  # noqa: PLW2901
            chosen[resolved.agency.agency_id] = resolved
    if not found and not told.select.optional and asked.fits(told.select):
        gaps.append(Gap(told, "", WithholdReason.WITHHOLD_REASON_NO_ROLE, "no_agency_found"))
    return tuple(chosen.values()), tuple(gaps)


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    return one | other if one and other else frozenset()
