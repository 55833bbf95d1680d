"""Downloads: only what was pinned comes in."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from services.workbench.servers import ChecksumError, NoNetworkError, Silent, jars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = b"the jar that was pinned"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


class _Counts(Silent):
    def __init__(self) -> None:
        self.announced = 0
        self.arrived = 0

    def download(self, what: str, total_bytes: int) -> Callable[[int], None]:
        self.announced = total_bytes

        def advance(count: int) -> None:
            self.arrived += count

        return advance


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a repository that a local server offers, with an empty cache and a pinned list of one jar."""
    folder = tmp_path / "repository" / "org" / "example" / "thing" / "1.0"
    folder.mkdir(parents=True)
    lists = tmp_path / "checksums"
    lists.mkdir()
    (lists / "thing-1.0.txt").write_text(
        f"# a list\n{hashlib.sha256(CONTENT).hexdigest()} {len(CONTENT)} org.example:thing:1.0\n"
    )
    monkeypatch.setattr(jars, "CHECKSUMS", lists)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with _served(tmp_path / "repository") as url:
        monkeypatch.setenv(jars.MIRROR, url)
        yield folder / "thing-1.0.jar"


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_what_was_pinned_is_fetched_once(mirror: Path):
    """Given the right file, it enters the cache with progress told, and the next time no network is needed."""
    mirror.write_bytes(CONTENT)
    told = _Counts()

    (path,) = jars.fetched("thing-1.0", told)
    mirror.unlink()
    again = jars.fetched("thing-1.0", Silent())

    assert path.read_bytes() == CONTENT
    assert (told.announced, told.arrived) == (len(CONTENT), len(CONTENT))
    assert again == (path,)


@pytest.mark.parametrize("wrong", [b"the jar that was forged", b"another length"])
def test_anything_else_stays_out(mirror: Path, wrong: bytes):
    """Given a file with other bytes, it does not enter the cache, and the message names it."""
    mirror.write_bytes(wrong)

    with pytest.raises(ChecksumError, match=r"thing 1\.0 arrived with another SHA-256"):
        jars.fetched("thing-1.0", Silent())

    assert [path for path in jars.cache_dir().rglob("*") if path.is_file()] == []


def test_a_damaged_file_in_the_cache_is_fetched_again(mirror: Path):
    """Given a cached file that was changed since, it is replaced by the pinned one."""
    mirror.write_bytes(CONTENT)
    (path,) = jars.fetched("thing-1.0", Silent())
    path.write_bytes(CONTENT.upper())

    jars.fetched("thing-1.0", Silent())

    assert path.read_bytes() == CONTENT


def test_a_file_that_is_not_there_is_named(mirror: Path):
    """Given a repository without the file, the message names it and says what to do."""
    with pytest.raises(NoNetworkError, match=r"cannot download thing 1\.0 .* RELAY_MAVEN_MIRROR"):
        jars.fetched("thing-1.0", Silent())


def test_the_shipped_lists_are_whole():
    """Every line of the shipped lists is a digest, a size and a coordinate, each file once."""
    for name in ("kafka-4.3.1", "zipkin-3.5.1"):
        pinned = jars.pinned(name)

        assert pinned
        assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in pinned)
        assert len({jar.name for jar in pinned}) == len(pinned)
