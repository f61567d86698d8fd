"""Records as rows of the tables, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ampel_followup.decision import Decision
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.store import statements as sql
from ampel_followup.store.records import finite, pack_meta, pack_points

if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no white space: the same value gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def target_row(target: RankedTarget, position: int) -> dict[str, Any]:
    """Return the row of `targets`, but for the plan that it belongs to; `position` counts from 1 in each list."""
    row: dict[str, Any] = {name: getattr(target.scores, name) for name in sql.SCORE_COLUMNS}
    row |= {name: getattr(target, name) for name in ("id", "stock", "ra", "dec", "rank", "priority")}
    row = {name: finite(value) if isinstance(value, float) else value for name, value in row.items()}
    return {**row, "position": position, "payload": canonical_json(target.to_dict())}


def light_curve_row(light_curve: LightCurve) -> dict[str, Any]:
    """Return the row of `light_curves`."""
    n_points = len(light_curve)
    return {
        "id": light_curve.id,
        "stock": light_curve.stock,
        "ra": light_curve.ra,
        "dec": light_curve.dec,
        "n_points": n_points,
        "last_mjd": float(light_curve.time[-1]) if n_points else 0.0,
        "meta": pack_meta(light_curve.meta),
        "points": pack_points(light_curve),
    }


def plan_digest(plan: NightPlan, night_summary: str, listed: list[dict[str, Any]], unseen: list[dict[str, Any]]) -> str:
    """Return the SHA-256 of all that `NightPlan.to_json` holds, without writing it out a second time."""
    from hashlib import sha256

    stop = plan.stop.to_dict() if plan.stop is not None else None
    head = [night_summary, plan.strategy, plan.bundle, plan.bundle_digest, len(listed), stop, plan.sampling]
    digest = sha256(canonical_json(head).encode())
    for row in (*listed, *unseen):
        digest.update(row["payload"].encode())
    return digest.hexdigest()


def decision_from_row(row: Iterable[Any]) -> Decision:
    """Return the decision of a row that `statements.SELECT_DECISIONS` gave."""
    values = dict(zip((*sql.DECISION_COLUMNS, "id"), row, strict=True))
    return Decision(**{**values, "plan_revision": values["plan_revision"] or 0})


def storable(text: str) -> str:
    """Replace what a database cannot hold: NUL, and the lone surrogates that a wrongly set terminal types."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
