"""The offline verifier: is this export of the ledger whole, unaltered, and what was signed?

It shares no code with what writes the ledger, so that a mistake there cannot hide itself here: it has its own leaf,
tree, note and receipt, written from ``docs/ledger-format.md``, RFC 6962 and C2SP signed-note alone. It imports nothing
of this system: the folder can be copied elsewhere and used with Python and ``cryptography``.
"""

from .reading import verify
from .report import Finding, Kind, Report
from .signatures import Unusable

__all__ = ["Finding", "Kind", "Report", "Unusable", "verify"]
