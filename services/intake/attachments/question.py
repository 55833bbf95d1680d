"""The question before any upload, as data: ``deploy/attachments.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.chassis.errors import SettingsError

Words = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Data):
    """What is asked."""

    text: Words
    cite: Words
    not_asked_by_looking: Words


class Advice(_Data):
    """What to do instead, with where it comes from."""

    text: Words
    cite: Words
    verified: bool = Field(description="Whether somebody compared it with the source.")


class Guidance(_Data):
    """All of it.

    Attributes:
        question: before any upload.
        instead: where the answer is not no.
        media_types: what is taken, and what the bytes of each must be recognised as.
    """

    version: int = Field(ge=1, le=1)
    question: Question
    instead: tuple[Advice, ...] = Field(min_length=1)
    media_types: Mapping[str, frozenset[str]] = Field(min_length=1)

    @property
    def advice(self) -> list[dict[str, Any]]:
        """What to do instead, as JSON."""
        return [each.model_dump() for each in self.instead]


def read_guidance(path: Path) -> Guidance:
    """Read it.

    Raises:
        SettingsError: there is none, or it is wrong: without the question nothing may be uploaded.
    """
    try:
        return Guidance.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        where = ""
        if isinstance(error, ValidationError):
            where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise SettingsError(
            f"{path.name} does not say what is asked before an upload: {where or type(error).__name__}"
        ) from error
