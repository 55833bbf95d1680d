"""The state folder and what services are told from it; no server runs here."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from services.workbench.servers import (
    InUseError,
    KafkaAddress,
    Login,
    NotReadyError,
    Servers,
    ServersError,
    StateError,
    environment_for,
)
from services.workbench.servers.address import with_login
from services.workbench.servers.attachment import attached, publish
from services.workbench.servers.state import StateDir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """An empty state folder."""
    return StateDir.at(tmp_path / ".relay")


def _servers(state: StateDir, *, kafka: bool = True) -> Servers:
    address = KafkaAddress("127.0.0.1:1", "SASL_PLAINTEXT", "SCRAM-SHA-256", {"admin": "a-word", "intake": "i-word"})
    logins = {
        "intake": Login("relay_intake", "p/w", owns_database=True),
        "vault": Login("relay_vault", "v", owns_database=True),
        "workbench": Login("relay_workbench", "w", owns_database=False),
    }
    url = "postgresql://postgres:root-word@127.0.0.1:2/postgres"
    return Servers(address if kafka else None, url, logins, "http://127.0.0.1:3", state.path, {"kafka": "packages"})


def test_secrets_stay_the_same_and_are_the_owners_alone(state: StateDir):
    """A secret is made once, differs from others, and no other user may read the file."""
    first = state.secret("kafka", "intake")

    assert state.secret("kafka", "intake") == first
    assert state.secret("kafka", "routing") != first
    assert stat.S_IMODE((state.path / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700


def test_ports_stay_the_same_and_differ(state: StateDir):
    """A port is remembered, and no two servers are given the same one."""
    kafka, moved = state.port("kafka")

    assert not moved
    assert state.port("kafka") == (kafka, False)
    assert state.port("postgres")[0] != kafka


def test_a_damaged_file_is_named_with_the_remedy(state: StateDir):
    """Given a file that is no JSON, the message names it and says what to remove."""
    (state.path / "ports.json").write_text("{")

    with pytest.raises(StateError, match=r"ports\.json is damaged; remove .*\.relay"):
        state.port("kafka")


def test_one_owner_at_a_time(state: StateDir):
    """While one holds the folder another is refused; afterwards it may."""
    with state.held() as first, state.held() as second:
        assert first
        assert not second

    with state.held() as later:
        assert later


def test_a_service_is_told_its_own_logins(state: StateDir, monkeypatch: pytest.MonkeyPatch):
    """A service's environment has its principal, its database and its way to the vault."""
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)

    environment = environment_for(_servers(state), "intake")

    assert environment == {
        "RELAY_SERVICE": "intake",
        "RELAY_STATE_DIR": str(state.path),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "RELAY_KAFKA_PROTOCOL": "SASL_PLAINTEXT",
        "RELAY_KAFKA_MECHANISM": "SCRAM-SHA-256",
        "RELAY_KAFKA_USERNAME": "intake",
        "RELAY_KAFKA_PASSWORD": "i-word",
        "RELAY_DATABASE_URL": "postgresql://relay_intake:p%2Fw@127.0.0.1:2/relay_intake",
        "RELAY_VAULT_DATABASE_URL": "postgresql://relay_intake:p%2Fw@127.0.0.1:2/relay_vault",
        "OTEL_TRACES_EXPORTER": "zipkin",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": "http://127.0.0.1:3/api/v2/spans",
    }


def test_what_is_not_there_is_refused_by_name(state: StateDir):
    """An unknown principal, a database nobody owns and a Kafka not wanted are each refused with what is known."""
    servers = _servers(state)

    with pytest.raises(ServersError, match="no Kafka password for 'stranger'"):
        servers.kafka.credentials("stranger")
    with pytest.raises(ServersError, match="'workbench' has no database here; known: intake, vault"):
        servers.database_url("workbench")
    with pytest.raises(ServersError, match="this run has no Kafka"):
        _ = _servers(state, kafka=False).kafka


def test_no_secret_shows_in_what_is_printed(state: StateDir):
    """A debugger's view of the servers holds no password."""
    shown = repr(_servers(state))

    assert not any(secret in shown for secret in ("a-word", "i-word", "p/w", "root-word"))


def test_another_process_finds_what_was_published(state: StateDir):
    """Given published servers and a live holder, another process attaches to the same."""
    servers = _servers(state)
    with state.held():
        publish(state, servers)

        assert attached(state, frozenset({"kafka", "postgres"})) == servers


def test_what_a_dead_holder_published_is_not_used(state: StateDir):
    """Given servers.json of a holder that ended, attaching says so instead of handing out dead addresses."""
    publish(state, _servers(state))
    (state.path / "servers.lock").write_text("1\n")

    with pytest.raises(NotReadyError, match="start again"):
        attached(state, frozenset({"kafka"}))


def test_a_holder_without_a_server_that_is_wanted_is_named(state: StateDir):
    """Given a holder that runs no Kafka, who wants Kafka is told which process to stop."""
    with state.held():
        publish(state, _servers(state, kafka=False))

        with pytest.raises(InUseError, match=r"pid \d+ runs the servers in .* without kafka"):
            attached(state, frozenset({"kafka"}))


def test_a_login_is_quoted_into_a_url():
    """User and password may hold any character; host, port and query stay."""
    url = with_login("postgresql://a:b@host:5/x?sslmode=require", "us@er", "p:w/", database="mine")

    assert url == "postgresql://us%40er:p%3Aw%2F@host:5/mine?sslmode=require"
