"""The arrangement a scene is set in, with the changes it asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from concern_relay.v1.codes_pb2 import AgencyClass, Channel, LegalNature
from services.chassis.arrangement import Agency, Arrangement, ArrangementBook
from services.chassis.codes import number_of, word_of
from services.workbench.scenario.given import AgencyChange, Given
from services.workbench.scenario.stage import SceneError
from services.workbench.scenario.terms import LONDON


def agency_known(arrangement: Arrangement | None, agency_id: str) -> None:
    """See that an agency is of the arrangement.

    Raises:
        SceneError: it is not.
    """
    if arrangement is None or arrangement.agency(agency_id) is None:
        raise SceneError(f"{agency_id!r} is no agency of the arrangement")


def classes_of(arrangement: Arrangement) -> dict[str, str]:
    """Give the class of each agency."""
    return {i: word_of(AgencyClass, agency.agency_class) for i, agency in arrangement.agencies.items()}


def arrangement_of(given: Given, now: datetime) -> Arrangement:
    """Give the arrangement a scene asks for, with its changes.

    Raises:
        SceneError: no such arrangement, or a change of an agency it does not have.
    """
    book = ArrangementBook.load()
    found = book.on(now.astimezone(LONDON).date())
    if given.arrangement:
        named = [a for a in book.arrangements if a.name == given.arrangement]
        if not named:
            raise SceneError(
                f"no arrangement {given.arrangement!r}; there are: {', '.join(a.name for a in book.arrangements)}"
            )
        found = named[-1]
    for change in given.agencies:
        agency_known(found, change.agency)
        if change.succeeded_by:
            agency_known(found, change.succeeded_by)
    agencies = {**found.agencies, **{c.agency: _changed(found.agencies[c.agency], c) for c in given.agencies}}
    return replace(found, agencies=agencies)


def _changed(agency: Agency, change: AgencyChange) -> Agency:
    natures = agency.natures
    if change.natures is not None:
        natures = frozenset(number_of(LegalNature, n.value) for n in change.natures)
    return replace(
        agency,
        natures=natures,
        policy_document=_said(change.policy_document, agency.policy_document),
        dpia=_said(change.dpia, agency.dpia),
        agreement=_said(change.agreement, agency.agreement),
        valid_to=change.closed_on or agency.valid_to,
        succeeded_by=change.succeeded_by or agency.succeeded_by,
        channels=agency.channels
        if change.channels is None
        else tuple(number_of(Channel, c.value) for c in change.channels),
    )


def _said(changed: str | None, own: str | None) -> str | None:
    """Give what a scene says of a document; an empty text takes it away."""
    return own if changed is None else changed or None
