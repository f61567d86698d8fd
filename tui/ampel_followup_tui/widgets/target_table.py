"""The list of targets."""

from __future__ import annotations

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.widgets.steady_table import SteadyTable


class TargetTable(SteadyTable[RankedTarget]):
    """A table of targets, each known by its survey name."""
