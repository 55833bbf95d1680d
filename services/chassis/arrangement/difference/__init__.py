"""What a new arrangement changes: who would be told more, who less, by class, agency, category, clock and duty. Pure.

Rules are compared by what they do, not by how they are written: the circumstances that changed rules speak of are tried
out in both, and each difference is shown with the shortest circumstances in which it happens.
"""

from __future__ import annotations

from itertools import chain

from services.chassis.arrangement.difference.agencies import agencies
from services.chassis.arrangement.difference.change import Change, Difference, Way
from services.chassis.arrangement.difference.circumstances import CIRCUMSTANCES_MAX
from services.chassis.arrangement.difference.clocks import clocks, standing
from services.chassis.arrangement.difference.duties import duties
from services.chassis.arrangement.difference.seen import matrix
from services.chassis.arrangement.difference.told import told
from services.chassis.arrangement.model import Arrangement

__all__ = ["CIRCUMSTANCES_MAX", "Change", "Difference", "Way", "difference"]


def difference(before: Arrangement, after: Arrangement) -> Difference:
    """Compare two arrangements."""
    by_rule, all_rules = told(before, after)
    by_duty, all_duties = duties(before, after)
    flat = chain(matrix(before, after), agencies(before, after), clocks(before, after), standing(before, after))
    return Difference(tuple(sorted({*by_rule, *by_duty, *flat})), all_rules and all_duties)
