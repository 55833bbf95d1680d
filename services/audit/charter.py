"""Which ledger a process works on: its name from the environment, what it covers from the registry of topics."""

from __future__ import annotations

from services.audit.feed import partitions_of
from services.audit.sequencer import Charter
from services.chassis import topics
from services.chassis.integrity.origin import ledger_origin
from services.chassis.settings import Settings


def charter_of(settings: Settings) -> Charter:
    """Give which ledger this is: all history topics of the registry, announced on the topic that lists its events."""
    registry = topics.load(settings.deploy_dir / "topics.yaml")
    counts = {topic.name: topic.partitions for topic in registry.topics()}
    topic = next(entry.name for entry in registry.entries if "BatchSequenced" in entry.events)
    covered = [name for name in registry.history() if name != topic]
    return Charter(ledger_origin(), tuple(partitions_of(counts, covered)), topic)
