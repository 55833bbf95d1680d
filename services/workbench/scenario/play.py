"""Plays a scenario from its file to its findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.workbench.scenario.after import AFTERWARDS
from services.workbench.scenario.check import check, local
from services.workbench.scenario.document import FOLLOW_UPS, Given, Scenario, Span, Step
from services.workbench.scenario.stage import SceneError, Stagehand

FILE_BYTES_MAX = 1024 * 1024


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, without its dates: a date is text here, as it is in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class ScenarioFileError(Exception):
    """A file that is no scenario: exit 2."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario: what was not as it must be, a line each."""

    name: str
    path: str
    findings: tuple[str, ...]


def read(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioFileError: names file, place and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > FILE_BYTES_MAX:
            raise ScenarioFileError(f"{path.name}: larger than {FILE_BYTES_MAX} bytes")
        return Scenario.model_validate(yaml.load(text, _Loader))  # noqa: S506  (a safe loader)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioFileError(f"{path.name}: cannot be read: {type(error).__name__}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ScenarioFileError(f"{path.name}:{where} is not YAML: {getattr(error, 'problem', error)}") from error
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10])
        raise ScenarioFileError(f"{path.name}: {places}. `scenario schema` prints the words there are") from error


def files(paths: list[Path]) -> list[Path]:
    """Give the scenario files of paths; folders are searched.

    Raises:
        ScenarioFileError: a path is not there, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
        elif path.exists():
            found.append(path)
        else:
            raise ScenarioFileError(f"{path}: there is no such file or folder")
    if not found:
        raise ScenarioFileError("no scenario there: files end in .yaml")
    return found


def play(scenario: Scenario, path: Path, hand: Stagehand) -> Played:
    """Play a scenario.

    Raises:
        SceneError: it names what is not there.
    """
    findings: list[str] = []
    findings += _earlier(scenario.given, hand)
    for number, step in enumerate(scenario.when, 1):
        findings += [f"step {number}: {finding}" for finding in _step(step, hand)]
    findings += check(scenario.then, hand.seen(scenario.then.concern))
    return Played(scenario.scenario, path.name, tuple(findings))


def _earlier(given: Given, hand: Stagehand) -> list[str]:
    """Set the scene, and play what is over when the scenario begins."""
    now = local(given.now)
    if not given.earlier:
        hand.begin(given)
        return []
    at = local(given.earlier[0].at) if given.earlier[0].at else now - timedelta(days=1)
    hand.begin(given.model_copy(update={"now": at}))
    findings: list[str] = []
    for number, step in enumerate(given.earlier, 1):
        after, at = at, local(step.at) if step.at else at
        if not after <= at <= now:
            raise SceneError(f"given.earlier step {number}: steps are in order of time, and none is after `now`")
        if at > hand.now:
            hand.advance(at)
        findings += [f"earlier step {number}: {finding}" for finding in _step(step, hand)]
    if now > hand.now:
        hand.advance(now)
    return findings


def _step(step: Step, hand: Stagehand) -> list[str]:
    if step.expect is not None:
        return check(step.expect, hand.seen(step.expect.concern))
    if step.pass_ is not None:
        hand.advance(_until(step.pass_, hand.now))
        return []
    if step.raise_ is not None:
        return _answered("raise", "", hand.raise_(step.raise_))
    if step.decide is not None:
        return _answered("decide", step.decide.refused, hand.decide(step.decide))
    return _acted(step, hand)


def _acted(step: Step, hand: Stagehand) -> list[str]:
    for verb in ("access_request", "access_decide"):
        if (access := getattr(step, verb)) is not None:
            return _answered(verb, access.refused, hand.access(access))
    for verb in FOLLOW_UPS:
        if (follow := getattr(step, verb)) is not None:
            return _answered(verb, follow.refused, hand.follow(verb, follow))
    for verb in AFTERWARDS:
        if (after := getattr(step, verb)) is not None:
            return _answered(verb, after.refused, hand.afterwards(verb, after))
    verb, act = next(
        (v, a) for v in ("read", "acknowledge", "outcome", "redirect") if (a := getattr(step, v)) is not None
    )
    return _answered(verb, act.refused, hand.act(verb, act))


def _answered(what: str, wanted: str, refused: str) -> list[str]:
    if wanted == refused:
        return []
    if not wanted:
        return [f"{what} was refused: {refused}"]
    return [f"{what} must be refused with {wanted}, and was {f'refused with {refused}' if refused else 'done'}"]


def _until(span: Span, now: datetime) -> datetime:
    if span.until is not None:
        until = local(span.until)
        if until < now:
            raise SceneError(f"pass until {span.until}: time runs forward, it is already {now.astimezone(UTC)}")
        return until
    return now + timedelta(days=span.days, hours=span.hours, minutes=span.minutes)


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
