"""The sample night as somebody who means harm would write it: every text in it, and every text that people type."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from sample_night import FLOYDS, NOW, SPRAT, WIFES, assist, make_plan, make_timetable

from ampel_followup.decision import Decision, Verdict
from ampel_followup.notes import Note
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store
from ampel_followup.timetable import Closure, Timetable
from ampel_followup_tui.instants import stamp

#: Stands behind markup in every hostile text: where it is seen without the bracket before it, the markup was obeyed.
MARK = "MARK"

#: What terminals obey, what Rich and Textual obey, and what puts a line out of step.
PIECES = (
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP+q544e\x1b\\",
    "\x9b31m",
    "\x9d0;owned\x9c",
    "\x07\x08\x7f\x00\x0e",
    "\r\n\t\v\f\x85\u2028\u2029",
    "\u202eevil\u202c",
    "\u2066\u200f\u061c\u2069",
    "\u200b\u200d\ufeff\u00ad\u2060",
    "e" + "\u0301" * 60,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd\u2764\ufe0f",
    "\U0001f1eb\U0001f1f7",
    "超新星ＳＮ",
    "नमस्ते",
    "שלום عليكم",
    "\u3164\u115f\u1160\uffa0",
    "\ud800\udfff",
    "\U000e0041\U000f0000\uffff",
    "<script>alert(1)</script>&amp;",
    "'; DROP TABLE decision; --",
    "$(touch owned) `touch owned` %s {0}",
    "../../../../tmp/owned",
    "=1+1",
    "a" * 10_000,
    "long words " * 300,
    "",
    " ",
)
MARKUP = (
    f"[bold red]{MARK}[/]",
    f"[link=https://evil.example]{MARK}[/link]",
    f"[@click=app.bell]{MARK}[/]",
    f"[on #ff0000]{MARK}[/on #ff0000][/][/bold]",
    f"[$error]{MARK}[/]",
    f":skull:[{MARK}]",
)

#: Texts that the rest is found by, or that are no text but moments and states.
_KEPT = frozenset({"timezone", "kind", "status", "verdict", "site", "telescope", "date", "night"})
#: The same text in several records stays the same: a block names a target, scores name their classes.
_NAMES = frozenset({"id", "target", "class_now", "class_after", "class"})


class Hostility:
    """
    Makes texts that mean harm, each one another one.

    Parameters
    ----------
    seed : int
        The same seed, the same texts.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names: dict[str, str] = {}

    def text(self) -> str:
        """Return a few pieces in a row, and some of all characters there are."""
        choose = self._random
        # Signs of which Python and Rich know different widths say nothing about the app.
        any_sign = (chr(choose.randrange(0x110000)) for _ in range(choose.randrange(6)))
        letters = "".join(c for c in any_sign if cells(c) == cell_len(c) or not c.isprintable())
        pieces = [*choose.choices(PIECES, k=choose.randrange(1, 4)), choose.choice(MARKUP), letters]
        choose.shuffle(pieces)
        return "".join(pieces)

    def name(self, text: str) -> str:
        """Return what a name is replaced by, always the same."""
        if text not in self._names:
            # A store holds no lone surrogate in a name, and no two targets of one name.
            made = self.text().encode("utf-8", "ignore").decode().replace("\0", "")
            self._names[text] = f"{made[:3000]} {len(self._names)}"
        return self._names[text]

    def spoil(self, value: Any, field: str = "") -> Any:
        """Return a record with every text in it replaced, however deep."""
        if is_dataclass(value) and not isinstance(value, type):
            return replace(
                value, **{f.name: self.spoil(getattr(value, f.name), f.name) for f in fields(value) if f.init}
            )
        if isinstance(value, str):
            return value if field in _KEPT or _is_moment(value) else self._spoilt(value, field)
        if isinstance(value, Mapping):
            return {self.spoil(key, "class"): self.spoil(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return tuple(self.spoil(item, field) for item in value)
        return value

    def _spoilt(self, text: str, field: str) -> str:
        return self.name(text) if field in _NAMES else self.text()


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def save_hostile_night(store: Store, seed: int) -> tuple[NightPlan, Timetable]:
    """Fill a store with a hostile plan, a schedule, verdicts, comments and notes, as far as the store takes them."""
    hostility = Hostility(seed)
    plan, light_curves = make_plan(8, 3)
    plan, more = assist(plan, 6)
    clouds = Closure("2026-11-20T16:20:00Z", "2026-11-20T17:22:00Z", "clouds")
    timetable = make_timetable(plan, (replace(WIFES, closures=(clouds,)), FLOYDS, SPRAT))
    spoilt, spoilt_timetable = hostility.spoil(plan), hostility.spoil(timetable)
    curves = [replace(curve, id=hostility.name(curve.id)) for curve in (*light_curves, *more)]
    drift = {"moved": [hostility.text() for _ in range(5)], "sentence": hostility.text()}
    store.save_plan(spoilt, created="2026-11-20T07:00:00Z", report={"drift": drift}, light_curves=curves)
    store.save_timetable(spoilt_timetable, created="2026-11-20T07:00:00Z")
    for target, verdict in zip(spoilt.targets[:6], Verdict, strict=False):
        for said in (Verdict.COMMENT, verdict):
            comment = hostility.text()[:1500]
            store.record(
                Decision(target.id, "2026-11-20", "sso", said, hostility.text()[:200], stamp(NOW), comment=comment)
            )
    for block in spoilt_timetable.blocks[:5]:
        store.notes.add(
            Note("2026-11-20", "sso", hostility.text()[:200], stamp(NOW), hostility.text()[:5000], block.telescope)
        )
    return spoilt, spoilt_timetable


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes, by the tables of Python alone."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
