"""Five simulated nights: the lines of docs/learning-loop.md, word for word, and what has to come of them."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ampel_followup.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "learning-loop.md"

Run = Callable[..., tuple[int, str, str]]


def commands() -> list[str]:
    """Return the lines of the shell on the page."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_loop_of_the_manual_works_word_for_word(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed: dict[str, str] = {}
    for line in commands():
        out = ""
        for command in line.split(" | "):
            program, *arguments = shlex.split(command)
            assert program == "ampel-followup"
            monkeypatch.setattr("sys.stdin", io.StringIO(out))
            code, out, err = run(*arguments)
            assert code == 0, f"{command}: {err}"
        printed[line] = out
    with Store.open("night.sqlite") as store:
        plans = {info.night: store.load_plan(info.revision, limit=0).plan for info in store.plans()}
        promotions, challengers = store.learning.promotions(), store.learning.challengers()
        decided = {decision.target for decision in store.decisions()}
        labelled = {label.target for label in store.labels()}
    # Every plan names its bundle; the promoted one ranks from the night after, and the old one after the roll back.
    assert [plans[f"2026-11-0{k}"].bundle for k in range(1, 6)] == ["mine 1"] * 3 + ["after-3 1", "mine 1"]
    by_name = {challenger.name: challenger for challenger in challengers}
    assert plans["2026-11-04"].bundle_digest == by_name["after-3"].bundle_digest
    assert plans["2026-11-05"].bundle_digest == plans["2026-11-01"].bundle_digest == by_name["after-3"].champion_digest
    # The policy did not promote on forty labels; a person did, on all of them.
    assert [(p.action, p.bundle, p.observer) for p in promotions] == [
        ("promote", "mine 1", "ada"), ("promote", "after-3 1", "ada"), ("roll back", "mine 1", "bob"),
    ]  # fmt: skip
    [refused] = [out for line, out in printed.items() if "--promote-if-better" in line]
    assert "not met: 40 labelled objects, 50 needed" in refused
    assert "not promoted: the bundle in use stays" in refused
    assert "neither was trained on" in promotions[1].reason
    # Only what was observed was labelled and learned.
    assert labelled == decided
    assert (by_name["after-1"].n_learned, by_name["after-3"].n_learned) == (40, 120)
    assert by_name["after-3"].comparison.n_objects == 120
    assert (tmp_path / "challengers" / "after-3" / "report" / "index.html").is_file()
    assert not list((tmp_path / "challengers").glob(".work-*"))
    assert "lists no Ib/c" in printed["ampel-followup learn history --store night.sqlite"]
