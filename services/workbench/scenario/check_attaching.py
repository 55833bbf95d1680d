"""Holds files of a concern against what must be: how each stands, whose manifest shows it, who has a receipt."""

from __future__ import annotations

from collections.abc import Iterator

from services.chassis.concern import Concern
from services.intake.core import attachments
from services.routing.core import state as routing
from services.routing.core.attachments import offered
from services.workbench.scenario.attaching import AttachmentThen, ref_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.then import Then


def attachment_differences(then: Then, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    if not then.attachments:
        return
    stands, shown = _stands(seen), shown_so(seen)
    for wanted in then.attachments:
        yield from _one(wanted, seen.part(ref_of(wanted.file)), stands, shown, seen)


def _one(
    wanted: AttachmentThen, attachment_id: str, stands: dict[str, str], shown: dict[str, set[str]], seen: Seen
) -> Iterator[str]:
    what = f"attachment {wanted.file!r}"
    state = stands.get(attachment_id, "not attached")
    if wanted.state is not None and wanted.state != state:
        yield f"{what}: is {state}, must be {wanted.state}"
    has = {agency for agency, ids in shown.items() if attachment_id in ids}
    yield from (f"{what}: {agency} does not see it and must" for agency in wanted.seen_by if agency not in has)
    yield from (f"{what}: {agency} sees it and must not" for agency in wanted.not_seen_by if agency in has)
    fetched = {d.recipient_agency_id for d in seen.of("AttachmentFetched") if d.attachment_id == attachment_id}
    yield from (f"{what}: {agency} has no receipt for it" for agency in wanted.fetched_by if agency not in fetched)
    yield from (f"{what}: {agency} fetched it and must not" for agency in wanted.not_fetched_by if agency in fetched)


def _stands(seen: Seen) -> dict[str, str]:
    found = attachments.Attachments()
    for fact in seen.facts:
        found = attachments.with_fact(found, fact)
    return {attachment_id: held.stands.value for attachment_id, held in found.held.items()}


def shown_so(seen: Seen) -> dict[str, set[str]]:
    """Give what the manifest of each agency shows, by the rule that routing's door follows."""
    if not seen.facts:
        return {}
    state = routing.State(Concern(seen.facts[0].concern_id))
    for fact in seen.facts:
        state = routing.evolve(state, fact)
    shown: dict[str, set[str]] = {}
    for share in state.shares.values():
        shown.setdefault(share.agency_id, set()).update(one.attachment_id for one in offered(state, share))
    return shown
