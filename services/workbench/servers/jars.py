"""Java programs from Maven: each jar pinned by SHA-256 in `deploy/checksums/`, kept in the user's cache.

The pinned list is the whole resolution, so nothing is resolved at run time: jgo fetches exactly these files, four at a
time, and a file enters the cache only after its digest is right. The cache is shared by all checkouts of a user;
several may fill it at once, as each file arrives by a rename.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.workbench.servers.errors import ChecksumError, NoNetworkError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.workbench.servers.progress import Reporter

CHECKSUMS: Final = Path(__file__).parents[3] / "deploy" / "checksums"
MIRROR: Final = "RELAY_MAVEN_MIRROR"
"""The URL of a repository to use instead of Maven Central, where that cannot be reached; the digests stay."""

PARALLEL: Final = 4
ATTEMPTS: Final = 3
SOCKET_TIMEOUT_S: Final = 20
DOWNLOAD_DEADLINE_S: Final = 600.0
ARRIVING: Final = ".arriving-"


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file."""

    sha256: str
    size_bytes: int
    group: str
    artifact: str
    version: str
    classifier: str

    @property
    def name(self) -> str:
        """The file's name in the cache; the digest's beginning keeps two of one name apart."""
        tail = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{tail}-{self.sha256[:12]}.jar"


def pinned(name: str) -> tuple[Jar, ...]:
    """Read `deploy/checksums/<name>.txt`: a digest, a size and a Maven coordinate a line."""
    path = CHECKSUMS / f"{name}.txt"
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
        return tuple(Jar(sha256, int(size), *[*coordinate.split(":"), ""][:4]) for sha256, size, coordinate in rows)
    except (OSError, ValueError, TypeError) as cause:
        raise StateError(f"cannot read the pinned list {path.name}: {cause}") from cause


def cache_dir() -> Path:
    """Where downloads are kept: XDG_CACHE_HOME or ~/.cache, then `concern-relay/jars`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "concern-relay" / "jars"


def fetched(name: str, reporter: Reporter) -> tuple[Path, ...]:
    """The files of a pinned list, downloaded if they are not in the cache; every digest is checked every time.

    Raises:
        NoNetworkError: something is missing and cannot be had.
        ChecksumError: what arrived is not what was pinned.
    """
    jars, folder = pinned(name), cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not _is_whole(folder / jar.name, jar)]
    if missing:
        _download(name, missing, folder, reporter)
    return tuple(folder / jar.name for jar in jars)


def _download(name: str, missing: Sequence[Jar], folder: Path, reporter: Reporter) -> None:
    _forget_what_was_cut_short(folder)
    advance = reporter.download(name, sum(jar.size_bytes for jar in missing))
    with tempfile.TemporaryDirectory(prefix=ARRIVING, dir=folder) as arriving:
        pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="download")
        try:
            waiting = [pool.submit(_fetch, jar, Path(arriving), folder, advance) for jar in missing]
            for done in as_completed(waiting, timeout=DOWNLOAD_DEADLINE_S):
                done.result()
        except TimeoutError as cause:
            raise NoNetworkError(f"{name} did not arrive within {DOWNLOAD_DEADLINE_S:.0f} s; try again") from cause
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _forget_what_was_cut_short(folder: Path) -> None:
    """Remove what a download left behind that was killed; one that still goes on is younger."""
    for leftover in folder.glob(f"{ARRIVING}*"):
        if time.time() - leftover.stat().st_mtime > 2 * DOWNLOAD_DEADLINE_S:
            shutil.rmtree(leftover, ignore_errors=True)


def _fetch(jar: Jar, arriving: Path, folder: Path, advance: Callable[[int], None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            path = _from_maven(jar, arriving / f"{jar.artifact}-{attempt}", advance)
        except OSError as cause:  # requests' errors are OSErrors
            if attempt == ATTEMPTS:
                raise _no_network(jar, cause) from cause
            continue
        except RuntimeError as cause:  # how jgo says "not found"
            raise _no_network(jar, cause) from cause
        break
    if not _is_whole(path, jar):
        raise ChecksumError(
            f"{jar.artifact} {jar.version} arrived with another SHA-256 than deploy/checksums says; it was not used. "
            f"Something between here and Maven changes files, or the list is wrong"
        )
    path.replace(folder / jar.name)


def _from_maven(jar: Jar, repository: Path, advance: Callable[[int], None]) -> Path:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 (half a second, and seldom needed)

    @contextmanager
    def bar(_: str, __: int) -> Iterator[Callable[[int], None]]:
        yield advance

    mirror = os.environ.get(MIRROR)
    context = MavenContext(
        resolver=PythonResolver(progress_callback=bar),
        repo_cache=repository,
        local_repos=[],
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=SOCKET_TIMEOUT_S,
    )
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact(classifier=jar.classifier, packaging="jar").resolve())


def _no_network(jar: Jar, cause: Exception) -> NoNetworkError:
    return NoNetworkError(
        f"cannot download {jar.artifact} {jar.version} ({type(cause).__name__}). The first run needs the network "
        f"(Kafka 45 MB, Zipkin 131 MB); afterwards it works from {cache_dir()}. Connect, or set HTTPS_PROXY "
        f"or {MIRROR}, or give running servers with KAFKA_BOOTSTRAP_SERVERS and RELAY_DATABASE_URL"
    )


def _is_whole(path: Path, jar: Jar) -> bool:
    try:
        if path.stat().st_size != jar.size_bytes:
            return False
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False
