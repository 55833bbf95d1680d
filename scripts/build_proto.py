"""Generate Python code and the descriptor set from ``proto/`` into ``build/proto`` when it is out of date."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
TARGET = ROOT / "build" / "proto"


def main() -> int:
    """Run protoc when any ``.proto`` changed since the last build; say so."""
    protos = sorted(SOURCE.rglob("*.proto"))
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in [*protos, Path(__file__)])).hexdigest()
    stamp = TARGET / ".digest"
    if stamp.exists() and stamp.read_text() == digest:
        return 0
    from grpc_tools import protoc  # noqa: PLC0415  (slow to import, and only needed when something changed)

    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    status = protoc.main(
        [
            "protoc",
            f"-I{SOURCE}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--python_out={TARGET}",
            f"--pyi_out={TARGET}",
            f"--descriptor_set_out={TARGET / 'concern_relay.binpb'}",
            "--include_imports",
            *[str(p.relative_to(SOURCE)) for p in protos],
        ]
    )
    if status != 0:
        return int(status)
    package = TARGET / "concern_relay" / "v1"
    descriptors = (TARGET / "concern_relay.binpb").read_bytes()
    (package / "descriptors.binpb").write_bytes(descriptors)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text('"""Generated from proto/; do not edit."""\n')
        (folder / "py.typed").touch()
    (package / "comments.json").write_text(json.dumps(_comments(protoc, protos), indent=1, ensure_ascii=False) + "\n")
    stamp.write_text(digest)
    print(f"built {len(protos)} proto files", file=sys.stderr)
    return 0


def _comments(protoc: Any, protos: list[Path]) -> dict[str, dict[str, str]]:
    """Give what the contract says of each value of each enum; a schema that is named by its digest leaves that out."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet  # noqa: PLC0415  (only when something changed)

    documented = TARGET / "documented.binpb"
    names = [str(p.relative_to(SOURCE)) for p in protos]
    includes = [f"-I{SOURCE}", f"-I{files('grpc_tools') / '_proto'}"]
    protoc.main(["protoc", *includes, f"--descriptor_set_out={documented}", "--include_source_info", *names])
    found: dict[str, dict[str, str]] = {}
    for file in FileDescriptorSet.FromString(documented.read_bytes()).file:
        said = {tuple(at.path): " ".join(at.leading_comments.split()) for at in file.source_code_info.location}
        for number, enum in enumerate(file.enum_type):
            values = {value.name: said.get((5, number, 2, n), "") for n, value in enumerate(enum.value)}
            found[enum.name] = {"": said.get((5, number), ""), **values}
    documented.unlink()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
