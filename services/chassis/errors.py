"""The tree of errors.

RelayError
├── SettingsError       a setting is missing or wrong: fix it and start again (exit 2)
├── DecodeError         a record cannot be read; it is parked
│   └── UnknownSchema   its type or schema is not known here; parked, replay after an upgrade
├── IdConflict          a known id with other content; parked, alarmed, never dropped
├── KeyUnavailable      a key is suspended, destroyed, or not for this service
│   └── CannotSeal      nothing may be sealed there any more; the record is parked, the act refused
├── DeadlineExceeded    a client call did not answer in time; what may pass is tried again
└── Stalled             the stage is behind and does not move; the process exits and is restarted

Messages say what is wrong and what to do. They never hold content of a concern.
"""

from __future__ import annotations


class RelayError(Exception):
    """Anything this system raises on purpose."""


class SettingsError(RelayError):
    """A setting is missing or wrong."""


class DecodeError(RelayError):
    """A record cannot be read."""


class UnknownSchema(DecodeError):  # noqa: N818  (a finding with a name of its own)
    """A record's type or schema is not known here."""


class IdConflict(RelayError):  # noqa: N818
    """A known id came with other content."""


class KeyUnavailable(RelayError):  # noqa: N818
    """A key is suspended, destroyed, unknown, or not granted to this service."""


class CannotSeal(KeyUnavailable):
    """The key of a scope is suspended or destroyed, so nothing can be sealed there."""


class DeadlineExceeded(RelayError):  # noqa: N818
    """A call to the broker, the database or another process did not answer in time."""


class Stalled(RelayError):  # noqa: N818
    """The stage is behind and has not moved for too long."""
