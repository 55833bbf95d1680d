"""In which order the fast lane takes what is in a hurry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.envelope import Record
from services.intake.submissions.ahead import in_order_of_hurry


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
