"""Hold the running services to their own OpenAPI with schemathesis: thousands of requests, valid and not.

``python scripts/check_api.py [--examples N] [service …]`` starts a house of its own; exit 1 when schemathesis found
something. What it sent and what came back is in ``build/schemathesis/``; all of it is invented.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from services.chassis.settings import REPOSITORY
from services.chassis.tokens import mint_token, signing_key
from services.workbench.house import house
from services.workbench.servers import Lines

SERVICES = ("intake", "basis_assessment", "routing", "audit", "vault")
AGENCY = "kent-csc"
REPORTS = REPOSITORY / "build" / "schemathesis"
DEADLINE_S = 600.0
REFUSALS = (400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429)
SCOPES_OF_ALL = frozenset({"raise", "inbox", "decide", "operate", "audit"})
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth",
    "use_after_free",
)  # fmt: skip


def check(urls: Mapping[str, str], tokens: Path, services: Sequence[str], examples: int) -> list[str]:
    """Run schemathesis against services; give those in which it found something."""
    token = mint_token(signing_key(tokens.parent), agency_id=AGENCY, subject="schemathesis", scopes=SCOPES_OF_ALL)
    known = _known(urls, token)
    REPORTS.mkdir(parents=True, exist_ok=True)
    found = []
    for service in services:
        command = (
            Path(sys.executable).with_name("schemathesis"), "--config-file", str(_config(known)),
            "run", f"{urls[service]}/v1/openapi.json",
            "--header", f"Authorization: Bearer {token}",
            "--header", f"On-Behalf-Of: {AGENCY}",
            "--checks", ",".join(CHECKS),
            "--max-examples", str(examples), "--workers", "1", "--seed", "1", "--generation-database", "none",
            "--request-timeout", "30", "--report", "junit", "--report-junit-path", str(REPORTS / f"{service}.xml"),
            "--exclude-path-regex", "/v1/test/|/metrics|/readyz",
        )  # fmt: skip
        done = subprocess.run(
            command, check=False, timeout=DEADLINE_S, env={**os.environ, "COLUMNS": "150"}, cwd=REPORTS
        )
        if done.returncode:
            found.append(service)
    return found


def _known(urls: Mapping[str, str], token: str) -> dict[str, str]:
    """Raise two concerns, so that there is something to ask for and to follow up."""
    sample = json.loads((REPOSITORY / "deploy" / "samples" / "the-least.json").read_text())
    sample.pop("agency", None)
    ids = []
    for number in (1, 2):
        answer = httpx.post(
            f"{urls['intake']}/v1/concerns",
            json={**sample, "reference": f"schemathesis {number}", "test": False},
            headers={"Authorization": f"Bearer {token}"},
            timeout=DEADLINE_S,
        )
        ids.append(answer.raise_for_status().json()["concern_id"])
    return {"concern_id": ids[0], "other_concern_id": ids[1], "name": "Urgency"}


def _config(known: Mapping[str, str]) -> Path:
    """Write what schemathesis cannot know: ids that there are."""
    path = REPORTS / "schemathesis.toml"
    lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
    # 413 says no as well as 422 does
    statuses = f"negative_data_rejection.expected-statuses = {list(REFUSALS)}"
    path.write_text("\n".join(["[parameters]", *lines, "[checks]", statuses, ""]))
    return path


def main() -> int:
    """Start a house, and check."""
    parser = argparse.ArgumentParser(prog="check_api")
    parser.add_argument("services", nargs="*", default=SERVICES)
    parser.add_argument("--examples", type=int, default=25, help="requests of each kind an operation (25)")
    arguments = parser.parse_args()
    with (
        TemporaryDirectory(prefix="relay-check-api-") as folder,
        house(Path(folder), Lines(), services=SERVICES) as running,
    ):
        found = check(running.urls, running.state.path / "tokens", arguments.services, arguments.examples)
    if found:
        print(f"schemathesis found something in: {', '.join(found)}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
