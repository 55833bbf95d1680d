"""Every example of the law, from all themes."""

from tests.unit.basis import (
    law_examples_basis,
    law_examples_conditions,
    law_examples_items,
    law_examples_part3,
    law_examples_people,
)

EXAMPLES = (
    *law_examples_basis.EXAMPLES,
    *law_examples_conditions.EXAMPLES,
    *law_examples_items.EXAMPLES,
    *law_examples_part3.EXAMPLES,
    *law_examples_people.EXAMPLES,
)
