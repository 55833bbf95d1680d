"""What must be done by when after something was shared: erasing, reporting a breach, answering a request.

An arrangement states its own clocks under ``duties``; where it says nothing these stand. None of the hours was compared
with the text of the law or of a signed agreement by a person with authority: ``[mem]`` or EXAMPLE in each citation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from concern_relay.v1.codes_pb2 import Gateway, RequestBand
from services.chassis.arrangement.values import Keys, Node, code, list_of, word
from services.chassis.calendar import Clock, ClockRule, Starts
from services.chassis.marked_yaml import fail, near

_HOURS: Final = ClockRule.HOURS
_DAYS: Final = ClockRule.WORKING_DAYS
_REQUESTS: Final[Mapping[RequestBand, Clock]] = MappingProxyType(
    {
        RequestBand.REQUEST_BAND_RED: Clock(
            "request_red", _HOURS, 2, Starts.ASKED, "MASH partner checks, red (EXAMPLE, local): two hours"
        ),
        RequestBand.REQUEST_BAND_AMBER: Clock(
            "request_amber", _HOURS, 6, Starts.ASKED, "MASH partner checks, amber (EXAMPLE, local): six hours"
        ),
        RequestBand.REQUEST_BAND_GREEN: Clock(
            "request_green", _HOURS, 24, Starts.ASKED, "MASH partner checks, green (EXAMPLE, local): 24 hours"
        ),
    }
)
_STATUTORY: Final = frozenset(
    {
        Gateway.GATEWAY_CA1989_S17,
        Gateway.GATEWAY_CA1989_S47,
        Gateway.GATEWAY_CA2004_S16LA,
        Gateway.GATEWAY_FGMA2003_S5B,
        Gateway.GATEWAY_MSA2015_S52,
        Gateway.GATEWAY_COMMON_LAW_POLICING,
        Gateway.GATEWAY_OPERATION_ENCOMPASS,
    }
)


_ERASE: Final = Clock(
    "erase_withdrawn",
    _DAYS,
    5,
    Starts.ASKED,
    "UK GDPR Articles 17 and 19 [mem]: without undue delay; five working days (EXAMPLE, local)",
)
_ERASE_RECALLED: Final = Clock(
    "erase_recalled",
    _HOURS,
    24,
    Starts.ASKED,
    "UK GDPR Article 5(1)(f) [mem]: a wrong recipient erases at once; 24 hours (EXAMPLE, local)",
)
_BREACH: Final = Clock(
    "breach_72_hours",
    _HOURS,
    72,
    Starts.AWARE,
    "UK GDPR Article 33(1) [mem]: not later than 72 hours after having become aware, around the clock",
)
_SAFETY_CALL: Final = Clock(
    "safety_call",
    _HOURS,
    1,
    Starts.AWARE,
    "Practice 17: a misdirected hidden address means a safety call before any form; one hour (EXAMPLE, local)",
)
_REVIEW: Final = Clock(
    "review_reopened",
    _DAYS,
    1,
    Starts.ASKED,
    "Reviews of child deaths: new facts reopen what was closed; one working day (EXAMPLE, local)",
)


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
        statutory: gateways under which is told whether an agreement stands or not.
    """

    erase: Clock = _ERASE
    erase_recalled: Clock = _ERASE_RECALLED
    breach: Clock = _BREACH
    safety_call: Clock = _SAFETY_CALL
    review: Clock = _REVIEW
    requests: Mapping[RequestBand, Clock] = field(default_factory=lambda: _REQUESTS)
    statutory: frozenset[Gateway] = _STATUTORY


def read_duties(node: Node, clocks: Mapping[str, Clock]) -> Duties:
    """Read the section ``duties`` of an arrangement; each entry names one of its clocks.

    Raises:
        DocumentError: a clock the arrangement does not have, a word that is not known.
    """
    keys = Keys.of(node, "erase", "erase_recalled", "breach", "safety_call", "review", "requests", "statutory")
    plain = Duties()

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
        erase=keys.maybe("erase", clock, plain.erase),
        erase_recalled=keys.maybe("erase_recalled", clock, plain.erase_recalled),
        breach=keys.maybe("breach", clock, plain.breach),
        safety_call=keys.maybe("safety_call", clock, plain.safety_call),
        review=keys.maybe("review", clock, plain.review),
        requests=keys.maybe("requests", bands, plain.requests),
        statutory=frozenset(keys.maybe("statutory", list_of(word(Gateway)), tuple(plain.statutory))),
    )
