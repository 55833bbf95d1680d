"""The envelope: what is written can be read, and what cannot be read is said without being repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.chassis.contract import schema_urn
from services.chassis.envelope import (
    HEADER_BYTES_MAX,
    VALUE_BYTES_MAX,
    Event,
    Record,
    decode,
    digest,
    encode,
    timestamp,
)
from services.chassis.errors import DecodeError, UnknownSchema
from services.chassis.journal.rows import murmur2, pack_headers, partition_of, unpack_headers

SECRET = "Zephyrine"

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001
topics = st.from_regex(r"[a-z]{1,9}\.v1", fullmatch=True)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Give any event a service could write."""
    concern_id = str(draw(st.uuids()))
    return Event(
        id=draw(st.uuids()),
        type="ConcernRaised",
        topic=draw(topics),
        source="//concern-relay/intake",
        time=draw(moments),
        recorded=draw(moments),
        concern_id=concern_id,
        causation_id=draw(st.none() | st.uuids()),
        based_on=tuple(sorted(draw(st.dictionaries(topics, st.uuids(), max_size=3)).items())),
        data=ConcernRaised(concern_id=concern_id, warning_codes=draw(st.lists(st.text(max_size=9), max_size=3))),
        traceparent=draw(st.sampled_from(["", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"])),
        schema=schema_urn(),
    )


def an_event() -> Event:
    """Give one."""
    now, concern_id = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), str(UUID(int=7))
    data = ConcernRaised(concern_id=concern_id)
    return Event(
        UUID(int=7), "ConcernRaised", "concerns.v1", "//concern-relay/intake", now, now, concern_id, None, (), data
    )


@given(events())
def test_what_is_encoded_is_decoded_to_the_same(event):
    """Given any event, decoding its record gives the event again, and the bytes are always the same."""
    record = encode(event)

    assert decode(record) == event
    assert encode(event) == record
    assert record.key.decode() == event.concern_id


def test_the_context_is_cloudevents_in_binary_mode():
    """Given an event, its headers are the attributes of CloudEvents 1.0 and ours, prefixed as its binding asks."""
    event = replace(an_event(), causation_id=UUID(int=7), based_on=(("concerns.v1", UUID(int=9)),), traceparent="t")

    headers = dict(encode(event).headers)

    assert headers == {
        "content-type": b"application/protobuf",
        "ce_id": str(event.id).encode(),
        "ce_source": b"//concern-relay/intake",
        "ce_type": b"concern_relay.v1.ConcernRaised",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-01-02T03:04:05.678901Z",
        "ce_subject": event.concern_id.encode(),
        "ce_dataschema": schema_urn().encode(),
        "ce_correlationid": event.concern_id.encode(),
        "ce_recordedtime": b"2026-01-02T03:04:05.678901Z",
        "ce_causationid": str(UUID(int=7)).encode(),
        "ce_basedon": f"concerns.v1={UUID(int=9)}".encode(),
        "traceparent": b"t",
    }


def test_times_are_written_in_utc():
    """Given a time in another zone, or a full second, it is written in UTC with microseconds."""
    assert timestamp(datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))) == "2026-07-01T11:00:00.000000Z"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", SECRET.encode()),
        ("ce_id", b"\xff"),
        ("ce_type", SECRET.encode()),
        ("ce_time", SECRET.encode()),
        ("ce_recordedtime", b"2026-01-02T03:04:05"),
        ("ce_correlationid", SECRET.encode()),
        ("ce_correlationid", str(UUID(int=8)).encode()),
        ("ce_causationid", SECRET.encode()),
        ("ce_basedon", SECRET.encode()),
        ("ce_source", None),
        ("ce_dataschema", None),
        ("ce_padding", b"x" * HEADER_BYTES_MAX),
    ],
)
def test_a_context_that_cannot_be_read_is_named_and_not_repeated(name, value):
    """Given one attribute that is wrong or missing, decoding says which, and not what was in it."""
    record = encode(an_event())
    headers = {n: v for n, v in record.headers if n != name} | ({} if value is None else {name: value})

    with pytest.raises(DecodeError) as caught:
        decode(replace(record, headers=tuple(headers.items())))

    assert SECRET not in str(caught.value)
    assert not isinstance(caught.value, UnknownSchema)


def test_a_type_that_is_not_known_is_told_apart():
    """Given an event of a newer release, decoding says that it is unknown, so that it is replayed after an upgrade."""
    record = encode(an_event())
    newer = tuple((n, b"concern_relay.v1.Newer" if n == "ce_type" else v) for n, v in record.headers)

    with pytest.raises(UnknownSchema):
        decode(replace(record, headers=newer))


@pytest.mark.parametrize("value", [b"", b"x" * (VALUE_BYTES_MAX + 1), b"\xff\xff"])
def test_a_value_that_cannot_be_read_is_refused(value):
    """Given no value, too much of it or no protobuf, decoding refuses."""
    with pytest.raises(DecodeError):
        decode(replace(encode(an_event()), value=value))


def test_the_digest_is_of_type_and_value():
    """Given another transport around the same event, its digest is the same; another type or value has another."""
    record = encode(an_event())
    other_type = tuple((n, b"concern_relay.v1.ChildMoved" if n == "ce_type" else v) for n, v in record.headers)

    assert digest(record) == digest(replace(record, headers=(*record.headers, ("x", b"y")), offset=9))
    assert digest(record) != digest(replace(record, value=record.value + b"\0"))
    assert digest(record) != digest(replace(record, headers=other_type))


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=300)), max_size=10).map(tuple))
def test_packed_headers_unpack_to_the_same(headers):
    """Given any headers, packing and unpacking them changes nothing, doubles and order included."""
    assert unpack_headers(pack_headers(headers)) == headers


@given(st.binary(max_size=80))
def test_the_partition_is_kafkas(key):
    """Given any key, our hash is the one of Kafka's own clients."""
    assert murmur2(key) & 0x7FFFFFFF == kafkas_murmur2(key) & 0x7FFFFFFF
    assert partition_of(key, 12) == (kafkas_murmur2(key) & 0x7FFFFFFF) % 12


@given(
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "key", "x"]), st.binary(max_size=60))),
    st.binary(),
)
def test_any_bytes_are_read_or_refused(headers, value):
    """Given any bytes at all, decoding gives an event or a DecodeError, and nothing else."""
    with pytest.raises(DecodeError):
        decode(Record("t", b"k", tuple(headers), value))
