"""Steps that follow a share, as calls to the running house: what its HTTP routes are asked, as the agencies would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

Call = tuple[str, dict[str, Any]]
_NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class AfterCalls:
    """Makes calls for one concern: paths and bodies of POST requests to routing."""

    concern_id: str
    seen: Seen
    agency_id: str

    def of(self, step: Afterwards) -> list[Call]:  # noqa: C901, PLR0912  (a table: one row a step)
        """Give the calls a step asks for. What is not there is asked for all the same: the house says no."""
        find = Finder(self.seen)
        who = {"name": step.name, "role": step.role}
        said = who | {"words": getattr(step, "words", "")}
        match step:
            case Recall():
                body = said | {"concern_id": self.concern_id, "recipient_agency_id": step.from_}
                body |= {"reason": _word(step.reason), "correct_agency_id": step.correct}
                return [("/v1/recalls", body | {"hidden_address": step.hidden_address})]
            case Erase():
                path = f"/v1/erasures/{_id(find.erasure(self.agency_id), 'erasure_id')}"
                if step.answer == "confirmed":
                    return [(f"{path}/confirm", said)]
                return [(f"{path}/decline", said | ({"ground": _word(step.ground)} if step.ground else {}))]
            case SafetyCall():
                told = {"told_name": step.told, "told_role": step.told_role}
                return [(f"/v1/breaches/{_id(find.breach(), 'breach_id')}/safety-call", said | told)]
            case DecideBreach():
                return [(f"/v1/breaches/{_id(find.breach(), 'breach_id')}/{step.decision.replace('_', '-')}", said)]
            case Disagree():
                share = find.disputed(self.agency_id, step.with_)
                body = said | {"concern_id": self.concern_id, "about": _word(step.about)}
                return [("/v1/disagreements", body | {"share_id": _id(share, "share_id")})]
            case NextStage():
                return [(f"/v1/disagreements/{_id(find.disagreement(), 'disagreement_id')}/next-stage", said)]
            case Resolve():
                path = f"/v1/disagreements/{_id(find.disagreement(), 'disagreement_id')}/resolve"
                return [(path, said | {"resolution": _word(step.resolution)})]
            case Ask():
                body = who | {"concern_id": self.concern_id, "to_agency_id": step.to, "band": _word(step.band)}
                body |= {"purpose": step.purpose, "question": step.question}
                return [("/v1/requests", body | ({"power": _word(step.power)} if step.power is not None else {}))]
            case Answer():
                found = find.request(self.agency_id, step.asked_by)
                body = said | {"answer": step.answer} | ({"reason": _word(step.reason)} if step.reason else {})
                return [(f"/v1/requests/{_id(found, 'request_id')}/answer", body)]
            case Bring():
                body = who | {"told_name": step.told, "told_role": step.told_role, "said": step.words}
                found = [share.share_id for share in find.to_bring(step.to)] or [_NOBODY]
                return [(f"/v1/by-hand/{share_id}/delivered", body) for share_id in found]
            case DoDuty():
                found = find.duty(self.agency_id, step.duty)
                return [(f"/v1/duties/{_id(found, 'duty_id')}/done", said)]
            case Receive():
                return list(self._receipts(step, find, who))

    def _receipts(self, step: Receive, find: Finder, who: dict[str, str]) -> list[Call]:
        found = find.shares(self.agency_id) or find.shares()
        calls: list[Call] = []
        for ref in step.items:
            part_id = self.seen.part(ref)
            share = next((s for s in found if any(p.part_id == part_id for p in s.parts)), found[0] if found else None)
            calls.append((f"/v1/inbox/{_id(share, 'share_id')}/attachments/{part_id}/received", dict(who)))
        return calls


def _id(found: Any, name: str) -> str:
    return _NOBODY if found is None else str(getattr(found, name))


def _word(value: Any) -> str:
    return str(getattr(value, "value", value))
