"""An inbox and a share as people read them on a terminal."""

from __future__ import annotations

from typing import Any

from services.workbench.share_lines import inbox_lines, share_lines


def share(share_id: str, state: str, due: str | None, **more: Any) -> dict[str, Any]:
    """Give a share as routing answers it."""
    return {
        "share_id": share_id, "concern_id": "c", "state": state, "urgency": "urgent", "sender_agency_id": "a-school",
        "acknowledge_by": due, "acknowledged_at": None, "overdue": False, "test": False, "reopened_at": None,
        "stands_in_for": "", "outcome": "", "clock": {"code": "acknowledge_urgent", "cite": "the arrangement"},
    } | more  # fmt: skip


def test_what_waits_stands_on_top_the_earliest_deadline_first() -> None:
    """Given three that wait and one that is done, the one due first is read first."""
    late = share("s2", "read", "2026-07-01T08:00:00Z", overdue=True)
    found = list(
        inbox_lines([
            share("s0", "outcome", "2026-06-30T08:00:00Z", acknowledged_at="2026-06-30T07:00:00Z", outcome="no_role"),
            share("s1", "delivered", "2026-07-01T09:30:00Z"), late, share("s3", "delivered", None),
        ])
    )  # fmt: skip

    assert [line.split()[-1] for line in found if " s" in line[-3:]] == ["s3", "s2", "s1", "s0"]
    assert "2026-07-01 09:00:00" in found[3]  # British Summer Time
    assert "overdue" in found[3]
    assert found[0] == "waits for a person to acknowledge (3)"
    assert "no role" in found[-1]


def test_an_acknowledged_share_still_asks_what_was_done() -> None:
    """Taken on is not done: it has a place of its own."""
    found = list(
        inbox_lines([share("s1", "acknowledged", "2026-07-01T09:30:00Z", acknowledged_at="2026-07-01T09:00:00Z")])
    )

    assert found[0] == "acknowledged; say what was done (1)"


def test_a_share_reads_as_a_sheet() -> None:
    """What was seen, in words, before who it is about; an emergency says first whom to call."""
    opened = {
        "share": share("s1", "read", "2026-07-01T09:30:00Z", urgency="emergency"),
        "parts": [
            {"part_id": "p", "kind": "person", "body": {"person_id": "p", "role": "child", "names": [{"given": "R"}]}},
            {
                "part_id": "i",
                "kind": "item",
                "body": {"kind": "fact", "category": "welfare", "text": "No_coat.", "about_person_id": "p"},
            },
        ],
    }

    found = list(share_lines(opened))

    assert found[:3] == [
        "emergency concern shared by a-school, read",
        "If a child is in danger now, call 999.",
        "acknowledge by 2026-07-01 10:30:00 (the arrangement)",
    ]
    assert found[4:9] == ["WHAT IS KNOWN", "  welfare", "    No_coat.", "    kind: fact", "    about: R (child)"]
    assert found.index("WHAT IS KNOWN") < found.index("PEOPLE")


def test_practice_says_so() -> None:
    """Nobody takes a practice message for a child."""
    opened = {"share": share("s1", "delivered", "2026-07-01T09:30:00Z", test=True), "parts": []}

    assert next(share_lines(opened)).startswith("PRACTICE, no real child")
