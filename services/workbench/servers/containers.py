"""The second rung: the same servers as containers."""

from __future__ import annotations

from typing import Any

from services.workbench.servers.keeper import StepDownError


class DockerKafka:
    """Kafka from the image apache/kafka."""

    def __init__(self, *_: Any) -> None:
        raise StepDownError("Kafka as a container is not built yet; taking packages")


class DockerPostgres:
    """PostgreSQL from the image postgres."""

    def __init__(self, *_: Any) -> None:
        raise StepDownError("PostgreSQL as a container is not built yet; taking packages")
