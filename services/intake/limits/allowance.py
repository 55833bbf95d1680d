"""The limits as data: ``deploy/limits.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.chassis.errors import SettingsError

Positive = Annotated[float, Field(gt=0, le=1e12)]
Count = Annotated[int, Field(ge=1, le=10_000)]

UPLOAD_BYTES_MAX: Final = 200_000_000
"""Larger than any file may be made by the limits; the edge of the service holds it."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(_Data):
    """So many at once, so many a second after that."""

    per_second: Positive
    burst: Positive


class Allowance(_Data):
    """What one agency may send.

    Attributes:
        live: requests that are urgent or routine; follow-ups too.
        bulk: requests of practice, history and bulk.
        bytes: of bodies.
        reading: requests whose body is coming in.
        bulk_waiting: bulk requests that wait for their turn.
    """

    live: Rate = Rate(per_second=300, burst=3000)
    bulk: Rate = Rate(per_second=100, burst=200)
    bytes: Rate = Rate(per_second=20_000_000, burst=64_000_000)
    reading: Count = 64
    bulk_waiting: Count = 16


class Attached(_Data):
    """What may be attached.

    Attributes:
        bytes_max: of one file.
        per_concern: files of one concern.
        awaited: files of one agency that were declared and whose bytes have not come.
    """

    bytes_max: int = Field(default=20_000_000, ge=1, le=UPLOAD_BYTES_MAX)
    per_concern: Count = 20
    awaited: Count = 200


class Limits(_Data):
    """The limits of everybody.

    Attributes:
        default: of an agency that is not named.
        bulk_at_once: bulk requests of all agencies that are worked on at once.
        agencies: what differs from the default, by agency.
        attachments: what may be attached, by anybody.
    """

    version: int = Field(default=1, ge=1, le=1)
    default: Allowance = Allowance()
    bulk_at_once: Count = 2
    agencies: Mapping[str, Mapping[str, object]] = {}
    attachments: Attached = Attached()

    def of(self, agency_id: str) -> Allowance:
        """Give what an agency may send."""
        differs = self.agencies.get(agency_id)
        return self.default if not differs else Allowance.model_validate({**self.default.model_dump(), **differs})


def read_limits(path: Path) -> Limits:
    """Read the limits; without a file, the defaults.

    Raises:
        SettingsError: names what is wrong with the file.
    """
    if not path.exists():
        return Limits()
    try:
        found = Limits.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for agency_id in found.agencies:
            found.of(agency_id)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        where = ""
        if isinstance(error, ValidationError):
            where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise SettingsError(f"{path.name} holds no limits: {where or type(error).__name__}") from error
    return found
