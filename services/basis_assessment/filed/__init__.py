"""The page on a disclosure that a data protection officer can file: what it says, and how it looks. Pure."""

from services.basis_assessment.filed.disclosure import disclosure
from services.basis_assessment.filed.gather import decisions_of, disclosures, names, sent_of
from services.basis_assessment.filed.page import as_html, as_markdown
from services.basis_assessment.filed.record import Audience, Disclosure, Sent

__all__ = [
    "Audience",
    "Disclosure",
    "Sent",
    "as_html",
    "as_markdown",
    "decisions_of",
    "disclosure",
    "disclosures",
    "names",
    "sent_of",
]
