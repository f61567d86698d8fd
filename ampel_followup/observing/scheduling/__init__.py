"""Schedules: which telescope observes what, and when, for the most value of a night."""

from __future__ import annotations

from ampel_followup.observing.scheduling.problem import Placed, Problem, Telescope
from ampel_followup.observing.scheduling.schedule import Solution, as_soon_as_possible, solve

__all__ = ["Placed", "Problem", "Solution", "Telescope", "as_soon_as_possible", "solve"]
