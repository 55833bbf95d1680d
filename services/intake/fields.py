"""Fields of a submission: text that is bounded, codes that are open, objects that may be written short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from concern_relay.v1 import census_pb2 as census
from concern_relay.v1 import codes_pb2 as codes
from services.chassis.codes import words
from services.intake.text import one_line

TEXT_CHARS_MAX: Final = 20_000
CODE_CHARS_MAX: Final = 80


def _line(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


def _word(value: Any) -> Any:
    """Write a code as the contract does: ``Child in need`` and ``child-in-need`` are ``child_in_need``."""
    return one_line(value).lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else value


def _parted(value: Any) -> Any:
    """Write a matcher's own word as the contract does: ``PotentialMatch`` is ``potential_match``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value) if isinstance(value, str) else value


def _answer(value: Any) -> Any:
    return ("no", "yes")[value] if isinstance(value, bool) else _word(value)


def _listed(value: Any) -> Any:
    """One is a list of one."""
    return [value] if isinstance(value, str) else value


LISTED = BeforeValidator(_listed)


@dataclass(frozen=True)
class Short:
    """An object that may be written as its one field: ``"Ada Example"`` for ``{"given": "Ada Example"}``."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: {self.name: value} if isinstance(value, str | bool) else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "string"}]}


@dataclass(frozen=True)
class Code:
    """A code of an enum of the contract, open: a word we do not know is flagged, not refused."""

    enum: Any
    also: tuple[str, ...] = ()
    truth: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(max_length=CODE_CHARS_MAX, coerce_numbers_to_str=True)
        return core_schema.no_info_before_validator_function(_answer if self.truth else _word, text)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        known = [*words(self.enum), *self.also]
        text = {"type": "string", "maxLength": CODE_CHARS_MAX, "x-extensible-enum": known, "examples": known[:1]}
        return {"anyOf": [{"type": "boolean"}, text]} if self.truth else text


Line = Annotated[str, StringConstraints(max_length=300), BeforeValidator(_line)]
Ref = Annotated[str, StringConstraints(max_length=200), BeforeValidator(_line)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS_MAX, strip_whitespace=True)]
Day = Annotated[str, StringConstraints(max_length=40), BeforeValidator(_line), Field(examples=["2018-05-02"])]
AgencyId = Annotated[str, StringConstraints(max_length=100), BeforeValidator(_line)]
GssCode = Annotated[str, StringConstraints(max_length=40), BeforeValidator(_line), Field(examples=["E10000016"])]

Age = Annotated[
    str,
    StringConstraints(max_length=20),
    BeforeValidator(_line),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 20}]}),
]

UrgencyCode = Annotated[str, Code(codes.Urgency)]
LevelCode = Annotated[str, Code(codes.ConcernLevel)]
TriggerCode = Annotated[str, Code(codes.Trigger)]
Answer = Annotated[str, Code(codes.Ternary, also=("unknown",), truth=True)]
RoleCode = Annotated[str, Code(codes.PersonRole)]
SexCode = Annotated[str, Code(codes.Sex)]
IdentifierCode = Annotated[str, Code(codes.IdentifierKind)]
HiddenCode = Annotated[str, Code(codes.HiddenReason, also=("yes", "no"), truth=True)]
AuthorityCode = Annotated[str, Code(codes.AuthorityRole)]
StatusCode = Annotated[str, Code(codes.StatutoryStatus)]
PlaceCode = Annotated[str, Code(codes.PlaceKind)]
CategoryCode = Annotated[str, Code(codes.Category)]
AssertionCode = Annotated[str, Code(codes.AssertionKind)]
ConsentKindCode = Annotated[str, Code(codes.ConsentKind)]
ConsentStatusCode = Annotated[str, Code(codes.ConsentStatus)]
AbsenceCode = Annotated[str, Code(codes.ConsentAbsence)]
ToldCode = Annotated[str, Code(codes.FamilyTold, truth=True)]
NotToldCode = Annotated[str, Code(codes.FamilyNotToldReason)]
ClassCode = Annotated[str, Code(codes.AgencyClass)]
MatchCode = Annotated[str, Code(codes.IdentityMatch), BeforeValidator(_parted)]
MythCode = Annotated[str, Code(codes.SharingMyth)]
Article6Code = Annotated[str, Code(codes.Article6)]
NeedCode = Annotated[str, Code(census.PrimaryNeed)]
SourceCode = Annotated[str, Code(census.ReferralSource)]
FactorCode = Annotated[str, Code(census.AssessmentFactor)]
ClosureCode = Annotated[str, Code(census.ClosureReason)]
AbuseCode = Annotated[str, Code(census.AbuseCategory)]
