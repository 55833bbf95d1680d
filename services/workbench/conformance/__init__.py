"""The conformance suite: named checks that a supplier runs against a relay, over HTTP and over Kafka."""

from services.workbench.conformance.check import Check, Outcome, Result, every
from services.workbench.conformance.run import Target, conform

__all__ = ["Check", "Outcome", "Result", "Target", "conform", "every"]
