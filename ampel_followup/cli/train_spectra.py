"""`ampel-followup train spectra`: features of spectra from an autoencoder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ampel_followup.cli.output import JsonOption, console, print_json, print_table, progress
from ampel_followup.errors import SpectrumError


def spectra(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Table of spectra (Parquet, NPZ), or a folder of one, or of FITS, ECSV or text files."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the report, the plots and the encoder.")
    ] = Path("spectrum-encoder"),
    max_d: Annotated[int, typer.Option("--max-d", min=1, metavar="D", help="Try 1 to D latent dimensions.")] = 15,
    d: Annotated[int | None, typer.Option("--d", min=1, metavar="D", help="Train this one only.")] = None,
    range_: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="START:END", help="Common grid [Å]; by default what a share of the spectra reaches."
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(
            "--keep", min=0.5, max=1.0, metavar="SHARE", help="That share, at either end; the paper's is 0.99."
        ),
    ] = 0.9,
    spacing: Annotated[
        float,
        typer.Option(
            "--spacing", min=1e-5, max=0.05, metavar="DEX", help="Bins [log10 of the wavelength]; the paper's are 1e-4."
        ),
    ] = 6e-4,
    paper_grid: Annotated[
        bool, typer.Option("--paper-grid", help="3,794 bins from 3830 to 9174 Å, in place of the three above.")
    ] = False,
    width: Annotated[
        float, typer.Option("--width", metavar="W", help="Of the hidden layers, relative to the paper's.")
    ] = 1.0,
    epochs: Annotated[int, typer.Option("--epochs", min=1, metavar="N", help="At most.")] = 100,
    residual: Annotated[
        float,
        typer.Option("--residual", metavar="S", help="Expected residual of a bin, for flux scaled to 0–1."),
    ] = 0.1,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Of split, weights and draws.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """
    Train the encoder that turns a spectrum into a few features.

    Autoencoders with 1 to 15 latent dimensions are compared with as many principal components, on objects kept apart;
    the smallest that reconstructs nearly as well as the best is written as ONNX.
    """
    from ampel_followup.spectra.report import train_encoder
    from ampel_followup.spectra.tables import load_spectra
    from ampel_followup.spectra.vae import VaeOptions

    started = time.monotonic()
    options = VaeOptions(width=width, epochs=epochs, residual=residual)
    spectrum_set = load_spectra(data)
    grid = _grid(spectrum_set, range_, keep, spacing, paper_grid)
    dims = [d] if d is not None else list(range(1, max_d + 1))
    with progress(quiet=as_json) as bars:
        task = bars.add_task("training", total=len(dims) * epochs)

        def on_epoch(dim: int, epoch: int) -> None:
            done = dims.index(dim) * epochs + epoch
            bars.update(task, completed=done, description=f"training d = {dim}, {grid.n_bins} bins")

        report = train_encoder(spectrum_set, grid, out, dims, seed, options, on_epoch)
    report["seconds"] = round(time.monotonic() - started, 1)
    report["folder"] = str(out)
    if as_json:
        print_json(report)
        return
    _print(report)


def _grid(spectrum_set: Any, range_: str | None, keep: float, spacing: float, paper_grid: bool) -> Any:
    import numpy as np

    from ampel_followup.spectra.grid import PAPER_GRID, Grid

    if paper_grid:
        return PAPER_GRID
    if range_ is None:
        return Grid.covering(spectrum_set.first, spectrum_set.last, spacing, keep)
    try:
        start, end = (float(part) for part in range_.split(":"))
    except ValueError as error:
        raise SpectrumError(f"--range {range_!r} is no range; write it as 4000:7000 [Å]") from error
    bins = np.log10(end / start) / spacing if 0.0 < start < end else 0.0
    return Grid(start, end, round(bins) if np.isfinite(bins) else 0)


def _print(report: dict[str, Any]) -> None:
    rows = [
        (f"{d}{' *' if int(d) == report['chosen_d'] else ''}", f"{vae:.3f}", f"{report['r2']['pca'][d]:.3f}",
         f"{report['r2_validation']['vae'][d]:.3f}", report["epochs"][d])
        for d, vae in report["r2"]["vae"].items()
    ]  # fmt: skip
    print_table(
        ("d", ("R² autoencoder", "right"), ("R² components", "right"), ("validation", "right"), ("epochs", "right")),
        rows,
        title=f"{report['n_test']} spectra of {report['n_test_objects']} test objects; * = chosen on other objects",
    )
    out, chosen = console(), report["at_chosen_d"]
    difference = chosen["difference"]
    out.print(
        f"d = {report['chosen_d']}: R² {chosen['vae']['r2']:.3f} ± {chosen['vae']['sd']:.3f} (autoencoder), "
        f"{chosen['pca']['r2']:.3f} ± {chosen['pca']['sd']:.3f} (principal components); difference "
        f"{difference['r2']:+.3f}, 95 % between {difference['low']:+.3f} and {difference['high']:+.3f}",
        markup=False,
    )
    if report["pca_at_least_as_good_at_d"]:
        which = ", ".join(map(str, report["pca_at_least_as_good_at_d"]))
        out.print(f"Principal components reconstruct test objects at least as well at d = {which}.", markup=False)
    for reason, count in report["left_out"].items():
        out.print(f"left out: {count} ({reason})", markup=False)
    out.print(f"{report['seconds']:.0f} s; report, plots and encoder are in {report['folder']}", markup=False)
