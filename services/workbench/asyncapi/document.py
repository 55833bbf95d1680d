"""The AsyncAPI 3.0 document: a channel per topic, an operation per writer and reader, a message per event."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from services.chassis import topics
from services.chassis.contract import full_type, message_class
from services.chassis.problems import PROBLEM_SCHEMA
from services.chassis.settings import REPOSITORY
from services.chassis.topics.registry import Entry, Registry
from services.intake.answers import AcceptedAnswer
from services.intake.submission import Submission
from services.intake.submissions.asked import MODELS
from services.intake.submissions.wire import TYPE_PREFIX
from services.workbench.asyncapi.comments import comments
from services.workbench.asyncapi.schemas import schemas_of

PATH: Final = REPOSITORY / "docs" / "asyncapi.yaml"
HEADER: Final = "# Made by `concern-relay topics asyncapi --write` from deploy/topics.yaml and proto/; do not edit.\n"
PROTOBUF: Final = "application/protobuf"
PLACES: Final = {
    "agency": "Id of an agency that was let in (`agency add`).",
    "consumer": "A service that parks what it cannot take.",
}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_CONTEXT: Final[dict[str, Any]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_type": {**_TEXT, "description": "The message's name."},
    "ce_id": {**_TEXT, "format": "uuid"},
    "ce_source": _TEXT,
    "ce_time": {**_TEXT, "format": "date-time", "description": "When it happened."},
    "ce_recordedtime": {**_TEXT, "format": "date-time", "description": "When it was recorded; law looks only at this."},
    "ce_subject": {**_TEXT, "description": "The concern."},
    "ce_dataschema": {**_TEXT, "description": "Digest of the contract it was written with; see schemas.v1."},
    "ce_correlationid": {**_TEXT, "description": "The concern."},
    "ce_causationid": {**_TEXT, "description": "The event that led to it."},
    "ce_basedon": {**_TEXT, "description": "Per input topic the newest event its writer had applied."},
    "traceparent": {**_TEXT, "description": "W3C Trace Context."},
}
_EVENT: Final[dict[str, Any]] = {
    "contentType": PROTOBUF,
    "headers": {"type": "object", "properties": _CONTEXT, "required": ["ce_id", "ce_type"]},
    "bindings": {"kafka": {"key": {**_TEXT, "description": "The concern."}, "bindingVersion": "0.5.0"}},
}
_SUBMISSION_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["ce_id", "ce_keyid"],
    "properties": {
        "ce_id": {**_TEXT, "pattern": "^[!-~]{1,200}$", "description": "Your own name for it; the answer carries it."},
        "ce_keyid": {**_TEXT, "description": "key_id of GET /v1/submission-key."},
        "ce_urgency": {**_TEXT, "enum": ["emergency", "urgent"], "description": "Goes before what is in no hurry."},
    },
}
_RECEIPT_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["ce_id", "ce_type", "ce_status", "ce_submissionid", "content-type"],
    "properties": {
        "ce_id": {**_TEXT, "format": "uuid", "description": "The same if the answer comes twice."},
        "ce_type": _TEXT,
        "ce_status": {**_TEXT, "pattern": "^[0-9]{3}$", "description": "As over HTTP."},
        "ce_submissionid": {**_TEXT, "description": "ce_id of the submission."},
        "ce_submissionpartition": _TEXT,
        "ce_submissionoffset": _TEXT,
    },
}


def document(registry: Registry | None = None) -> dict[str, Any]:
    """Make the document."""
    registry = registry or topics.load()
    events = {name: message_class(name) for entry in registry.entries for name in _messages_of(entry) if name[0] != "~"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "concern-relay",
            "version": "1",
            "description": "Child-safeguarding concerns as events. History is read by replay and audit; agencies use "
            "submissions and receipts. Identifying and narrative content is sealed wherever it lies.",
        },
        "defaultContentType": PROTOBUF,
        "servers": {
            "broker": {
                "host": "{bootstrap}",
                "protocol": "kafka-secure",
                "variables": {"bootstrap": {"description": "KAFKA_BOOTSTRAP_SERVERS"}},
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            }
        },
        "channels": {_channel_id(entry.name): _channel(entry) for entry in registry.entries},
        "operations": {key: value for entry in registry.entries for key, value in _operations(entry, registry)},
        "components": {
            "securitySchemes": {"scram": {"type": "scramSha256", "description": "A login per service and agency."}},
            "messageTraits": {"event": _EVENT},
            "messages": {**{name: _message(name) for name in sorted(events)}, **_transport()},
            "schemas": {
                **schemas_of(made.DESCRIPTOR for made in events.values()),
                "AcceptedAnswer": _local(AcceptedAnswer.model_json_schema()),
                "Submission": _local(Submission.model_json_schema()),
                **{f"{kind}FollowUp": _local(model.model_json_schema()) for kind, model in MODELS.items()},
                "Problem": PROBLEM_SCHEMA,
            },
        },
    }


def written(made: dict[str, Any]) -> str:
    """Write the document as it stands in docs."""
    return HEADER + yaml.dump(made, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def is_current(path: Path = PATH) -> bool:
    """Whether the document that is kept is the one that would be made."""
    return path.exists() and path.read_text(encoding="utf-8") == written(document())


class _Plain(yaml.SafeDumper):
    """Writes no anchors: the same thing twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _messages_of(entry: Entry) -> tuple[str, ...]:
    """Give what lies on a topic; with ~ what is no message of the contract."""
    if entry.name.startswith("submissions."):
        return ("~Submission", *(f"~{kind}FollowUp" for kind in MODELS))
    if entry.name.startswith("receipts."):
        return ("~SubmissionAccepted", "~SubmissionRefused")
    if entry.name.startswith("parked."):
        return ("RecordParked",)
    return entry.events or ("~DescriptorSet",)


