"""What the next spectra would teach, class by class, from a plan and what was decided on it; plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ampel_followup.decision import Decision, Verdict
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.records import Record


@dataclass(frozen=True, slots=True)
class Lesson(Record):
    """
    What spectra of some targets would teach about one class.

    Parameters
    ----------
    name : str
        The class.
    n : int
        Targets whose most probable class it is now.
    expected : float
        Labels of this class to be expected: Σ P_t of it over all the targets.
    changes : float
        Of the `n`, how many a spectrum is expected to give another class: Σ P(change).
    gain : float
        Of the `n`, by how many more are expected to be right after the spectra: Σ value of information.
    """

    name: str
    n: int
    expected: float
    changes: float
    gain: float


@dataclass(frozen=True, slots=True)
class Teaching(Record):
    """
    What the next spectra would teach.

    Parameters
    ----------
    n : int
        Targets that are counted.
    approved : bool
        They are the approved ones that are not observed yet; else, where nothing is approved, those of the list that
        are worth a spectrum (`NightPlan.stop`; without it all) and still open.
    lessons : tuple of Lesson
        Every class with a target, or with half a label to be expected; the largest gain first.
    """

    n: int
    approved: bool
    lessons: tuple[Lesson, ...]


def what_spectra_teach(plan: NightPlan, verdicts: Mapping[str, Decision]) -> Teaching:
    """
    Return what the next spectra would teach.

    Parameters
    ----------
    plan : NightPlan
    verdicts : mapping of str to Decision
        What holds for each target, as of `effective_verdicts`.

    Returns
    -------
    Teaching
    """
    everyone = (*plan.targets, *plan.not_observable, *plan.set_aside)
    approved = [t for t in everyone if t.id in verdicts and verdicts[t.id].verdict == Verdict.APPROVE]
    if approved:
        return Teaching(len(approved), True, _lessons(approved))
    worth = plan.targets if plan.stop is None else plan.targets[: plan.stop.after]
    still_open = [target for target in worth if target.id not in verdicts]
    return Teaching(len(still_open), False, _lessons(still_open))


def _lessons(targets: Iterable[RankedTarget]) -> tuple[Lesson, ...]:
    scores = [target.scores for target in targets]
    names = dict.fromkeys(name for score in scores for name in (score.class_now, *score.p_t))
    lessons = []
    for name in names:
        mine = [score for score in scores if score.class_now == name]
        lesson = Lesson(
            name,
            len(mine),
            sum(score.p_t.get(name, 0.0) for score in scores),
            sum(score.p_change for score in mine),
            sum(score.value_of_information for score in mine),
        )
        if lesson.n or lesson.expected >= 0.5:
            lessons.append(lesson)
    return tuple(sorted(lessons, key=lambda lesson: (-lesson.gain, -lesson.expected, lesson.name)))
