"""How challengers, what a policy says of them, and promotions look on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ampel_followup.champions import METRIC_NAMES, Challenger, Metric, Promotion
from ampel_followup.cli.output import console, print_json, print_table
from ampel_followup.untrusted import clean

if TYPE_CHECKING:
    from ampel_followup.promotion_policy import Judgement


def print_challenger(challenger: Challenger) -> None:
    """Print how a challenger compares with its champion, and what it did not learn from."""
    comparison, out = challenger.comparison, console()
    out.print(
        f"{challenger.name}: learned from {challenger.n_learned} labelled objects on top of {challenger.champion}",
        markup=False,
    )
    print_table(
        (
            f"on {comparison.n_objects} objects that neither was trained on", ("champion", "right"),
            ("challenger", "right"), ("better by", "right"), "95 % interval", ("better in", "right"),
        ),
        (
            (
                METRIC_NAMES[Metric(d.metric)], f"{d.before:.3f}", f"{d.after:.3f}", f"{d.gain:+.3f}",
                f"{d.low:+.3f} to {d.high:+.3f}", f"{100 * d.p_better:.1f} %",
            )
            for d in comparison.differences
        ),
    )  # fmt: skip
    print_table(
        ("class", ("objects", "right"), ("recall before", "right"), ("after", "right")),
        (
            (c.name, c.n, _two(c.recall_before), _two(c.recall_after))
            for c in comparison.per_class
            if c.n or c.name in challenger.new_classes
        ),
    )
    for name in challenger.new_classes:
        out.print(f"new class: {clean(name)}", markup=False)
    for reason, count in challenger.left_out.items():
        out.print(f"left out: {count}, {reason}", markup=False)


def _two(value: float) -> str | None:
    return f"{value:.2f}" if value == value else None


def print_challengers(challengers: tuple[Challenger, ...] | list[Challenger]) -> None:
    """Print a line per challenger."""
    if not challengers:
        console().print("no challengers yet; `ampel-followup learn` makes one", markup=False)
        return
    rows: list[tuple[Any, ...]] = []
    for c in challengers:
        gains = [c.comparison.difference(metric) for metric in Metric]
        cells = [f"{d.gain:+.3f} ({d.low:+.3f} to {d.high:+.3f})" for d in gains]
        rows.append((c.name, c.created[:10], c.champion, c.n_learned, c.comparison.n_objects, *cells))
    print_table(
        (
            "challenger", "made", "champion", ("learned", "right"), ("tested", "right"), "log-loss better by",
            "accuracy", "mean recall",
        ),
        rows,
        optional=("made", "learned"),
    )  # fmt: skip


def print_judgement(judged: Judgement, promoted: Promotion | None) -> None:
    """Print what a policy says, and what came of it."""
    out = console()
    for reason in judged.reasons:
        out.print(f"policy: {reason}", markup=False)
    if promoted is None:
        out.print("not promoted: the bundle in use stays", markup=False)
    else:
        out.print(f"promoted: {promoted.bundle} is in use, by policy {promoted.policy}", markup=False)


def print_promotion(promoted: Promotion, as_json: bool) -> None:
    """Print which bundle is in use from now on."""
    if as_json:
        print_json({"promotion": promoted.to_dict()})
        return
    out = console()
    out.print(f"in use: {promoted.bundle}, digest {promoted.bundle_digest[:16]}", markup=False)
    if promoted.reason:
        out.print(clean(promoted.reason), markup=False)
