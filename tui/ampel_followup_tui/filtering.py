"""Which targets the words of a filter let through."""

from __future__ import annotations

from collections.abc import Sequence

from ampel_followup.plan import RankedTarget
from ampel_followup_tui.glyphs import ANOMALY, CLOSING, OUTSIDE, STATUS, UNDECIDED
from ampel_followup_tui.groups import has_anomaly, is_closing, is_snoozed
from ampel_followup_tui.journal import Journal


def matches(target: RankedTarget, words: Sequence[str], journal: Journal) -> bool:
    """
    Tell whether every word is found in the name, the classes, the scope, the queue or the status of a target.

    Parameters
    ----------
    target : RankedTarget
        The target.
    words : sequence of str
        In lower case; none lets everything through.
    journal : Journal
        Knows the status: ``approved``, ``rejected``, ``deferred``, ``undecided`` and so on, and who decided. What is
        outside the training set has the word ``outside``; stage, queue, labels, ``anomaly``, ``closing`` and
        ``snoozed`` are words too.
    """
    if not words:
        return True
    decision = journal.verdict(target.id)
    status = (STATUS.get(decision.verdict, UNDECIDED)[1], decision.observer) if decision else (UNDECIDED[1],)
    scope = OUTSIDE[1] if target.scores.out_of_scope else ""
    classes = (target.scores.class_now, target.scores.class_after)
    text = " ".join((target.id, *classes, scope, *_of_assistant(target), *status)).casefold()
    return all(word in text for word in words)


def _of_assistant(target: RankedTarget) -> list[str]:
    """Return the words that the assistant and the policy have for a target."""
    words = [
        word
        for word, said in ((ANOMALY[1], has_anomaly), (CLOSING[0], is_closing), ("snoozed", is_snoozed))
        if said(target)
    ]
    if target.placement is not None:
        words += [target.placement.stage, target.placement.queue]
    if target.assistant is not None:
        words += [trait.label for trait in target.assistant.traits]
    return words
