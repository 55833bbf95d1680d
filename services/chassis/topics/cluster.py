"""A Kafka cluster's topics and ACLs as plain values, on aiokafka's admin client.

aiokafka 0.14 knows the ACL requests on the wire but offers no call for them; the three here send many grants in one
request, as Kafka's own client does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request

from services.chassis.topics.acl import Acl, Operation, Pattern, Resource
from services.chassis.topics.registry import Topic, TopicsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Iterable, Mapping
    from types import TracebackType

REQUEST_DEADLINE_S: Final = 20.0
ALLOW: Final = 3
DENY: Final = 2
ANY_PERMISSION: Final = 1
SET_ON_THE_TOPIC: Final = 1
"""`DYNAMIC_TOPIC_CONFIG`, where a topic's setting was put on the topic itself and not inherited (KIP-226)."""

REPLICAS_WANTED: Final = 3
"""Three where the cluster has three brokers: one may be in maintenance and one fail."""


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic as the cluster has it; `config` holds what was set on the topic itself."""

    name: str
    partitions: int
    config: Mapping[str, str]


class _CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 30

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._creations = [_on_the_wire(acl) for acl in acls]

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._creations)


class _DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 31

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._filters = [_on_the_wire(acl) for acl in acls]

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        return request_struct_class(self._filters)


class Cluster(AIOKafkaAdminClient):  # type: ignore[misc]
    """The admin client with a deadline on every call; use as an async context manager.

    Args:
        connection: aiokafka's own connection arguments, of a principal that may administer.
    """

    def __init__(self, connection: Mapping[str, Any]) -> None:
        super().__init__(**connection, request_timeout_ms=int(REQUEST_DEADLINE_S * 1000))

    async def __aenter__(self) -> Self:
        await _deadline("connect", self.start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _deadline("disconnect", self.close())

    async def found(self) -> dict[str, TopicFound]:
        """Every topic that is not Kafka's own."""
        partitions = {
            row["topic"]: len(row["partitions"])
            for row in await _deadline("list topics", self.describe_topics())
            if not row["is_internal"]
        }
        if not partitions:
            return {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
        config: dict[str, dict[str, str]] = {}
        for response in await _deadline("read topic settings", self.describe_configs(wanted)):
            for code, message, _, name, rows in response.resources:
                _refuse(code, f"reading the settings of {name}", message)
                config[name] = {row[0]: row[1] for row in rows if row[3] == SET_ON_THE_TOPIC}
        return {name: TopicFound(name, count, config.get(name, {})) for name, count in partitions.items()}

    async def create(self, topics: Collection[Topic]) -> None:
        """Create these topics; one that is there by now is no error (two starts may race)."""
        if not topics:
            return
        brokers = (await _deadline("describe the cluster", self.describe_cluster()))["brokers"]
        replicas = min(REPLICAS_WANTED, len(brokers))
        wanted = [NewTopic(t.name, t.partitions, replicas, topic_configs=dict(t.config)) for t in topics]
        response = await _deadline("create topics", self.create_topics(wanted))
        for name, code, message in response.topic_errors:
            if for_code(code).__name__ != "TopicAlreadyExistsError":
                _refuse(code, f"creating the topic {name}", message)

    async def delete(self, names: Collection[str]) -> None:
        """Delete these topics and all that lies there; one that is gone is no error."""
        if not names:
            return
        response = await _deadline("delete topics", self.delete_topics(list(names)))
        for name, code in response.topic_error_codes:
            if for_code(code).__name__ != "UnknownTopicOrPartitionError":
                _refuse(code, f"deleting the topic {name}", None)

    async def configure(self, found: TopicFound, config: Mapping[str, str]) -> None:
        """Put these settings on a topic and keep the others it has: AlterConfigs replaces the whole set."""
        merged = {**found.config, **config}
        resource = ConfigResource(ConfigResourceType.TOPIC, found.name, merged)
        for response in await _deadline("set topic settings", self.alter_configs([resource])):
            for row in response.resources:
                _refuse(row[0], f"setting {', '.join(config)} on {found.name}", row[1])

    async def granted(self) -> frozenset[Acl]:
        """Every ACL the cluster holds for a user from any host."""
        request = DescribeAclsRequest(Resource.ANY, None, Pattern.ANY, None, None, Operation.ANY, ANY_PERMISSION)
        response = await _deadline("list ACLs", self._send_request(request))
        _refuse(response.error_code, "listing the ACLs", response.error_message)
        return frozenset(
            Acl(
                principal.removeprefix("User:"),
                Operation(operation),
                Resource(resource),
                name,
                Pattern(pattern),
                allow=permission == ALLOW,
            )
            for resource, name, pattern, rows in response.resources
            for principal, _, operation, permission in rows
        )

    async def grant(self, acls: Collection[Acl]) -> None:
        """Add these ACLs; one that is there is no error."""
        if acls:
            response = await _deadline("create ACLs", self._send_to_controller(_CreateAcls(acls)))
            for code, message in response.creation_responses:
                _refuse(code, "creating an ACL", message)

    async def revoke(self, acls: Collection[Acl]) -> None:
        """Remove these ACLs; one that is gone is no error."""
        if acls:
            response = await _deadline("delete ACLs", self._send_to_controller(_DeleteAcls(acls)))
            for code, message, _ in response.filter_responses:
                _refuse(code, "deleting an ACL", message)


def _on_the_wire(acl: Acl) -> tuple[int, str, int, str, str, int, int]:
    permission = ALLOW if acl.allow else DENY
    return (acl.resource, acl.name, acl.pattern, f"User:{acl.principal}", "*", acl.operation, permission)


def _refuse(code: int, doing: str, message: str | None) -> None:
    if code:
        name = for_code(code).__name__
        raise TopicsError(f"Kafka refused {doing}: {name} {message or ''}; is the principal an administrator?")


async def _deadline(doing: str, call: Awaitable[Any]) -> Any:
    try:
        return await asyncio.wait_for(call, REQUEST_DEADLINE_S)
    except TimeoutError as cause:
        raise TopicsError(f"Kafka did not answer within {REQUEST_DEADLINE_S:.0f} s to: {doing}") from cause
    except KafkaError as cause:
        raise TopicsError(f"could not {doing}: {type(cause).__name__}: {cause}") from cause
