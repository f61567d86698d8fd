"""Learning inside AMPEL: the command runs as a process, and what it says becomes the document."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.log.AmpelLogger import AmpelLogger
from ampel.struct.UnitResult import UnitResult

from ampel.followup.t4.T4LearnFromLabels import T4LearnFromLabels
from ampel_followup.store import Store


def test_a_store_with_too_little_to_learn_from_is_said_in_the_document(tmp_path: Path) -> None:
    store = tmp_path / "night.sqlite"
    Store.open(store).close()
    done = T4LearnFromLabels(logger=AmpelLogger.get_logger(), store=str(store)).do()
    assert isinstance(done, UnitResult)
    assert done.code == T4LearnFromLabels.NOT_LEARNED
    assert isinstance(done.body, dict)
    assert "0 labelled objects can be learned from, 10 are needed; the labels are kept" in done.body["error"]


def test_the_options_become_those_of_the_command_and_the_store_stays_off_it() -> None:
    unit = T4LearnFromLabels(
        logger=AmpelLogger.get_logger(), store="postgresql://a:secret@h/d", bundle="mine", promote_if_better=True
    )
    command = unit._command()
    assert command[command.index("--bundle") + 1] == "mine"
    assert command[command.index("--observer") + 1] == "T4LearnFromLabels"
    assert not any("secret" in part for part in command)
    assert unit._environment()["AMPEL_FOLLOWUP_STORE"] == "postgresql://a:secret@h/d"
