"""The top line: which night, how far we are, the Moon and the time."""

from __future__ import annotations

from datetime import UTC

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ampel_followup.plan import NightSummary
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY, ORANGE, SELECTED, VERMILION
from ampel_followup_tui.instants import clock, zone
from ampel_followup_tui.journal import Journal

_TICK_SECONDS = 1.0


class NightHeader(Widget):
    """
    One line that says where, when and how far.

    Parameters
    ----------
    journal : Journal
        The night.
    """

    trouble: reactive[str] = reactive("")
    #: The strategy that the plan is looked at under; empty for its own.
    looked_at: reactive[str] = reactive("")
    #: What is selected, in a few words; empty if nothing is.
    selected: reactive[str] = reactive("")

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._shown_minute = ""

    def on_mount(self) -> None:
        """Keep the clock right."""
        self.set_interval(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        minute = self._journal.now().strftime("%H:%M")
        if minute != self._shown_minute:
            self.refresh()

    def render(self) -> Text:
        """Draw the longest form that fits."""
        now = self._journal.now().astimezone(UTC)
        self._shown_minute = now.strftime("%H:%M")
        night, plan = self._journal.plan.night, self._journal.plan
        local = now.astimezone(zone(night.timezone)).strftime("%H:%M")
        decided = f"{self._journal.n_decided}/{self._journal.info.n_targets}"
        aside = f"  {self._journal.n_set_aside} set aside" if self._journal.n_set_aside else ""
        tally, short_clocks = f"{decided} decided{aside}", f"{local}={now:%H:%M}UT"
        drift = self._journal.drift
        warning = Text(f"{drift.short}  " if drift is not None and drift.moved else "", VERMILION)
        asides = Text()
        if self._journal.read_only:
            asides.append("READ-ONLY", f"bold {ORANGE}").append("  ")
        if self.selected:
            asides.append(f"{SELECTED[0]} {self.selected}", f"bold {SELECTED[1]}").append("  ")
        width = self.size.width
        for site, done, moon, clocks in (
            (night.site_name, tally, _moon(night), f"{local} local  {now:%H:%M} UTC"),
            (night.site, tally, _moon(night), f"{local} local  {now:%H:%M} UTC"),
            (night.site, tally, _short_moon(night), f"{local} local  {now:%H:%M} UTC"),
            (night.site, f"{decided}{aside}", _short_moon(night), short_clocks),
            (night.site, decided, _short_moon(night), short_clocks),
            *([(night.site, decided, "", f"{now:%H:%M}UT")] if asides or self.looked_at else []),
        ):
            left = Text.assemble(" ", (night.date, "bold"), " ", (clean(site), "bold"), "  ")
            if self.looked_at:
                left.append(f"⇅ {clean(self.looked_at)}", f"bold {ORANGE}").append(", plan unchanged", ORANGE)
            else:
                left.append(clean(plan.strategy), GREY)
            right = Text.assemble(asides, warning, (done, "bold"), "  ", moon, "  " if moon else "", clocks, " ")
            if left.cell_len + right.cell_len + 2 <= width:
                break
        if self.trouble:
            right = Text(f"{self.trouble} ", VERMILION)
        left.truncate(max(0, width - right.cell_len - 2), overflow="ellipsis")
        return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right, no_wrap=True, end="")


def _moon(night: NightSummary) -> str:
    """Illumination and, in local time, when the Moon crosses the horizon."""
    moon = f"☾ {100 * night.moon_illumination:.0f}%"
    if night.moon_rise:
        moon += f" rises {clock(night.moon_rise, night.timezone)}"
    if night.moon_set:
        moon += f" sets {clock(night.moon_set, night.timezone)}"
    return moon


def _short_moon(night: NightSummary) -> str:
    moon = f"☾{100 * night.moon_illumination:.0f}%"
    if night.moon_set:
        return f"{moon}↓{clock(night.moon_set, night.timezone)}"
    return f"{moon}↑{clock(night.moon_rise, night.timezone)}" if night.moon_rise else moon
