"""The report of a training: a page to read, the numbers for scripts, and what was left out."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ampel_followup.errors import TrainingError
from ampel_followup.evaluation.comparison import METRICS
from ampel_followup.learning.gain_training import TrainedGain
from ampel_followup.learning.plots import draw_all
from ampel_followup.learning.training_set import TrainingSet

_CAPTIONS = {
    "calibration": "Calibration, over all objects and classes. A probability of 0.7 should come true in 70 % of the "
    "cases: on the diagonal. Bars: one standard deviation.",
    "confusion": "Objects by true class (rows) and class named (columns), from photometry and with the spectrum.",
    "strategies": "What spectra of the first objects of each strategy bring: accuracy over all objects, and mean gain "
    "in the probability of the true class of those observed. “ideal” ranks by the entropy that true spectra take away.",
}

_HEADINGS = {
    "fp_5": "corrected, first 5 %",
    "gtp_5": "gain in P(true), first 5 %",
    "fp_20": "corrected, first 20 %",
    "gtp_20": "gain in P(true), first 20 %",
    "spectra_to_80": "spectra for 80 % of the gain",
}

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .2em .8em; text-align: right }
th:first-child, td:first-child { text-align: left } thead th { border-bottom: 1px solid #888 }
img { max-width: 100% } figcaption, .note { color: #555 } figure { margin: 1.5em 0 }
"""


def write_report(folder: Path, training_set: TrainingSet, trained: TrainedGain) -> Path:
    """
    Write the report of a training.

    Parameters
    ----------
    folder : Path
        Made if absent. Receives ``index.html``, its pictures as SVG and PNG, ``metrics.json`` (the description of the
        bundle and the comparison of strategies) and ``left_out.csv`` (id, reason, detail).
    training_set : TrainingSet
    trained : TrainedGain

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    TrainingError
        If the folder cannot be written to.
    """
    page = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = draw_all(folder, trained.validation, training_set.classes)
        numbers = {"bundle": trained.info, "comparison": trained.validation.comparison}
        (folder / "metrics.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", "utf-8")
        with (folder / "left_out.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["id", "reason", "detail"])
            table.writerows([o.id, o.reason, o.detail] for o in training_set.omitted)
        page.write_text(_page(training_set, trained, pictures), "utf-8")
    except OSError as error:
        raise TrainingError(
            f"cannot write the report to {folder} ({error.strerror or error}); choose another place with --report"
        ) from error
    return page


def _page(training_set: TrainingSet, trained: TrainedGain, pictures: Sequence[str]) -> str:
    info, measured = trained.info, trained.info["metrics"]
    training, comparison = info["training"], trained.validation.comparison
    left_out = training["left_out"]
    small = int(0.05 * len(training_set))
    parts = [
        f"<h1>{html_text(info['name'])}</h1>",
        f"<p>{html_text(info['description'])} Made {html_text(info['created'])}, seed {training['seed']}.</p>",
        f"<p>All numbers are of objects that the model had not seen: {training['folds']} folds, objects of a group "
        "together. They hold for objects like those of the training set.</p>",
        "<h2>Accuracy</h2>",
        html_table(
            ("", "photometry", "with spectrum"),
            [
                (label, measured[f"p_t_{key}"], measured[f"p_ts_{key}"])
                for key, label in (
                    ("accuracy", "accuracy"),
                    ("balanced_accuracy", "mean recall of the classes"),
                    ("log_loss", "log loss [nat]"),
                    ("calibration_error", "calibration error"),
                )
            ],
        ),
        html_table(
            ("class", "objects", "recall, photometry", "recall, with spectrum"),
            [
                (c, training["per_class"][c], measured["p_t_recall"][c], measured["p_ts_recall"][c])
                for c in training_set.classes
            ],
        ),
        f"<p>Information gain: {measured['information_gain_expected']} nat expected, "
        f"{measured['information_gain_true_spectra']} nat with the true spectra. The closer, the better spectra are "
        "predicted.</p>",
        *(_figure(name) for name in pictures),
        "<h2>Strategies</h2>",
        f"<p>One division into folds: differences of a few objects are chance (5 % are {small} objects here).</p>",
        html_table(
            ("strategy", *(_HEADINGS[m] for m in METRICS)),
            [(name, *(values[m] for m in METRICS)) for name, values in comparison["strategies"].items()],
        ),
        "<h2>Distribution of the training set</h2>",
        "<p>What later nights are compared with: when a feature leaves these ranges, the model is asked about what it "
        "does not know.</p>",
        html_table(
            ("feature", "measured", "10 %", "median", "90 %"),
            [
                (name, spread["measured"], *(spread["deciles"][i] if spread["deciles"] else None for i in (1, 5, 9)))
                for name, spread in info["distribution"].items()
            ],
        ),
        "<h2>Left out</h2>",
        html_table(("reason", "objects"), left_out.items()) if left_out else "<p>Nothing.</p>",
        *(f'<p class="note">{html_text(note)}</p>' for note in training_set.notes),
        '<p>Each object that was left out is in <a href="left_out.csv">left_out.csv</a>, all numbers are in '
        '<a href="metrics.json">metrics.json</a>.</p>',
    ]
    body = "\n".join(parts)
    title = html_text(info["name"])
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}: training report</title>\n'
        f"<style>{STYLE}</style>\n{body}\n</html>\n"
    )


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table for a page."""
    head = "".join(f"<th>{html_text(name)}</th>" for name in header)
    body = "\n".join("<tr>" + "".join(f"<td>{html_text(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _figure(name: str) -> str:
    caption = html.escape(_CAPTIONS[name])
    return f'<figure><img src="{name}.svg" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def html_text(value: object) -> str:
    """Return text for the page: names of classes and features are the user's, and may hold anything; NaN is a dash."""
    if isinstance(value, float):
        value = f"{value:.4g}" if value == value else None
    return html.escape("–" if value is None else str(value))
