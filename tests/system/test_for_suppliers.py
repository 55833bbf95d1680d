"""The page for suppliers is true: its Python and its Java raise concerns on the running house, over both doors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis.settings import REPOSITORY
from services.workbench.house import House
from services.workbench.servers import Silent, jars

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

PAGE = (REPOSITORY / "docs" / "for-suppliers.md").read_text(encoding="utf-8")
SUPPLIER = "sandbox-reader"
DEADLINE_S = 120


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def environment(running_house: House) -> dict[str, str]:
    """What the page says its examples read."""
    done = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", "agency", "add", SUPPLIER, "--no-message", "--json"),
        capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    )  # fmt: skip
    told = json.loads(Path(json.loads(done.stdout)["data"]["agencies"][0]["handover"]).read_text())
    return {
        **os.environ,
        "RELAY_URL": told["url"],
        "RELAY_TOKEN": Path(told["token_file"]).read_text().strip(),
        "RELAY_AGENCY": SUPPLIER,
        "KAFKA_BOOTSTRAP_SERVERS": told["kafka"]["bootstrap_servers"],
        "KAFKA_PROTOCOL": told["kafka"]["security_protocol"],
        "KAFKA_PASSWORD": told["kafka"]["sasl_plain_password"],
    }


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("number", range(2), ids=["http", "kafka"])
def test_the_python_of_the_page_runs(environment: dict[str, str], number: int):
    """Given the page's Python, it ends with an answer."""
    printed = _run(environment, sys.executable, "-c", _blocks("python")[number])

    assert printed.strip()


def test_the_java_of_the_page_compiles_and_both_doors_say_yes(environment: dict[str, str], tmp_path: Path):
    """Given the page's Java and the jars it names, both doors take a concern and a follow-up, with one receipt each."""
    if (javac := shutil.which("javac")) is None:
        pytest.skip("no JDK on this machine")
    classpath = os.pathsep.join(
        map(str, (*jars.fetched("kafka-4.3.1", Silent()), *jars.fetched("bouncycastle-1.87", Silent())))
    )
    (source,) = _blocks("java")
    (tmp_path / "Raise.java").write_text(source)
    _run(environment, javac, "-Werror", "-cp", classpath, "-d", str(tmp_path), str(tmp_path / "Raise.java"))

    printed = _run(environment, "java", "-cp", f"{tmp_path}{os.pathsep}{classpath}", "Raise")

    answers = re.findall(r"^(http|kafka)\s+(\d{3}) (.*)$", printed, re.MULTILINE)
    assert [answer[:2] for answer in answers] == [("http", "202"), ("kafka", "202")] * 2
    raised, again, added, added_again = (json.loads(answer[2]) for answer in answers)
    assert raised["receipt"] == again["receipt"] != added["receipt"] == added_again["receipt"]
    assert again["repeated"]
    assert added_again["repeated"]
