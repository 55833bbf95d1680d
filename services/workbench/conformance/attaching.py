"""What a relay promises of files (docs/attachments.md): the question first, bytes whole as declared, no trace."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from services.workbench.conformance.bench import Answer, Bench, is_problem
from services.workbench.conformance.check import Skips, holds, http

_PDF: Final = b"%PDF-1.7\n%practice " + b"practice " * 500
_BY: Final = {"name": "Asha Example", "role": "designated safeguarding lead"}


def _declared(content: bytes, **fields: Any) -> dict[str, Any]:
    return {
        "child_image": "no", "kind": "report", "media_type": "application/pdf", "length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(), "by": _BY, **fields,
    }  # fmt: skip


def _under(bench: Bench, name: str) -> str:
    return f"/v1/concerns/{bench.accepted(bench.concern(name))['concern_id']}/attachments"


def _put(bench: Bench, url: str, content: bytes) -> Answer:
    return bench.call("PUT", url, content=content, headers={"Content-Type": "application/octet-stream"})


@http("attach.question_first", "Before any upload it is asked whether the file shows an indecent image of a child; "
      "where the answer is not no, nothing is taken, and the answer says what to do instead",
      "bytes can be sent without the question, or a yes is answered without advice")  # fmt: skip
def _question(bench: Bench) -> None:
    under = _under(bench, "question")
    for answer in ("yes", "unsure"):
        found = bench.post({"child_image": answer, "by": _BY, "description": answer}, path=under)
        is_problem(found, 422)
        holds(found.code == "image_not_taken", f"a {answer} is answered {found.code}")
        holds(found.body.get("instead"), "it does not say what to do instead")
    unanswered = _declared(_PDF)
    del unanswered["child_image"]
    is_problem(bench.post(unanswered, path=under), 422)


@http("attach.whole", "Bytes are taken whole and as declared, or not at all; twice is once",
      "a file that was cut short, altered or of another kind is kept")  # fmt: skip
def _whole(bench: Bench) -> None:
    under = _under(bench, "whole")
    found = bench.accepted(_declared(_PDF), path=under)
    for spoiled in (_PDF[:-1], _PDF + b"x", _PDF[:-1] + b"X", b"PK\x03\x04" + _PDF[4:]):
        refused = _put(bench, found["upload_url"], spoiled)
        holds(refused.status in (413, 415, 422), f"other bytes than declared were answered {refused.status}")
    kept = [_put(bench, found["upload_url"], _PDF) for _ in range(2)]
    holds([one.status for one in kept] == [202, 202], f"the bytes were answered {kept[0].status} {kept[0].code}")
    holds(kept[1].body["repeated"], "sent twice, they are not marked as repeated")
    is_problem(bench.post(_declared(_PDF, media_type="application/zip"), path=under), 415)


@http("attach.not_others", "Another agency learns nothing of a file, not even that it is there",
      "another agency can see, send or release a file")  # fmt: skip
def _others(bench: Bench) -> None:
    under = _under(bench, "others")
    if not bench.other_token:
        raise Skips("no token of another agency was given")
    found = bench.accepted(_declared(_PDF), path=under)
    for method, path in (("GET", under), ("GET", f"{under}/{found['attachment_id']}"), ("PUT", found["upload_url"])):
        refused = bench.call(method, path, token=bench.other_token, content=_PDF if method == "PUT" else b"")
        is_problem(refused, 404)
