"""In which order the lanes take what comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.envelope import Record
from services.intake.submissions.ahead import in_order_of_hurry
from services.intake.submissions.lanes import together


def _record(offset: int, urgency: str, key: bytes = b"") -> Record:
    return Record("submissions.school.v1", key, (("ce_urgency", urgency.encode()),), b"", 0, offset)


def test_emergencies_go_first_and_the_rest_as_it_came():
    """Given urgent ones around an emergency, the emergency is first."""
    given_ = [_record(1, "urgent"), _record(2, "emergency"), _record(3, "urgent"), _record(4, "emergency")]

    assert [r.offset for r in in_order_of_hurry(given_)] == [2, 4, 1, 3]


def test_what_came_before_an_emergency_under_its_key_comes_before_it():
    """Given an urgent record and then an emergency under one key, their order stays."""
    given_ = [_record(1, "urgent"), _record(2, "urgent", b"k"), _record(3, "emergency", b"k")]

    assert [r.offset for r in in_order_of_hurry(given_)] == [2, 3, 1]


@given(st.lists(st.tuples(st.sampled_from(["urgent", "emergency"]), st.sampled_from([b"", b"a", b"b"])), max_size=30))
def test_nothing_is_lost_and_no_key_changes_its_order(rows):
    """Whatever comes, all of it is taken, each key in order, and no emergency after what shares no key with one."""
    records = [_record(n, urgency, key) for n, (urgency, key) in enumerate(rows)]

    found = in_order_of_hurry(records)

    assert sorted(r.offset for r in found) == list(range(len(records)))
    for key in (b"a", b"b"):
        offsets = [r.offset for r in found if r.key == key]
        assert offsets == sorted(offsets)


@given(st.lists(st.tuples(st.sampled_from(["r", "s", "t"]), st.sampled_from([b"", b"a", b"b"])), max_size=20))
def test_what_shares_a_reference_or_a_key_keeps_its_order(rows):
    """Whatever comes, all of it is taken once, and what shares a reference or a key is in one group, in order."""
    records = [_record(n, "routine", key) for n, (_, key) in enumerate(rows)]

    found = together(records, lambda record: rows[record.offset][0])

    group_of = {record.offset: place for place, group in enumerate(found) for record in group}
    assert sorted(record.offset for group in found for record in group) == list(range(len(rows)))
    for group in found:
        assert [r.offset for r in group] == sorted(r.offset for r in group)
    for one in records:
        for other in records:
            shared = rows[one.offset][0] == rows[other.offset][0] or (one.key and one.key == other.key)
            assert not shared or group_of[one.offset] == group_of[other.offset]


def test_what_shares_nothing_goes_side_by_side():
    """Given a raise and its correction under a key, and another concern, there are two groups."""
    records = [_record(1, "routine", b"k"), _record(2, "routine"), _record(3, "routine", b"k")]

    found = together(records, lambda record: f"r{record.offset}")

    assert [[r.offset for r in group] for group in found] == [[1, 3], [2]]
