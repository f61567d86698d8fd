"""The app says what moved of the model bundle's features and of the assistant's, together."""

from __future__ import annotations

from ampel_followup_tui.drift import read_drift


def test_what_moved_of_the_bundle_and_of_the_assistant_is_one_warning() -> None:
    bundle = {"moved": ["first_mag"], "sentence": "1 of 103 features"}
    assistant = {"moved": ["rb_mean (day 1)", "rb_mean (day N)"], "sentence": "day 1: 1 of 18 features"}
    drift = read_drift({"drift": bundle, "drift_assistant": assistant})
    assert drift is not None
    assert drift.short == "! 3 features moved"
    assert drift.moved == ("first_mag", "rb_mean (day 1)", "rb_mean (day N)")
    assert drift.sentence == "1 of 103 features\nday 1: 1 of 18 features"


def test_a_night_without_the_assistant_shows_what_moved_of_the_bundle() -> None:
    for nothing in (None, "?", {"moved": 3}):
        drift = read_drift({"drift": {"moved": ["first_mag"], "sentence": "."}, "drift_assistant": nothing})
        assert drift is not None
        assert drift.moved == ("first_mag",)
