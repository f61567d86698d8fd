"""Commands that show one target."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "The target"

TARGET = (
    Command("target", "enter", "open_target", "open", "Show this target on the whole screen.", _GROUP, 9, Place.NIGHT),
    Command(
        "pane", "tab", "next_pane", "pane", "Show the next pane, where panes take turns.", _GROUP, place=Place.TARGETS
    ),
    Command(
        "light-curve", "1", "pane('light-curve')", "light curve", "Show the light curve.", _GROUP, place=Place.TARGETS
    ),
    Command("why", "2", "pane('why')", "why", "Show the scores and their reasons.", _GROUP, place=Place.TARGETS),
    Command(
        "visibility", "3", "pane('visibility')", "visibility", "Show where it is tonight.", _GROUP, place=Place.TARGETS
    ),
    Command("history", "4", "pane('history')", "history", "Show verdicts and comments.", _GROUP, place=Place.TARGETS),
    Command(
        "assistant",
        "5",
        "pane('assistant')",
        "assistant",
        "Show what the virtual assistant says.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "classes",
        "6",
        "pane('classes')",
        "classes",
        "Show the classes now and after a spectrum.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "cutouts",
        "7",
        "pane('cutouts')",
        "cutouts",
        "Show science, reference and difference image.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command(
        "flux", "f", "flux", "flux", "Change the light curve between magnitude and flux.", _GROUP, place=Place.TARGETS
    ),
    Command(
        "absolute",
        "m",
        "absolute",
        "absolute",
        "Show absolute magnitudes, where a redshift is known.",
        _GROUP,
        place=Place.TARGETS,
    ),
    Command("closer", "plus", "zoom(0.5)", "closer", "See half of the light curve.", _GROUP, place=Place.TARGETS),
    Command("further", "minus", "zoom(2.0)", "further", "See twice as much of it.", _GROUP, place=Place.TARGETS),
    Command("earlier", "less_than_sign", "pan(-1)", "earlier", "See what came before.", _GROUP, place=Place.TARGETS),
    Command("later", "greater_than_sign", "pan(1)", "later", "See what came after.", _GROUP, place=Place.TARGETS),
    Command("all", "0", "show_all", "all", "See the whole light curve again.", _GROUP, place=Place.TARGETS),
)
