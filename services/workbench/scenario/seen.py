"""What is known of one concern of a scenario, in process as live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.facts_pb2 import Part
from services.chassis.event import Fact


@dataclass(frozen=True)
class Seen:
    """What is known of one concern.

    Attributes:
        facts: its events, in the order they were recorded; parts opened where they could be.
        refs: part ids by the refs of its submissions.
        views: per share, the opened parts of what the recipient got.
        classes: the class of each agency of the arrangement.
        concerns: what the scenario calls its concerns, by id.
    """

    facts: Sequence[Fact]
    refs: Mapping[str, str]
    views: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    concerns: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> list[Any]:
        """Give the messages of one type, in order."""
        return [fact.data for fact in self.facts if fact.type == name]

    def part(self, ref: str) -> str:
        """Give the part id of a ref; the ref itself when nobody named it, so that it is found nowhere."""
        return self.refs.get(ref, ref)

    def ref(self, part_id: str) -> str:
        """Give the ref of a part id, for messages."""
        return next((ref for ref, found in self.refs.items() if found == part_id), part_id)

    @property
    def linked(self) -> list[str]:
        """What the scenario calls the concerns that a person linked with this one, and did not part again."""
        found: dict[str, None] = {}
        for fact in self.facts:
            if fact.type in {"RecordsLinked", "RecordsUnlinked"}:
                other: str = fact.data.other_concern_id  # type: ignore[union-attr]
                found.pop(other, None)
                if fact.type == "RecordsLinked":
                    found[other] = None
        return [self.concerns.get(other, other) for other in found]

    @property
    def assessed(self) -> BasisAssessed | None:
        """The newest assessment."""
        found = self.of("BasisAssessed")
        return found[-1] if found else None


def same(what: str, wanted: Any, found: Any) -> Iterator[str]:
    """Give a line where what was found is not what is wanted; nothing is wanted where that is left out."""
    if wanted is not None and wanted != found:
        yield f"{what} is {_shown(found)}, must be {_shown(wanted)}"


def _shown(value: Any) -> str:
    return "empty" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)
