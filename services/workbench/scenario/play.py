"""Plays a scenario from its file to its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from services.workbench.scenario.acts import LONGEST, Span
from services.workbench.scenario.after import AFTERWARDS
from services.workbench.scenario.attaching import ATTACHING
from services.workbench.scenario.check import check
from services.workbench.scenario.document import Scenario
from services.workbench.scenario.erasing import ERASING
from services.workbench.scenario.following import FOLLOW_UPS
from services.workbench.scenario.given import Given
from services.workbench.scenario.reading import ScenarioFileError, files, read, schema
from services.workbench.scenario.shown import shown
from services.workbench.scenario.stage import NotHereError, SceneError, Stagehand
from services.workbench.scenario.steps import Step
from services.workbench.scenario.terms import ANY, LONDON, local

__all__ = ["Played", "ScenarioFileError", "files", "play", "read", "schema"]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario: what was not as it must be, a line each; and what there was, if that was asked for."""

    name: str
    path: str
    findings: tuple[str, ...]
    came_of_it: tuple[str, ...] = ()


def play(scenario: Scenario, path: Path, hand: Stagehand, *, show: bool = False) -> Played:
    """Play a scenario.

    Args:
        scenario: what is played.
        path: its file.
        hand: does what its steps say.
        show: tell what came of each concern that `then` looks at, whether it is as it must be or not.

    Raises:
        SceneError: it names what is not there, and where the file says so.
    """
    findings: list[str] = []
    with _at(scenario, findings, "given", "earlier"):
        findings += _earlier(scenario.given, hand)
    for number, step in enumerate(scenario.when, 1):
        with _at(scenario, findings, "when", number - 1):
            findings += [f"step {number}: {finding}" for finding in _step(step, hand)]
    for then in scenario.then:
        with _at(scenario, findings, "then"):
            findings += check(then, hand.seen(then.concern))
    findings += hand.again()
    names = dict.fromkeys(then.concern for then in scenario.then)
    came = [f"{f'{name}: ' * (len(names) > 1)}{line}" for name in names if show for line in shown(hand.seen(name))]
    return Played(scenario.scenario, path.name, tuple(findings), tuple(came))


@contextmanager
def _at(scenario: Scenario, findings: list[str], *loc: str | int) -> Iterator[None]:
    """Say where in the file a scene could not be set; and what was found first, which may be why."""
    try:
        yield
    except NotHereError:
        raise
    except SceneError as error:
        places = scenario._places  # noqa: SLF001  (where its words stand)
        if places is None:
            raise
        why = f"{error}; before that, {findings[0]}" if findings else str(error)
        raise SceneError(str(places.mistake(loc, why, "mend this step"))) from error


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
    ways: tuple[tuple[tuple[str, ...], Callable[[str, Any], str]], ...] = (
        (("access_request", "access_decide"), lambda _, asked: hand.access(asked)),
        (ATTACHING, hand.attaching),
        (ERASING, lambda _, asked: hand.erasing(asked)),
        (FOLLOW_UPS, hand.follow),
        (("revoke", "renew"), lambda _, asked: hand.agreement(asked)),
        (AFTERWARDS, hand.afterwards),
        (("read", "acknowledge", "outcome", "redirect"), hand.act),
    )
    verb, asked, do = next((v, s, do) for verbs, do in ways for v in verbs if (s := getattr(step, v)) is not None)
    return _answered(verb, asked.refused, do(verb, asked))


def _answered(what: str, wanted: str, refused: str) -> list[str]:
    if wanted == refused or (wanted == ANY and refused):
        return []
    if not wanted:
        return [f"{what} was refused: {refused}"]
    return [f"{what} must be refused with {wanted}, and was {f'refused with {refused}' if refused else 'done'}"]


def _until(span: Span, now: datetime) -> datetime:
    if span.until is not None:
        until = local(span.until)
        if until < now:
            already = f"{now.astimezone(LONDON):%Y-%m-%dT%H:%M}"
            raise SceneError(f"pass until {span.until:%Y-%m-%dT%H:%M}: time runs forward, it is already {already}")
        if until > now + LONGEST:
            raise SceneError(f"pass until {span.until:%Y-%m-%dT%H:%M}: longer than {LONGEST.days} days at once")
        return until
    return now + timedelta(weeks=span.weeks, days=span.days, hours=span.hours, minutes=span.minutes)
