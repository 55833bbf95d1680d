"""Steps that follow a share, as acts of routing's core: the message that is asked to be recorded, and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1 import shares_pb2 as shares
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.chassis.codes import number_of
from services.chassis.event import Content, KeyScope, derived_id
from services.workbench.scenario.after import (
    Afterwards,
    Answer,
    Ask,
    Bring,
    DecideBreach,
    Disagree,
    DoDuty,
    Erase,
    NextStage,
    Recall,
    Receive,
    Resolve,
    SafetyCall,
)
from services.workbench.scenario.after_find import Finder
from services.workbench.scenario.seen import Seen

Asked = tuple[Message, list[Content]]


@dataclass(frozen=True, slots=True)
class Acts:
    """Makes acts for one concern.

    Attributes:
        number: of the step; requests of one scenario differ by it.
    """

    concern_id: str
    seen: Seen
    agency_id: str
    number: int

    def of(self, step: Afterwards) -> list[Asked] | str:  # noqa: C901  (a table: one row a step)
        """Give the acts a step asks for, or the code of what is not there."""
        find = Finder(self.seen)
        match step:
            case Recall():
                return self._recalls(step, find)
            case Erase():
                return self._erasure(step, find.erasure(self.agency_id))
            case SafetyCall() | DecideBreach():
                return self._breach(step, find.breach())
            case Disagree():
                return self._disagreement(step, find.disputed(self.agency_id, step.with_))
            case NextStage() | Resolve():
                return self._moved(step, find.disagreement())
            case Ask():
                return self._request(step)
            case Answer():
                return self._answer(step, find.request(self.agency_id, step.asked_by))
            case Receive():
                return self._receipts(step, find)
            case DoDuty():
                return self._duty(step, find.duty(self.agency_id, step.duty))
            case Bring():
                return self._bring(step, find)

    def _recalls(self, step: Recall, find: Finder) -> list[Asked] | str:
        found = find.shares(step.from_)
        return [
            (
                shares.ShareRecalled(
                    concern_id=self.concern_id,
                    share_id=share.share_id,
                    recipient_agency_id=step.from_,
                    agency_id=self.agency_id,
                    reason=number_of(codes.RecallReason, _word(step.reason)),
                    correct_agency_id=step.correct,
                    hidden_address=step.hidden_address,
                ),
                self._said(step, share.share_id, step.words),
            )
            for share in reversed(found)
        ] or "unknown_share"

    def _erasure(self, step: Erase, found: Any) -> list[Asked] | str:
        if found is None:
            return "unknown_erasure"
        ids: dict[str, Any] = {
            "concern_id": self.concern_id,
            "erasure_id": found.erasure_id,
            "share_id": found.share_id,
            "recipient_agency_id": self.agency_id,
        }
        said = self._said(step, found.erasure_id, step.words)
        if step.answer == "confirmed":
            return [(shares.ErasureConfirmed(**ids), said)]
        ground = number_of(codes.ErasureGround, _word(step.ground)) if step.ground is not None else None
        return [(shares.ErasureDeclined(**ids, ground=ground), said)]

    def _breach(self, step: SafetyCall | DecideBreach, found: Any) -> list[Asked] | str:
        if found is None:
            return "unknown_breach"
        ids: dict[str, Any] = {
            "concern_id": self.concern_id,
            "breach_id": found.breach_id,
            "controller_agency_id": self.agency_id,
        }
        said = self._said(step, found.breach_id, step.words)
        if isinstance(step, SafetyCall):
            told = Part(named_person=NamedPerson(name=step.told, role=step.told_role))
            return [(shares.SafetyCallMade(**ids), [*said, self._content("told", found.breach_id, told)])]
        kind = shares.BreachReported if step.decision == "reported" else shares.BreachNotReportable
        return [(kind(**ids), said)]

    def _disagreement(self, step: Disagree, share: Any) -> list[Asked] | str:
        if share is None:
            return "unknown_share"
        data = shares.DisagreementRaised(
            concern_id=self.concern_id,
            share_id=share.share_id,
            agency_id=self.agency_id,
            about=number_of(codes.DisagreementAbout, _word(step.about)),
        )
        return [(data, self._said(step, f"{share.share_id}/{self.number}", step.words))]

    def _moved(self, step: NextStage | Resolve, found: Any) -> list[Asked] | str:
        if found is None:
            return "unknown_disagreement"
        ids: dict[str, Any] = {
            "concern_id": self.concern_id,
            "disagreement_id": found.disagreement_id,
            "agency_id": self.agency_id,
        }
        said = self._said(step, f"{found.disagreement_id}/{self.number}", step.words)
        if isinstance(step, NextStage):
            return [(shares.DisagreementMoved(**ids), said)]
        resolution = number_of(codes.DisagreementResolution, _word(step.resolution))
        return [(shares.DisagreementResolved(**ids, resolution=resolution), said)]

    def _request(self, step: Ask) -> list[Asked]:
        request_id = derived_id(self.concern_id, "request", step.agency, step.to, str(self.number))
        data = shares.InformationRequested(
            concern_id=self.concern_id,
            request_id=request_id,
            agency_id=step.agency,
            asked_agency_id=step.to,
            band=number_of(codes.RequestBand, _word(step.band)),
            power=number_of(codes.Gateway, _word(step.power)) if step.power is not None else None,
        )
        said = self._said(step, request_id, step.question)
        if step.purpose:
            said.append(self._content("purpose", request_id, Part(note=Note(text=step.purpose))))
        return [(data, said)]

    def _answer(self, step: Answer, found: Any) -> list[Asked] | str:
        if found is None:
            return "unknown_request"
        ids: dict[str, Any] = {
            "concern_id": self.concern_id,
            "request_id": found.request_id,
            "asked_agency_id": self.agency_id,
        }
        said = self._said(step, found.request_id, step.words)
        if step.answer == "provided":
            return [(shares.InformationProvided(**ids), said)]
        if step.answer == "nothing_held":
            return [(shares.NothingHeld(**ids), said)]
        reason = number_of(codes.RequestRefusal, _word(step.reason)) if step.reason is not None else None
        return [(shares.InformationRefused(**ids, reason=reason), said)]

    def _duty(self, step: DoDuty, found: Any) -> list[Asked] | str:
        if found is None:
            return "unknown_duty"
        data = shares.DutyDone(concern_id=self.concern_id, duty_id=found.duty_id, agency_id=self.agency_id)
        return [(data, self._said(step, found.duty_id, step.words))]

    def _bring(self, step: Bring, find: Finder) -> list[Asked] | str:
        found = [self._brought(step, share) for share in find.to_bring(step.to)]
        refused = next((one for one in found if isinstance(one, str)), "" if found else "unknown_share")
        return refused or [one for one in found if not isinstance(one, str)]

    def _brought(self, step: Bring, share: Any) -> Asked | str:
        if share.sender_agency_id != self.agency_id:
            return "not_the_sender"
        if codes.Channel.CHANNEL_INBOX in share.channels:
            return "has_an_inbox"
        data = shares.ShareDelivered(
            concern_id=self.concern_id,
            share_id=share.share_id,
            recipient_agency_id=step.to,
            channel=codes.Channel.CHANNEL_MANUAL,
            attempt=1,
        )
        told = Part(named_person=NamedPerson(name=step.told, role=step.told_role))
        return data, [*self._said(step, share.share_id, step.words), self._content("told", share.share_id, told)]

    def _receipts(self, step: Receive, find: Finder) -> list[Asked] | str:
        found = find.shares(self.agency_id) or find.shares()
        if not found:
            return "unknown_share"
        asked: list[Asked] = []
        for ref in step.items:
            part_id = self.seen.part(ref)
            share = next((s for s in found if any(p.part_id == part_id for p in s.parts)), found[0])
            data = shares.AttachmentReceived(
                concern_id=self.concern_id,
                share_id=share.share_id,
                recipient_agency_id=self.agency_id,
                part_id=part_id,
            )
            asked.append((data, self._said(step, f"{share.share_id}/{part_id}", "")))
        return asked

    def _said(self, step: Any, about: str, words: str) -> list[Content]:
        who = Part(named_person=NamedPerson(name=step.name, role=step.role))
        found = [self._content("actor", about, who)]
        return [*found, self._content("note", about, Part(note=Note(text=words)))] if words else found

    def _content(self, kind: str, about: str, part: Part) -> Content:
        return Content(derived_id(self.concern_id, kind, about), KeyScope(self.concern_id, share_id=about), part)


def _word(value: Any) -> str:
    return str(getattr(value, "value", value))