def _channel(entry: Entry) -> dict[str, Any]:
    named = [name.removeprefix("~") for name in _messages_of(entry)]
    topic = entry.topic()
    channel: dict[str, Any] = {
        "address": entry.name,
        "description": entry.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in named},
    }
    if places := re.findall(r"\{(\w+)\}", entry.name):
        channel["parameters"] = {place: {"description": PLACES[place]} for place in places}
    config: dict[str, Any] = {"cleanup.policy": [topic.config["cleanup.policy"]]}
    config["retention.ms"] = int(topic.config["retention.ms"])
    if "max.message.bytes" in topic.config:
        config["max.message.bytes"] = int(topic.config["max.message.bytes"])
    channel["bindings"] = {
        "kafka": {"partitions": topic.partitions, "topicConfiguration": config, "bindingVersion": "0.5.0"}
    }
    return channel


def _operations(entry: Entry, registry: Registry) -> list[tuple[str, dict[str, Any]]]:
    channel = _channel_id(entry.name)
    ways = [("send", entry.writer), *(("receive", reader) for reader in entry.readers)]
    found = []
    for action, who in ways:
        party = who.strip("{}")
        summary = (
            f"{party if who in registry.principals else f'the {party}'} {'writes' if action == 'send' else 'reads'}"
        )
        found.append(
            (f"{party}_{action}_{channel}", {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "summary": f"{summary}; nobody else may" if action == "send" else summary,
            })
        )  # fmt: skip
    return found


def _message(name: str) -> dict[str, Any]:
    return {
        "name": full_type(name),
        "summary": comments().get(name, name),
        "traits": [{"$ref": "#/components/messageTraits/event"}],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _transport() -> dict[str, dict[str, Any]]:
    """Give the messages that are no protobuf: what agencies send, what they are answered, the contract itself."""
    about = {"location": "$message.header#/ce_submissionid"}
    return {
        "Submission": {
            "summary": "A concern, sealed with HPKE (RFC 9180) to intake's key; the schema is of what is sealed.",
            "contentType": "application/octet-stream",
            "correlationId": {"location": "$message.header#/ce_id"},
            "headers": _SUBMISSION_HEADERS,
            "payload": {"$ref": "#/components/schemas/Submission"},
        },
        **{f"{kind}FollowUp": _follow_up(kind, model) for kind, model in MODELS.items()},
        "SubmissionAccepted": {
            "summary": "It is recorded for good; with a signed receipt.",
            "contentType": "application/json",
            "correlationId": about,
            "headers": _RECEIPT_HEADERS,
            "payload": {"$ref": "#/components/schemas/AcceptedAnswer"},
        },
        "SubmissionRefused": {
            "summary": "Nothing was recorded; what has to be mended (RFC 9457).",
            "contentType": "application/problem+json",
            "correlationId": about,
            "headers": _RECEIPT_HEADERS,
            "payload": {"$ref": "#/components/schemas/Problem"},
        },
        "DescriptorSet": {
            "summary": "A protobuf FileDescriptorSet; its key is the SHA-256 that ce_dataschema names.",
            "contentType": PROTOBUF,
            "payload": {"type": "string", "contentEncoding": "base64"},
        },
    }


def _follow_up(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    headers = {
        **_SUBMISSION_HEADERS["properties"],
        "ce_type": {"const": TYPE_PREFIX + kind, "description": "Bound to the content by its HPKE info."},
        "ce_subject": {**_TEXT, "format": "uuid", "description": "The concern, as its receipt says; bound likewise."},
    }
    return {
        "summary": f"{(model.__doc__ or '').splitlines()[0]} Sealed as a concern is; the schema is of what is sealed.",
        "contentType": "application/octet-stream",
        "correlationId": {"location": "$message.header#/ce_id"},
        "headers": {
            **_SUBMISSION_HEADERS,
            "required": [*_SUBMISSION_HEADERS["required"], "ce_type", "ce_subject"],
            "properties": headers,
        },
        "payload": {"$ref": f"#/components/schemas/{kind}FollowUp"},
    }


def _local(schema: Any) -> Any:
    """Write a schema without references: the model's own would point nowhere here."""

    def inline(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return inline(schema["$defs"][part["$ref"].rpartition("/")[2]])
            return {name: inline(value) for name, value in part.items() if name != "$defs"}
        return [inline(each) for each in part] if isinstance(part, list) else part

    return inline(schema)


def _channel_id(name: str) -> str:
    return re.sub(r"\W+", "_", name.replace("{", "").replace("}", ""))
