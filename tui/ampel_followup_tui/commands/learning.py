"""Commands about what was learned, and about the models in use."""

from __future__ import annotations

from ampel_followup_tui.commands.command import Command, Place

_GROUP = "Learning"

LEARNING = (
    Command(
        "learning", "g", "learning", "learning", "Show what came back and what it taught; again, go back.", _GROUP, 14
    ),
    Command(
        "promote",
        "P",
        "promote",
        "promote",
        "Put this challenger into use, if the policy allows.",
        _GROUP,
        1,
        Place.LEARNING,
        writes=True,
    ),
    Command(
        "roll-back",
        "Z",
        "roll_back",
        "roll back",
        "Take the last promotion back.",
        _GROUP,
        2,
        Place.LEARNING,
        writes=True,
    ),
    Command("report", "o", "report", "report", "Open the report of this challenger.", _GROUP, 3, Place.LEARNING),
    Command("learning-pane", "tab", "next_learning_pane", "pane", "Go on to the next pane.", _GROUP, 4, Place.LEARNING),
    *(
        Command(f"learning-{name}", key, f"learning_pane('{name}')", label, f"{sentence}", _GROUP, place=Place.LEARNING)
        for key, name, label, sentence in (
            ("1", "labels", "labels", "Show the labels that came back."),
            ("2", "challengers", "challengers", "Show the challengers, and how they compare."),
            ("3", "next", "next spectra", "Show what the next spectra would teach."),
            ("4", "drift", "drift by feature", "Show which features are not as in training."),
            ("5", "history", "promotions", "Show which models came into use when."),
        )
    ),
)
