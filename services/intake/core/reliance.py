"""What was shared because of a consent, and when a withdrawal therefore stops nothing.

Article 7(3) UK GDPR: what rested on a consent stops when it is withdrawn, and no other basis is put in its place in
silence. What rested on another basis all along does not stop: the withdrawal then stands as an objection (Article 21),
recorded, for a person to consider. Where nobody can tell, it stays stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.codes_pb2 import Article6, Article9, ConsentKind, Outcome
from services.chassis.concern import Concern

SHARED: Final = frozenset(
    {
        Outcome.OUTCOME_SHARE_CONSENT,
        Outcome.OUTCOME_SHARE_DUTY,
        Outcome.OUTCOME_SHARE_EMERGENCY,
        Outcome.OUTCOME_SHARE_POWER,
    }
)
_BASIS: Final = ConsentKind.CONSENT_KIND_BASIS


@dataclass(frozen=True, slots=True)
class Reliance:
    """What assessments have rested on consent so far.

    Attributes:
        assessments: how many there were.
        parts: parts that were shared because of a consent.
        classes: recipient classes that were told because of one.
        looked_at: events that assessments were made for.
    """

    assessments: int = 0
    parts: frozenset[str] = frozenset()
    classes: frozenset[int] = frozenset()
    looked_at: frozenset[str] = frozenset()


def with_assessment(reliance: Reliance, data: BasisAssessed) -> Reliance:
    """Add what an assessment rests on."""
    parts, classes = set(reliance.parts), set(reliance.classes)
    for told in data.classes:
        if told.outcome not in SHARED:
            continue
        by_consent = told.article6 == Article6.ARTICLE6_A_CONSENT
        if by_consent:
            classes.add(int(told.recipient_class))
        for item in told.items:
            explicit = item.article9 == Article9.ARTICLE9_A_EXPLICIT_CONSENT
            if item.outcome in SHARED and (by_consent or explicit):
                parts.add(item.part_id)
    return replace(
        reliance,
        assessments=reliance.assessments + 1,
        parts=frozenset(parts),
        classes=frozenset(classes),
        looked_at=reliance.looked_at | {data.assessed_event_id},
    )


def not_the_basis(concern: Concern, reliance: Reliance, withdrawn: Mapping[str, str], consent_ref: str) -> bool:
    """Whether a withdrawn consent carried nothing, as far as the assessment made since can tell.

    False as long as none was made since, and where there was none before: then nobody can tell yet.
    """
    event_id = withdrawn.get(consent_ref)
    if event_id is None or event_id not in reliance.looked_at or reliance.assessments < 2:
        return False
    consent = next((c for c in concern.consents if c.consent_ref == consent_ref), None)
    if consent is None:
        return False
    resting = {item.item_id for item in concern.items if item.consent_ref == consent_ref}
    resting |= set(consent.item_ids) | concern.unopened
    if resting & reliance.parts:
        return False
    covered = set(map(int, consent.recipient_classes)) or reliance.classes
    return consent.kind != _BASIS or not (covered & reliance.classes)
