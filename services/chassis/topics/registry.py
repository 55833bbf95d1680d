"""The registry file (`deploy/topics.yaml`), read and checked.

Errors:
    TopicsError (a RelayError)
    ├── RegistryError     the file contradicts itself or does not parse
    └── PartitionsError   the cluster has another number of partitions than the registry
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.chassis.errors import RelayError
from services.chassis.marked_yaml import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HISTORY_PARTITIONS: Final = 12
"""For ever: with another count a concern's key would move to another partition and its order would be lost."""

DAY_MS: Final = 24 * 60 * 60 * 1000
DEFAULT_PATH: Final = Path(__file__).parents[3] / "deploy" / "topics.yaml"

NAME: Final = r"[a-z][a-z0-9_-]*"
Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=100)]


class TopicsError(RelayError):
    """Whatever goes wrong between the registry and the cluster."""


class RegistryError(TopicsError):
    """The registry file does not parse or contradicts itself; the message names the entry."""


class PartitionsError(TopicsError):
    """A topic's partition count differs from the registry; it can never be changed in place."""


class Kind(StrEnum):
    """How a topic is kept."""

    HISTORY = "history"
    ORDERED = "ordered"
    STATE = "state"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as the cluster should have it.

    Attributes:
        partitions: fixed at creation.
        config: Kafka's own topic settings, only those that the registry rules on.
        principals: writer and readers are names of principals, without Kafka's `User:`.
    """

    name: str
    kind: Kind
    writer: str
    readers: tuple[str, ...]
    partitions: int
    config: Mapping[str, str]


class Entry(BaseModel):
    """A line of the file: one topic, or one per agency or consumer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z_.{}-]*\.v[0-9]+$")
    purpose: str
    kind: Kind
    writer: str
    readers: tuple[str, ...]
    events: tuple[str, ...] = ()
    kept_days: int | None = Field(default=None, gt=0)
    partitions: int | None = Field(default=None, gt=0)
    max_bytes: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _kept_days_only_for_transport(self) -> Self:
        if (self.kept_days is not None) != (self.kind is Kind.TRANSPORT):
            raise ValueError(f"{self.name}: kept_days belongs to kind transport, and only there")
        if self.partitions is not None and self.kind is not Kind.TRANSPORT:
            raise ValueError(f"{self.name}: partitions follow from kind {self.kind}; remove the line")
        return self

    def topic(self, placeholder: str = "", value: str = "") -> Topic:
        """Give the topic, a placeholder filled in."""

        def fill(text: str) -> str:
            return text.replace(placeholder, value) if placeholder else text

        return Topic(
            name=fill(self.name),
            kind=self.kind,
            writer=fill(self.writer),
            readers=tuple(dict.fromkeys(fill(reader) for reader in self.readers)),
            partitions=self.partitions or (HISTORY_PARTITIONS if self.kind is Kind.HISTORY else 1),
            config=_config(self.kind, self.kept_days, self.max_bytes),
        )


class Registry(BaseModel):
    """The whole file. Immutable; `topics()` is what a cluster should have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1, le=1)
    principals: tuple[Name, ...]
    superuser: Name
    consumers: tuple[Name, ...]
    entries: tuple[Entry, ...] = Field(alias="topics")

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = {*self.principals, "{agency}", "{consumer}"}
        for entry in self.entries:
            for who in (entry.writer, *entry.readers):
                if who not in known:
                    raise ValueError(f"{entry.name}: {who!r} is no principal; add it to principals or correct it")
        for who in (self.superuser, *self.consumers):
            if who not in self.principals:
                raise ValueError(f"{who!r} is no principal; add it to principals or correct it")
        names = [topic.name for topic in self.topics()]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"listed twice: {', '.join(sorted(twice))}")
        _no_principal_prefixes_another(self.principals)
        return self

    def topics(self, agencies: Iterable[str] = ()) -> tuple[Topic, ...]:
        """Every topic, those per consumer and per agency written out.

        Raises:
            RegistryError: an agency's name is no name for a principal, or a service's.
        """
        agencies = tuple(agencies)
        _check_agencies(agencies, self.principals)
        found: list[Topic] = []
        for entry in self.entries:
            if "{consumer}" in entry.name:
                found += (entry.topic("{consumer}", consumer) for consumer in self.consumers)
            elif "{agency}" in entry.name:
                found += (entry.topic("{agency}", agency) for agency in agencies)
            else:
                found.append(entry.topic())
        return tuple(found)

    def history(self) -> tuple[str, ...]:
        """The names of the topics that are history: what the ledger covers and replay reads."""
        kept = (Kind.HISTORY, Kind.ORDERED)
        return tuple(topic.name for topic in self.topics() if topic.kind in kept and topic.name != "ledger.v1")

    def writer_of(self, event: str) -> str:
        """The principal that alone may write events of this type, e.g. `ConcernRaised`.

        Raises:
            RegistryError: no topic lists that event.
        """
        for entry in self.entries:
            if event in entry.events:
                return entry.writer
        raise RegistryError(f"no topic lists the event {event!r}; add it to deploy/topics.yaml")


def load(path: Path = DEFAULT_PATH) -> Registry:
    """Read and check the registry.

    Raises:
        RegistryError: naming the file and each thing wrong in it.
    """
    try:
        return Registry.model_validate(plain(path.read_text()))
    except (OSError, yaml.YAMLError) as cause:
        raise RegistryError(f"cannot read the topic registry {path.name}: {cause}") from cause
    except ValidationError as cause:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in cause.errors())
        raise RegistryError(f"the topic registry {path.name} is invalid: {wrong}") from cause


def _config(kind: Kind, kept_days: int | None, max_bytes: int | None) -> Mapping[str, str]:
    if kind is Kind.STATE:
        return {"cleanup.policy": "compact", "retention.ms": "-1", "retention.bytes": "-1"}
    retention_ms = -1 if kept_days is None else kept_days * DAY_MS
    size = {} if max_bytes is None else {"max.message.bytes": str(max_bytes)}
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms), "retention.bytes": "-1", **size}


def _check_agencies(agencies: tuple[str, ...], principals: tuple[str, ...]) -> None:
    for agency in agencies:
        if not re.fullmatch(NAME, agency):
            raise RegistryError(f"{agency!r} cannot be an agency's principal; use lower case, digits and hyphens")
        if agency in principals:
            raise RegistryError(f"{agency!r} is the principal of a service; the agency needs another name")


def _no_principal_prefixes_another(principals: Iterable[str]) -> None:
    """Groups are granted by prefix: were `audit` and `auditor` both principals, one could join the other's groups."""
    names = sorted(principals)
    for shorter, longer in itertools.pairwise(names):
        if longer.startswith(shorter):
            raise ValueError(f"principal {longer!r} begins with {shorter!r}; group grants are by prefix, rename one")
