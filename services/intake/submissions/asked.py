"""What a submission asks for, once it is opened: to raise a concern, or to follow one up as over HTTP.

Over Kafka there is no path, so what stands in one there is a field here: the consent that was withdrawn, the concern
that a link is taken back from. What is left is word for word the follow-up of HTTP, and either door knows it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from services.chassis.envelope import Record
from services.intake import follow_up as sent
from services.intake.acceptance import Acceptance, Accepted, Sender
from services.intake.fields import Ref
from services.intake.following import Follow, FollowUps
from services.intake.reading import read, read_as, read_json
from services.intake.submissions.wire import concern_of, kind_of


class ConsentWithdrawal(sent.Withdrawal):
    """A consent is withdrawn: what rests on it stops before this is answered (UK GDPR Article 7(3))."""

    consent: Ref = Field(min_length=1, description="The ref it was sent with, or its opaque id from an answer.")


class LinkRemoval(sent.Unlink):
    """A named person found that two linked concerns are not about one child."""

    other_concern_id: UUID


MODELS: Final[Mapping[str, type[Any]]] = {
    "InformationAdded": sent.Addition,
    "InformationCorrected": sent.Correction,
    "ConsentGiven": sent.GivenConsent,
    "ConsentWithdrawn": ConsentWithdrawal,
    "ChildMoved": sent.Move,
    "RecordsLinked": sent.Link,
    "RecordsUnlinked": LinkRemoval,
}
_IN_THE_PATH: Final[Mapping[type[Any], tuple[str, type[Any]]]] = {
    ConsentWithdrawal: ("consent", sent.Withdrawal),
    LinkRemoval: ("other_concern_id", sent.Unlink),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a submission asks for.

    Attributes:
        accept: accepts it for its sender.
        history: it is a statutory return.
        myths: what the sender said against sharing, by code.
    """

    accept: Callable[[Sender], Awaitable[Accepted]]
    history: bool = False
    myths: Sequence[str] = ()


def asked_of(record: Record, plain: bytes, acceptance: Acceptance) -> Asked:
    """Read what a submission asks for.

    Args:
        record: as it lies on Kafka.
        plain: its content, opened.
        acceptance: the door that HTTP has too.

    Raises:
        Malformed: as ``reading.read``; or its headers name no kind or no concern.
    """
    if not (kind := kind_of(record)):
        reading = read(plain)
        submission = reading.submission
        return Asked(lambda sender: acceptance.accept(sender, reading), submission.history, submission.detail.myths)
    follow = follow_of(concern_of(record), kind, plain)
    detail = getattr(follow.given, "detail", None)
    return Asked(
        lambda sender: FollowUps(acceptance).accept(sender, follow), myths=() if detail is None else detail.myths
    )


def follow_of(concern_id: str, kind: str, plain: bytes) -> Follow:
    """Read a follow-up of a kind.

    Raises:
        Malformed: as ``reading.read``.
    """
    given, flags = read_as(MODELS[kind], read_json(plain))
    if (elsewhere := _IN_THE_PATH.get(type(given))) is None:
        return Follow(concern_id, given, flags)
    name, model = elsewhere
    about = str(getattr(given, name))
    return Follow(concern_id, model.model_validate(given.model_dump(exclude={name}, exclude_unset=True)), flags, about)
