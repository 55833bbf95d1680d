"""Pages of the manual channel. They hold content only in the answer to a POST, load nothing, and run no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

# Styles stand in the page itself; forms go back to where they came from, nothing else is loaded or framed.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Give a page of the folder ``templates``."""
    headers = {
        "content-security-policy": POLICY,
        "x-robots-tag": "noindex, nofollow, noarchive",
        "cache-control": "no-store",
    }
    return HTMLResponse(_pages.get_template(f"{name}.html").render(**values), status, headers)
