"""Write into each overlay of ``deploy/law`` the digest of the pack it is laid over; for packs that were never used.

A pack that decided anything never changes, and neither does the digest an overlay names it by: then write a new one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from services.basis_assessment.pack_document import FOLDER, read_pack

NAMES = re.compile(r"^overlays: \{pack: (?P<pack>[a-z0-9-]+), sha256: (?P<sha256>[0-9a-f]*)\}$", re.MULTILINE)


def main() -> int:
    """Pin, bases before what is laid over them; say what changed."""
    pinned: set[str] = set()

    def pin(path: Path) -> None:
        if path.stem in pinned:
            return
        pinned.add(path.stem)
        text = path.read_text(encoding="utf-8")
        if (found := NAMES.search(text)) is None:
            return
        base = FOLDER / f"{found['pack']}.yaml"
        pin(base)
        digest = read_pack(base).sha256
        if digest != found["sha256"]:
            begins, ends = found.span("sha256")
            path.write_text(text[:begins] + digest + text[ends:], encoding="utf-8")
            print(f"{path.name}: {found['pack']} {digest}")

    for path in sorted(FOLDER.glob("*.yaml")):
        pin(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
