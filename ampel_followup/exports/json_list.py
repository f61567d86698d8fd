"""JSON, for programs."""

from __future__ import annotations

import json

from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan
from ampel_followup.untrusted import escaped_json


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return one object: the circumstances of the night, and ``targets`` in order of priority; null = not known."""
    del extras
    document = {
        "night": plan.night.to_dict(),
        "strategy": plan.strategy,
        "bundle": plan.bundle,
        "bundle_digest": plan.bundle_digest,
        "targets": [entry.to_dict() for entry in entries],
    }
    return escaped_json(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
