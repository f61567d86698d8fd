"""The columns of labels that came back, and of challengers."""

from __future__ import annotations

import math

from rich.text import Text

from ampel_followup.champions import Challenger, Comparison, Difference, Metric
from ampel_followup.learning_state import Returned
from ampel_followup.untrusted import clean
from ampel_followup_tui.column import Column
from ampel_followup_tui.glyphs import (
    BETTER,
    GREEN,
    GREY,
    IN_USE,
    ORANGE,
    SAME,
    SKY_BLUE,
    VERMILION,
    WORSE,
    short_name,
    two_digits,
)
from ampel_followup_tui.instants import day_and_month

#: Signs of a label: what it was taken for is what it is, or is not; the models have no such class; sources differ.
NO_CLASS = ("?", "of no class of the models", GREY)
RIGHT, WRONG, CONFLICT = ("✓", "as predicted", GREEN), ("✗", "something else", VERMILION), ("≠", "in conflict", ORANGE)


def label_columns(width: int) -> list[Column[Returned]]:
    """Return the columns of labels, to fill `width` characters with a gap of one between columns."""
    columns: list[Column[Returned]] = [
        Column("sign", "", 3, lambda returned, _: _sign(returned)),
        Column("target", "target", 12, lambda returned, width: Text(short_name(returned.target, width))),
        Column("was", "was", 15, _was),
        Column("is", "is", 13, _is),
        Column("p", "P it", 4, lambda returned, _: _share(returned.p_label), right=True),
        Column("when", "when", 6, lambda returned, _: Text(day_and_month(returned.time[:10]), GREY)),
    ]
    rest = max(1, width - sum(column.width + 1 for column in columns))
    return [*columns, Column("source", "source", rest, lambda returned, width: Text(_source(returned, width), GREY))]


def challenger_columns(width: int, in_use: str) -> list[Column[Challenger]]:
    """
    Return the columns of challengers, to fill `width` characters with a gap of one between columns.

    Parameters
    ----------
    width : int
        Room [characters].
    in_use : str
        Digest of the bundle in use.
    """
    columns: list[Column[Challenger]] = [
        Column("use", "", 2, lambda challenger, _: _use(challenger, in_use)),
        Column("made", "made", 6, lambda challenger, _: Text(day_and_month(challenger.created[:10]), GREY)),
        Column("labels", "labels", 6, lambda challenger, _: Text(str(challenger.n_learned)), right=True),
        Column("loss", "log-loss", 15, lambda challenger, _: change(challenger.comparison, Metric.LOG_LOSS)),
        Column("accuracy", "accuracy", 15, lambda challenger, _: change(challenger.comparison, Metric.ACCURACY)),
    ]
    rest = max(1, width - sum(column.width + 1 for column in columns))
    name: Column[Challenger] = Column("name", "challenger", rest, lambda c, width: Text(clean(c.name, width)))
    return [columns[0], name, *columns[1:]]


def is_judged(returned: Returned) -> bool:
    """Return whether a label can be compared with what was predicted: the models know its class."""
    return returned.was_right or not math.isnan(returned.p_label)


def verdict_sign(difference: Difference) -> tuple[str, str]:
    """Return sign and style of a difference: better or worse only where the whole interval says so."""
    if difference.low > 0.0:
        return BETTER
    return WORSE if difference.high < 0.0 else SAME


def change(comparison: Comparison, metric: Metric) -> Text:
    """Write a metric before and after with a sign for better or worse."""
    difference = next((d for d in comparison.differences if d.metric == metric), None)
    if difference is None:
        return Text("–", GREY)
    sign, style = verdict_sign(difference)
    return Text.assemble(f"{difference.before:.3f}→{difference.after:.3f} ", (sign, style))


def _use(challenger: Challenger, in_use: str) -> Text:
    return Text.assemble(" ", IN_USE) if challenger.bundle_digest == in_use else Text("  ")


def _sign(returned: Returned) -> Text:
    sign, _, style = (RIGHT if returned.was_right else WRONG) if is_judged(returned) else NO_CLASS
    text = Text.assemble(" ", (sign, style))
    return text.append(CONFLICT[0], CONFLICT[2]) if returned.others else text


def _was(returned: Returned, width: int) -> Text:
    return Text.assemble(clean(returned.class_then, width - 4), (f" {two_digits(returned.p_then)}", GREY))


def _is(returned: Returned, width: int) -> Text:
    return Text(clean(returned.class_now, width), "" if returned.was_right else f"bold {SKY_BLUE}")


def _share(p: float) -> Text:
    return Text(two_digits(p))


def _source(returned: Returned, width: int) -> str:
    who = f"{returned.source} {returned.author}" if returned.author else returned.source
    return clean(who, width)
