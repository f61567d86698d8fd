"""The report of a week: what came, who looked, what others named, and what was missed."""

from ampel_followup.weekly.summary import NightLine, WeekReport, summarise_week, week_ending, week_of

__all__ = ["NightLine", "WeekReport", "summarise_week", "week_ending", "week_of"]
