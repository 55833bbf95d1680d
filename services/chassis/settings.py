"""Settings of one service process, read once from the environment at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.chassis.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process is told.

    Attributes:
        service: its name, also its principal, group and database.
        kafka_bootstrap: host:port list.
        kafka_protocol: SASL_PLAINTEXT, SASL_SSL or PLAINTEXT.
        kafka_username: principal.
        kafka_password: its secret.
        database_url: DSN of its own database under its own role.
        vault_url: DSN of the vault's database under its own role; empty when it has no business there.
        http_port: port on loopback; 0 lets the system choose.
        state_dir: where local state and secrets lie.
        deploy_dir: topics, law packs, arrangements.
        profile: local, test or production.
        clock: system or test.
    """

    service: str
    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_protocol: str = "PLAINTEXT"
    kafka_mechanism: str = "SCRAM-SHA-256"
    kafka_username: str = ""
    kafka_password: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    vault_url: str = field(default="", repr=False)
    http_host: str = "127.0.0.1"
    http_port: int = 0
    state_dir: Path = REPOSITORY / ".relay"
    deploy_dir: Path = REPOSITORY / "deploy"
    profile: str = "local"
    clock: str = "system"


def from_environment(service: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a service.

    Raises:
        SettingsError: names the variable that is missing or wrong, and what it should be.
    """
    env = os.environ if environ is None else environ

    def required(name: str, meaning: str) -> str:
        if value := env.get(name):
            return value
        raise SettingsError(f"{name} is not set: give {meaning}, or start with `make run`, which sets it")

    profile = env.get("RELAY_PROFILE", "local")
    if profile not in {"local", "test", "production"}:
        raise SettingsError("RELAY_PROFILE must be local, test or production")
    clock = env.get("RELAY_CLOCK", "system")
    if clock not in {"system", "test"}:
        raise SettingsError("RELAY_CLOCK must be system or test")
    if clock == "test" and profile == "production":
        raise SettingsError("RELAY_CLOCK=test moves deadlines by hand: production refuses to start with it")
    port = env.get("RELAY_HTTP_PORT", "0")
    if not port.isdecimal() or int(port) > 65535:
        raise SettingsError("RELAY_HTTP_PORT must be a port number, 0 to 65535")
    return Settings(
        service=service,
        kafka_bootstrap=required("KAFKA_BOOTSTRAP_SERVERS", "host:port of the broker"),
        kafka_protocol=env.get("RELAY_KAFKA_PROTOCOL", "PLAINTEXT"),
        kafka_mechanism=env.get("RELAY_KAFKA_MECHANISM", "SCRAM-SHA-256"),
        kafka_username=env.get("RELAY_KAFKA_USERNAME", ""),
        kafka_password=env.get("RELAY_KAFKA_PASSWORD", ""),
        database_url=required("RELAY_DATABASE_URL", f"the DSN of the {service} database"),
        vault_url=env.get("RELAY_VAULT_DATABASE_URL", ""),
        http_host=env.get("RELAY_HTTP_HOST", "127.0.0.1"),
        http_port=int(port),
        state_dir=Path(env.get("RELAY_STATE_DIR", str(REPOSITORY / ".relay"))),
        deploy_dir=Path(env.get("RELAY_DEPLOY_DIR", str(REPOSITORY / "deploy"))),
        profile=profile,
        clock=clock,
    )
