"""The registry of topics: one writer each, and every grant derived from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from services.chassis import topics
from services.chassis.marked_yaml import plain
from services.chassis.topics.acl import Acl, Operation, Pattern, Resource

if TYPE_CHECKING:
    from pathlib import Path

HISTORY = ("concerns.v1", "assessments.v1", "patterns.v1", "shares.v1")


@pytest.fixture
def registry() -> topics.Registry:
    """The registry that is shipped."""
    return topics.load()


def _changed(tmp_path: Path, **changes: object) -> Path:
    content = plain(topics.registry.DEFAULT_PATH.read_text())
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def test_history_topics_have_twelve_partitions_and_are_kept_for_ever(registry: topics.Registry):
    """A history topic has 12 partitions, for ever, and never loses a record."""
    found = {topic.name: topic for topic in registry.topics()}

    assert {found[name].partitions for name in HISTORY} == {12}
    assert {found[name].config["retention.ms"] for name in (*HISTORY, "keys.v1", "ledger.v1")} == {"-1"}
    assert {found[name].config["cleanup.policy"] for name in (*HISTORY, "keys.v1", "ledger.v1")} == {"delete"}


def test_topics_whose_total_order_counts_have_one_partition(registry: topics.Registry):
    """Keys, ledger and schemas have one partition; schemas are compacted."""
    found = {topic.name: topic for topic in registry.topics()}

    assert {found[name].partitions for name in ("keys.v1", "ledger.v1", "schemas.v1")} == {1}
    assert found["schemas.v1"].config["cleanup.policy"] == "compact"


def test_the_ledger_covers_every_history_topic_but_itself(registry: topics.Registry):
    """What the ledger covers is the history; the ledger is no part of it."""
    assert registry.history() == (*HISTORY, "keys.v1")


def test_a_topic_per_consumer_and_per_agency_is_written_out(registry: topics.Registry):
    """Parked topics exist per consumer, submissions and receipts per agency, each kept 14 days."""
    found = {topic.name: topic for topic in registry.topics(["kent-police"])}

    assert found["parked.routing.v1"].writer == "routing"
    assert found["submissions.kent-police.v1"].writer == "kent-police"
    assert found["receipts.kent-police.v1"].readers == ("kent-police",)
    assert found["parked.routing.v1"].config["retention.ms"] == str(14 * 24 * 60 * 60 * 1000)


def test_every_topic_has_one_writer_and_it_alone_may_write(registry: topics.Registry):
    """On each topic one principal holds Write, and nobody holds more than Read, Write and Describe."""
    acls = topics.acls_of(registry, ["kent-police"])
    writers = {acl.name: acl.principal for acl in acls if acl.operation is Operation.WRITE}

    assert writers == {topic.name: topic.writer for topic in registry.topics(["kent-police"])}
    assert sum(acl.operation is Operation.WRITE for acl in acls) == len(writers)
    assert {acl.operation for acl in acls} == {Operation.READ, Operation.WRITE, Operation.DESCRIBE}
    assert {acl.resource for acl in acls} == {Resource.TOPIC, Resource.GROUP}


def test_a_reader_may_read_in_groups_that_begin_with_its_name(registry: topics.Registry):
    """Groups are granted by prefix, topics literally: the flow view's group is the console's."""
    acls = topics.acls_of(registry)

    assert Acl("console", Operation.READ, Resource.GROUP, "console", Pattern.PREFIXED) in acls
    assert {acl.pattern for acl in acls if acl.resource is Resource.TOPIC} == {Pattern.LITERAL}
    assert not any(acl.principal == "console" and acl.operation is Operation.WRITE for acl in acls)


def test_the_writer_of_an_event_is_known(registry: topics.Registry):
    """Each event type has one writer; an unknown one is named."""
    assert registry.writer_of("ShareAcknowledged") == "routing"
    with pytest.raises(topics.RegistryError, match="'NoSuchEvent'"):
        registry.writer_of("NoSuchEvent")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"writer": "stranger"}, "'stranger' is no principal"),
        ({"readers": ["stranger"]}, "'stranger' is no principal"),
        ({"partitions": 6}, "partitions follow from kind history"),
        ({"kept_days": 14}, "kept_days belongs to kind transport"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"name": "Concerns"}, "String should match pattern"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: dict[str, object], message: str):
    """A registry that contradicts itself is refused, saying where."""
    right = {"name": "concerns.v1", "purpose": "x", "kind": "history", "writer": "intake", "readers": ["audit"]}

    with pytest.raises(topics.RegistryError, match=message):
        topics.load(_changed(tmp_path, topics=[right | entry]))


def test_a_topic_listed_twice_is_refused(tmp_path: Path):
    """One topic, one entry."""
    right = {"name": "concerns.v1", "purpose": "x", "kind": "history", "writer": "intake", "readers": ["audit"]}

    with pytest.raises(topics.RegistryError, match=r"listed twice: concerns\.v1"):
        topics.load(_changed(tmp_path, topics=[right, right]))


def test_a_principal_that_begins_with_another_is_refused(tmp_path: Path):
    """Groups are granted by prefix, so `audit` could join the groups of `auditor`."""
    with pytest.raises(topics.RegistryError, match="'auditor' begins with 'audit'"):
        topics.load(_changed(tmp_path, principals=[*topics.load().principals, "auditor"]))


def test_an_agency_has_groups_of_its_own(registry: topics.Registry):
    """An agency whose name begins with another's may not join that one's groups: theirs begin with name and dot."""
    acls = topics.acls_of(registry, ["kent-police", "kent-police-standards"])
    groups = {acl.principal: acl.name for acl in acls if acl.resource is Resource.GROUP}

    assert groups["kent-police"] == "kent-police."
    assert groups["kent-police-standards"] == "kent-police-standards."
    assert groups["routing"] == "routing"


@pytest.mark.parametrize("agency", ["audit", "Kent Police"])
def test_an_agency_may_not_be_confused_with_a_service(registry: topics.Registry, agency: str):
    """An agency's name is a principal too: of the right form, and no service's."""
    with pytest.raises(topics.RegistryError, match=agency):
        registry.topics([agency])


def test_a_submission_as_large_as_http_takes_fits_its_topic(registry: topics.Registry):
    """What HTTP takes, sealed and with its headers, is not refused by the broker."""
    found = {topic.name: topic for topic in registry.topics(["kent-police"])}

    assert int(found["submissions.kent-police.v1"].config["max.message.bytes"]) > 1024 * 1024 + 64 * 1024
    assert "max.message.bytes" not in found["receipts.kent-police.v1"].config
