"""The registry of topics: what exists, who writes, who reads; and the cluster held to it."""

from services.chassis.topics.acl import Acl, acls_of
from services.chassis.topics.reconcile import Applied, Connection, Difference, apply, check
from services.chassis.topics.registry import (
    Kind,
    PartitionsError,
    Registry,
    RegistryError,
    Topic,
    TopicsError,
    load,
)

__all__ = [
    "Acl",
    "Applied",
    "Connection",
    "Difference",
    "Kind",
    "PartitionsError",
    "Registry",
    "RegistryError",
    "Topic",
    "TopicsError",
    "acls_of",
    "apply",
    "check",
    "load",
]
