"""What each principal may do, derived from the registry: nothing is granted anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.chassis.topics.registry import Registry, Topic


class Resource(IntEnum):
    """Kafka's `ResourceType` on the wire (KIP-140)."""

    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class Pattern(IntEnum):
    """Kafka's `PatternType` on the wire (KIP-290)."""

    ANY = 1
    MATCH = 2
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """Kafka's `AclOperation` on the wire; only those that the registry grants or a check may meet."""

    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One grant. `allow` false is a denial, which the registry never makes but a cluster may hold."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL
    allow: bool = True

    def __str__(self) -> str:
        """Read as a sentence in the output of `topics check`."""
        star = "*" if self.pattern is Pattern.PREFIXED else ""
        verb = "may" if self.allow else "may not"
        return f"{self.principal} {verb} {self.operation.name} {self.resource.name} {self.name}{star}"


def acls_of(registry: Registry, agencies: Iterable[str] = ()) -> frozenset[Acl]:
    """Every grant a cluster should hold.

    Write carries Describe, and a Write on any topic carries the idempotent producer (KIP-679), so there is no grant on
    the cluster at all. The superuser needs none.
    """
    grants: set[Acl] = set()
    readers: set[str] = set()
    for topic in registry.topics(agencies):
        grants.update(_grants_on(topic))
        readers.update(topic.readers)
    grants.update(
        Acl(who, Operation.READ, Resource.GROUP, group_prefix(who, registry), Pattern.PREFIXED) for who in readers
    )
    return frozenset(grants)


def group_prefix(principal: str, registry: Registry) -> str:
    """How the consumer groups of a principal begin: a service's with its name, an agency's with its name and a dot.

    Agencies' names may begin with one another's (kent-police, kent-police-standards); services' may not.
    """
    return principal if principal in registry.principals else f"{principal}."


def _grants_on(topic: Topic) -> Iterable[Acl]:
    yield Acl(topic.writer, Operation.WRITE, Resource.TOPIC, topic.name)
    yield Acl(topic.writer, Operation.DESCRIBE, Resource.TOPIC, topic.name)
    for reader in topic.readers:
        yield Acl(reader, Operation.READ, Resource.TOPIC, topic.name)
        yield Acl(reader, Operation.DESCRIBE, Resource.TOPIC, topic.name)
