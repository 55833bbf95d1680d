"""Real Kafka, PostgreSQL and Zipkin on this machine, without asking for Docker."""

from services.workbench.servers.address import KafkaAddress, Login, Servers, environment_for
from services.workbench.servers.errors import (
    ChecksumError,
    InUseError,
    NoNetworkError,
    NotReadyError,
    RungError,
    ServersError,
    StateError,
)
from services.workbench.servers.ladder import running
from services.workbench.servers.progress import Lines, Reporter, Silent, reporting

__all__ = [
    "ChecksumError",
    "InUseError",
    "KafkaAddress",
    "Lines",
    "Login",
    "NoNetworkError",
    "NotReadyError",
    "Reporter",
    "RungError",
    "Servers",
    "ServersError",
    "Silent",
    "StateError",
    "environment_for",
    "reporting",
    "running",
]
