"""What of a view rests on which consent: those parts are asked back when that consent is withdrawn, and no others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from concern_relay.v1.assessments_pb2 import ItemAssessment
from concern_relay.v1.codes_pb2 import AgencyClass, ConsentKind, ConsentStatus, Outcome
from concern_relay.v1.facts_pb2 import Consent
from concern_relay.v1.shares_pb2 import RestsOnConsent
from services.chassis.concern import Concern

_CONSENT = Outcome.OUTCOME_SHARE_CONSENT


def rests_on(
    concern: Concern,
    agency_class: AgencyClass,
    outcome: Outcome,
    allowed: Mapping[str, ItemAssessment] | None,
    part_ids: Collection[str],
) -> list[RestsOnConsent]:
    """Give, per consent that is the basis, the parts of a view that rest on it.

    Only a consent that was relied on as the basis counts (practice 12): an item with a consent on record that is
    shared under a duty stays shared when the consent is withdrawn.
    """
    relied = [consent for consent in concern.consents if _is_basis(consent, agency_class)]
    items = {item.item_id: item for item in concern.items}
    found: dict[str, set[str]] = {}
    for part_id in part_ids:
        assessed = (allowed or {}).get(part_id)
        if outcome != _CONSENT and (assessed is None or assessed.outcome != _CONSENT):
            continue
        item = items.get(part_id)
        refs = [
            c.consent_ref for c in relied if item is None or part_id in c.item_ids or c.consent_ref == item.consent_ref
        ]
        if item is None and len(refs) > 1:
            continue  # a person spoken of under two consents stays while one of them stands
        for ref in refs or ([relied[0].consent_ref] if len(relied) == 1 else []):
            found.setdefault(ref, set()).add(part_id)
    return [RestsOnConsent(consent_ref=ref, part_ids=sorted(ids)) for ref, ids in sorted(found.items())]


def _is_basis(consent: Consent, agency_class: AgencyClass) -> bool:
    return (
        consent.kind == ConsentKind.CONSENT_KIND_BASIS
        and consent.status == ConsentStatus.CONSENT_STATUS_GIVEN
        and (not consent.recipient_classes or agency_class in consent.recipient_classes)
    )
