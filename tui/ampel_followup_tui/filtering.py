"""Which targets the words of a filter let through."""

from __future__ import annotations

from collections.abc import Sequence

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.glyphs import OUTSIDE, STATUS, UNDECIDED
from ampel_followup_tui.journal import Journal


def matches(target: RankedTarget, words: Sequence[str], journal: Journal) -> bool:
    """
    Tell whether every word is found in the name, the classes, the scope or the status of a target.

    Parameters
    ----------
    target : RankedTarget
        The target.
    words : sequence of str
        In lower case; none lets everything through.
    journal : Journal
        Knows the status: ``approved``, ``rejected``, ``deferred``, ``undecided`` and so on, and who decided. What is
        outside the training set has the word ``outside``.
    """
    if not words:
        return True
    decision = journal.verdict(target.id)
    status = (STATUS.get(decision.verdict, UNDECIDED)[1], decision.observer) if decision else (UNDECIDED[1],)
    scope = OUTSIDE[1] if target.scores.out_of_scope else ""
    text = " ".join((target.id, target.scores.class_now, target.scores.class_after, scope, *status)).casefold()
    return all(word in text for word in words)
