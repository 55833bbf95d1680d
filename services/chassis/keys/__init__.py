"""Keys: what every service knows of the vault.

``Keys`` is the port. ``VaultKeys`` speaks to the vault's database through the functions granted to this service;
``MemoryKeys`` holds everything in the process, for pure tests and for scenarios. One contract suite holds both to the
same behaviour. ``Kms`` is the port of the master key, ``LocalKms`` keeps it in a file.
"""

from services.chassis.keys.kms import Kms, LocalKms, Unwrapped, Wrapped, kms_of
from services.chassis.keys.memory import MemoryKeys
from services.chassis.keys.port import CACHE_S_MAX, Keys, check_code
from services.chassis.keys.vault import VaultKeys
from services.chassis.sealing import Key

__all__ = [
    "CACHE_S_MAX",
    "Key",
    "Keys",
    "Kms",
    "LocalKms",
    "MemoryKeys",
    "Unwrapped",
    "VaultKeys",
    "Wrapped",
    "check_code",
    "kms_of",
]
