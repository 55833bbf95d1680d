"""Print the pinned list of Maven artifacts and of all they need, for deploy/checksums/.

    python scripts/pin_jars.py org.apache.kafka:kafka_2.13:4.3.1 org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!
    python scripts/pin_jars.py io.zipkin:zipkin-server:3.5.1:exec!

A coordinate that ends in ! is taken alone, without what it depends on. Review the difference before you commit it: from
then on these very bytes are run.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from jgo.maven import Dependency, MavenContext, PythonResolver


def artifacts(coordinate: str, context: MavenContext) -> list[Any]:
    """The artifact, and unless it ends in !, everything it needs to run."""
    group, artifact, version, *classifier = coordinate.rstrip("!").split(":")
    component = context.project(group, artifact).at_version(version)
    root = component.artifact(classifier="".join(classifier), packaging="jar")
    if coordinate.endswith("!"):
        return [root]
    asked, needed = context.resolver.resolve([Dependency(root)])
    return [dependency.artifact for dependency in (*asked, *needed)]


def line(artifact: Any) -> str:
    """One line of the list: digest, size in bytes, coordinate."""
    content = Path(artifact.resolve()).read_bytes()
    coordinate = [artifact.groupId, artifact.artifactId, artifact.version]
    coordinate += [artifact.classifier] if artifact.classifier else []
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {':'.join(coordinate)}"


def main() -> None:
    """Print the list, sorted by coordinate."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(resolver=PythonResolver(), repo_cache=Path(folder), local_repos=[])
        lines = {line(one) for coordinate in sys.argv[1:] for one in artifacts(coordinate, context)}
    print("\n".join(sorted(lines, key=lambda row: row.split()[2])))


main()
