"""Whether two contents under one reference are about the same children.

Two children are never merged by a machine (design section 8), so the question is never "is this likely the same child"
but "is it plain". Where it is not plain the answer is no: a new concern goes out, linked and flagged, for a person.
The price of a wrong no is a second concern; the price of a wrong yes is one child's danger in another child's record.

For each pair of an old and a new child four signs are read: number, name, birth, and the sender's own ref. Each agrees,
differs, or is not known.

    number   agree: a valid number of one kind in both.  differ: one kind valid in both, and no number in common
             (a local authority's child id never differs: two authorities have one each).
    name     agree: a full name in common, aliases counted.  differ: names in both, none within another.
    birth    agree: the same day.  differ: cannot be the same day.  An expected day of delivery moves: never differs.
    ref      agree: the same ref.

    1. A number differs                                     -> not plain.
    2. A number agrees, the name does not differ             -> same, unless name is not known and birth differs.
    3. A number agrees, the name differs                     -> same only if birth and ref agree (a name put right).
    4. No number in both, the name agrees                    -> same if birth agrees, or ref agrees.
    5. No number in both, no name in both                    -> same if birth and ref agree; or if nothing at all is
       known of either, ref agrees, and something else that was said still stands as it was.
    6. Anything else                                         -> not plain.

An unborn child's name is its mother's: her number, or her name and birth date.

Contents are about the same children when the pairs are one to one, at least one child is the same, and no child stands
unpaired on both sides: then one was exchanged for another. A concern that named no child may come to name one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.facts_pb2 import Person
from services.chassis.concern import CHILDREN
from services.intake.dates import read_day
from services.intake.identifiers import compact

_CHILD = codes.PersonRole.PERSON_ROLE_CHILD
_UNBORN = codes.PersonRole.PERSON_ROLE_UNBORN_CHILD
_MOTHERS = (codes.PersonRole.PERSON_ROLE_PARENT, codes.PersonRole.PERSON_ROLE_CARER)
_K = codes.IdentifierKind
_C = codes.IdentifierCheck
_TELLING = (
    _K.IDENTIFIER_KIND_NHS_NUMBER,
    _K.IDENTIFIER_KIND_UPN,
    _K.IDENTIFIER_KIND_AGENCY_ID,
    _K.IDENTIFIER_KIND_LA_CHILD_ID,
)


class Sign(Enum):
    """What one sign says."""

    AGREE = auto()
    DIFFER = auto()
    UNKNOWN = auto()


def same_children(old: Sequence[Person], new: Sequence[Person], *, shared: bool = False) -> bool:
    """Whether two contents under one reference are plainly about the same children.

    Args:
        old: everyone named in what is recorded.
        new: everyone named in what has come.
        shared: an item, a place or a group stands in both as it was.
    """
    before, after = _children(old), _children(new)
    if not before:
        return True
    pairs = [
        (i, j) for i, a in enumerate(before) for j, b in enumerate(after) if same_child(a, b, old, new, shared=shared)
    ]
    paired_before, paired_after = {i for i, _ in pairs}, {j for _, j in pairs}
    one_to_one = len(pairs) == len(paired_before) == len(paired_after)
    exchanged = len(paired_before) < len(before) and len(paired_after) < len(after)
    return bool(pairs) and one_to_one and not exchanged


def same_child(
    old: Person, new: Person, old_people: Sequence[Person], new_people: Sequence[Person], *, shared: bool = False
) -> bool:
    """Whether two records under one reference are plainly of one child; the rule is in the module's docstring."""
    if old.role != new.role:
        return False
    number, birth = number_sign(old, new), birth_sign(old, new)
    name = name_sign(old, new)
    if old.role == _UNBORN:
        name = _mothers_sign(old_people, new_people)
    ref = old.person_id == new.person_id
    if number is Sign.DIFFER:
        return False
    if number is Sign.AGREE:
        if name is Sign.DIFFER:
            return birth is Sign.AGREE and ref
        return not (name is Sign.UNKNOWN and birth is Sign.DIFFER)
    if name is Sign.AGREE:
        return birth is Sign.AGREE or ref
    nothing_known = not (_known(old) or _known(new))
    return name is Sign.UNKNOWN and ref and (birth is Sign.AGREE or (nothing_known and shared))


def changes(old: Sequence[Person], new: Sequence[Person]) -> list[str]:
    """Give what a correction changes in who a child is: ``name_changed``, ``birth_date_changed``."""
    pairs = [(a, b) for a in _children(old) for b in _children(new) if same_child(a, b, old, new)]
    found = set()
    for before, after in pairs:
        if name_sign(before, after) is Sign.DIFFER:
            found.add("name_changed")
        if birth_sign(before, after) is Sign.DIFFER:
            found.add("birth_date_changed")
    return sorted(found)


def number_sign(old: Person, new: Person) -> Sign:
    """Compare numbers; those that fail their check say nothing."""
    found = Sign.UNKNOWN
    for kind in _TELLING:
        before, after = _numbers(old, kind), _numbers(new, kind)
        if not before or not after:
            continue
        if before & after:
            found = Sign.AGREE
        elif kind != _K.IDENTIFIER_KIND_LA_CHILD_ID:
            return Sign.DIFFER
    return found


def name_sign(old: Person, new: Person) -> Sign:
    """Compare names, aliases counted, case and spacing aside; a part of a name neither agrees nor differs."""
    before, after = _names(old), _names(new)
    if not before or not after:
        return Sign.UNKNOWN
    if before & after:
        return Sign.AGREE
    within = any(set(a) <= set(b) or set(b) <= set(a) for a in before for b in after)
    return Sign.UNKNOWN if within else Sign.DIFFER


def birth_sign(old: Person, new: Person) -> Sign:
    """Compare birth dates, or expected days of delivery."""
    if old.role == _UNBORN:
        same = bool(old.expected_on) and old.expected_on == new.expected_on
        return Sign.AGREE if same else Sign.UNKNOWN
    before, after = read_day(old.birth_date), read_day(new.birth_date)
    if before is None or after is None:
        return Sign.UNKNOWN
    if before.disagrees(after):
        return Sign.DIFFER
    return Sign.AGREE if before.exact and after.exact else Sign.UNKNOWN


def _known(person: Person) -> bool:
    """Whether anything is known by which this person could be told from another."""
    return bool(person.names or person.identifiers or person.birth_date or person.expected_on)


def _children(people: Sequence[Person]) -> list[Person]:
    return [person for person in people if person.role in CHILDREN]


def _numbers(person: Person, kind: int) -> set[str]:
    unused = (_C.IDENTIFIER_CHECK_INVALID, _C.IDENTIFIER_CHECK_UNCONFIRMED)
    kinds = (kind, _K.IDENTIFIER_KIND_FORMER_UPN) if kind == _K.IDENTIFIER_KIND_UPN else (kind,)
    return {compact(n.value) for n in person.identifiers if n.kind in kinds and n.check not in unused}


def _names(person: Person) -> set[tuple[str, ...]]:
    return {tuple(f"{n.given} {n.family}".casefold().split()) for n in person.names}


def _mothers_sign(old: Sequence[Person], new: Sequence[Person]) -> Sign:
    pairs = [(a, b) for a in old for b in new if a.role in _MOTHERS and b.role in _MOTHERS]
    for a, b in pairs:
        number = number_sign(a, b)
        if number is Sign.DIFFER:
            continue
        if number is Sign.AGREE or (name_sign(a, b) is Sign.AGREE and birth_sign(a, b) is not Sign.DIFFER):
            return Sign.AGREE
    return Sign.DIFFER if pairs else Sign.UNKNOWN
