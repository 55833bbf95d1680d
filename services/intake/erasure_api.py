"""``/v1/concerns/{id}/erasures``, ``/holds``: erasing what an agency sent, as two named people decide (practice 19)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict, Field

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.concerns_pb2 import ErasureApproved, ErasureProposed, ErasureRejected, HoldLifted, HoldPlaced
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.chassis.auth import Caller, require
from services.chassis.codes import number_of, str_enum, word_of
from services.chassis.event import Content, KeyScope, Refused, derived_id
from services.intake.acceptance import Acceptance
from services.intake.core import NOT_YOURS, IntakeState
from services.intake.documented import PROBLEMS
from services.intake.ids import part_id

NAME_CHARS_MAX: Final = 200
WORDS_CHARS_MAX: Final = 5_000
PURPOSE: Final = "erasure"

Decider = Annotated[Caller, Depends(require("decide"))]
Holder = Annotated[Caller, Depends(require("decide", "inbox"))]
ErasureReason: Any = str_enum(codes.ErasureReason)
HoldGround: Any = str_enum(codes.HoldGround)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class By(_Body):
    """The named person who does this."""

    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"\S", examples=["Asha Example"])
    role: str = Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"\S", examples=["information governance lead"])


class Proposal(_Body):
    """What is to be erased, and why. Without person and consent: all that your agency sent of this concern."""

    reason: ErasureReason
    person: str = Field(default="", max_length=NAME_CHARS_MAX, description="Only what is about this person: ref or id.")
    consent: str = Field(default="", max_length=NAME_CHARS_MAX, description="Only what rests on it: ref or id.")
    by: By
    words: str = Field(default="", max_length=WORDS_CHARS_MAX, description="Why, in words.")


class Answer(_Body):
    """What another named person decided."""

    by: By
    words: str = Field(default="", max_length=WORDS_CHARS_MAX, description="In words; needed to reject.")


class Hold(_Body):
    """Why nothing of the concern may be erased for now."""

    ground: HoldGround
    by: By
    words: str = Field(default="", max_length=WORDS_CHARS_MAX)


class ErasureAnswer(BaseModel):
    """A proposal and what became of it."""

    erasure_id: str
    person_id: str
    consent_ref: str
    reason: str
    due_at: datetime
    state: str = Field(examples=["proposed", "approved", "rejected"])


class ErasuresAnswer(BaseModel):
    """What was proposed of a concern, and how many holds stand."""

    concern_id: str
    erasures: list[ErasureAnswer]
    holds: list[str] = Field(description="Ids of the holds that stand.")


@dataclass(frozen=True, slots=True)
class _Case:
    """A concern, as the caller's agency may see it."""

    acceptance: Acceptance
    concern_id: str
    caller: Caller

    async def state(self, *, holders: bool = False) -> IntakeState:
        """Give its state; of another agency's concern not even the existence is said."""
        found, _ = await self.acceptance.journal.state(self.concern_id, purpose=PURPOSE)
        agency = self.caller.agency_id
        if not (found.holds(agency) if holders else found.status.agency_id == agency):
            raise Refused(404, NOT_YOURS, "There is no such concern of your agency.")
        return found

    async def part(self, state: IntakeState, kind: str, given: str) -> str:
        """Give the id of a person or consent, from its ref or its id."""
        known = state.concern.parts.keys() | state.concern.unopened
        if not given or given in known:
            return given
        return part_id(await self.acceptance.id_key(), self.concern_id, kind, given)

    async def act(self, data: Message, case_id: str, by: By, words: str) -> ErasuresAnswer:
        """Record an act, and give what stands now. The same act again is harmless."""
        scope = KeyScope(case_id)
        name = data.DESCRIPTOR.name
        who = Part(named_person=NamedPerson(name=by.name, role=by.role))
        contents = [Content(derived_id(case_id, name, "by"), scope, who)]
        if words:
            contents.append(Content(derived_id(case_id, name, "words"), scope, Part(note=Note(text=words))))
        journal = self.acceptance.journal
        key = f"{case_id}/{journal.desk.act_digest(data, contents).hex()}"
        await journal.act(self.concern_id, data, agency_id=self.caller.agency_id, key=key, contents=contents)
        return _answer(self.concern_id, await self.state(holders=True))


