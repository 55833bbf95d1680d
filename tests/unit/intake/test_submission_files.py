"""Files of submissions: every line is given or named; none is lost, none stops the next."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workbench.submission_files import LINE_BYTES_MAX, NotRead, documents


def given_by(content: bytes, **options: bool) -> list[tuple[int, object]]:
    """Read a file: line numbers, and objects or the code of what is wrong."""
    return [
        (number, found.code if isinstance(found, NotRead) else json.loads(found))
        for number, found in documents(io.BytesIO(content), **options)
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"\n \n", []),
        (b'{"a": 1}', [(1, {"a": 1})]),
        (b'{"a": 1}\n\n{"a": 2}\n', [(1, {"a": 1}), (3, {"a": 2})]),
        (b'{"a": 1}\r\n{"a": 2}\r\n', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'\xef\xbb\xbf{"a": 1}\n{"a": 2}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{\n  "a": 1\n}\n', [(1, {"a": 1})]),
        (b'\n[\n{"a": 1},\n{"a": 2}\n]\n', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"a": 1}\nnot json\n{"a": 2}', [(1, {"a": 1}), (2, "not_json"), (3, {"a": 2})]),
        (b'{"a": 1}\n{"a": \n{"a": 2}', [(1, {"a": 1}), (2, "not_json"), (3, {"a": 2})]),
        (b'{"a": \n{"a": 2}\n', [(1, "not_json"), (2, {"a": 2})]),
        (b'{"a": 1}\n{"a": "\xe9"}\n{"a": 2}', [(1, {"a": 1}), (2, "not_utf8"), (3, {"a": 2})]),
        (b'{"a": 1, "a": 2}\n{"a": 3}', [(1, "name_twice"), (2, {"a": 3})]),
        (b'{"a": 1}\n[1]\n7\n', [(1, {"a": 1}), (2, [1]), (3, 7)]),
        (b"{\n  nothing", [(2, "not_json")]),
        (b"\xff\xfe{\x00}\x00", [(1, "not_utf8")]),
        (b'{"a": 1}\n' + b"[" * 100_000 + b'\n{"a": 2}', [(1, {"a": 1}), (2, "too_deep"), (3, {"a": 2})]),
    ],
    ids=range(17),
)
def test_each_line_is_given_or_named(content: bytes, found: list[tuple[int, object]]):
    """With its number, so that a person finds it in an editor."""
    assert given_by(content) == found


def test_a_line_beyond_the_limit_is_named_and_passed_over():
    """The rest of it is not read as lines of their own."""
    long = b'{"a": "' + b"x" * (3 * LINE_BYTES_MAX) + b'"}'

    assert given_by(b'{"a": 1}\n' + long + b'\n{"a": 2}') == [(1, {"a": 1}), (2, "too_large"), (3, {"a": 2})]


def test_a_file_that_says_it_is_ndjson_is_read_by_lines():
    """The name decides before the first line does."""
    assert given_by(b'{\n{"a": 1}\n', many=True) == [(1, "not_json"), (2, {"a": 1})]


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), min_size=1), min_size=1, max_size=8))
def test_what_is_written_is_read(objects: list[dict[str, str]]):
    """NDJSON, a list and a single object give the same submissions."""
    ndjson = "\n".join(json.dumps(o) for o in objects).encode()
    listed = json.dumps(objects, indent=1).encode()

    assert [o for _, o in given_by(ndjson)] == objects
    assert [o for _, o in given_by(listed)] == objects


@given(st.binary(max_size=300))
def test_any_bytes_are_given_or_named(content: bytes):
    """Whatever a file holds, it is read to its end."""
    for number, found in documents(io.BytesIO(content)):
        assert number >= 1
        assert isinstance(found, bytes | NotRead)
