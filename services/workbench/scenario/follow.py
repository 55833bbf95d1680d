"""Follow-ups of a scenario: read as the doors of intake read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.chassis.event import derived_id
from services.intake import follow_up as sent
from services.intake.errors import Malformed
from services.intake.following import Follow
from services.intake.reading import read_as
from services.workbench.scenario.following import Follow as Step
from services.workbench.scenario.following import LinkConcerns, WithdrawConsent
from services.workbench.scenario.stage import SceneError

MODELS: Mapping[str, type[Any]] = {
    "add": sent.Addition,
    "correct": sent.Correction,
    "consent_given": sent.GivenConsent,
    "consent_withdrawn": sent.Withdrawal,
    "move": sent.Move,
    "link": sent.Link,
    "unlink": sent.Unlink,
}
PATHS: Mapping[str, str] = {
    "add": "information",
    "correct": "corrections",
    "consent_given": "consents",
    "move": "moves",
    "link": "links",
}
KINDS: Mapping[str, str] = {
    "add": "InformationAdded",
    "correct": "InformationCorrected",
    "consent_given": "ConsentGiven",
    "consent_withdrawn": "ConsentWithdrawn",
    "move": "ChildMoved",
    "link": "RecordsLinked",
    "unlink": "RecordsUnlinked",
}
"""What each is over Kafka."""
PAT = {"name": "Pat Example", "role": "duty worker"}


def body_of(verb: str, step: Step, other_id: str = "") -> dict[str, Any]:
    """Give the JSON a follow-up is sent as; a step that names nobody is Pat Example's."""
    left_out = {"agency", "concern", "refused", "consent", "other", "raises", "over"}
    tree = step.model_dump(mode="json", exclude=left_out, exclude_unset=True)
    tree.setdefault("by", PAT)
    if isinstance(step, LinkConcerns):
        tree.setdefault("reason", step.reason)
        if verb == "link":
            tree["other_concern_id"] = other_id
    return tree


def read(verb: str, concern_id: str, tree: dict[str, Any], about: str) -> Follow:
    """Read a follow-up.

    Raises:
        SceneError: it cannot be read; a mistake of the file.
    """
    try:
        given, flags = read_as(MODELS[verb], tree)
    except Malformed as error:
        places = "; ".join(f"{e.pointer}: {e.detail}" for e in error.errors)
        raise SceneError(f"{verb}: {places or error}") from None
    return Follow(concern_id, given, flags, about)


def over_kafka(verb: str, tree: Mapping[str, Any], about: str) -> dict[str, Any]:
    """Give the JSON as it is sent over Kafka: what stands in the path over HTTP is a field."""
    in_the_path = {"consent_withdrawn": "consent", "unlink": "other_concern_id"}.get(verb)
    return dict(tree) if in_the_path is None else {**tree, in_the_path: about}


def consent_ref(step: Step, refs: Mapping[str, str], consents: Mapping[str, str]) -> str:
    """Give the consent a withdrawal means: by its ref, or the only one there is.

    Raises:
        SceneError: it names none, and there is not just one.
    """
    assert isinstance(step, WithdrawConsent)
    if step.consent:
        return refs.get(step.consent, step.consent)
    if len(consents) != 1:
        raise SceneError(f"consent_withdrawn: which? There are: {', '.join(consents) or 'none'}")
    return next(iter(consents.values()))


def refs_there(refs: Mapping[str, str], concern_id: str) -> dict[str, str]:
    """Give the refs of a concern in the one that an unknown destination raised; its own item is ``whereabouts``."""
    there = {ref: derived_id(concern_id, "person", part_id) for ref, part_id in refs.items()}
    own = {"detail": derived_id(concern_id, "detail"), "whereabouts": derived_id(concern_id, "item", "whereabouts")}
    return {**there, **own}
