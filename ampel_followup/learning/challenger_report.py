"""The report of a challenger: a page to read with its pictures, numbers for scripts, every object that was tested."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ampel_followup.champions import METRIC_NAMES, Metric
from ampel_followup.errors import TrainingError
from ampel_followup.learning.challenger import Learned
from ampel_followup.learning.challenger_plots import draw_challenger
from ampel_followup.learning.report import STYLE, html_table, html_text
from ampel_followup.learning.sources import reasons_of

_CAPTIONS = {
    "gain": "By how much the challenger is better, on labelled objects that neither was trained on. Bars: 95 % "
    "interval from a bootstrap over groups of objects, both models on the same draw.",
    "confusion": "Labelled objects by class (rows) and class named (columns), by the champion and by the challenger.",
    "recall": "Recall of each class, before and after; in brackets the number of labelled objects.",
    "reliability": "Stated probabilities, and how often they came true. On the diagonal both agree.",
}


def write_challenger_report(folder: Path, learned: Learned) -> Path:
    """
    Write the report of a challenger.

    Parameters
    ----------
    folder : Path
        Made if absent. Receives ``index.html``, its pictures as SVG and PNG, ``comparison.json`` (the challenger as the
        store keeps it), ``tested.csv`` (each object that was predicted, by both) and ``left_out.csv``.
    learned : Learned

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    TrainingError
        If the folder cannot be written to, or matplotlib is not installed.
    """
    page = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draw_challenger(folder, learned.challenger.comparison)
        numbers = json.dumps(learned.challenger.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "comparison.json").write_text(numbers + "\n", "utf-8")
        _write_rows(folder / "tested.csv", ("id", "class", "before", "p_before", "after", "p_after"), _tested(learned))
        _write_rows(
            folder / "left_out.csv", ("id", "reason", "detail"), ((o.id, o.reason, o.detail) for o in learned.omitted)
        )
        page.write_text(_page(learned), "utf-8")
    except OSError as error:
        raise TrainingError(f"cannot write the report to {folder} ({error.strerror or error}); make room") from error
    return page


def _tested(learned: Learned) -> Iterable[tuple[object, ...]]:
    classes = learned.challenger.comparison.classes
    for i, (name, y) in enumerate(zip(learned.ids, learned.y.tolist(), strict=True)):
        before, after = learned.before[i], learned.after[i]
        yield (
            name,
            classes[y],
            classes[int(before.argmax())],
            round(float(before[y]), 6),
            classes[int(after.argmax())],
            round(float(after[y]), 6),
        )


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def _page(learned: Learned) -> str:
    challenger, comparison = learned.challenger, learned.challenger.comparison
    left_out = sorted(challenger.left_out.items(), key=lambda item: -item[1])
    parts = [
        f"<h1>{html_text(challenger.name)}</h1>",
        f"<p>Learned from {challenger.n_learned} labelled objects, each counting as {challenger.weight:g}, on top of "
        f"{html_text(challenger.champion)}. Made {html_text(challenger.created)}.</p>",
        f"<p>Compared on {comparison.n_objects} labelled objects in {comparison.n_groups} groups that neither the "
        f"champion nor the challenger was trained on: {comparison.folds} folds, objects of one host together. They are "
        "as people chose them; the numbers hold for such objects.</p>",
        html_table(
            ("", "champion", "challenger", "better by", "95 % interval", "better in"),
            [
                (
                    METRIC_NAMES[Metric(d.metric)],
                    d.before,
                    d.after,
                    f"{d.gain:+.4f}",
                    f"{d.low:+.4f} to {d.high:+.4f}",
                    f"{100 * d.p_better:.1f} % of draws",
                )
                for d in comparison.differences
            ],
        ),
        _figure("gain"),
        _figure("confusion"),
        _figure("recall"),
        html_table(
            ("class", "objects", "recall before", "after", "precision before", "after"),
            [
                (c.name, c.n, c.recall_before, c.recall_after, c.precision_before, c.precision_after)
                for c in comparison.per_class
            ],
        ),
        f"<p>New classes: {html_text(', '.join(challenger.new_classes) or 'none')}. Objects of new classes are in the "
        "table and the confusion, not in the differences.</p>",
        _figure("reliability"),
        "<h2>Left out</h2>",
        html_table(("reason", "objects"), left_out) if left_out else "<p>Nothing.</p>",
        f"<p>Learned before: {learned.n_known} objects. Learned with their spectrum: {learned.n_spectra}; spectra that "
        f"cannot be used: {html_text(reasons_of(learned.unused_spectra))}.</p>",
        '<p>Each object that was tested is in <a href="tested.csv">tested.csv</a>, each that was left out in '
        '<a href="left_out.csv">left_out.csv</a>, all numbers in <a href="comparison.json">comparison.json</a>.</p>',
    ]
    body = "\n".join(parts)
    title = html_text(challenger.name)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}: challenger</title>\n'
        f"<style>{STYLE}</style>\n{body}\n</html>\n"
    )


def _figure(name: str) -> str:
    caption = html.escape(_CAPTIONS[name])
    return f'<figure><img src="{name}.svg" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
