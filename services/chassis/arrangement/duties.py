"""What must be done by when after something was shared: erasing, reporting a breach, answering a request.

All of it stands in the arrangement, each clock and each gateway with its citation: a duty of law, or of what partners
agreed, has no default in code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from concern_relay.v1.codes_pb2 import Gateway, RequestBand
from services.chassis.arrangement.values import Keys, Node, code, list_of, said, word
from services.chassis.calendar import Clock
from services.chassis.marked_yaml import fail, near


@dataclass(frozen=True, slots=True)
class Statutory:
    """A gateway under which a body is told whether an agreement stands or not, and what says so."""

    gateway: Gateway
    cite: str


@dataclass(frozen=True, slots=True)
class Duties:
    """The clocks after sharing, and what rests on no agreement.

    Attributes:
        erase: for an erasure after a consent was withdrawn.
        erase_recalled: for an erasure by somebody who should not have had it.
        breach: until the Commissioner is told, or a person decides that it need not be.
        safety_call: until those whose hidden address was given away have been called.
        review: until an outcome of no further action was looked at again.
        requests: until a request for information is answered, by band.
        without_agreement: gateways under which is told whether an agreement stands or not.
    """

    erase: Clock
    erase_recalled: Clock
    breach: Clock
    safety_call: Clock
    review: Clock
    requests: Mapping[RequestBand, Clock]
    without_agreement: tuple[Statutory, ...]

    @property
    def statutory(self) -> frozenset[Gateway]:
        """The gateways alone."""
        return frozenset(one.gateway for one in self.without_agreement)


def read_duties(node: Node, clocks: Mapping[str, Clock]) -> Duties:
    """Read the section ``duties`` of an arrangement; each clock is one of its own.

    Raises:
        DocumentError: something is left out, a clock the arrangement does not have, a word that is not known.
    """
    keys = Keys.of(node, "erase", "erase_recalled", "breach", "safety_call", "review", "requests", "without_agreement")

    def clock(one: Node) -> Clock:
        name = code(one)
        if name not in clocks:
            fail(one, f"no clock is called {name!r}", near(name, clocks))
        return clocks[name]

    def bands(one: Node) -> Mapping[RequestBand, Clock]:
        inner = Keys.of(one, "red", "amber", "green")
        return MappingProxyType(
            {
                RequestBand.REQUEST_BAND_RED: inner.get("red", clock),
                RequestBand.REQUEST_BAND_AMBER: inner.get("amber", clock),
                RequestBand.REQUEST_BAND_GREEN: inner.get("green", clock),
            }
        )

    return Duties(
        erase=keys.get("erase", clock),
        erase_recalled=keys.get("erase_recalled", clock),
        breach=keys.get("breach", clock),
        safety_call=keys.get("safety_call", clock),
        review=keys.get("review", clock),
        requests=keys.get("requests", bands),
        without_agreement=keys.get("without_agreement", list_of(_statutory)),
    )


def _statutory(node: Node) -> Statutory:
    keys = Keys.of(node, "gateway", "cite")
    return Statutory(keys.get("gateway", word(Gateway)), keys.get("cite", said))
