"""A step that raises a concern, read as the doors of intake read a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from google.protobuf.message import Message

from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationCorrected
from services.chassis.event import Content, derived_id
from services.intake.content import contents_of
from services.intake.content.refs import refs_of
from services.intake.flags import codes
from services.intake.ids import IdKey, Reference
from services.intake.reading import Reading, read_tree
from services.intake.submission import Submission
from services.workbench.scenario.acts import Raise


def tree_of(step: Raise) -> dict[str, Any]:
    """Give the JSON a submission is sent as."""
    return step.model_dump(mode="json", exclude={"agency", "concern", "over"}, exclude_unset=True)


def refs_named(submission: Submission, concern_id: str, key: IdKey) -> dict[str, str]:
    """Give the part ids of a submission by the refs it names them with."""
    refs = refs_of(submission, concern_id, key)
    named = {**refs.person, **refs.place, **refs.group, **refs.consent, **refs.item, "text": refs.text}
    return {"detail": derived_id(concern_id, "detail"), **named}


class Raising:
    """A submission of an agency, under one key of ids."""

    def __init__(self, step: Raise, key: IdKey) -> None:
        self._agency = step.agency
        self._key = key
        self._reading: Reading = read_tree(tree_of(step))

    @property
    def concern_id(self) -> str:
        """The id its reference gives the concern."""
        sent = self._reading.submission
        return Reference(self._agency, sent.reference, sent.history, sent.test).concern_id(self._key)

    def refs(self, concern_id: str) -> dict[str, str]:
        """Give the part ids by the refs that name them."""
        return refs_named(self._reading.submission, concern_id, self._key)

    def said(self, concern_id: str, today: date, *, again: bool) -> tuple[Message, Sequence[Content]]:
        """Give what is recorded of it, and the parts; sent again, it is a correction."""
        sent = self._reading.submission
        contents = contents_of(sent, concern_id=concern_id, key=self._key, today=today)
        common: dict[str, Any] = {
            "concern_id": concern_id,
            "agency_id": self._agency,
            "urgency": contents.urgency,
            "warning_codes": codes((*self._reading.flags, *contents.flags)),
        }
        if again:
            return InformationCorrected(**common), contents.parts
        return ConcernRaised(**common, history=sent.history, test=sent.test), contents.parts
