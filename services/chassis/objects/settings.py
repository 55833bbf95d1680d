"""Which store: a folder of the state folder, unless RELAY_OBJECTS says otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from services.chassis.errors import SettingsError
from services.chassis.objects.folder import FolderObjects
from services.chassis.objects.port import Objects
from services.chassis.settings import Settings

ADDRESS: Final = "RELAY_OBJECTS"


def objects_of(settings: Settings) -> Objects:
    """Give the object store: ``RELAY_OBJECTS`` is a folder, or ``s3://bucket/prefix``.

    Raises:
        SettingsError: another kind of address.
    """
    address = os.environ.get(ADDRESS, "")
    if not address:
        return FolderObjects(settings.state_dir / "objects")
    parts = urlsplit(address)
    if parts.scheme == "s3" and parts.netloc:
        from services.chassis.objects.s3 import S3Objects  # noqa: PLC0415  (its library is large and not always wanted)

        return S3Objects(parts.netloc, parts.path.strip("/"))
    if not parts.scheme:
        return FolderObjects(Path(address))
    raise SettingsError(f"{ADDRESS} must be a folder or s3://bucket/prefix")
