"""What a command says when there is nothing to say."""

from __future__ import annotations

import pytest

from services.workbench.output import Exit, Finding, answer


def test_nothing_is_said_where_nothing_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer without lines is that there is nothing."""
    ended = answer("inbox list", {"shares": []}, as_json=False, nothing="nothing here")

    assert capsys.readouterr().out == "nothing here\n"
    assert ended.exit_code == Exit.PASS


def test_who_got_no_answer_is_not_told_that_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody must take a relay that does not run for an inbox that is empty."""
    ended = answer("inbox list", None, [Finding("not_running", "start it")], as_json=False, nothing="nothing here")

    said = capsys.readouterr()
    assert said.out == ""
    assert "not_running" in said.err
    assert ended.exit_code == Exit.FINDING
