"""The record of processing activities (UK GDPR Article 30) that follows from the arrangement and the law pack. Pure.

One row for each class of recipient an agency may disclose to: at most, by agreement and law; what was disclosed stands
in the ledger. Law enforcement processing (Data Protection Act 2018 Part 3) has rows of its own, as s61 asks of a
competent authority: its legal basis is s35, and none of Article 6. What the system cannot know, as an agency's own
retention, is left for the controller to fill.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Article6,
    Category,
    DpaCondition,
    Gateway,
    LegalNature,
    Part3Basis,
    PersonRole,
    Regime,
    Sensitivity,
)
from services.basis_assessment import pack as p
from services.basis_assessment import words
from services.basis_assessment.core.parties import of_agency
from services.basis_assessment.pack import LawPack, Row
from services.chassis.arrangement import Agency, Arrangement
from services.chassis.clauses import Facts, Value
from services.chassis.codes import word_of

TO_FILL = "<the controller fills this>"
NO_ARTICLE_6 = "none: law enforcement processing"


@dataclass(frozen=True, slots=True)
class Processing:
    """A row of the record."""

    controller: str
    controller_id: str
    legal_nature: str
    purpose: str
    people: str
    categories: str
    special_categories: str
    offence_data: str
    recipients: str
    article6_open: str
    enactment: str
    policy_document: str
    dpia: str
    agreement: str
    transfers: str
    retention: str
    security: str
    law_pack: str
    arrangement: str
    regime: str
    part3_basis: str
    part3_conditions: str

    def as_dict(self) -> dict[str, str]:
        """Give it as data."""
        return asdict(self)


def record_of_processing(arrangement: Arrangement, pack: LawPack, agency_id: str = "") -> list[Processing]:
    """Give the rows of one agency, or of all.

    Args:
        arrangement: who, to whom, what at most.
        pack: the law in force.
        agency_id: one agency; empty for all.
    """
    agencies = (a for a in arrangement.agencies.values() if agency_id in ("", a.agency_id))
    return [row for agency in agencies for row in _of(agency, arrangement, pack)]


def as_csv(rows: Iterable[Processing]) -> str:
    """Give the rows as CSV with a heading; a cell that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Processing)], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: f"'{v}" if v[:1] in "=+-@" and v else v for name, v in row.as_dict().items()})
    return out.getvalue()


def _of(agency: Agency, arrangement: Arrangement, pack: LawPack) -> Iterator[Processing]:
    for recipient in arrangement.matrix:
        if recipient == agency.agency_class:
            continue
        for regime in _regimes(agency, recipient, arrangement, pack):
            yield _row(agency, recipient, regime, arrangement, pack)


def _row(agency: Agency, recipient: AgencyClass, regime: Row, arrangement: Arrangement, pack: LawPack) -> Processing:
    row = arrangement.matrix[recipient]
    kinds = {category: pack.sensitivity.get(category) for category in row.categories}
    part3 = regime.part3
    return Processing(
        controller=agency.name,
        controller_id=agency.agency_id,
        legal_nature=_listed(word_of(LegalNature, nature) for nature in agency.natures),
        purpose=row.purpose_code.replace("_", " "),
        people=_listed(word_of(PersonRole, role) for role in row.person_roles),
        categories=_listed(word_of(Category, category) for category in row.categories),
        special_categories=_kind(kinds, Sensitivity.SENSITIVITY_SPECIAL_CATEGORY),
        offence_data=_kind(kinds, Sensitivity.SENSITIVITY_CRIMINAL_OFFENCE),
        recipients=words.class_name(recipient),
        article6_open=NO_ARTICLE_6 if part3 else "; ".join(_open(agency, recipient, pack)),
        enactment=words.said(words.GATEWAYS, Gateway, row.gateway) if row.gateway else "",
        policy_document=agency.policy_document or "not on record",
        dpia=agency.dpia or "not on record",
        agreement=agency.agreement or "not on record",
        transfers="none outside the United Kingdom by this system",
        retention=TO_FILL,
        security="content sealed under keys per person and consent; access recorded; see docs/keys.md",
        law_pack=f"{pack.name} {pack.sha256[:12]}",
        arrangement=f"{arrangement.name} {arrangement.sha256[:12]}",
        regime=words.regimes(regime.source, regime.disclosure),
        part3_basis=words.said(words.PART3, Part3Basis, part3) if part3 else "",
        part3_conditions="; ".join(_schedule8(agency, recipient, pack)) if part3 else "",
    )


def _regimes(agency: Agency, recipient: AgencyClass, arrangement: Arrangement, pack: LawPack) -> Iterator[Row]:
    """Give the regimes a disclosure may be made under, over every standing in law that agencies of the class have."""
    facts = {**of_agency(agency), "recipient_class": word_of(AgencyClass, recipient)}
    agencies = [one for one in arrangement.agencies.values() if one.agency_class == recipient]
    found: set[int] = set()
    for natures in {one.natures for one in agencies} or {frozenset()}:
        standing: dict[str, Value] = {}
        if natures:
            standing["recipient_natures"] = frozenset(word_of(LegalNature, nature) for nature in natures)
        found.update(_may_decide(pack.tables[p.REGIMES], {**facts, **standing}))
    yield from (pack.tables[p.REGIMES][index] for index in sorted(found))


def _may_decide(rows: Iterable[Row], facts: Facts) -> Iterator[int]:
    """Give the places of rows that may be the first that holds; what is not known yet, as the purpose, settles it."""
    for index, row in enumerate(rows):
        holds = row.clause.holds(facts)
        if holds is not False:
            yield index
        if holds:
            return


def _open(agency: Agency, recipient: AgencyClass, pack: LawPack) -> Iterator[str]:
    """Give the bases the law does not keep from this body whatever the facts of a concern are."""
    facts = {**of_agency(agency), "recipient_class": word_of(AgencyClass, recipient)}
    found = {row.basis: None for row in pack.tables[p.ARTICLE6] if row.clause.holds(facts) is not False}
    yield from (words.said(words.ARTICLE6, Article6, basis) for basis in found)


def _schedule8(agency: Agency, recipient: AgencyClass, pack: LawPack) -> Iterator[str]:
    """Give what sensitive processing under Part 3 may rest on, as far as this body's documents allow it."""
    facts: dict[str, Value] = {
        **of_agency(agency),
        "recipient_class": word_of(AgencyClass, recipient),
        "regime": word_of(Regime, Regime.REGIME_LAW_ENFORCEMENT),
        "sensitivity": word_of(Sensitivity, Sensitivity.SENSITIVITY_SPECIAL_CATEGORY),
    }
    rows = (row for row in pack.tables[p.CONDITIONS] if row.clause.holds(facts) is not False)
    found = dict.fromkeys(row.condition for row in rows if row.condition)
    yield from (words.said(words.CONDITIONS, DpaCondition, condition) for condition in found)


def _kind(kinds: dict[Category, Sensitivity | None], wanted: Sensitivity) -> str:
    return _listed(word_of(Category, category) for category, kind in kinds.items() if kind == wanted)


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(sorted(code.replace("_", " ") for code in codes))
