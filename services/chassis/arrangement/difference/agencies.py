"""Which agencies join, leave, close, serve other areas, are reached or stood in for otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from concern_relay.v1.codes_pb2 import AgencyClass, Channel, LegalNature
from services.chassis.arrangement.difference.change import Change, Way, more_or_less
from services.chassis.arrangement.model import Agency, Arrangement
from services.chassis.codes import word_of


def agencies(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    """Give what changes of agencies."""
    for agency_id in {*before.agencies, *after.agencies}:
        old, new = before.agencies.get(agency_id), after.agencies.get(agency_id)
        if old is None or new is None:
            one = old or new
            assert one is not None
            way, words = (Way.MORE, "joins") if old is None else (Way.LESS, "leaves")
            yield Change("agency", agency_id, way, f"{words}, as {word_of(AgencyClass, one.agency_class)}")
        elif old != new:
            yield from _agency(old, new)


def _agency(old: Agency, new: Agency) -> Iterator[Change]:
    subject = new.agency_id
    yield from more_or_less("area", subject, new.areas - old.areas, old.areas - new.areas, "serves {}")
    yield from more_or_less("agency", subject, new.roles - old.roles, old.roles - new.roles, "has the role {}")
    natures = (sorted(word_of(LegalNature, n) for n in one.natures) for one in (old, new))
    was, becomes = (", ".join(one) for one in natures)
    if was != becomes:
        yield Change("standing", subject, Way.OTHER, f"in law {becomes}, was {was}")
    if old.agency_class != new.agency_class:
        yield Change("standing", subject, Way.OTHER, f"is {word_of(AgencyClass, new.agency_class)} now")
    if old.channels != new.channels:
        yield Change("channel", subject, Way.OTHER, f"reached by {_ways(new)}, was {_ways(old)}")
    if old.valid_to != new.valid_to:
        closing = new.valid_to is not None and (old.valid_to is None or new.valid_to < old.valid_to)
        words = f"told until {new.valid_to}" if new.valid_to is not None else "told without end"
        yield Change("agency", subject, Way.LESS if closing else Way.MORE, words)
    if old.parent_visible != new.parent_visible:
        words = "parents see what arrives there: others and sources are left out"
        way, said = (Way.LESS, words) if new.parent_visible else (Way.MORE, f"no longer: {words}")
        yield Change("agency", subject, way, said)
    for name in ("hours", "cover", "conflict_to", "succeeded_by", "valid_from", "internal"):
        if getattr(old, name) != getattr(new, name):
            yield Change("agency", subject, Way.OTHER, f"{name.replace('_', ' ')} changes")
    yield from _papers(old, new)


def _papers(old: Agency, new: Agency) -> Iterator[Change]:
    """Give the papers that came or went; another agreement is another agreement, whatever was revoked of the first."""
    for name in ("policy_document", "dpia", "agreement"):
        was, becomes = getattr(old, name), getattr(new, name)
        said = name.replace("_", " ")
        if bool(was) != bool(becomes):
            words = f"has no {said} any more" if was else f"has a {said} now"
            yield Change("standing", new.agency_id, Way.LESS if was else Way.MORE, words)
        elif was != becomes:
            yield Change("standing", new.agency_id, Way.OTHER, f"has another {said}")


def _ways(agency: Agency) -> str:
    return ", then ".join(word_of(Channel, channel) for channel in agency.channels)
