"""Limits: how much an agency may send at once, so that nobody's bulk delays anybody's emergency."""

from services.intake.limits.admission import Admission, Lane, lane_of
from services.intake.limits.allowance import Allowance, Attached, Limits, Rate, read_limits

__all__ = ["Admission", "Allowance", "Attached", "Lane", "Limits", "Rate", "lane_of", "read_limits"]
