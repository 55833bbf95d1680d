"""Words for files of a concern: attached, released to a recipient, fetched; and who must see what."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from concern_relay.v1 import codes_pb2 as codes
from services.workbench.scenario.after import FromSender
from services.workbench.scenario.terms import AgencyId, AgencyOrNone, IsFile, Person, Ref, Strict, coded

Kind: Any = coded(codes.AttachmentKind)
Answer: Any = Annotated[
    coded(codes.ImageAnswer),
    BeforeValidator(lambda said: ("no", "yes")[said] if isinstance(said, bool) else said),  # YAML reads yes as true
]
AgencyClass: Any = coded(codes.AgencyClass)
FileName = Annotated[str, Field(min_length=1, max_length=100)]
Attached = Annotated[FileName, IsFile()]


def ref_of(name: str) -> str:
    """Give what a file is called among the refs of a concern; no item can be called so."""
    return f"file: {name}"


class Attach(FromSender):
    """A file is declared with the answer to the question, and its bytes uploaded."""

    file: FileName = Field(default="file", description="what this scenario calls it")
    kind: Kind = "other"
    child_image: Answer = Field(default="no", description="the answer to the question before any upload")
    item: Ref | None = Field(default=None, description="the item it belongs to: it goes where that item goes")
    about: Ref | None = Field(default=None, description="the person it is about")
    uploaded: bool = Field(default=True, description="its bytes came")
    scan: Literal["none", "waiting", "clean", "harmful"] = Field(
        default="none", description="what the scan says; none: there is no scan here. In process only, but for none"
    )


class Release(FromSender):
    """A named person of the sender releases a file to one recipient; its words are the reason."""

    file: Attached = "file"
    to: AgencyOrNone = ""
    to_class: AgencyClass | None = Field(default=None, alias="class")
    accept_unscanned: bool = Field(default=True, description="nobody scanned it, and that person knows")


class Fetch(Person):
    """A named person of a recipient fetches a file of its share."""

    file: Attached = "file"


Attaching = Attach | Release | Fetch
ATTACHING: Final = ("attach", "release", "withdraw_release", "fetch")


class AttachmentThen(Strict):
    """A file, how it stands, and who sees it; what is left out is not looked at."""

    file: Attached = "file"
    state: Literal["declared", "expired", "quarantined", "not_scanned", "cleared", "refused"] | None = None
    seen_by: list[AgencyId] = Field(default=[], description="agencies whose manifest must show it")
    not_seen_by: list[AgencyId] = Field(default=[], description="agencies that must see no trace of it")
    fetched_by: list[AgencyId] = Field(default=[], description="agencies that must have a receipt for it")
    not_fetched_by: list[AgencyId] = Field(default=[])
