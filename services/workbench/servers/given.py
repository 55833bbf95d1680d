"""The first rung: servers whose addresses the environment gives; nothing is started and nothing stopped.

KAFKA_BOOTSTRAP_SERVERS            host:port,…
RELAY_KAFKA_PROTOCOL               PLAINTEXT (default), SASL_PLAINTEXT or SASL_SSL
RELAY_KAFKA_MECHANISM              SCRAM-SHA-256 (default) or another that aiokafka knows
RELAY_KAFKA_USERNAME, …_PASSWORD   the login of every principal that the next one does not name
RELAY_KAFKA_CREDENTIALS            a JSON file: {"intake": "password", …}
RELAY_DATABASE_URL                 an administrator's DSN; the services' roles and databases are made there
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from services.workbench.servers.address import KafkaAddress
from services.workbench.servers.errors import RungError


def kafka() -> KafkaAddress | None:
    """The Kafka that the environment gives, if it does.

    Raises:
        RungError: it gives half of what a login needs.
    """
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not bootstrap:
        return None
    protocol = os.environ.get("RELAY_KAFKA_PROTOCOL", "PLAINTEXT")
    if not protocol.startswith("SASL_"):
        return KafkaAddress(bootstrap, protocol, None)
    user, password = os.environ.get("RELAY_KAFKA_USERNAME"), os.environ.get("RELAY_KAFKA_PASSWORD")
    passwords = _credentials()
    if not passwords and not (user and password):
        raise RungError(
            f"RELAY_KAFKA_PROTOCOL is {protocol}: give RELAY_KAFKA_USERNAME and RELAY_KAFKA_PASSWORD, "
            f"or a file of principals and passwords in RELAY_KAFKA_CREDENTIALS"
        )
    mechanism = os.environ.get("RELAY_KAFKA_MECHANISM", "SCRAM-SHA-256")
    everyone = (user, password) if user and password else None
    return KafkaAddress(bootstrap, protocol, mechanism, passwords, everyone)


def database_url() -> str | None:
    """The administrator's DSN that the environment gives, if it does."""
    return os.environ.get("RELAY_DATABASE_URL") or None


def traces() -> bool:
    """Whether the environment already says where spans go."""
    return any(name.startswith("OTEL_EXPORTER_") for name in os.environ)


def _credentials() -> dict[str, str]:
    path = os.environ.get("RELAY_KAFKA_CREDENTIALS")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text())
        return {str(principal): str(password) for principal, password in found.items()}
    except (OSError, ValueError, AttributeError) as cause:
        raise RungError(
            f'RELAY_KAFKA_CREDENTIALS names {path}, which is no JSON file of {{"principal": "password"}}'
        ) from cause
