"""A plan of objects of LSST, and what people decided on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ampel_followup.decision import Decision
from ampel_followup.plan import NightPlan
from ampel_followup.store import Store

_GOLDEN = Path(__file__).parents[1] / "library" / "golden" / "plan.json"
_PLAN = NightPlan.from_dict(json.loads(_GOLDEN.read_text("utf-8")))
_FIRST, _SECOND, _THIRD = _PLAN.targets

#: Names, and the numbers in them. The last one cannot be observed; the one of ZTF has no number.
NUMBERS = (313853499830501440, 313853499830501441, 313853499830501442)
FIRST, SECOND, HIDDEN = str(NUMBERS[0]), f"LSST-P-DO-{NUMBERS[1]}", str(NUMBERS[2])
ZTF = _THIRD.id

PLAN = replace(
    _PLAN,
    targets=(replace(_FIRST, id=FIRST), replace(_SECOND, id=SECOND), _THIRD),
    not_observable=(replace(_PLAN.not_observable[0], id=HIDDEN),),
)
NIGHT, SITE, FACILITY = PLAN.night.date, PLAN.night.site, PLAN.night.site_name


def save_plan(path: Path, plan: NightPlan = PLAN) -> None:
    with Store.open(path) as store:
        store.save_plan(plan, created="2018-08-20T22:00:00Z", report={})


def decide(store: Store, target: str, verdict: str, *, minute: int = 0, comment: str = "") -> Decision:
    time = f"2018-08-21T05:{minute:02d}:00.000000Z"
    return store.record(Decision(target, NIGHT, SITE, verdict, "ada", time, comment=comment))
