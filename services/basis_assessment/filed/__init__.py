"""The page on a disclosure that a data protection officer can file: what it says, and how it looks. Pure."""

from services.basis_assessment.filed.disclosure import Audience, Disclosure, Sent, disclosure
from services.basis_assessment.filed.gather import decisions_of, disclosures, names, sent_of
from services.basis_assessment.filed.page import as_html, as_markdown

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
