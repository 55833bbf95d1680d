"""Tokens that are no longer taken: those of an agency from before a moment, or all of one that was removed."""

from __future__ import annotations

import time

import jwt
import pytest

from services.chassis.auth import Tokens, local_tokens
from services.chassis.settings import REPOSITORY
from services.chassis.tokens import FOR_GOOD, local_token, revoked_of, signing_key
from services.intake.suppliers import Suppliers


def _reader(folder):
    return Tokens(signing_key(folder).public_key(), revoked=revoked_of(folder))


def test_a_rotation_ends_tokens_from_before_it_at_once_and_no_others(tmp_path):
    """Given a rotation, the token of before is refused, the one of after taken, another agency's untouched."""
    reader = _reader(tmp_path)
    before = local_token(tmp_path, "school").read_text().strip()
    other = local_token(tmp_path, "police").read_text().strip()
    assert reader.read(before).agency_id == "school"

    revoked_of(tmp_path).revoke("school", int(time.time()) + 1)

    with pytest.raises(jwt.InvalidTokenError):
        reader.read(before)
    assert reader.read(local_token(tmp_path, "school").read_text().strip()).agency_id == "school"
    assert reader.read(other).agency_id == "police"


def test_an_agency_that_was_removed_gets_no_token_at_the_next_start(tmp_path):
    """Given a removed agency, the start of the house does not let it in again."""
    revoked_of(tmp_path).revoke("larkfield-primary", FOR_GOOD)

    written = local_tokens(tmp_path, REPOSITORY / "deploy")

    assert "larkfield-primary" not in written
    assert "stourside-academy" in written


def test_an_agency_that_was_removed_is_served_by_no_supplier(tmp_path):
    """Given a supplier listed for an agency, the agency's removal ends that too, and its return brings it back."""
    (tmp_path / "suppliers.yaml").write_text("version: 1\nsuppliers: {mis: {name: M, serves: [school]}}\n")
    suppliers = Suppliers(tmp_path / "suppliers.yaml", revoked_of(tmp_path))
    assert suppliers.serves("mis", "school")

    revoked_of(tmp_path).revoke("school", FOR_GOOD)
    assert not suppliers.serves("mis", "school")

    revoked_of(tmp_path).revoke("school", int(time.time()))
    assert suppliers.serves("mis", "school")
