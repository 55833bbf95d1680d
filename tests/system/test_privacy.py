"""Marked content goes through everything; then everything that came out is searched for it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import httpx
import pytest

from services.workbench.calls import Calls
from services.workbench.house import House
from tests.system.test_journey import delivered, raised
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

MARK = "Zanzibarquagga"


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _attached(calls: Calls, concern_id: str, share_id: str, person: dict[str, str]) -> None:
    """Attach a marked file, release it with marked words, and fetch it."""
    content = b"%PDF-1.7\n" + MARK.encode() * 20_000
    declaration = {
        "child_image": "no", "media_type": "application/pdf", "length": len(content), "name": f"{MARK}.pdf",
        "description": MARK, "sha256": hashlib.sha256(content).hexdigest(), "by": person, "item": "worry",
    }  # fmt: skip
    under = f"/v1/concerns/{concern_id}/attachments"
    found = calls("intake", "POST", under, agency="larkfield-primary", json=declaration)
    calls("intake", "PUT", found["upload_url"], agency="larkfield-primary", content=content)
    release = {"to": "kent-csc", "reason": f"{MARK} needs it", "by": person, "accept_unscanned": True}
    path = f"{under}/{found['attachment_id']}/releases"
    calls("intake", "POST", path, agency="larkfield-primary", json=release)
    manifest = f"/v1/inbox/{share_id}/attachments"
    until("the manifest", lambda: calls("routing", "GET", manifest, agency="kent-csc")["attachments"])
    fetch = f"{manifest}/{found['attachment_id']}/fetch"
    with TemporaryFile() as out:
        calls.download("routing", fetch, agency="kent-csc", json=person, to=out)
        assert out.tell() == len(content)


def test_marked_content_is_nowhere_in_the_clear(calls: Calls, running_house: House) -> None:
    """Given marked names, words, notes and reference, none of them lies in a log, a segment, the WAL or a trace."""
    answer = raised(
        calls,
        reference=f"{MARK}-{uuid4().hex[:6]}",
        raised_by={"name": f"{MARK} Teacher", "role": f"{MARK} lead"},
        people=[
            {
                "ref": f"{MARK}-ref",
                "role": "child",
                "names": [{"given": MARK, "family": MARK}],
                "addresses": [{"lines": [f"1 {MARK} Street"], "postcode": "ZZ99 9ZZ"}],
                "authorities": [{"gss_code": "E10000016", "role": "lives"}],
            }
        ],
        items=[
            {
                "ref": "worry",
                "category": "welfare",
                "kind": "fact",
                "core": True,
                "text": f"{MARK} said so.",
                "source": MARK,
            }
        ],
    )
    share = delivered(calls, answer["concern_id"])
    person = {"name": f"{MARK} Worker", "role": "duty social worker"}
    path = f"/v1/inbox/{share['share_id']}"
    calls("routing", "POST", f"{path}/read", agency="kent-csc", json=person)
    calls("routing", "POST", f"{path}/acknowledge", agency="kent-csc", json=person)
    outcome = {**person, "outcome": "no_further_action", "reason": f"{MARK} reason"}
    calls("routing", "POST", f"{path}/outcome", agency="kent-csc", json=outcome)
    _attached(calls, answer["concern_id"], share["share_id"], person)
    bad = httpx.post(
        f"{running_house.urls['intake']}/v1/concerns",
        headers={"Authorization": f"Bearer {calls.token('larkfield-primary')}"},
        json={"reference": MARK, "urgency": [MARK], "people": MARK},
        timeout=10,
    )

    found = [p for p in _files(running_house.state.path) if MARK.encode() in p.read_bytes()]
    metrics = "".join(httpx.get(f"{url}/metrics", timeout=10).text for url in running_house.urls.values())
    traces = httpx.get(f"{running_house.servers.zipkin_url}/api/v2/traces?limit=500", timeout=20).text

    assert [str(p.relative_to(running_house.state.path)) for p in found] == []
    assert MARK not in metrics
    assert MARK not in traces
    assert bad.status_code == 422
    assert MARK not in bad.text
