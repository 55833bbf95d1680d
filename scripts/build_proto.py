"""Generate Python code and the descriptor set from ``proto/`` into ``build/proto`` when it is out of date."""

from __future__ import annotations

import hashlib
import shutil
import sys
from importlib.resources import files
from pathlib import Path

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
    stamp.write_text(digest)
    print(f"built {len(protos)} proto files", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
