"""Plays on the running house: over HTTP as the agencies would, and looks at what lies on Kafka.

The house must run with RELAY_CLOCK=test, so that time can be moved. References get an ending of their own, so that a
scenario can be played again on the same house.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from concern_relay.v1.codes_pb2 import Channel
from services.chassis.clock import SystemClock
from services.chassis.concern import Concern
from services.chassis.envelope import Event
from services.chassis.event import Fact
from services.chassis.journal import opened, sealed_parts
from services.chassis.keys import VaultKeys, kms_of
from services.chassis.settings import Settings
from services.intake.content.follow_up import Following
from services.intake.ids import IdKey
from services.intake.reading import read_tree
from services.workbench.calls import CallError, local_calls
from services.workbench.scenario.access import Access, AskAccess
from services.workbench.scenario.access_acts import open_request, share_held
from services.workbench.scenario.acts import Decide, GiveOutcome, Raise, Redirect
from services.workbench.scenario.after import OPERATOR, Afterwards, Renew, Revoke
from services.workbench.scenario.after_calls import AfterCalls
from services.workbench.scenario.after_find import Finder
from services.workbench.scenario.attaching import Attach, Attaching, Release, ref_of
from services.workbench.scenario.attaching_acts import declaration_of, file_of, release_of
from services.workbench.scenario.decision_acts import open_decision
from services.workbench.scenario.erasing import Erasing
from services.workbench.scenario.erasing_acts import call_of
from services.workbench.scenario.follow import KINDS, PATHS, body_of, consent_ref, over_kafka, read, refs_there
from services.workbench.scenario.following import Follow, LinkConcerns, MoveChild, WithdrawConsent
from services.workbench.scenario.given import Given
from services.workbench.scenario.over_kafka import followed_over_kafka, raised_over_kafka
from services.workbench.scenario.quiet import Quiet
from services.workbench.scenario.raising import refs_named, tree_of
from services.workbench.scenario.scene import arrangement_of, classes_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.share_acts import share_meant, shares_meant
from services.workbench.scenario.stage import Act, NotHereError, SceneError
from services.workbench.scenario.terms import local
from services.workbench.servers import Servers, running

PURPOSE: Final = "replay"
NOBODY: Final = "00000000-0000-4000-8000-000000000000"


class Live:
    """A stagehand on the running house."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._calls = local_calls()
        self._concerns: dict[str, tuple[str, dict[str, str]]] = {}
        self._ending = uuid4().hex[:8]
        self._classes: dict[str, str] = {}
        if "intake" not in self._calls.urls:
            raise SceneError("nothing runs here: start it with RELAY_CLOCK=test make run")
        # shares the servers of the running house
        self._servers: Servers = self._stack.enter_context(running(want=frozenset({"kafka", "postgres"})))
        self._runner = self._stack.enter_context(asyncio.Runner())
        self._quiet = self._runner.run(Quiet(self._servers).__aenter__())
        self._stack.callback(lambda: self._runner.run(self._quiet.__aexit__()))
        self._settings = Settings("workbench", state_dir=self._servers.state_dir)

    def begin(self, given: Given) -> None:
        """Set the time."""
        if given.agencies:
            raise NotHereError("the running house has its own arrangement; agencies cannot be changed there")
        if given.law:
            raise NotHereError("the running house has its own law; a pack that is not in force cannot be chosen there")
        now = local(given.now)
        self._classes = classes_of(arrangement_of(given, now))
        self._move(set=now.isoformat())

    @property
    def now(self) -> datetime:
        """The time."""
        return self._move(advance_s=0)

    def advance(self, to: datetime) -> None:
        """Move the time, and let what falls due be done."""
        self._settled()
        self._move(set=to.isoformat())
        self._settled()

    def raise_(self, step: Raise) -> str:
        """Send a submission."""
        tree = tree_of(step)
        tree["reference"] = f"{tree['reference']} {self._ending}"
        try:
            if step.over == "kafka":
                concern_id = raised_over_kafka(self._servers, self._calls, step.agency, tree)
            else:
                concern_id = self._calls("intake", "POST", "/v1/concerns", agency=step.agency, json=tree)["concern_id"]
        except CallError as error:
            return error.code
        refs = refs_named(read_tree(tree).submission, concern_id, self._runner.run(self._id_key()))
        self._concerns[step.concern] = (concern_id, refs)
        self._settled()
        return ""

    def follow(self, verb: str, step: Follow) -> str:
        """Follow a concern up, as its sender would; each step is meant anew."""
        concern_id, refs = self._known(step.concern)
        seen = self.seen(step.concern)
        raised: Any = seen.of("ConcernRaised")[0]
        agency = step.agency or raised.agency_id
        other = self._known(step.other)[0] if isinstance(step, LinkConcerns) else ""
        held = [
            p.consent.consent_ref for f in seen.facts for p in f.parts.values() if p.WhichOneof("body") == "consent"
        ]
        consents = {ref: i for ref, i in refs.items() if i in held}
        about = consent_ref(step, refs, consents) if isinstance(step, WithdrawConsent) else other
        tree = body_of(verb, step, other)
        asked = read(verb, concern_id, tree, about)
        if step.over == "kafka":
            refused = self._followed_over_kafka(agency, (KINDS[verb], concern_id), over_kafka(verb, tree, about))
        else:
            refused = self._followed_over_http(agency, verb, concern_id, tree, about)
        id_key = self._runner.run(self._id_key())
        now = self.now
        refs.update(Following(Concern(concern_id), agency, id_key, now, now.date()).refs(asked.given))
        moved = self.seen(step.concern).of("ChildMoved") if isinstance(step, MoveChild) else []
        if moved and (lost := moved[-1].raises_concern_id):
            self._concerns[step.raises] = (lost, refs_there(refs, lost))  # type: ignore[union-attr]
        return refused

    def _followed_over_kafka(self, agency: str, what: tuple[str, str], tree: dict[str, Any]) -> str:
        try:
            followed_over_kafka(self._servers, self._calls, agency, what, tree)
        except CallError as error:
            return error.code
        self._settled()
        return ""

    def _followed_over_http(self, agency: str, verb: str, concern_id: str, tree: dict[str, Any], about: str) -> str:
        path = PATHS.get(verb) or {"consent_withdrawn": f"consents/{about}/withdrawal"}.get(
            verb, f"links/{about}/removal"
        )
        return self._asked(
            "intake", "POST", f"/v1/concerns/{concern_id}/{path}", agency, json=tree,
            headers={"Idempotency-Key": uuid4().hex},
        )  # fmt: skip

    def act(self, verb: str, step: Act) -> str:
        """Act on the newest share an agency has of a concern; without one, on the newest share there is."""
        found = shares_meant(self.seen(step.concern), step.agency, verb, step.view)
        refused = (self._act_on(share, verb, step) for share in found)
        return next(filter(None, refused), "") if found else "unknown_share"

    def _act_on(self, share: Any, verb: str, step: Act) -> str:
        mine = share.recipient_agency_id == step.agency
        person: dict[str, Any]
        if verb == "acknowledge" and mine and Channel.CHANNEL_INBOX not in share.channels:
            by_hand = f"/v1/by-hand/{share.share_id}/acknowledged"  # who has no inbox says so to the sender
            person = {"name": step.name, "role": step.role}
            return self._asked("routing", "POST", by_hand, share.sender_agency_id, json=person)
        path = f"/v1/inbox/{share.share_id}"
        person = {"name": step.name, "role": step.role}
        if isinstance(step, GiveOutcome):
            person |= {"outcome": step.outcome.value, "reason": step.reason}
        elif isinstance(step, Redirect):
            person |= {"to_agency_id": step.to, "reason": step.reason}
        return self._asked("routing", "POST", f"{path}/{verb}", step.agency, json=person)

    def afterwards(self, verb: str, step: Afterwards) -> str:
        """Do what follows a share, by routing's routes."""
        del verb
        concern_id, _ = self._known(step.concern)
        seen = self.seen(step.concern)
        agency = step.agency or Finder(seen).sender
        for path, body in AfterCalls(concern_id, seen, agency).of(step):
            if refused := self._asked("routing", "POST", path, agency, json=body):
                return refused
        return ""

    def agreement(self, step: Revoke | Renew) -> str:
        """Revoke an agreement, until it is renewed; or renew it."""
        body = {"agency_id": step.agency, "name": step.name, "role": step.role, "words": step.words}
        path = f"/v1/agreements/{'renewals' if isinstance(step, Renew) else 'revocations'}"
        refused = self._asked("routing", "POST", path, step.whose, json=body)
        self._settled()
        return refused

    def decide(self, step: Decide) -> str:
        """Answer an open question."""
        found = open_decision(self.seen(step.concern), step)
        if found is None:
            return "no_such_decision"
        body = {
            "outcome": step.outcome.value,
            "decided_by": {"name": step.name, "role": step.role.value},
            "reason_code": step.reason_code,
            "note": "",
            "review_on": step.review_on,
        }
        return self._asked("basis_assessment", "POST", f"/v1/decisions/{found.decision_id}", step.agency, json=body)

    def access(self, step: Access) -> str:
        """Ask for a copy of what is held, or decide on it."""
        seen, path = self.seen(step.concern), "/v1/subject-access"
        if isinstance(step, AskAccess):
            concern_id = self._known(step.concern)[0]
            body: dict[str, Any] = {
                "concern_id": concern_id, "requester": step.requester.value, "name": step.name, "words": step.words,
                "share_id": share_held(seen, step.share_of or step.agency) or None,
            }  # fmt: skip
            return self._asked("basis_assessment", "POST", path, step.agency, json=body)
        body = {
            "outcome": step.outcome.value,
            "decided_by": {"name": step.name, "role": step.role.value},
            "exemptions": [one.value for one in step.exemptions],
            "withheld_part_ids": [seen.part(ref) for ref in step.withhold],
            "health_opinion": step.health_opinion,
            "reasons": step.reasons,
        }
        path = f"{path}/{open_request(seen, step.agency)}"
        return self._asked("basis_assessment", "POST", path, step.agency, json=body)

    def attaching(self, verb: str, step: Attaching) -> str:
        """Attach a file, release it or take that back, fetch it, over HTTP."""
        concern_id, refs = self._known(step.concern)
        seen, under = self.seen(step.concern), f"/v1/concerns/{concern_id}/attachments"
        agency = step.agency or Finder(seen).sender
        if isinstance(step, Attach):
            return self._attached(step, agency, under, refs)
        attachment_id = refs.get(ref_of(step.file), NOBODY)
        if isinstance(step, Release):
            path = f"{under}/{attachment_id}/{'release-withdrawals' if verb == 'withdraw_release' else 'releases'}"
            return self._asked("intake", "POST", path, agency, json=release_of(step))
        share = share_meant(seen, agency)
        if share is None:
            return "unknown_share"
        path = f"/v1/inbox/{share.share_id}/attachments/{attachment_id}/fetch"
        return self._asked("routing", "POST", path, agency, json={"name": step.name, "role": step.role})

    def erasing(self, step: Erasing) -> str:
        """Propose an erasure, decide on it, place a hold or lift it, over HTTP."""
        concern_id, _ = self._known(step.concern)
        seen = self.seen(step.concern)
        agency = step.agency or Finder(seen).sender
        path, body = call_of(step, seen, agency)
        return self._asked("intake", "POST", f"/v1/concerns/{concern_id}/{path}", agency, json=body)

    def _attached(self, step: Attach, agency: str, under: str, refs: dict[str, str]) -> str:
        if step.scan != "none":
            raise NotHereError("the running house has its own scan, or none; what it says cannot be chosen there")
        content = file_of(step.file, self._ending)
        try:
            found = self._calls("intake", "POST", under, agency=agency, json=declaration_of(step, content))
        except CallError as error:
            return error.code
        refs[ref_of(step.file)] = found["attachment_id"]
        if not step.uploaded or not found["upload_url"]:
            return ""
        return self._asked("intake", "PUT", found["upload_url"], agency, content=content)

    def seen(self, concern: str) -> Seen:
        """Give what lies on Kafka of a concern, opened for the purpose of this scenario."""
        concern_id, refs = self._known(concern)
        events = [e for e in self._settled() if e.concern_id == concern_id]
        facts = self._runner.run(self._opened(list({e.id: e for e in events}.values())))
        facts.sort(key=lambda fact: fact.recorded)
        views = {f.data.share_id: tuple(f.parts.values()) for f in facts if f.type == "SharePlanned"}  # type: ignore[union-attr]
        named = {concern_id: name for name, (concern_id, _) in self._concerns.items()}
        return Seen(facts, refs, views, classes=self._classes, concerns=named)

    def again(self) -> list[str]:
        """Nothing: ``history replay --check`` decides the whole house's history again."""
        return []

    def close(self) -> None:
        """Let go of the house."""
        self._stack.close()

    def _known(self, concern: str) -> tuple[str, dict[str, str]]:
        if concern not in self._concerns:
            raise SceneError(f"no concern called {concern!r} was raised")
        return self._concerns[concern]

    def _asked(self, service: str, method: str, path: str, agency: str, **options: Any) -> str:
        try:
            self._calls(service, method, path, agency=agency, **options)
        except CallError as error:
            return error.code
        self._settled()
        return ""

    def _move(self, **to: Any) -> datetime:
        try:
            answer = self._calls("intake", "POST", "/v1/test/clock", agency=OPERATOR, json=to)
        except CallError as error:
            if error.status == 404:
                raise SceneError("time cannot be moved here: start the house with RELAY_CLOCK=test") from error
            raise SceneError(str(error)) from error
        return datetime.fromisoformat(answer["now"]).astimezone(UTC)

    def _settled(self) -> list[Event]:
        """Wait until the house is at rest, and give all events."""
        return self._runner.run(self._quiet.rest(lambda: self.now))

    async def _opened(self, events: list[Event]) -> list[Fact]:
        keys = VaultKeys(self._servers.vault_url("workbench"), kms_of(self._settings), SystemClock())
        async with keys:
            wanted = {part.key_id for event in events for part in sealed_parts(event.data)}
            found = await keys.open(wanted, purpose=PURPOSE) if wanted else {}
            return [opened(event, found) for event in events]

    async def _id_key(self) -> IdKey:
        async with VaultKeys(self._servers.vault_url("intake"), kms_of(self._settings), SystemClock()) as keys:
            return IdKey((await keys.id_key()).secret)
