"""Where the servers are and how to log in: what a service is told, and no more."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from services.workbench.servers.errors import ServersError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DATABASES: Final = ("intake", "basis_assessment", "routing", "audit", "vault", "console")
"""The services that own a database, each with a role `relay_<service>` that can open no other."""

ROLES_ONLY: Final = ("patterns", "workbench")
"""These open keys in vault's database, through the functions it grants them, and own none themselves."""

VAULT: Final = "vault"

PRINCIPAL_FOR: Final[Mapping[str, str]] = {"flow": "console"}
"""A process that shares a principal: the console's flow view runs on its own."""


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A Kafka cluster.

    Attributes:
        bootstrap: host:port,…
        security_protocol: SASL_PLAINTEXT, SASL_SSL or PLAINTEXT.
        mechanism: SCRAM-SHA-256, or None without SASL.
    """

    bootstrap: str
    security_protocol: str
    mechanism: str | None
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    everyone: tuple[str, str] | None = field(default=None, repr=False)

    def credentials(self, principal: str) -> tuple[str, str]:
        """User and password of a principal; both empty without SASL.

        Raises:
            ServersError: no such principal is known here.
        """
        if self.mechanism is None:
            return "", ""
        if principal in self.passwords:
            return principal, self.passwords[principal]
        if self.everyone is not None:
            return self.everyone
        raise ServersError(f"no Kafka password for {principal!r}; is it a principal in deploy/topics.yaml?")

    def connection(self, principal: str) -> dict[str, Any]:
        """The arguments of any aiokafka client that acts as this principal."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.mechanism is not None:
            user, password = self.credentials(principal)
            arguments |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": user,
                "sasl_plain_password": password,
            }
        return arguments


@dataclass(frozen=True, slots=True)
class Login:
    """A service's own role in PostgreSQL; its database, if it owns one, has the role's name."""

    role: str
    password: str = field(repr=False)
    owns_database: bool


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of one run. A part that was not wanted is None or empty.

    Attributes:
        zipkin_url: set as soon as its port is known; nothing waits for it to answer.
        rungs: which rung of the ladder each server stands on: given, docker or packages.
    """

    kafka_address: KafkaAddress | None
    admin_database_url: str = field(repr=False)
    logins: Mapping[str, Login]
    zipkin_url: str | None
    state_dir: Path
    rungs: Mapping[str, str] = field(default_factory=dict)

    @property
    def kafka(self) -> KafkaAddress:
        """Where Kafka is.

        Raises:
            ServersError: this run did not want Kafka.
        """
        if self.kafka_address is None:
            raise ServersError("this run has no Kafka; ask for it with want={'kafka', …}")
        return self.kafka_address

    def database_url(self, service: str) -> str:
        """The asyncpg DSN of this service's own role on its own database.

        Raises:
            ServersError: the service owns no database, or PostgreSQL was not wanted.
        """
        login = self.logins.get(service)
        if login is None or not login.owns_database:
            raise ServersError(f"{service!r} has no database here; known: {', '.join(self.logins) or 'none'}")
        return with_login(self.admin_database_url, login.role, login.password, database=login.role)

    def vault_url(self, service: str) -> str:
        """The DSN of vault's database under this service's own role; vault grants it functions, never tables.

        Raises:
            ServersError: the service has no role, or PostgreSQL was not wanted.
        """
        login = self.logins.get(service)
        if login is None or VAULT not in self.logins:
            raise ServersError(f"{service!r} has no role here; known: {', '.join(self.logins) or 'none'}")
        return with_login(self.admin_database_url, login.role, login.password, database=self.logins[VAULT].role)


def with_login(url: str, user: str, password: str, *, database: str) -> str:
    """The same server under another login and database."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@"
    return urlunsplit((parts.scheme, login + host, f"/{database}", parts.query, ""))


def environment_for(servers: Servers, service: str) -> dict[str, str]:
    """What the process of one service is told: its own logins and nobody else's; and OTEL_… as they stand here."""
    principal = PRINCIPAL_FOR.get(service, service)
    env = {"RELAY_SERVICE": service, "RELAY_STATE_DIR": str(servers.state_dir)}
    if servers.kafka_address is not None:
        user, password = servers.kafka.credentials(principal)
        env |= {
            "KAFKA_BOOTSTRAP_SERVERS": servers.kafka.bootstrap,
            "RELAY_KAFKA_PROTOCOL": servers.kafka.security_protocol,
        }
        if servers.kafka.mechanism is not None:
            env |= {
                "RELAY_KAFKA_MECHANISM": servers.kafka.mechanism,
                "RELAY_KAFKA_USERNAME": user,
                "RELAY_KAFKA_PASSWORD": password,
            }
    if principal in servers.logins:
        env["RELAY_VAULT_DATABASE_URL"] = servers.vault_url(principal)
        if servers.logins[principal].owns_database:
            env["RELAY_DATABASE_URL"] = servers.database_url(principal)
    env |= {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    if servers.zipkin_url is not None:
        env |= {
            "OTEL_TRACES_EXPORTER": "zipkin",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"{servers.zipkin_url}/api/v2/spans",
        }
    return env
