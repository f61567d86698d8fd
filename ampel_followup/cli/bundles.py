"""`ampel-followup bundle`: the models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table
from ampel_followup.errors import BundleError

if TYPE_CHECKING:
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.models.attention_bundle import AttentionModel
    from ampel_followup.models.bundle import ModelBundle
    from ampel_followup.models.early_bundle import EarlyBundle
    from ampel_followup.models.folder import Bundle
    from ampel_followup.models.microlensing_bundle import MicrolensingBundle

app = typer.Typer(no_args_is_help=True, help="Model bundles: what is installed, what it knows, whether it is intact.")

BundleArgument = Annotated[str | None, typer.Argument(help="Name or folder; by default the one that comes along.")]


def _load(name: str | None) -> Bundle:
    """Load a bundle of any kind, each byte verified."""
    from ampel_followup.models.anomaly_bundle import load_anomaly
    from ampel_followup.models.assistant_bundle import load_assistant
    from ampel_followup.models.attention_bundle import load_attention_bundle
    from ampel_followup.models.bundle import find_bundle, load_bundle
    from ampel_followup.models.early_bundle import load_early
    from ampel_followup.models.folder import (
        ANOMALY,
        ASSISTANT,
        ATTENTION,
        EARLY,
        MICROLENSING,
        STREAM,
        Bundle,
        read_folder,
        read_kind,
    )
    from ampel_followup.models.microlensing_bundle import load_microlensing

    folder = find_bundle(name)
    kind = read_kind(folder)
    if kind == EARLY:
        return load_early(folder)
    if kind == MICROLENSING:
        return load_microlensing(folder)
    if kind == ANOMALY:
        return load_anomaly(folder)
    if kind == ATTENTION:
        return load_attention_bundle(folder)
    if kind == STREAM:
        return Bundle(*read_folder(folder, STREAM))
    return load_assistant(folder) if kind == ASSISTANT else load_bundle(folder)


@app.command(name="list")
def list_(as_json: JsonOption = False) -> None:
    """List the bundles that can be used by name."""
    from ampel_followup.models.anomaly_bundle import AnomalyBundle
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.models.attention_bundle import AttentionModel
    from ampel_followup.models.bundle import ModelBundle
    from ampel_followup.models.early_bundle import EarlyBundle
    from ampel_followup.models.folder import kind_of, list_bundles
    from ampel_followup.models.microlensing_bundle import MicrolensingBundle

    found: list[dict[str, Any]] = []
    for folder in list_bundles():
        try:
            bundle = _load(str(folder))
        except BundleError as error:
            found.append({"name": folder.name, "folder": str(folder), "error": str(error)})
            continue
        info = {"name": folder.name, "kind": kind_of(bundle.info), "version": bundle.info.get("version"),
                "created": bundle.info.get("created"), "folder": str(folder)}  # fmt: skip
        if isinstance(bundle, EarlyBundle):
            info["knows"] = f"P(Ia), threshold {bundle.threshold:.2f}"
        elif isinstance(bundle, MicrolensingBundle):
            info["knows"] = f"P(microlensing), threshold {bundle.threshold:.2f}, planets from {bundle.alarm:.2f}"
        elif isinstance(bundle, AnomalyBundle):
            info["knows"] = f"what is like nothing in {bundle.info['training']['objects']} objects"
        elif isinstance(bundle, AttentionModel):
            classes = list(bundle.class_names)
            info |= {"classes": classes, "knows": f"{len(classes)} classes at any age, {bundle.options.kind}"}
        elif isinstance(bundle, AssistantBundle):
            info["scores"] = {day: list(bundle.scores(day)) for day in bundle.days}
        elif isinstance(bundle, ModelBundle):
            info["classes"] = list(bundle.classes)
        else:
            classes, seen = list(bundle.info["classes"]), bundle.info["counts"]["n_seen"]
            info |= {"classes": classes, "knows": f"{len(classes)} classes, from {seen} objects of a stream"}
        found.append(info)
    if as_json:
        print_json({"bundles": found})
        return
    print_table(
        ("name", "kind", "version", "created", "knows", "folder"),
        ((f["name"], f.get("kind"), f.get("version"), f.get("created"), _knows(f), f["folder"]) for f in found),
    )


def _knows(entry: Mapping[str, Any]) -> str:
    if "error" in entry:
        return str(entry["error"])
    if "knows" in entry:
        return str(entry["knows"])
    if "classes" in entry:
        return f"{len(entry['classes'])} classes"
    return "; ".join(f"day {day}: {', '.join(scores)}" for day, scores in entry["scores"].items())


@app.command()
def show(bundle: BundleArgument = None, as_json: JsonOption = False) -> None:
    """Say what a bundle was trained on and how well it did."""
    from ampel_followup.models.anomaly_bundle import AnomalyBundle
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.models.attention_bundle import AttentionModel
    from ampel_followup.models.bundle import ModelBundle
    from ampel_followup.models.early_bundle import EarlyBundle
    from ampel_followup.models.folder import kind_of
    from ampel_followup.models.microlensing_bundle import MicrolensingBundle

    loaded = _load(bundle)
    kind, size = kind_of(loaded.info), sum(map(len, loaded.files.values()))
    info = {"kind": kind, **loaded.info, "digest": loaded.digest, "bytes": size}
    if as_json:
        print_json(info)
        return
    out = console()
    out.print(f"{loaded.label}, kind {kind}, {_made(info)}{size / 1e6:.1f} MB", markup=False)
    out.print(info.get("description", ""), markup=False)
    if isinstance(loaded, EarlyBundle):
        _show_early(loaded)
    elif isinstance(loaded, MicrolensingBundle):
        _show_microlensing(loaded)
    elif isinstance(loaded, AnomalyBundle):
        print_table(("trained on", ""), _numbers(loaded.info["training"]))
    elif isinstance(loaded, AttentionModel):
        _show_attention(loaded)
    elif isinstance(loaded, AssistantBundle):
        _show_assistant(loaded)
    elif isinstance(loaded, ModelBundle):
        _show_gain(loaded)
    else:
        _show_stream(loaded)
    out.print(f"digest: {loaded.digest}", markup=False)


def _show_attention(loaded: AttentionModel) -> None:
    info, out, options = loaded.info, console(), loaded.options
    what = f"{options.steps} steps of a grid" if options.on_grid else f"up to {options.steps} epochs"
    out.print(f"network: {options.kind}, {what}, {options.units} units", markup=False)
    out.print(f"classes: {', '.join(loaded.class_names)}", markup=False)
    print_table(("trained on and measured", ""), _numbers({**info.get("training", {}), **info.get("metrics", {})}))
    recalls = info.get("metrics", {}).get("recall", {})
    print_table(
        ("class", *((f"recall at {float(at):.0%} of the points", "right") for at in recalls)),
        ((name, *(recall.get(name) for recall in recalls.values())) for name in loaded.class_names),
    )


def _show_gain(loaded: ModelBundle) -> None:
    info, out = loaded.info, console()
    out.print(f"classes: {', '.join(loaded.classes)}", markup=False)
    out.print(f"features: {len(loaded.features)} ({_feature_sets(info)})", markup=False)
    out.print(f"mixture: {', '.join(info['mixture_features'])} + {loaded.model.mixture.n_s} spectral", markup=False)
    print_table(("trained on and measured", ""), _numbers({**info["training"], **info["metrics"]}))
    per_class = [
        info["training"].get("per_class"),
        info["metrics"].get("p_t_recall"),
        info["metrics"].get("p_ts_recall"),
    ]
    print_table(
        ("class", ("trained on", "right"), ("recall, photometry", "right"), ("recall, with spectrum", "right")),
        ((name, *((column or {}).get(name) for column in per_class)) for name in loaded.classes),
    )


def _show_assistant(loaded: AssistantBundle) -> None:
    info, out = loaded.info, console()
    out.print(f"features from: {_feature_sets(info) or 'the columns of a table'}", markup=False)
    out.print(f"rank: Galactic counts {loaded.galactic_weight} times as much as bogus", markup=False)
    print_table(
        ("day", "score", ("trees", "right"), ("features", "right"), ("folds", "right"), "which"),
        (
            (
                day,
                name,
                loaded.models[day, name].trees.n_trees,
                len(loaded.models[day, name].trees.features),
                len(loaded.fold_models.get((day, name), ())),
                ", ".join(loaded.models[day, name].trees.features),
            )
            for day in loaded.days
            for name in loaded.scores(day)
        ),
    )
    for day in loaded.days:
        numbers = {**info["training"].get(day, {}), **info["metrics"].get(day, {})}
        print_table((f"day {day}: trained on and measured", ""), _numbers(numbers))


def _show_early(loaded: EarlyBundle) -> None:
    info, out = loaded.info, console()
    out.print(f"features: {len(loaded.features)} ({_feature_sets(info) or 'of a table'})", markup=False)
    out.print(f"called type Ia from P(Ia) = {loaded.threshold:.3f} on", markup=False)
    print_table(("trained on and measured", ""), _numbers({**info["training"], **info["metrics"]}))


def _show_stream(loaded: Bundle) -> None:
    info, out = loaded.info, console()
    out.print(f"classes: {', '.join(info['classes'])}", markup=False)
    seen = info["counts"]["n_seen"]
    out.print(f"objects of the stream so far: {seen}; noticed changes: {len(info['changes'])}", markup=False)
    print_table(("setting", ""), list(info["settings"].items()))


def _made(info: Mapping[str, Any]) -> str:
    return f"made {info['created']}, " if "created" in info else ""


def _show_microlensing(loaded: MicrolensingBundle) -> None:
    info, out = loaded.info, console()
    out.print(f"called a lens from P(microlensing) = {loaded.threshold:.3f} on", markup=False)
    out.print(f"urgent from P(departure) = {loaded.alarm:.3f} on", markup=False)
    print_table(("trained on and measured", ""), _numbers({**info["training"], **info["metrics"]}))


def _feature_sets(info: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in info["feature_sets"].items())


def _numbers(values: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [(name, value) for name, value in values.items() if not isinstance(value, dict)]


@app.command()
def verify(bundle: BundleArgument = None, as_json: JsonOption = False) -> None:
    """Check every byte of a bundle against its digests, and that its models load."""
    from ampel_followup.models.anomaly_bundle import AnomalyBundle
    from ampel_followup.models.assistant_bundle import AssistantBundle
    from ampel_followup.models.attention_bundle import AttentionModel
    from ampel_followup.models.bundle import ModelBundle, find_bundle
    from ampel_followup.models.early_bundle import EarlyBundle
    from ampel_followup.models.folder import kind_of
    from ampel_followup.models.incremental import RollingForest
    from ampel_followup.models.microlensing_bundle import MicrolensingBundle

    loaded = _load(bundle)
    # Loads and checks the models.
    if isinstance(loaded, EarlyBundle):
        _ = loaded.forest
    elif isinstance(loaded, (MicrolensingBundle, AnomalyBundle)):
        _ = loaded.model
    elif isinstance(loaded, AttentionModel):
        _ = loaded.session
    elif isinstance(loaded, AssistantBundle):
        _ = (loaded.models, loaded.fold_models)
    elif isinstance(loaded, ModelBundle):
        _ = loaded.model
    else:
        RollingForest.load(find_bundle(bundle))
    kind = kind_of(loaded.info)
    if as_json:
        print_json(
            {
                "bundle": loaded.label,
                "kind": kind,
                "digest": loaded.digest,
                "intact": True,
                "files": sorted(loaded.files),
            }
        )
    else:
        console().print(
            f"{loaded.label}: intact, kind {kind}, {len(loaded.files) + 1} files, digest {loaded.digest[:16]}…",
            markup=False,
        )
