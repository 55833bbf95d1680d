"""Hold a cluster to the registry: `check` says where it differs, `apply` makes it so.

A topic the registry does not know is left alone. An ACL it does not know, on a topic or group it does know, is taken
away: one left-over grant and a topic has two writers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.chassis.topics.acl import Acl, Operation, Pattern, Resource, acls_of
from services.chassis.topics.cluster import Cluster, TopicFound
from services.chassis.topics.registry import PartitionsError, Registry, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

Connection = Mapping[str, Any]
"""aiokafka's connection arguments: bootstrap_servers, security_protocol, sasl_…"""


class What(StrEnum):
    """In which way the cluster differs."""

    TOPIC_MISSING = "topic-missing"
    PARTITIONS = "partitions"
    CONFIG = "config"
    ACL_MISSING = "acl-missing"
    ACL_EXTRA = "acl-extra"
    ACL_STRAY = "acl-stray"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the cluster differs from the registry."""

    what: What
    subject: str
    detail: str

    def __str__(self) -> str:
        """A line of `topics check`."""
        return f"{self.what}: {self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` changed."""

    created: tuple[str, ...]
    configured: tuple[str, ...]
    granted: frozenset[Acl]
    revoked: frozenset[Acl]

    @property
    def changed(self) -> bool:
        """True when the cluster was not yet as the registry says."""
        return bool(self.created or self.configured or self.granted or self.revoked)


@dataclass(frozen=True, slots=True)
class _Plan:
    create: tuple[Topic, ...]
    repartition: tuple[tuple[Topic, int], ...]
    configure: tuple[tuple[TopicFound, Mapping[str, str]], ...]
    grant: frozenset[Acl]
    revoke: frozenset[Acl]
    stray: frozenset[Acl]

    def differences(self) -> tuple[Difference, ...]:
        return (
            *(Difference(What.TOPIC_MISSING, t.name, f"not there; {t.partitions} partitions") for t in self.create),
            *(
                Difference(What.PARTITIONS, topic.name, f"has {count}, the registry says {topic.partitions}")
                for topic, count in self.repartition
            ),
            *(
                Difference(What.CONFIG, found.name, f"{key} is {found.config.get(key)!r}, not {value!r}")
                for found, config in self.configure
                for key, value in config.items()
            ),
            *(Difference(What.ACL_MISSING, acl.name, str(acl)) for acl in sorted(self.grant)),
            *(Difference(What.ACL_EXTRA, acl.name, str(acl)) for acl in sorted(self.revoke)),
            *(
                Difference(What.ACL_STRAY, acl.name, f"{acl}, which reaches our topics; not ours to take away")
                for acl in sorted(self.stray)
            ),
        )


async def check(registry: Registry, connection: Connection, *, agencies: Iterable[str] = ()) -> tuple[Difference, ...]:
    """List where the cluster differs from the registry; empty when it does not.

    Raises:
        TopicsError: the cluster cannot be asked.
    """
    async with Cluster(connection) as cluster:
        return (await _plan(registry, cluster, tuple(agencies))).differences()


async def apply(registry: Registry, connection: Connection, *, agencies: Iterable[str] = ()) -> Applied:
    """Create topics, set their settings, grant and revoke, until the cluster is as the registry says.

    Grants come before topics, so that no writer finds a topic it is refused on. Applying twice changes nothing.

    Raises:
        PartitionsError: a topic has another number of partitions; nothing was changed.
        TopicsError: the cluster cannot be asked, or refuses.
    """
    async with Cluster(connection) as cluster:
        plan = await _plan(registry, cluster, tuple(agencies))
        if plan.repartition:
            topic, count = plan.repartition[0]
            raise PartitionsError(
                f"{topic.name} has {count} partitions and the registry says {topic.partitions}: with another count a "
                f"concern's key would move and its order be lost. Correct the registry, or start a .v2 topic"
            )
        await cluster.grant(plan.grant)
        await cluster.revoke(plan.revoke)
        await cluster.create(plan.create)
        for found, config in plan.configure:
            await cluster.configure(found, config)
    return Applied(
        created=tuple(topic.name for topic in plan.create),
        configured=tuple(found.name for found, _ in plan.configure),
        granted=plan.grant,
        revoked=plan.revoke,
    )


async def _plan(registry: Registry, cluster: Cluster, agencies: tuple[str, ...]) -> _Plan:
    wanted = registry.topics(agencies)
    found = await cluster.found()
    there = [(topic, found[topic.name]) for topic in wanted if topic.name in found]
    grants, granted = acls_of(registry, agencies), await cluster.granted()
    return _Plan(
        create=tuple(topic for topic in wanted if topic.name not in found),
        repartition=tuple((topic, has.partitions) for topic, has in there if has.partitions != topic.partitions),
        configure=tuple((has, wrong) for topic, has in there if (wrong := _wrong(topic, has))),
        grant=grants - granted,
        revoke=_ours(granted, registry, wanted) - grants,
        stray=frozenset(acl for acl in granted if _reaches_from_afar(acl, wanted)),
    )


def _wrong(topic: Topic, found: TopicFound) -> dict[str, str]:
    return {key: value for key, value in topic.config.items() if found.config.get(key) != value}


def _ours(granted: frozenset[Acl], registry: Registry, wanted: tuple[Topic, ...]) -> frozenset[Acl]:
    """The ACLs that the registry rules on: on its topics, and those of its principals on groups and the cluster."""
    topics = {topic.name for topic in wanted}
    return frozenset(
        acl
        for acl in granted
        if (acl.resource is Resource.TOPIC and acl.pattern is Pattern.LITERAL and acl.name in topics)
        or (acl.resource in (Resource.GROUP, Resource.CLUSTER) and acl.principal in registry.principals)
    )


def _reaches_from_afar(acl: Acl, wanted: tuple[Topic, ...]) -> bool:
    """A wildcard or prefix that lets somebody write our topics; it may serve others on a shared cluster."""
    if acl.resource is not Resource.TOPIC or not acl.allow or acl.operation not in (Operation.WRITE, Operation.ALL):
        return False
    by_prefix = acl.pattern is Pattern.PREFIXED and any(topic.name.startswith(acl.name) for topic in wanted)
    return by_prefix or acl.name == "*"
