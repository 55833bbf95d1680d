"""Terms that all words of a scenario share: ids, codes, times, who acts. Read generously, so long as it is safe.

Blanks, dashes and capitals of a code do not matter, one may be written for a list of one, and a code may be written
as the law's own letter where only one can be meant: ``6(1)(e)``, ``9(2)(g)``, ``p18``. Nothing is guessed: what two
words could mean is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.chassis.codes import str_enum, words

LONDON: Final = ZoneInfo("Europe/London")
ANY: Final = "any"
"""In place of a code with which something must be refused: whichever it is."""

_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")
_ARTICLE: Final = re.compile(r"^(?:uk_gdpr_)?(?:article_|art_|a)?(?:6|9)(?:_[12])?_([a-z]+)$")
_PARAGRAPH: Final = re.compile(r"^(?:(?:schedule|sch)_?1_)?(?:paragraph|para|p)_?(\d+)$")
_SAID_BY_PEOPLE: Final[Mapping[str, Mapping[str, str]]] = {
    "AgencyClass": {
        "csc": "childrens_social_care",
        "children_s_social_care": "childrens_social_care",
        "children_social_care": "childrens_social_care",
        "lado": "designated_officer",
        "school": "education",
        "nursery": "early_years",
        "charity": "voluntary",
    },
    "DeciderRole": {
        "dsl": "safeguarding_lead",
        "designated_safeguarding_lead": "safeguarding_lead",
        "edt": "emergency_duty_team",
        "dpo": "data_protection_officer",
    },
    "Gateway": {"s16la": "ca2004_s16la", "s47": "ca1989_s47", "s17": "ca1989_s17", "s115": "cda1998_s115"},
    "ShareOutcome": {"nfa": "no_further_action", "s47": "section_47_enquiry"},
    "WithholdReason": {"no_apd": "no_policy_document", "unnecessary": "not_needed_for_role"},
}


def plain(said: str) -> str:
    """Write a word as codes are written: ``Share Duty`` and ``share-duty`` are ``share_duty``."""
    return _NOT_WORD.sub("_", said.strip().lower()).strip("_")


def meant(said: str, known: Iterable[str], also: Mapping[str, str]) -> str:
    """Give the one word that is meant; what was said, when none or several could be."""
    there = list(known)
    word = plain(said)
    if word in there:
        return word
    if word in also:
        return also[word]
    if letter := _ARTICLE.match(word):
        word = letter[1]
    word = _PARAGRAPH.sub(r"p\1", word)
    for fits in (
        [one for one in there if one.startswith((f"{word}_", f"sch1_{word}_"))],
        [one for one in there if one.endswith(f"_{word}")],
    ):
        if len(fits) == 1:
            return fits[0]
    return said


def coded(enum: Any) -> Any:
    """Give the type of a code of the contract, as a scenario writes it."""
    known, also = words(enum), _SAID_BY_PEOPLE.get(enum.DESCRIPTOR.name, {})
    return Annotated[
        str_enum(enum), BeforeValidator(lambda said: meant(said, known, also) if isinstance(said, str) else said)
    ]


class IsAgency:
    """Marks what must be an agency of the arrangement."""


class IsRef:
    """Marks what must be a ref of something that was sent."""


class IsClause:
    """Marks what must be a clause of a law pack."""


class IsAnswer:
    """Marks what must be an answer of a law pack, or the myth it answers."""


class IsFlag:
    """Marks what must be a code with which intake flags what is odd."""


class IsQuestion:
    """Marks what must be a question of a law pack."""


class IsFile:
    """Marks what must be a file that some step attaches."""


class IsDuty:
    """Marks what must be a timed duty of the arrangement."""


def _agency(said: Any) -> Any:
    return said.strip().lower().replace(" ", "-").replace("_", "-") if isinstance(said, str) else said


Code = Annotated[
    str,
    BeforeValidator(lambda said: said.strip().lower().replace(" ", "_") if isinstance(said, str) else said),
    Field(pattern=r"^[a-z0-9_.:-]*$", max_length=120),
]
AgencyId = Annotated[str, IsAgency(), BeforeValidator(_agency), Field(pattern=r"^[a-z0-9-]+$", max_length=80)]
AgencyOrNone = Annotated[str, IsAgency(), BeforeValidator(_agency), Field(pattern=r"^[a-z0-9-]*$", max_length=80)]
Refusal = Annotated[
    Code,
    BeforeValidator(lambda said: {True: ANY, "true": ANY, "yes": ANY, False: "", "no": ""}.get(said, said)),
    Field(description="the code with which it must be refused; `any`: with whichever; empty: it must succeed"),
]
Ref = Annotated[str, IsRef(), Field(min_length=1, max_length=200)]
Clause = Annotated[Code, IsClause()]
Duty = Annotated[Code, IsDuty()]
AnswerCode = Annotated[Code, IsAnswer()]
FlagWord = Annotated[Code, IsFlag()]
QuestionCode = Annotated[Code, IsQuestion()]

_AS_PEOPLE_WRITE: Final = ("%d %b %Y %H:%M", "%d %B %Y %H:%M", "%a %d %b %Y %H:%M", "%A %d %B %Y %H:%M")
_AS_PEOPLE_WRITE_DAYS: Final = ("%d %b %Y", "%d %B %Y", "%a %d %b %Y", "%A %d %B %Y")
_REMEDY: Final = "write 2026-11-23T10:00, which is Europe/London, or a zone with it: 2026-11-23T10:00Z"


def _moment(said: Any) -> Any:
    """Read a time; one that no clock shows in London is refused, since the clocks went forward over it."""
    if isinstance(said, datetime) or said is None:
        return said
    text = str(said).strip()
    found = _iso(text) or next((m for shape in _AS_PEOPLE_WRITE if (m := _shaped(text, shape))), None)
    if found is None:
        raise PydanticCustomError("moment", "{said} is no time; {remedy}", {"said": repr(text[:40]), "remedy": _REMEDY})
    if not found.tzinfo and local(found).astimezone(LONDON).replace(tzinfo=None) != found:
        raise PydanticCustomError(
            "moment", "the clocks go forward over {said}; {remedy}", {"said": text, "remedy": _REMEDY}
        )
    return found


def readable(said: str) -> bool:
    """Whether a text is a time as a scenario may write it."""
    try:
        return isinstance(_moment(said), datetime)
    except PydanticCustomError as error:
        return "no time" not in error.message()


def _day_or_moment(said: Any) -> Any:
    if isinstance(said, date):
        return said
    text = str(said).strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        found = next((m for shape in _AS_PEOPLE_WRITE_DAYS if (m := _shaped(text, shape))), None)
        return found.date() if found else _moment(text)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _shaped(text: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(text.replace(",", ""), shape)  # noqa: DTZ007  (a zone is put on by `local`)
    except ValueError:
        return None


Moment = Annotated[datetime, BeforeValidator(_moment)]
DayOrMoment = Annotated[date | datetime, BeforeValidator(_day_or_moment)]

_SPAN: Final = re.compile(r"^(\d+(?:\.\d+)?) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)$")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def span(said: str) -> timedelta | None:
    """Read ``2 hours``, ``90 minutes``, ``3 days``; nothing when it is no such."""
    found = _SPAN.match(said.strip().lower())
    return float(found[1]) * _UNITS[found[2][0]] if found else None


def local(moment: datetime) -> datetime:
    """Give a time as meant in a scenario: Europe/London unless it has a zone of its own."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=LONDON)).astimezone(UTC)


class Strict(BaseModel):
    """A word whose unknown fields are mistakes; one thing is a list of one, and of words only the meaning matters."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _generous(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        read = dict(given)
        for name, field in cls.model_fields.items():
            for key in {name, field.alias or name} & read.keys():
                read[key] = _one_of(field.annotation, read[key])
        return read


def _one_of(annotation: Any, value: Any) -> Any:
    kinds = [annotation, *get_args(annotation)]
    if value is not None and not isinstance(value, list) and any(get_origin(k) is list or k is list for k in kinds):
        return [value]
    known = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind) if isinstance(word, str)]
    return meant(value, known, {}) if known and isinstance(value, str) else value


class Person(Strict):
    """Who acts; an agency alone will do."""

    agency: AgencyId
    name: str = "Pat Example"
    role: str = "duty worker"
    concern: str = "concern"
    refused: Refusal = ""

    @model_validator(mode="before")
    @classmethod
    def _agency_alone(cls, given: Any) -> Any:
        return {"agency": given} if isinstance(given, str) else given
