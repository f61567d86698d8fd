"""What the next spectra would teach is what the scores of their targets say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from assistant_plans import PLAN

from ampel_followup.decision import Decision
from ampel_followup.plan import RankedTarget, StopAdvice
from ampel_followup.teaching import Teaching, what_spectra_teach


def target(name: str, p_change: float, gain: float, **p_t: float) -> RankedTarget:
    first = PLAN.targets[0]
    probable = max(p_t, key=lambda key: p_t[key])
    scores = replace(first.scores, p_t=p_t, class_now=probable, p_change=p_change, value_of_information=gain)
    return replace(first, id=name, scores=scores)


TARGETS = (
    target("a", 0.4, 0.2, AGN=0.7, TDE=0.3),
    target("b", 0.1, 0.05, AGN=0.9, TDE=0.1),
    target("c", 0.5, 0.3, AGN=0.4, TDE=0.6),
)
TONIGHT = replace(PLAN, targets=TARGETS, not_observable=(), set_aside=(), stop=None)


def verdict(name: str, what: str) -> Decision:
    return Decision(name, TONIGHT.night.date, TONIGHT.night.site, what, "ada", "2026-11-20T10:00:00Z")


def test_each_class_has_the_labels_changes_and_gain_that_are_expected() -> None:
    found = what_spectra_teach(TONIGHT, {})
    assert (found.n, found.approved) == (3, False)
    tde, agn = found.lessons
    assert (tde.name, tde.n, agn.name, agn.n) == ("TDE", 1, "AGN", 2)
    assert (tde.expected, agn.expected) == (pytest.approx(1.0), pytest.approx(2.0))
    assert (agn.changes, agn.gain) == (pytest.approx(0.5), pytest.approx(0.25))
    assert sum(lesson.expected for lesson in found.lessons) == pytest.approx(found.n)


def test_with_approved_targets_only_those_count_until_they_are_observed() -> None:
    found = what_spectra_teach(TONIGHT, {"a": verdict("a", "approve"), "c": verdict("c", "observed")})
    assert (found.n, found.approved, [lesson.name for lesson in found.lessons]) == (1, True, ["AGN"])


def test_targets_beyond_the_advice_to_stop_and_rejected_ones_do_not_count() -> None:
    short = replace(TONIGHT, stop=StopAdvice(2, 0.02, "", 0.0, 0.0, 0.0, 0.0))
    assert what_spectra_teach(short, {"b": verdict("b", "reject")}).n == 1


def test_a_plan_without_targets_teaches_nothing() -> None:
    empty = what_spectra_teach(replace(TONIGHT, targets=()), {})
    assert empty == Teaching(0, False, ())
    assert Teaching.from_dict(empty.to_dict()) == empty
