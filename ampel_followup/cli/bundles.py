"""`ampel-followup bundle`: the models."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table
from ampel_followup.errors import BundleError

app = typer.Typer(no_args_is_help=True, help="Model bundles: what is installed, what it knows, whether it is intact.")

BundleArgument = Annotated[str | None, typer.Argument(help="Name or folder; by default the one that comes along.")]


@app.command(name="list")
def list_(as_json: JsonOption = False) -> None:
    """List the bundles that can be used by name."""
    from ampel_followup.models.bundle import list_bundles, load_bundle

    found: list[dict[str, Any]] = []
    for folder in list_bundles():
        try:
            bundle = load_bundle(folder)
        except BundleError as error:
            found.append({"name": folder.name, "folder": str(folder), "error": str(error)})
        else:
            found.append({"name": folder.name, "version": bundle.info["version"], "created": bundle.info["created"],
                          "classes": list(bundle.classes), "folder": str(folder)})  # fmt: skip
    if as_json:
        print_json({"bundles": found})
        return
    print_table(
        ("name", "version", "created", "classes", "folder"),
        (
            (
                f["name"],
                f.get("version"),
                f.get("created"),
                f["error"] if "error" in f else len(f["classes"]),
                f["folder"],
            )
            for f in found
        ),
    )


@app.command()
def show(bundle: BundleArgument = None, as_json: JsonOption = False) -> None:
    """Say what a bundle was trained on and how well it did."""
    from ampel_followup.models.bundle import load_bundle

    loaded = load_bundle(bundle)
    info = {**loaded.info, "digest": loaded.digest, "bytes": sum(map(len, loaded.files.values()))}
    if as_json:
        print_json(info)
        return
    out = console()
    out.print(f"[bold]{loaded.label}[/bold], made {info['created']}, {info['bytes'] / 1e6:.1f} MB")
    out.print(info["description"], markup=False)
    out.print(f"classes: {', '.join(loaded.classes)}", markup=False)
    sets = ", ".join(f"{name} {version}" for name, version in info["feature_sets"].items())
    out.print(f"features: {len(loaded.features)} ({sets})", markup=False)
    out.print(f"mixture: {', '.join(info['mixture_features'])} + {loaded.model.mixture.n_s} spectral", markup=False)
    numbers = {k: v for k, v in {**info["training"], **info["metrics"]}.items() if not isinstance(v, dict)}
    print_table(("trained on and measured", ""), numbers.items())
    per_class = [
        info["training"].get("per_class"),
        info["metrics"].get("p_t_recall"),
        info["metrics"].get("p_ts_recall"),
    ]
    print_table(
        ("class", ("trained on", "right"), ("recall, photometry", "right"), ("recall, with spectrum", "right")),
        ((name, *((column or {}).get(name) for column in per_class)) for name in loaded.classes),
    )
    out.print(f"digest: {loaded.digest}", markup=False)


@app.command()
def verify(bundle: BundleArgument = None, as_json: JsonOption = False) -> None:
    """Check every byte of a bundle against its digests, and that its models load."""
    from ampel_followup.models.bundle import load_bundle

    loaded = load_bundle(bundle)
    _ = loaded.model  # loads and checks the models
    if as_json:
        print_json({"bundle": loaded.label, "digest": loaded.digest, "intact": True, "files": sorted(loaded.files)})
    else:
        console().print(
            f"{loaded.label}: intact, {len(loaded.files) + 1} files, digest {loaded.digest[:16]}…", markup=False
        )