def erasure_routes(acceptance: Acceptance) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(prefix="/v1/concerns/{concern_id}", tags=["erasure"], responses=PROBLEMS)

    @routes.get("/erasures", summary="What was proposed to be erased, and what became of it")
    async def list_erasures(concern_id: UUID, caller: Decider) -> ErasuresAnswer:
        return _answer(str(concern_id), await _Case(acceptance, str(concern_id), caller).state())

    @routes.post("/erasures", status_code=202, summary="Propose to erase; another named person decides in a month")
    async def propose(concern_id: UUID, body: Proposal, caller: Decider) -> ErasuresAnswer:
        case = _Case(acceptance, str(concern_id), caller)
        state = await case.state()
        person = await case.part(state, "person", body.person)
        consent = await case.part(state, "consent", body.consent)
        before = sum(
            bool(e.answer) and (e.data.person_id, e.data.consent_ref) == (person, consent)
            for e in state.erasures.proposed.values()
        )
        erasure_id = derived_id(case.concern_id, "erase", person, consent, body.reason.value, str(before))
        data = ErasureProposed(
            concern_id=case.concern_id,
            agency_id=caller.agency_id,
            erasure_id=erasure_id,
            person_id=person,
            consent_ref=consent,
            reason=number_of(codes.ErasureReason, body.reason.value),
        )
        return await case.act(data, erasure_id, body.by, body.words)

    @routes.post("/erasures/{erasure_id}/approval", status_code=202, summary="Approve, as another named person")
    async def approve(concern_id: UUID, erasure_id: UUID, body: Answer, caller: Decider) -> ErasuresAnswer:
        case = _Case(acceptance, str(concern_id), caller)
        ids: dict[str, Any] = {
            "concern_id": case.concern_id,
            "agency_id": caller.agency_id,
            "erasure_id": str(erasure_id),
        }
        return await case.act(ErasureApproved(**ids), str(erasure_id), body.by, body.words)

    @routes.post("/erasures/{erasure_id}/rejection", status_code=202, summary="Keep it, with the reason in words")
    async def reject(concern_id: UUID, erasure_id: UUID, body: Answer, caller: Decider) -> ErasuresAnswer:
        case = _Case(acceptance, str(concern_id), caller)
        ids: dict[str, Any] = {
            "concern_id": case.concern_id,
            "agency_id": caller.agency_id,
            "erasure_id": str(erasure_id),
        }
        return await case.act(ErasureRejected(**ids), str(erasure_id), body.by, body.words)

    @routes.post("/holds", status_code=202, summary="Ask that nothing of a concern is erased; whoever holds it may")
    async def hold(concern_id: UUID, body: Hold, caller: Holder) -> ErasuresAnswer:
        case = _Case(acceptance, str(concern_id), caller)
        hold_id = derived_id(case.concern_id, "hold", caller.agency_id, body.ground.value)
        data = HoldPlaced(
            concern_id=case.concern_id,
            agency_id=caller.agency_id,
            hold_id=hold_id,
            ground=number_of(codes.HoldGround, body.ground.value),
        )
        return await case.act(data, hold_id, body.by, body.words)

    @routes.post("/holds/{hold_id}/removal", status_code=202, summary="Lift a hold that your agency placed")
    async def lift(concern_id: UUID, hold_id: UUID, body: Answer, caller: Holder) -> ErasuresAnswer:
        case = _Case(acceptance, str(concern_id), caller)
        data = HoldLifted(concern_id=case.concern_id, agency_id=caller.agency_id, hold_id=str(hold_id))
        return await case.act(data, str(hold_id), body.by, body.words)

    return routes


def _answer(concern_id: str, state: IntakeState) -> ErasuresAnswer:
    erasures = [
        ErasureAnswer(
            erasure_id=erasure_id,
            person_id=one.data.person_id,
            consent_ref=one.data.consent_ref,
            reason=word_of(codes.ErasureReason, one.data.reason),
            due_at=one.due,
            state=one.answer or "proposed",
        )
        for erasure_id, one in state.erasures.proposed.items()
    ]
    return ErasuresAnswer(concern_id=concern_id, erasures=erasures, holds=sorted(state.erasures.holds))
