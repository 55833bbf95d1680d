"""The work every engine does: one ConcernRaised in, one BasisAssessed out, under the same key.

An engine is told what to do by one JSON object in RELAY_BENCH; it runs until SIGTERM.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment
from concern_relay.v1.codes_pb2 import AgencyClass, Article6, Outcome
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import PartKind, SealedPart
from services.chassis.envelope import Event, Record, encode
from services.chassis.settings import Settings

PARTITIONS = 6
SPACE = UUID("8f7a1c52-51a5-4a3e-8a53-0d6f4f0f2b11")
VARIABLE = "RELAY_BENCH"


@dataclass(frozen=True, slots=True)
class Task:
    """What an engine is told.

    Attributes:
        connection: arguments of an aiokafka client.
        source: topic to read, with ConcernRaised.
        sink: topic to write.
        group: consumer group, new for each run.
        dsn: a database of its own, for those that use one.
    """

    connection: dict[str, Any] = field(repr=False)
    source: str
    sink: str
    group: str
    dsn: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """What the engine's process is started with."""
        return {VARIABLE: json.dumps(asdict(self))}

    def settings(self) -> Settings:
        """The same for a service of ours."""
        return Settings(
            service=self.group,
            kafka_bootstrap=self.connection["bootstrap_servers"],
            kafka_protocol=self.connection["security_protocol"],
            kafka_mechanism=self.connection.get("sasl_mechanism", ""),
            kafka_username=self.connection.get("sasl_plain_username", ""),
            kafka_password=self.connection.get("sasl_plain_password", ""),
            database_url=self.dsn,
            profile="test",
        )


def task() -> Task:
    """Read what this process was told."""
    return Task(**json.loads(os.environ[VARIABLE]))


def concern(n: int, *, run: str = "") -> Event:
    """Give the n-th concern of a run: about 450 bytes, one sealed part."""
    concern_id = str(uuid5(SPACE, f"{run}{n}"))
    now = datetime.now(UTC)
    data = ConcernRaised(
        concern_id=concern_id,
        agency_id=f"school-{n % 300}",
        test=True,
        parts=[
            SealedPart(
                part_id=concern_id,
                key_id=concern_id,
                ciphertext=bytes(280 + n % 90),
                kind=PartKind.PART_KIND_DETAIL,
            )
        ],
    )
    return Event(
        id=uuid5(SPACE, f"event{run}{n}"),
        type="ConcernRaised",
        topic="",
        source="//concern-relay/intake",
        time=now,
        recorded=now,
        concern_id=concern_id,
        causation_id=None,
        based_on=(),
        data=data,
        traceparent=f"00-{n + 1:032x}-00f067aa0ba902b7-01",
    )


def records(count: int, *, run: str = "") -> Iterator[Record]:
    """Give the records of a run."""
    return (encode(concern(n, run=run)) for n in range(count))


def assessed(event_id: str, raised: ConcernRaised) -> BasisAssessed:
    """The trivial rule."""
    return BasisAssessed(
        concern_id=raised.concern_id,
        assessed_event_id=event_id,
        law_pack="bench",
        classes=[
            ClassAssessment(
                recipient_class=AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE,
                outcome=Outcome.OUTCOME_SHARE_DUTY,
                article6=Article6.ARTICLE6_E_PUBLIC_TASK,
                purpose_code="safeguard_child",
            )
        ],
    )
