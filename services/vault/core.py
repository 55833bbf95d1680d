"""The vault's core: what happened to keys is recorded as it was said. The decision was made in the vault's database."""

from __future__ import annotations

from services.chassis.event import NOTHING, Decision, Effect, Fact, FactKind, Refused

KEY_EVENTS = frozenset({"KeySuspended", "KeyResumed", "KeyDestroyed"})


class VaultCore:
    """Stateless: the keys themselves are the state, and they are in tables that replay must not see."""

    def start(self, concern_id: str) -> None:
        """Nothing is kept of a concern."""

    def evolve(self, state: None, fact: Fact) -> None:
        """Nothing is kept of a fact."""

    def decide(self, state: None, fact: Fact) -> Decision:
        """Record what happened to keys.

        Raises:
            Refused: an act that is no event of keys.
        """
        del state
        if fact.kind is not FactKind.ACT or fact.data is None:
            return NOTHING
        if fact.type not in KEY_EVENTS:
            raise Refused(422, "no_key_event", f"the vault records {', '.join(sorted(KEY_EVENTS))}, nothing else")
        return Decision(effects=(Effect(data=fact.data, key="", time=fact.time),))
