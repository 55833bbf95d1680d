"""Sample practitioners: invented people who read, acknowledge, decide and give outcomes, so that a demo ends.

They use the same HTTP doors as anybody. Nothing of the product acknowledges by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from services.workbench.calls import CallError, Calls

NAMES: Final = ("Asha Example", "Ben Sample", "Carol Invented", "Dev Notional", "Efua Madeup", "Finn Pretend")
ROLE_OF_CLASS: Final = {
    "childrens_social_care": "duty social worker",
    "police": "public protection officer",
    "education": "designated safeguarding lead",
    "health": "safeguarding nurse",
    "ambulance": "safeguarding lead",
}
OUTCOMES: Final = ("referral_accepted", "strategy_discussion", "family_help", "recorded")
SHARE: Final = "share_power"
OPERATOR: Final = "operator"
SUPPLIER_PREFIX: Final = "supplier-"


@dataclass
class Practitioners:
    """The people of some agencies.

    Attributes:
        calls: how they reach the house.
        agencies: whose people they are.
        acknowledged: shares acknowledged so far.
        decided: decisions recorded so far.
    """

    calls: Calls
    agencies: tuple[str, ...]
    acknowledged: int = 0
    decided: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def work(self) -> int:
        """Go once round every inbox and every open decision; give how many things were done."""
        return self._by_hand() + sum(self._inbox(agency) + self._decisions(agency) for agency in self.agencies)

    def _inbox(self, agency: str) -> int:
        waiting = [
            share
            for test in ("false", "true")
            for share in self._call(
                "routing", "GET", "/v1/inbox", agency, params={"state": "delivered", "test": test}
            ).get("shares", [])
        ]
        for share in waiting:
            self._acknowledge(agency, share)
        return len(waiting)

    def _by_hand(self) -> int:
        """Telephone those who have no inbox, and record the call: who told whom, and that they have taken it on."""
        shares = self._call("routing", "GET", "/v1/by-hand", OPERATOR).get("shares", [])
        for share in shares:
            path = f"/v1/by-hand/{share['share_id']}"
            told = {"name": NAMES[0], "role": "duty social worker"}
            call = {"name": NAMES[1], "role": "duty officer", "told_name": told["name"], "told_role": told["role"]}
            self._call("routing", "POST", f"{path}/delivered", OPERATOR, json={**call, "said": "read out in full"})
            if "error" not in self._call("routing", "POST", f"{path}/acknowledged", OPERATOR, json=told):
                self.acknowledged += 1
        return len(shares)

    def _acknowledge(self, agency: str, share: dict[str, Any]) -> None:
        number = int(share["share_id"].replace("-", "")[:6], 16)
        person = {
            "name": NAMES[number % len(NAMES)],
            "role": ROLE_OF_CLASS.get(share.get("recipient_class", ""), "safeguarding lead"),
        }
        path = f"/v1/inbox/{share['share_id']}"
        self._call("routing", "POST", f"{path}/read", agency, json=person)
        self._call("routing", "POST", f"{path}/acknowledge", agency, json=person)
        self.acknowledged += 1
        outcome = {**person, "outcome": OUTCOMES[number % len(OUTCOMES)], "reason": ""}
        self._call("routing", "POST", f"{path}/outcome", agency, json=outcome)

    def _decisions(self, agency: str) -> int:
        decisions = self._call("basis_assessment", "GET", "/v1/decisions", agency).get("decisions", [])
        for decision in decisions:
            number = int(decision["decision_id"].replace("-", "")[:6], 16)
            body = {
                "outcome": decision.get("proposal") if str(decision.get("proposal", "")).startswith("share") else SHARE,
                "decided_by": {"name": NAMES[number % len(NAMES)], "role": decision.get("role") or "safeguarding_lead"},
                "reason_code": "needed_to_protect",
                "note": "",
                "review_on": "",
            }
            if "error" not in self._call(
                "basis_assessment", "POST", f"/v1/decisions/{decision['decision_id']}", agency, json=body
            ):
                self.decided += 1
        return len(decisions)

    def _call(self, service: str, method: str, path: str, agency: str, **options: Any) -> dict[str, Any]:
        """Call, and count what is refused: the books show it."""
        try:
            answer: dict[str, Any] = self.calls(service, method, path, agency=agency, **options)
        except CallError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            return {"error": error.code}
        return answer


def sample_agencies(tokens: Iterable[str]) -> tuple[str, ...]:
    """Give the agencies that have a local token; the operator, the auditor and suppliers are none."""
    names = (name for name in tokens if name not in {OPERATOR, "auditor"})
    return tuple(sorted(name for name in names if not name.startswith(SUPPLIER_PREFIX)))
