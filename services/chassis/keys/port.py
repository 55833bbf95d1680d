"""The port: what a service may ask of the vault."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Protocol
from uuid import UUID

from services.chassis.event import KeyScope
from services.chassis.sealing import Key

CACHE_S_MAX: Final = 5.0
"""How long a key may be held after it was asked for, in seconds (design section 6)."""

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{2,39}")


class Keys(Protocol):
    """Keys of the vault, as far as this service's role reaches.

    Every method raises ``KeyUnavailable`` when the vault does not grant it to this service's role, and
    ``DeadlineExceeded`` when the vault does not answer in time; that one may be tried again.
    """

    async def issue(self, scopes: Collection[KeyScope]) -> dict[KeyScope, Key]:
        """Give the keys of scopes, made where there is none yet; who asks first makes it, all get the same.

        A scope whose key is suspended or destroyed, or that was erased before it had a key, is not in the answer:
        nothing can be sealed there.
        """

    async def open(self, key_ids: Collection[str], *, purpose: str, fresh: bool = False) -> dict[str, Key]:
        """Give keys by id.

        Args:
            key_ids: ids as in ``SealedPart.key_id``. Suspended, destroyed and unknown ones are not in the answer.
            purpose: why, a code such as ``assess``; it is logged with the opening.
            fresh: ask the vault also for what is held; at the moment of sending, always.

        Raises:
            ValueError: the purpose is not a code.
        """

    async def id_key(self) -> Key:
        """Give the key that concern ids are made with (HMAC of agency and reference); always the same one."""

    async def suspend(
        self, concern_id: str, *, reason: str, consent_ref: str = "", key_ids: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Stop keys of a concern from opening, before this returns; the vault publishes KeySuspended.

        Args:
            concern_id: the concern.
            reason: a code, published.
            consent_ref: every key that rests on this consent, also those not made yet.
            key_ids: these keys; ids that are not of this concern are passed over.

        Returns:
            The ids of the keys that opened until now, sorted.

        Raises:
            ValueError: not exactly one of consent and keys was named, or the reason is not a code.
        """

    async def resume_consent(self, concern_id: str, consent_ref: str, *, reason: str) -> tuple[str, ...]:
        """Let keys that were suspended with a consent open again; the vault publishes KeyResumed.

        Raises:
            ValueError: the reason is not a code.
        """


def check_code(what: str, code: str) -> str:
    """Give back a code, as the vault takes it: 3 to 40 of ``a-z 0-9 _``, a letter first.

    Raises:
        ValueError: it is none. The value is not in the message; it may be words.
    """
    if _CODE.fullmatch(code) is None:
        raise ValueError(f"{what} must be a code: 3 to 40 characters of a-z, 0-9 and _, a letter first")
    return code


def check_selection(consent_ref: str, key_ids: Collection[str]) -> None:
    """See that keys are named in exactly one way.

    Raises:
        ValueError: they are not.
    """
    if bool(consent_ref) == bool(key_ids):
        raise ValueError("name either the consent or the keys; a whole concern is suspended by the vault only")


def as_uuids(key_ids: Collection[str]) -> list[UUID]:
    """Give the ids that have the form of one, sorted; another form is no key of the vault."""
    found = set()
    for key_id in key_ids:
        try:
            found.add(UUID(key_id))
        except ValueError:
            continue
    return sorted(found)
