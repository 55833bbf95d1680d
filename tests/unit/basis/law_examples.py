"""Every example of the law, from all themes."""

import law_examples_basis
import law_examples_conditions
import law_examples_items
import law_examples_people

EXAMPLES = (
    *law_examples_basis.EXAMPLES,
    *law_examples_conditions.EXAMPLES,
    *law_examples_items.EXAMPLES,
    *law_examples_people.EXAMPLES,
)
