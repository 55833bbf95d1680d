"""What goes wrong with the servers; every message says what to do.

ServersError (a RelayError)
├── NoNetworkError     something has to be downloaded and cannot be
├── ChecksumError      what was downloaded is not what was pinned
├── RungError          the rung that RELAY_SERVERS demands cannot be used
├── InUseError         another process holds this state folder
├── StateError         the state folder was written by something this version does not understand
└── NotReadyError      a server did not start or answer in time
"""

from services.chassis.errors import RelayError


class ServersError(RelayError):
    """Whatever goes wrong between wanting a server and having it answer."""


class NoNetworkError(ServersError):
    """Something has to be downloaded and cannot be."""


class ChecksumError(ServersError):
    """What was downloaded is not what was pinned."""


class RungError(ServersError):
    """The rung that RELAY_SERVERS demands cannot be used."""


class InUseError(ServersError):
    """Another process holds this state folder."""


class StateError(ServersError):
    """The state folder does not hold what it should."""


class NotReadyError(ServersError):
    """A server did not start or answer in time."""
