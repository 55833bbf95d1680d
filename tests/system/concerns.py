"""Concerns that are raised over and over, under a reference of their own each."""

from __future__ import annotations

from typing import Any


def concern(reference: str) -> dict[str, Any]:
    """A pupil in Kent, hurt at home: the front door and the police must know."""
    return {
        "reference": reference,
        "urgency": "routine",
        "raised_by": {"name": "Pat Example", "role": "designated safeguarding lead"},
        "detail": {"level": "significant_harm", "triggers": ["physical_abuse"], "suspected_crime": "yes",
                   "suspect_is_child": "no", "immediate_danger": "no"},
        "people": [{"ref": "child", "role": "child", "age_years": 8, "names": [{"given": "Robin"}],
                    "authorities": [{"gss_code": "E10000016", "role": "lives"}]}],
        "items": [{"ref": "worry", "category": "welfare", "kind": "fact", "about": "child", "core": True,
                   "text": "A bruise shaped like a belt."}],
    }  # fmt: skip
