"""`ampel-followup evaluate streams`: learning chunk by chunk, against learning all at once."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress


class DriftOption(StrEnum):
    """What changes in the middle of the stream."""

    NONE = "none"
    SHIFT = "shift"
    MIX = "mix"


def streams(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Folder of the variable stars, or a table: id, features, label."),
    ],
    drift: Annotated[
        list[DriftOption] | None,
        typer.Option("--drift", help="Change in the middle; can be given several times. By default each in turn."),
    ] = None,
    shift: Annotated[
        float, typer.Option("--shift", metavar="S", help="Spreads that features are shifted by at the change.")
    ] = 2.0,
    shifted: Annotated[
        str | None,
        typer.Option("--shifted", metavar="NAMES", help="Those features, with commas; by default magnitudes, or all."),
    ] = None,
    mix: Annotated[
        float, typer.Option("--mix", min=1.0, metavar="ODDS", help="How much more often classes come on their side.")
    ] = 4.0,
    chunk: Annotated[int, typer.Option("--chunk", min=1, metavar="N", help="Objects that come at once.")] = 100,
    orderings: Annotated[
        int, typer.Option("--orderings", min=2, metavar="N", help="Random orders of the objects.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Of all that is random.")] = 1,
    trees: Annotated[int, typer.Option("--trees", min=1, metavar="N", help="Of every forest.")] = 100,
    lifetime: Annotated[
        int | None,
        typer.Option("--lifetime", min=1, metavar="N", help="Objects after which the rolling forest renews a tree."),
    ] = None,
    window: Annotated[
        int, typer.Option("--window", min=1, metavar="N", help="Objects whose accuracy tells recovery.")
    ] = 200,
    within: Annotated[
        float,
        typer.Option("--within", min=0.0, max=1.0, metavar="D", help="Recovered: so near to the accuracy before."),
    ] = 0.03,
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Of a table.")] = "id",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Of a table.")] = "label",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes; by default one per core. Results are the same."),
    ] = None,
    cpu: Annotated[
        bool, typer.Option("--cpu", help="Say CPU times too; unlike all else they differ from run to run.")
    ] = False,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw the figures there, as PNG and SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Compare ways to learn from a stream with learning from the same objects all at once.

    Every object is classified before it is learned. Learners are a forest grown again with every chunk (full-retrain),
    one renewed tree by tree (rolling), ADAIN, equal votes of chunks, the last chunk alone, and a forest left alone from
    the middle on (frozen). The stream is stationary, its features shift, or its class mix changes; the report says who
    is accurate, what it costs, how soon it recovers, and which wins. The manual (docs/streams.md) defines each number.
    """
    import dataclasses

    from ampel_followup.evaluation.stream_comparison import compare_streams
    from ampel_followup.evaluation.stream_data import DRIFTS, load_labelled
    from ampel_followup.evaluation.streams import StreamProtocol, run_streams
    from ampel_followup.models.chunk_learners import ForestSettings
    from ampel_followup.models.incremental import RollingSettings

    if plots is not None:
        from ampel_followup.plotting import figure_class

        figure_class()  # what is missing is said before the work
    names = None if shifted is None else [name.strip() for name in shifted.split(",") if name.strip()]
    table = load_labelled(data, id_column=id_column, label_column=label_column, shifted=names)
    rolling = RollingSettings(n_trees=trees)
    protocol = StreamProtocol(
        chunk=chunk,
        orderings=orderings,
        seed=seed,
        drifts=DRIFTS if not drift else tuple(d.value for d in dict.fromkeys(drift)),
        shift=shift,
        mix=mix,
        window=window,
        within=within,
        forest=ForestSettings(n_trees=trees),
        rolling=rolling if lifetime is None else dataclasses.replace(rolling, lifetime=lifetime),
    )
    with progress(quiet=as_json) as bars:
        task = bars.add_task("streaming", total=None)
        runs = run_streams(
            table,
            protocol,
            workers=workers or os.cpu_count() or 1,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        bars.update(task, description="resampling")
        result = compare_streams(table, runs, protocol, cpu=cpu)
    if plots is not None:
        from ampel_followup.evaluation.stream_plots import write_stream_figures

        result["plots"] = [str(file) for file in write_stream_figures(plots, table, runs, protocol)]
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: dict[str, Any]) -> None:
    line, protocol = console(), result["protocol"]
    line.print(f"{protocol['data']}: {protocol['note']}", markup=False)
    line.print(
        f"{protocol['objects']} objects in chunks of {protocol['chunk']}, {protocol['orderings']} orderings, seed "
        f"{protocol['seed']}. Every object is classified before it is learned. Accuracies are means ± standard "
        "deviations over orderings, intervals 95 % over objects and orderings.",
        markup=False,
    )
    for drift, stream in result["streams"].items():
        line.print(f"\n{drift}: {stream['injected']}", markup=False)
        _print_learners(stream, cpu=any("cpu_ratio" in entry for entry in stream["learners"].values()))
        if stream["change_at"] is not None:
            _print_recovery(stream, protocol)
        line.print(stream["verdict"], markup=False)
    for file in result.get("plots", ()):
        line.print(file, markup=False)


def _print_learners(stream: dict[str, Any], *, cpu: bool) -> None:
    right = "right"
    columns: list[str | tuple[str, str]] = [
        "learner",
        ("second half", right),
        ("less full-retrain", right),
        ("all", right),
        ("macro recall", right),
        ("rows sorted/object", right),
        ("cost", right),
    ]
    print_table(
        [*columns, *([("CPU", right)] if cpu else [])],
        [
            [
                name,
                _pm(entry, "second_half"),
                _difference(entry, "second_half"),
                _pm(entry, "accuracy"),
                _pm(entry, "macro_recall"),
                entry["rows_sorted_per_object"],
                f"{entry['cost_ratio']:.3f}",
                *([f"{entry['cpu_ratio']:.3f}"] if cpu else []),
            ]
            for name, entry in stream["learners"].items()
        ],
    )


def _print_recovery(stream: dict[str, Any], protocol: dict[str, Any]) -> None:
    rows = []
    for name, entry in stream["learners"].items():
        if "recovery" in entry:
            found = entry["recovery"]
            times = ", ".join("never" if n is None else str(n) for n in found["objects"])
            levels = [None if found[key] is None else f"{found[key]:.3f}" for key in ("before", "just_after")]
            rows.append([name, *levels, found["median"], times])
    print_table(
        [
            "learner",
            ("before", "right"),
            (f"first {protocol['window']} after", "right"),
            ("median", "right"),
            "objects until recovered",
        ],
        rows,
        title=f"recovery: the last {protocol['window']} are within {protocol['within']:g} of the accuracy before",
    )


def _pm(entry: dict[str, Any], key: str) -> str | None:
    return None if entry.get(key) is None else f"{entry[key]:.3f} ± {entry[f'{key}_sd']:.3f}"


def _difference(entry: dict[str, Any], part: str) -> str:
    key = f"{part}_minus_full-retrain"
    low, high = entry[f"{key}_interval"]
    return f"{entry[key]:+.3f} ({low:+.3f} to {high:+.3f})"
