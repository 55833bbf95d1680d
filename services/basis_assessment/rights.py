"""The exemptions from the right of access as data, with tests and citations (deploy/rights/subject-access.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from concern_relay.v1.codes_pb2 import AccessExemption
from services.chassis.codes import words
from services.chassis.marked_yaml import elements, entries, fail, near, read_document, text

FILE: Final = Path(__file__).parents[2] / "deploy" / "rights" / "subject-access.yaml"


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exemption: what a person has to look at before relying on it.

    Attributes:
        says: in words.
        tests: each has to be met.
        needs_opinion: an appropriate health professional's opinion.
        beside_another: it stands only beside another one.
        cites: where it comes from.
        verified: whether somebody has compared that with the published text.
    """

    code: str
    says: str
    tests: tuple[str, ...]
    needs_opinion: bool
    beside_another: bool
    cites: str
    verified: bool


def read_exemptions(path: Path = FILE) -> tuple[Exemption, ...]:
    """Read the exemptions.

    Raises:
        DocumentError: a code nobody knows, one that is missing, or one without tests or citation; with the place.
    """
    root, _ = read_document(path)
    given = entries(entries(root)["exemptions"])
    known = words(AccessExemption)
    found = []
    for code, node in given.items():
        if code not in known:
            fail(node, f"no exemption is called {code!r}", near(code, known))
        fields = entries(node)
        for needed in ("says", "tests", "cite"):
            if needed not in fields:
                fail(node, f"{needed!r} is missing", f"write '{needed}: …'")
        cite = entries(fields["cite"])
        found.append(
            Exemption(
                code,
                text(fields["says"]),
                tuple(text(one) for one in elements(fields["tests"])),
                needs_opinion="needs_opinion" in fields and text(fields["needs_opinion"]) == "true",
                beside_another="beside_another" in fields and text(fields["beside_another"]) == "true",
                cites=text(cite["at"]),
                verified=text(cite["verified"]) == "true",
            )
        )
    if missing := [code for code in known if code not in given]:
        fail(root, f"{', '.join(missing)} missing", "every exemption of the contract has its tests and citation here")
    return tuple(found)
