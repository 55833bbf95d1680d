"""AsyncAPI is made from the registry and the contract, and the one that is kept is current."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.chassis import topics
from services.workbench.asyncapi import PATH, document, is_current
from services.workbench.asyncapi.comments import comments


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The document."""
    return document()


def test_what_is_kept_is_what_would_be_made():
    """docs/asyncapi.yaml is current; if not: `concern-relay topics asyncapi --write`, and commit it."""
    assert is_current(), f"run `concern-relay topics asyncapi --write` and commit {PATH.name}"


def test_every_topic_is_a_channel_with_its_writer_and_readers(made):
    """Each topic once, one operation to send to it, and one to receive for each reader."""
    entries = topics.load().entries

    assert [channel["address"] for channel in made["channels"].values()] == [entry.name for entry in entries]
    for name, entry in zip(made["channels"], entries, strict=True):
        ways = [o["action"] for o in made["operations"].values() if o["channel"]["$ref"] == f"#/channels/{name}"]
        assert sorted(ways) == sorted(["send", *["receive"] * len(entry.readers)])


def test_every_reference_leads_somewhere(made):
    """No $ref points to what is not there."""

    def refs(part: Any) -> list[str]:
        if isinstance(part, dict):
            return [part["$ref"]] if "$ref" in part else [r for value in part.values() for r in refs(value)]
        return [r for each in part for r in refs(each)] if isinstance(part, list) else []

    for ref in refs(made):
        found: Any = made
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]


def test_every_event_has_a_schema_and_is_explained(made):
    """Each event the registry names has a payload whose fields all say what they are."""
    schemas = made["components"]["schemas"]
    for entry in topics.load().entries:
        for event in entry.events:
            assert made["components"]["messages"][event]["summary"] != event
            for name, field in schemas[event]["properties"].items():
                assert field.get("description"), f"{event}.{name}"


def test_submissions_and_receipts_are_told_apart_by_id_and_say_their_headers(made):
    """What a supplier needs: required headers, correlation, and the problem of a refusal."""
    messages = made["components"]["messages"]

    assert messages["Submission"]["headers"]["required"] == ["ce_id", "ce_keyid"]
    assert messages["SubmissionRefused"]["payload"]["$ref"].endswith("/Problem")
    assert "reference" in made["components"]["schemas"]["Submission"]["properties"]
    json.dumps(made)


def test_comments_are_read_where_they_stand():
    """Messages, fields, and fields within a oneof have the comment above them."""
    found = comments()

    assert found["ConcernRaised"] == "An agency raised a concern and intake accepted it."
    assert found["ConcernRaised.agency_id"] == "The agency that raised it."
    assert found["Part.person"]
