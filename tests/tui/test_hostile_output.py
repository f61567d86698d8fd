"""What the commands print and write of a night in which every text means harm."""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_night import PIECES, save_hostile_night

from ampel_followup.cli import main
from ampel_followup.exports import FORMATS
from ampel_followup.store import Store

#: What a terminal could obey or hide, see `ampel_followup.untrusted`.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def steering(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in STEERING and c != "\n"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A store, and the name of a target in it."""
    path = tmp_path_factory.mktemp("store") / "night.sqlite"
    with Store.open(path) as store:
        plan, _ = save_hostile_night(store, 3)
    return str(path), plan.targets[0].id


@pytest.mark.parametrize(
    "command",
    [
        ("plan", "show"),
        ("plan", "show", "--json"),
        ("plan", "notes"),
        ("plan", "notes", "--json"),
        ("decisions",),
        ("decisions", "--json"),
        ("audit", "--json"),
        ("report", "week"),
        ("report", "week", "--json"),
        ("learn", "status"),
        ("drift", "--json"),
        ("lasair", "annotate", "--topic", "ours", "--survey", "ztf", "--dry-run"),
        ("lasair", "annotate", "--topic", "ours", "--survey", "ztf", "--dry-run", "--json"),
        ("desc-tom", "send", "--dry-run"),
        ("desc-tom", "send", "--dry-run", "--json"),
    ],
    ids=" ".join,
)
def test_nothing_that_is_printed_is_obeyed(
    hostile: tuple[str, str], command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = hostile
    assert main([*command, "--store", store]) == 0
    out, err = capsys.readouterr()
    assert out.strip()
    assert steering(out) == set()
    assert steering(err) == set()
    if "--json" in command:
        json.loads(out)


def test_what_was_typed_is_repeated_as_text(hostile: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    store, target = hostile
    for typed in PIECES[:12]:
        said = ["--observer", f"x{typed}", "--comment", typed[:100], "--store", store]
        assert main(["decide", target, "reject", *said]) == 0
        assert main(["decide", f"no such {typed}", "approve", *said]) == 2
        assert main(["plan", "show", "--night", f"{typed}!", "--store", store]) == 2
        out, err = capsys.readouterr()
        assert steering(out) == set(), typed
        assert steering(err) == set(), typed
        assert err.count("\n") == 2


@pytest.mark.parametrize("fmt", FORMATS)
def test_target_lists_hold_lines_of_text(
    hostile: tuple[str, str], fmt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = hostile
    out = tmp_path / "list"
    assert main(["export", str(out), "--format", fmt, "--select", "all", "--store", store]) == 0
    assert steering(out.read_text(encoding="utf-8")) == set()
    assert steering("".join(capsys.readouterr())) == set()


class Scripts(HTMLParser):
    """What of a page runs, or is asked for elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{key}={value}" for key, value in attrs if key.startswith("on") or "evil" in (value or "")]
        if tag in ("script", "iframe", "object", "embed", "base", "form"):
            self.found.append(tag)


@pytest.mark.parametrize("command", ["plan sheet {page}", "report week --html {page}"])
def test_pages_run_nothing_of_it(
    hostile: tuple[str, str], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = hostile
    page = tmp_path / "page.html"
    assert main([*command.format(page=page).split(), "--store", store]) == 0
    text = page.read_text(encoding="utf-8")
    scripts = Scripts()
    scripts.feed(text)
    assert scripts.found == []
    assert "MARK" in text
    assert steering(text) == set()
    assert steering("".join(capsys.readouterr())) == set()
