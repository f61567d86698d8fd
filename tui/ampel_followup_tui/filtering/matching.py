"""Which targets an expression lets through."""

from __future__ import annotations

import operator
from collections.abc import Callable

from ampel_followup.assistant_scores import Stage
from ampel_followup.plan import RankedTarget
from ampel_followup_tui.filtering.expression import Alternative, Expression
from ampel_followup_tui.filtering.fields import FIELDS
from ampel_followup_tui.glyphs import ANOMALY, CLOSING, DISAGREE, OUTSIDE, STATUS, UNDECIDED
from ampel_followup_tui.groups import has_anomaly, is_closing, is_snoozed, stage_of
from ampel_followup_tui.journal import Journal

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STAGE_WORDS = {Stage.FIRST: "new", Stage.UPDATING: "updating", Stage.LONG_TERM: "watch"}


class Matcher:
    """
    Tells whether targets are what an expression asks for. What is not known is neither more nor less than anything.

    Parameters
    ----------
    expression : Expression
    journal : Journal
        Knows what was decided.
    """

    def __init__(self, expression: Expression, journal: Journal) -> None:
        self._journal = journal
        self._terms = [
            (term.negated, [self._test(alternative) for alternative in term.alternatives]) for term in expression.terms
        ]

    def __call__(self, target: RankedTarget) -> bool:
        """Return whether every term of the expression holds for a target."""
        return all(any(test(target) for test in tests) != negated for negated, tests in self._terms)

    def _test(self, alternative: Alternative) -> Callable[[RankedTarget], bool]:
        value, journal = alternative.value, self._journal
        if not alternative.field:
            return lambda target: str(value) in words_of(target, journal)
        read = FIELDS[alternative.field].read
        if isinstance(value, float):
            compare = _COMPARISONS.get(alternative.operator)
            if compare is None:
                low, high = value - alternative.precision, value + alternative.precision
                return lambda target: low <= _number(read(target, journal)) <= high
            return lambda target: compare(_number(read(target, journal)), value)
        if alternative.operator == "=":
            return lambda target: any(word.casefold() == value for word in _words(read(target, journal)))
        return lambda target: any(value in word.casefold() for word in _words(read(target, journal)))


def words_of(target: RankedTarget, journal: Journal) -> str:
    """
    Return all the words that are said of a target, in lower case.

    Its name, its classes, queue, stage and labels; what it is (`fields.WORDS`); its status, and who decided.
    """
    decision = journal.verdict(target.id)
    words = [target.id, target.scores.class_now, target.scores.class_after]
    said = (
        (OUTSIDE[1], target.scores.out_of_scope),
        (ANOMALY[1], has_anomaly(target)),
        (CLOSING[0], is_closing(target)),
        ("snoozed", is_snoozed(target)),
        (DISAGREE[1], bool(journal.disagreement(target.id))),
        ("commented", bool(journal.n_comments(target.id))),
        ("scheduled", journal.timetable is not None and journal.scheduled(target.id) is not None),
    )
    words += [word for word, is_so in said if is_so]
    stage = stage_of(target, journal.evening)
    words += [stage, *(word for key, word in _STAGE_WORDS.items() if key == stage)]
    if target.placement is not None:
        words.append(target.placement.queue)
    if target.assistant is not None:
        words += [trait.label for trait in target.assistant.traits]
    if decision is None:
        words.append(UNDECIDED[1])
    else:
        words += ["done", STATUS.get(decision.verdict, UNDECIDED)[1], decision.observer]
    return " ".join(words).casefold()


def _number(value: float | tuple[str, ...]) -> float:
    assert not isinstance(value, tuple)
    return value


def _words(value: float | tuple[str, ...]) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value
