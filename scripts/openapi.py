"""Write ``docs/openapi/*.json``: what each service's HTTP offers, as its own code says it. ``--check`` only compares.

The routes are wired as in the process, over nothing: no server is asked, for none is needed to say what there is.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter

from services.audit.api import journey_routes, ledger_routes
from services.chassis.auth import Tokens, signing_key
from services.chassis.clock import SystemClock
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.parked_api import parked_routes
from services.chassis.service import LOCAL_KEY_BYTES, Context, Service
from services.chassis.settings import REPOSITORY, Settings
from services.chassis.telemetry import Telemetry

TARGET = REPOSITORY / "docs" / "openapi"
SERVICES = ("intake", "basis_assessment", "routing", "audit", "vault")


def documents() -> dict[str, str]:
    """Give the OpenAPI document of each service, as text."""
    return {name: json.dumps(_document(name), indent=1, ensure_ascii=False, sort_keys=True) + "\n" for name in SERVICES}


def _document(name: str) -> dict[str, Any]:
    with TemporaryDirectory(prefix="relay-openapi-") as folder:
        settings = Settings(name, state_dir=Path(folder))
        key = signing_key(settings.state_dir)
        telemetry = Telemetry(name)
        app = create_app(
            f"concern-relay {name}",
            _routers(name, settings, telemetry),
            health=Health(),
            telemetry=telemetry,
            tokens=Tokens(key.public_key()),
        )
        telemetry.close()
        found: dict[str, Any] = app.openapi()
        return found


def _routers(name: str, settings: Settings, telemetry: Telemetry) -> list[APIRouter]:
    nothing: Any = SimpleNamespace(desk=SimpleNamespace(local_key=bytes(LOCAL_KEY_BYTES)))
    if name == "audit":
        return [ledger_routes(nothing, "", ()), journey_routes(nothing)]
    service: Service = import_module(f"services.{name}.app").SERVICE
    context = Context(name, settings, SystemClock(), nothing, nothing, nothing, telemetry, nothing, Health())
    return [service.routes(context), parked_routes(nothing)]


def main(arguments: list[str]) -> int:
    """Write what differs, or with ``--check`` name it; exit 1 when anything did."""
    stale = []
    for name, text in documents().items():
        path = TARGET / f"{name}.json"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'differ' if '--check' in arguments else 'written'}: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
