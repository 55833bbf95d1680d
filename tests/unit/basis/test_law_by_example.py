"""What the law says, by example (``law_examples_*.py``)."""

from __future__ import annotations

import pytest

from tests.unit.basis.law_examples import EXAMPLES
from tests.unit.basis.law_table import Example, look


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.says for example in EXAMPLES])
def test_the_law_by_example(example: Example) -> None:
    """Given a concern and an arrangement, when it is assessed, then this follows."""
    going = example.run()

    assert {path: look(going, path) for path in example.then} == dict(example.then)
