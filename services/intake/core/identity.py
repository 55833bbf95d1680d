"""What stands open about who a child is. Nothing waits for it, and nothing is merged by it (practice 22).

Concluded from what the sender sent: a number it knows, or one that its own matcher named. Nobody is searched for here.
The conclusion stands in the clear with the event, as ids and codes: a replay after an erasure finds it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import HiddenReason, IdentifierCheck, IdentifierKind, IdentityMatch, PersonRole
from concern_relay.v1.concerns_pb2 import (
    ConcernRaised,
    InformationAdded,
    InformationCorrected,
    LinkPending,
    LinkSettled,
)
from concern_relay.v1.facts_pb2 import Part, Person, PersonMatch
from services.chassis.event import Effect, Fact

Identifying = ConcernRaised | InformationAdded | InformationCorrected
IDENTIFYING: Final = (ConcernRaised, InformationAdded, InformationCorrected)
T = TypeVar("T", bound=Message)

_M = IdentityMatch
_TELLING: Final = (
    IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER,
    IdentifierKind.IDENTIFIER_KIND_UPN,
    IdentifierKind.IDENTIFIER_KIND_FORMER_UPN,
)


def concluded(data: T, fact: Fact) -> T:
    """Give what an act asks to have recorded, with what follows on who each child is.

    A recorded act (replay) was concluded on when it was made; its parts may be erased by now.
    """
    if not isinstance(data, IDENTIFYING) or data.parts or getattr(data, "history", False):
        return data
    said: Any = type(data)()
    said.CopyFrom(data)
    del said.matches[:]
    said.matches.extend(_matches(fact.parts.values()))
    return said  # type: ignore[no-any-return]


def links(pending: Mapping[str, IdentityMatch], fact: Fact, agency_id: str, data: Identifying) -> Iterator[Effect]:
    """Give what stands open anew, and what is settled.

    Args:
        pending: what stands open, by child.
        fact: the act.
        agency_id: who raised the concern.
        data: what is recorded of the act.
    """
    for found in data.matches:
        before = pending.get(found.person_id)
        of_child = {"concern_id": fact.concern_id, "agency_id": agency_id, "person_id": found.person_id}
        if found.conclusion not in (_M.IDENTITY_MATCH_MATCH, before):
            opened = LinkPending(**of_child, conclusion=found.conclusion, candidates=found.candidates)
            yield Effect(opened, key=found.person_id, time=fact.time)
        elif found.conclusion == _M.IDENTITY_MATCH_MATCH and before is not None:
            yield Effect(LinkSettled(**of_child, before=before), key=found.person_id, time=fact.time)


def with_fact(pending: Mapping[str, IdentityMatch], fact: Fact) -> Mapping[str, IdentityMatch]:
    """Fold an event."""
    match fact.data:
        case LinkPending() as data:
            return {**pending, data.person_id: data.conclusion}
        case LinkSettled() as data:
            return {person: open_ for person, open_ in pending.items() if person != data.person_id}
    return pending


def _matches(parts: Iterable[Part]) -> Iterator[PersonMatch]:
    people = [part.person for part in parts if part.WhichOneof("body") == "person"]
    for child in sorted(people, key=lambda person: person.person_id):
        if child.role == PersonRole.PERSON_ROLE_CHILD and (found := _match(child)) is not None:
            yield found


def _match(child: Person) -> PersonMatch | None:
    """Conclude on one child; None where its numbers are hidden, which is not said in the clear either."""
    if any(number.hidden != HiddenReason.HIDDEN_REASON_UNSPECIFIED for number in child.identifiers):
        return None
    numbers = [n for n in child.identifiers if n.kind in _TELLING]
    if any(n.check == IdentifierCheck.IDENTIFIER_CHECK_VALID for n in numbers):
        return PersonMatch(person_id=child.person_id, conclusion=_M.IDENTITY_MATCH_MATCH)
    unsure = [n for n in numbers if n.check == IdentifierCheck.IDENTIFIER_CHECK_UNCONFIRMED]
    conclusion = child.match or _M.IDENTITY_MATCH_NOT_TRIED
    if len(unsure) == 1:
        conclusion = unsure[0].match
    elif unsure:
        conclusion = _M.IDENTITY_MATCH_MANY_MATCH
    if conclusion == _M.IDENTITY_MATCH_MATCH:  # said of the person, and no number came with it
        conclusion = _M.IDENTITY_MATCH_NOT_TRIED
    return PersonMatch(person_id=child.person_id, conclusion=conclusion, candidates=len(unsure))
