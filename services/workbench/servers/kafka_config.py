"""How a broker of one's own is secured: the same from packages and in a container.

SCRAM-SHA-256 for every client. The controller listener, which SCRAM cannot serve because its users live in the log that
the controller keeps, takes PLAIN with the administrator's password, on loopback: nobody is ANONYMOUS anywhere.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = "4.3.1"
MECHANISM: Final = "SCRAM-SHA-256"
PROTOCOL: Final = "SASL_PLAINTEXT"
ADMIN: Final = "admin"
HEAP: Final = ("-Xms128m", "-Xmx512m")
JVM: Final = (
    # Measured on 2 cores against the defaults (G1, C2), medians of 3: listening after 1.7 s, not 2.3; to start, 2.2 s
    # of processor, not 3.9; 2.3 s for 400,000 records in and out, not 4.5; send p50 0.48 ms, not 0.60; 199 MB, not 290.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Host and port of each listener.

    Attributes:
        client: where the broker listens for clients.
        advertised: what clients are told.
        controller: on loopback, for the broker itself.
        internal: where the broker finds itself when clients find it elsewhere (in a container); None: as clients do.
    """

    client: str
    advertised: str
    controller: str
    internal: str | None = None


def broker_config(listeners: Listeners, admin_password: str) -> dict[str, str]:
    """server.properties of one combined broker and controller, without `log.dirs`.

    Flush settings are Kafka's own, as in production. The counts are small because there is one broker.
    """
    login = f'username="{ADMIN}" password="{admin_password}"'
    plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {login}"
    scram = f"org.apache.kafka.common.security.scram.ScramLoginModule required {login};"
    own = "INTERNAL" if listeners.internal else "CLIENT"
    internal = f",INTERNAL://{listeners.internal}" if listeners.internal else ""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{listeners.controller}",
        "listeners": f"CLIENT://{listeners.client},CONTROLLER://{listeners.controller}{internal}",
        "advertised.listeners": f"CLIENT://{listeners.advertised}{internal}",
        "listener.security.protocol.map": f"CLIENT:{PROTOCOL},INTERNAL:{PROTOCOL},CONTROLLER:{PROTOCOL}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": own,
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f'{plain} user_{ADMIN}="{admin_password}";',
        f"listener.name.client.{MECHANISM.lower()}.sasl.jaas.config": scram,
        f"listener.name.internal.{MECHANISM.lower()}.sasl.jaas.config": scram,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN}",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # after a kill -9 the new broker must wait until the old one's session has run out: 3 s instead of 9
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # of the heap; 128 MB by default
    }


def as_properties(config: Mapping[str, str]) -> str:
    """The text of a properties file."""
    return "".join(f"{key}={value}\n" for key, value in config.items())


def format_arguments(classpath: str, config_path: str, passwords: Mapping[str, str]) -> str:
    """A Java argument file that formats the storage with a login per principal.

    Java reads it from a file of ours: on the command line every user of the machine could see the passwords.
    """
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    logins = [f'--add-scram "{MECHANISM}=[name={name},password={word}]"' for name, word in passwords.items()]
    lines = (
        "-XX:TieredStopAtLevel=1",
        f'-cp "{classpath}"',
        "kafka.tools.StorageTool format",
        f'--cluster-id="{cluster_id}" --config "{config_path}"',
        *logins,
    )
    return "\n".join(lines) + "\n"
