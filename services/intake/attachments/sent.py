"""What an agency sends about an attachment, as JSON; its bytes come after."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints
from pydantic import model_validator as check
from pydantic_core import PydanticCustomError

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.codes import words
from services.intake.fields import AgencyId, Code, Line, Ref, Short, Text
from services.intake.submission import Actor, Sent

KINDS: Final = words(codes.AttachmentKind)
ANSWERS: Final = words(codes.ImageAnswer)
NAMED: Final = "Name the person who says so: by, with name and role."

_By = Annotated[Actor, Short("name")]
Sha256 = Annotated[str, StringConstraints(pattern="^([0-9a-fA-F]{64})?$")]


class _ByName(Sent):
    """Something a named person says."""

    by: _By = Field(description="The person, by name and role.")

    @check(mode="after")
    def _named(self) -> Self:
        if not self.by.name.strip():
            raise PydanticCustomError("concern_unnamed", NAMED)
        return self


class Declaration(_ByName):
    """What will be uploaded, and the answer to the question before it."""

    child_image: Annotated[str, Code(codes.ImageAnswer, truth=True)] = Field(
        description="Does it show a nude, semi-nude or sexual image of anybody under 18? no, yes or unsure."
    )
    kind: Annotated[str, Code(codes.AttachmentKind)] = Field(default="other", description="What it is.")
    name: Line = Field(default="", description="Name of the file; travels sealed.")
    media_type: Line = Field(default="", description="As image/jpeg or application/pdf.")
    length: int = Field(default=0, ge=0, lt=2**53, description="Bytes.")
    sha256: Sha256 = Field(default="", description="SHA-256 of the bytes, hexadecimal.")
    description: Text = Field(default="", description="What it shows, in words; travels sealed.")
    item: Ref = Field(default="", description="Ref or id of the item it belongs to: it goes where that item goes.")
    about: Ref = Field(default="", description="Ref or id of the person it is about; left out: the item's.")
    scan_again: bool = Field(
        default=False, description="The scan refused this very file, and whoever says so wants it scanned again."
    )

    @check(mode="after")
    def _whole(self) -> Self:
        if self.child_image not in ANSWERS:
            raise PydanticCustomError("concern_answer", "Answer the question as child_image: no, yes or unsure.")
        if self.kind not in KINDS:
            raise PydanticCustomError("concern_kind", "Give kind as one of /v1/codes/AttachmentKind.")
        if self.child_image == "no" and not (self.media_type and self.length and self.sha256):
            raise PydanticCustomError("concern_undeclared", "Say what will come: media_type, length and sha256.")
        return self


class Release(_ByName):
    """Who may have it: an agency or a class of agencies, and why."""

    to: AgencyId = Field(default="", description="Id of an agency.")
    to_class: Annotated[str, Code(codes.AgencyClass)] = Field(default="", description="A class, as police.")
    reason: Text = Field(min_length=1, description="In words: why this recipient needs it.")
    accept_unscanned: bool = Field(default=False, description="Nothing here scans files, and whoever says so knows.")

    @check(mode="after")
    def _somebody(self) -> Self:
        if bool(self.to) == bool(self.to_class):
            raise PydanticCustomError("concern_recipient", "Name one recipient: to, or to_class.")
        if self.to_class and self.to_class not in words(codes.AgencyClass):
            raise PydanticCustomError("concern_class", "Give to_class as one of /v1/codes/AgencyClass.")
        return self
