"""`ampel-followup evaluate classifier`: what a classifier with attention calls light curves of known class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress

# Classes that a line of the table names.
_NAMED = 3


def classifier(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Alerts, a folder with a light curve per object, or a folder of SNPCC, ELAsTiCC or ZTF's Bright "
            "Transient Survey (with classes).",
        ),
    ],
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="Table with id and label; see the manual.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Names the object.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Has its class.")] = "label",
    bundle: Annotated[
        str | None,
        typer.Option("--bundle", metavar="NAME", help="Installed bundle or folder; by default the packaged one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say what a classifier with attention calls light curves whose class you know.

    Each light curve is classified at 25, 50 and 100 % of its points. Do this with light curves of your own survey, on
    which it was not trained, before you trust a classifier: the packaged one was trained on simulation.
    """
    from ampel_followup.cli.train_attention import read_labelled
    from ampel_followup.evaluation.classifier import measure_classifier
    from ampel_followup.models.attention_bundle import load_attention_bundle

    model = load_attention_bundle(bundle)
    with progress(quiet=as_json) as bars:
        curves, notes = read_labelled(data, labels, id_column, label_column, bars)
        task = bars.add_task("classifying", total=None)
        found = measure_classifier(model, curves, lambda done, total: bars.update(task, completed=done, total=total))
    summary: dict[str, Any] = {
        **model.describe(),
        "data": {"name": curves.name, "note": curves.note, "objects": len(curves)},
        "classes": found,
        "notes": notes,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _print(summary: dict[str, Any]) -> None:
    out, data = console(), summary["data"]
    out.print(f"{summary['bundle']} on {data['name']}: {data['note']}", markup=False)
    found = summary["classes"]
    fractions = [at for at in next(iter(found.values())) if at != "objects"]
    print_table(
        ("class", ("objects", "right"), *((f"at {float(at):.0%}", "right") for at in fractions), "called in the end"),
        [
            (name, str(one["objects"]), *(_share(one[at]["recall"]) for at in fractions), _named(one[fractions[-1]]))
            for name, one in found.items()
        ],
        title="called by their class, at fractions of their points",
    )
    for note in summary["notes"]:
        out.print(note, markup=False)


def _named(one: dict[str, Any]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in list(one["called"].items())[:_NAMED])


def _share(recall: float | None) -> str:
    return "–" if recall is None else f"{recall:.0%}"
