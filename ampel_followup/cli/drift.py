"""`ampel-followup drift`: whether the stream is still what the models were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import (
    BundleOption,
    JsonOption,
    StoreOption,
    console,
    print_json,
    print_table,
    progress,
)
from ampel_followup.cli.ranking import AssistantOption
from ampel_followup.errors import StoreError

if TYPE_CHECKING:
    from ampel_followup.drift import DriftReport
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.models.bundle import ModelBundle

#: Features shown where none or few have moved: what comes nearest.
SHOWN = 10


def drift(
    alerts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[ALERTS…]", help="Alerts as for `rank`; without any, the nights in the store."),
    ] = None,
    bundle: BundleOption = None,
    assistant: AssistantOption = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="DIR", help="Folder for pictures of ALERTS beside the training of the bundle."),
    ] = None,
    store: StoreOption = None,
    night: Annotated[
        str | None,
        typer.Option("--night", metavar="DATE", help="Only this night of the store (2026-11-20), and all of it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say which features are not distributed as in training.

    With ALERTS, of these objects, a bundle and the virtual assistant; without, of the nights that were ranked into the
    store, newest first.

    A changed mix of classes, another season or Moon is drift too: `docs/drift.md` says how to tell.

    Example: `ampel-followup drift alerts.tar.gz --plots drift/`
    """
    if not alerts:
        if plots is not None:
            raise typer.BadParameter("pictures are of alerts; name some ALERTS", param_hint="--plots")
        _print_history(store, night, as_json)
        return
    from ampel_followup.models.assistant_bundle import load_assistant
    from ampel_followup.models.bundle import load_bundle
    from ampel_followup.promoting import chosen_folder_at

    loaded, helper = load_bundle(chosen_folder_at(bundle, store)), load_assistant(assistant)
    found, of_assistant = drift_of(alerts, loaded, helper, quiet=as_json)
    drawn: list[str] = []
    if plots is not None:
        from ampel_followup.evaluation.drift_plots import draw_drift

        drawn = draw_drift(plots, found, loaded.info["distribution"])
    if as_json:
        print_json(
            {
                "bundle": loaded.label,
                "drift": found.to_dict(),
                "assistant": helper.label,
                "drift_assistant": of_assistant.to_dict(),
                "plots": drawn,
            }
        )
        return
    _print_report(found, f"{found.n_objects} objects beside the training set of bundle {loaded.label}")
    _print_report(of_assistant, f"{of_assistant.n_objects} objects beside that of assistant {helper.label}")
    if drawn:
        console().print(f"pictures: {', '.join(drawn)}", markup=False)


def drift_of(
    alerts: list[Path], bundle: ModelBundle, assistant: AssistantBundle, *, quiet: bool
) -> tuple[DriftReport, DriftReport]:
    """Read alerts in batches, and compare their objects with those that a bundle and an assistant were trained on."""
    from collections import defaultdict
    from itertools import islice

    import numpy as np

    from ampel_followup.alerts.quarantine import Quarantine
    from ampel_followup.alerts.spool import light_curves
    from ampel_followup.assistant import last_visit_features
    from ampel_followup.drift import assistant_drift, bundle_drift
    from ampel_followup.night_run import BATCH
    from ampel_followup.scoring import compute_features

    with progress(quiet=quiet) as bars:
        task = bars.add_task("reading alerts", total=None)
        source = light_curves(
            alerts,
            quarantine=Quarantine(None),
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        values, visited = [], defaultdict(list)
        while batch := list(islice(source, BATCH)):
            values.append(compute_features(batch, bundle).values)
            for day, rows in last_visit_features(batch, assistant).items():
                visited[day].append(rows)
    by_day = {day: np.concatenate(rows) for day, rows in visited.items()}
    return bundle_drift(np.concatenate(values), bundle), assistant_drift(by_day, assistant)


def _print_report(found: DriftReport, title: str) -> None:
    console().print(f"{title}: {found.sentence}", markup=False)
    order = {name: place for place, name in enumerate(found.moved)}
    listed = sorted(found.features, key=lambda f: (order.get(f.name, len(order)), -f.psi))
    print_table(
        (
            "feature", "moved", ("PSI", "right"), ("usual", "right"), ("distance", "right"), ("p", "right"),
            ("median now", "right"), ("in training", "right"), ("measured now", "right"), ("in training", "right"),
        ),
        (
            (
                f.name, "yes" if f.moved else "", f"{f.psi:.3f}", _number(f.usual_psi, ".3f"), f"{f.ks:.2f}",
                f"{f.p_value:.1g}", _number(f.median_now, ".4g"), _number(f.median_then, ".4g"),
                f"{100 * f.measured_now:.0f} %", f"{100 * f.measured_then:.0f} %",
            )
            for f in listed[: max(SHOWN, len(found.moved))]
        ),
    )  # fmt: skip


def _number(value: float, form: str) -> str | None:
    return format(value, form) if value == value else None  # NaN differs from itself


def _print_history(url: str | None, night: str | None, as_json: bool) -> None:
    """Show what the runs in the store reported, newest first; of one night in full."""
    from ampel_followup.drift import DriftReport
    from ampel_followup.store import Store

    kept: list[dict[str, Any]] = []
    with Store.open(url, read_only=True) as opened:
        runs = [info for info in opened.plans() if night is None or info.night == night]
        if not runs:
            which = f" of {night}" if night else ""
            raise StoreError(f"{opened.url} holds no plan{which}; rank some alerts, or name them: `drift ALERTS`")
        for info in runs:
            report = opened.load_plan(info.revision, limit=1).report
            kept.append(
                {
                    "revision": info.revision,
                    "night": info.night,
                    "site": info.site,
                    "bundle": info.bundle,
                    "drift": report.get("drift"),
                    "drift_assistant": report.get("drift_assistant"),
                }
            )
    if as_json:
        print_json({"nights": kept})
        return
    if night is not None:
        for run in kept:
            title = f"{run['night']} at {run['site']}, plan {run['revision']}, bundle {run['bundle']}"
            if run["drift"] is None:
                console().print(f"{title}: made before drift was looked at", markup=False)
            else:
                _print_report(DriftReport.from_dict(run["drift"]), title)
            if run["drift_assistant"] is not None:
                _print_report(DriftReport.from_dict(run["drift_assistant"]), "the assistant of the same run")
        return
    print_table(
        (("plan", "right"), "night", "site", ("objects", "right"), ("moved", "right"), "what"),
        (
            (
                run["revision"],
                run["night"],
                run["site"],
                run["drift"]["n_objects"] if run["drift"] else None,
                _moved(run),
                _what(run),
            )
            for run in kept
        ),
    )


def _moved(run: Mapping[str, Any]) -> int | None:
    told = [run[key] for key in ("drift", "drift_assistant") if run[key]]
    return sum(len(drift["moved"]) for drift in told) if told else None


def _what(run: Mapping[str, Any]) -> str:
    sentences = [run["drift"]["sentence"] if run["drift"] else "made before drift was looked at"]
    if run["drift_assistant"] and run["drift_assistant"]["moved"]:
        sentences.append(f"assistant, {run['drift_assistant']['sentence']}")
    return "; ".join(sentences)
