"""Submissions over Kafka: from ``submissions.<agency>.v1`` through the door that HTTP has; answered on receipts."""

from services.intake.submissions.lanes import Lanes
from services.intake.submissions.taking import Taker

__all__ = ["Lanes", "Taker"]
