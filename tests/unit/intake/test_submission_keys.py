"""The keys that submissions are sealed to: made, replaced, kept for a while, let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from concern_relay_client.sealing import SUITE_NAME, SubmissionKey, SuiteNotKnown, sealed
from services.chassis.envelope import Record
from services.chassis.errors import SettingsError
from services.chassis.settings import Settings
from services.intake.errors import Malformed
from services.intake.submission_keys import OPENS_FOR, USED_FOR, SubmissionKeys, keys_of, rotated
from services.intake.submissions import wire

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_a_key_is_used_for_its_time_then_opens_for_a_while_then_is_gone(tmp_path):
    """Given a key, it is replaced when due, opens for thirty days more, and then lies nowhere."""
    keys = SubmissionKeys(tmp_path / "keys.json", ours=True)
    assert keys.rotate_when_due(NOW)
    first = keys.current()
    assert not keys.rotate_when_due(NOW + USED_FOR - timedelta(seconds=1))

    assert keys.rotate_when_due(NOW + USED_FOR)
    replaced_at = NOW + USED_FOR

    assert keys.current().key_id != first.key_id
    assert keys.find(first.key_id, replaced_at + OPENS_FOR - timedelta(seconds=1)) is not None
    assert keys.find(first.key_id, replaced_at + OPENS_FOR) is None
    keys.rotate(replaced_at + OPENS_FOR)
    assert len(keys.all(replaced_at + OPENS_FOR)) == 2
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_keys_of_a_secret_store_are_read_anew_and_never_written(tmp_path):
    """Given a file that is not ours, it is not rotated here, and a change of it is seen."""
    ours, theirs = (SubmissionKeys(tmp_path / "keys.json", ours=whose) for whose in (True, False))
    with pytest.raises(SettingsError):
        theirs.current()
    ours.rotate(NOW)
    before = theirs.current().key_id
    ours.rotate(NOW)

    assert theirs.current().key_id not in ("", before)
    assert not theirs.rotate_when_due(NOW + 10 * USED_FOR)
    with pytest.raises(SettingsError):
        theirs.rotate(NOW)


def test_production_does_not_make_its_keys(tmp_path, monkeypatch):
    """In production the keys come from where secrets are kept."""
    monkeypatch.delenv("RELAY_SUBMISSION_KEYS_FILE", raising=False)

    with pytest.raises(SettingsError, match="RELAY_SUBMISSION_KEYS_FILE"):
        keys_of(Settings("intake", profile="production", state_dir=tmp_path))


def test_damaged_keys_say_so_and_not_what_they_are(tmp_path):
    """Given a damaged file, the error names the file and holds nothing of it."""
    (tmp_path / "keys.json").write_text('{"keys": [{"private": "c2VjcmV0"}]}')

    with pytest.raises(SettingsError, match=r"keys\.json") as raised:
        SubmissionKeys(tmp_path / "keys.json", ours=True).current()

    assert "c2VjcmV0" not in str(raised.value)


def _record(value: bytes, key_id: str, submission_id: str = "s", agency: str = "school") -> Record:
    headers = (("ce_id", submission_id.encode()), ("ce_keyid", key_id.encode()))
    return Record(f"submissions.{agency}.v1", b"", headers, value, 0, 0)


@given(plain=st.binary(max_size=2000), flipped=st.integers(0, 7), place=st.integers(min_value=0))
def test_what_was_sealed_opens_and_what_was_touched_does_not(tmp_path_factory, plain, flipped, place):
    """Any bytes open as they were sealed; with any bit changed, another agency or another id they do not."""
    keys = SubmissionKeys(tmp_path_factory.mktemp("keys") / "keys.json", ours=True)
    keys.rotate(NOW)
    key = SubmissionKey(keys.current().key_id, keys.current().public, NOW)
    value = sealed(plain, key, agency="school", submission_id="s")

    assert wire.opened(_record(value, key.key_id), keys, NOW) == plain
    touched = bytearray(value)
    touched[place % len(value)] ^= 1 << flipped
    for wrong in (
        _record(bytes(touched), key.key_id),
        _record(value, key.key_id, agency="other"),
        _record(value, key.key_id, submission_id="t"),
    ):
        with pytest.raises(Malformed) as raised:
            wire.opened(wrong, keys, NOW)
        assert raised.value.code == "cannot_be_opened"


def test_the_client_refuses_to_seal_for_a_suite_it_does_not_know():
    """Given a key of another suite, the client does not guess."""
    answer = {"key_id": "k", "public_key": "", "ask_again_at": NOW.isoformat(), "info": wire.INFO}

    with pytest.raises(SuiteNotKnown):
        SubmissionKey.parse(answer | {"suite": "another"})
    assert SubmissionKey.parse(answer | {"suite": wire.SUITE_NAME}).key_id == "k"
    assert SUITE_NAME == wire.SUITE_NAME


def test_no_more_keys_are_kept_than_can_open():
    """Given many rotations at once, their number stays bounded."""
    keys = ()
    for _ in range(120):
        keys = rotated(keys, X25519PrivateKey.generate(), NOW)

    assert len(keys) == 100
    assert sum(key.replaced is None for key in keys) == 1
