"""
Training of a spectrum encoder from a set of spectra, and the report on it: numbers, plots and the encoder.

What is in the report comes from objects that neither the weights nor the choice of d have seen, unless it says so.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError, SpectrumError
from ampel_followup.spectra.encoder import SpectrumEncoder, save_encoder
from ampel_followup.spectra.grid import ROBUST_PERCENTILES, Grid, scale_to_unit
from ampel_followup.spectra.tables import SpectrumSet
from ampel_followup.spectra.training import (
    TOLERANCE,
    LatentSearch,
    Split,
    bootstrap_r2,
    search_latent_space,
    split_by_object,
)
from ampel_followup.spectra.vae import VaeOptions, hidden_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_N_EXAMPLES = 6


def train_encoder(
    spectra: SpectrumSet,
    grid: Grid,
    folder: Path,
    dims: Sequence[int],
    seed: int,
    options: VaeOptions | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """
    Train, choose and save an encoder, and write the report.

    Parameters
    ----------
    spectra : SpectrumSet
    grid : Grid
        Spectra that do not cover all of it are left out and counted.
    folder : Path
        Receives ``report.json``, the plots (PNG and SVG), and ``encoder/`` for `SpectrumEncoder.load`.
    dims : sequence of int
        Numbers of latent dimensions to try.
    seed : int
    options : VaeOptions, optional
    on_epoch : callable, optional
        As for `search_latent_space`.

    Returns
    -------
    dict
        What ``report.json`` holds.

    Raises
    ------
    SpectrumError
        If too few spectra cover the grid.
    FollowupError
        If the folder cannot be written, or TensorFlow or matplotlib are not installed.
    """
    options = options or VaeOptions()
    # What would fail at the end is tried first: training takes minutes.
    _figure(1.0, 1.0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FollowupError(f"cannot make the folder {folder} ({error.strerror}); choose another folder") from error
    flux, covered = spectra.on_grid(grid)
    objects = spectra.objects[covered]
    if not len(flux):
        raise SpectrumError(
            f"none of the {len(covered)} spectra of {spectra.source} covers {grid.start:.0f}–{grid.end:.0f} Å; choose "
            "a shorter range"
        )
    x = scale_to_unit(flux, ROBUST_PERCENTILES)
    split_rng, search_rng, bootstrap_rng = np.random.default_rng(seed).spawn(3)
    split = split_by_object(objects, split_rng)
    search = search_latent_space(x, split, dims, search_rng, options, on_epoch)
    report = {
        **_data(spectra, covered, grid, x, objects, split),
        **_results(search, x, objects, split, bootstrap_rng),
        "seed": seed,
        "options": {name: getattr(options, name) for name in VaeOptions.__dataclass_fields__},
        "hidden_units": list(hidden_units(grid.n_bins, search.chosen, options.width)),
        "versions": {name: _version(name) for name in ("tensorflow", "tensorflow-cpu", "keras", "numpy")},
    }
    encoder = _save(folder, search, grid, report)
    kept = encoder.features(x[split.test])
    report["onnx_max_difference"] = float(np.abs(kept - search.best.encode(x[split.test])).max())
    figures = {"r2": plot_r2(search), "reconstructions": plot_reconstructions(search, x[split.test], grid)}
    try:
        for name, figure in figures.items():
            for kind in ("png", "svg"):
                figure.savefig(folder / f"{name}.{kind}", dpi=150, metadata={"Date": None} if kind == "svg" else None)
        (folder / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise FollowupError(f"cannot write the report to {folder} ({error.strerror}); choose another folder") from error
    return report


def _data(
    spectra: SpectrumSet, covered: NDArray[np.bool_], grid: Grid, x: Array, objects: NDArray[np.str_], split: Split
) -> dict[str, Any]:
    left_out = dict(spectra.left_out)
    if not covered.all():
        left_out[f"does not cover {grid.start:.0f}–{grid.end:.0f} Å"] = int((~covered).sum())
    parts = {"train": split.training, "validation": split.validation, "test": split.test}
    digest = hashlib.sha256(x.astype("<f4").tobytes() + "\n".join(objects.tolist()).encode())
    return {
        "data": Path(spectra.source).name,
        "data_sha256": digest.hexdigest(),
        "grid": grid.to_dict(),
        "left_out": left_out,
        **{f"n_{part}": int(mask.sum()) for part, mask in parts.items()},
        **{f"n_{part}_objects": len(np.unique(objects[mask])) for part, mask in parts.items()},
    }


def _results(
    search: LatentSearch, x: Array, objects: NDArray[np.str_], split: Split, rng: np.random.Generator
) -> dict[str, Any]:
    test, d = x[split.test], search.chosen
    reconstructions = {"vae": search.best.reconstruct(test), "pca": search.by_components(test, d)}
    at_chosen = bootstrap_r2(test, reconstructions, objects[split.test], rng)

    def by_d(part: str) -> dict[str, dict[str, float]]:
        return {
            kind: {str(n): round(float(r2), 4) for n, r2 in zip(search.dims, search.r2[f"{kind}_{part}"], strict=True)}
            for kind in ("vae", "pca")
        }

    better = [n for n, vae, pca in zip(search.dims, search.r2["vae_test"], search.r2["pca_test"], strict=True)
              if pca >= vae]  # fmt: skip
    return {
        "chosen_d": d,
        "tolerance": TOLERANCE,
        "r2": by_d("test"),
        "r2_validation": by_d("validation"),
        "r2_training": by_d("training"),
        "at_chosen_d": {
            name: {key: round(value, 4) for key, value in values.items()} for name, values in at_chosen.items()
        },
        "pca_at_least_as_good_at_d": better,
        "kl_per_dimension": [round(float(value), 3) for value in search.best.kl],
        "epochs": {str(n): a.epochs for n, a in zip(search.dims, search.autoencoders, strict=True)},
    }


def _save(folder: Path, search: LatentSearch, grid: Grid, report: dict[str, Any]) -> SpectrumEncoder:
    info = {
        "grid": grid.to_dict(),
        "percentiles": list(ROBUST_PERCENTILES),
        "min_coverage": 1.0,
        "training": {key: report[key] for key in ("data", "data_sha256", "n_train", "n_train_objects", "seed")},
        "metrics": report["at_chosen_d"],
    }
    return save_encoder(folder / "encoder", search.best.encoder, info)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FollowupError(
            f"the report's plots need matplotlib ({error}); pip install 'ampel-followup[train]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def plot_r2(search: LatentSearch) -> Figure:
    """Return a plot of R² of the test objects against d."""
    figure = _figure(6.0, 4.0)
    axes = figure.subplots()
    axes.plot(search.dims, search.r2["vae_test"], "o-", label="autoencoder, test objects")
    axes.plot(search.dims, search.r2["pca_test"], "s--", label="principal components, test objects")
    axes.plot(search.dims, search.r2["vae_training"], ":", color="C0", label="autoencoder, training objects")
    axes.plot(search.dims, search.r2["pca_training"], ":", color="C1", label="principal components, training objects")
    axes.axvline(search.chosen, color="0.8", zorder=0)
    axes.set(xlabel="dimensions d", ylabel="R²", title=f"d = {search.chosen} chosen on validation objects")
    axes.set_xticks(search.dims)
    axes.legend(frameon=False)
    return figure


def plot_reconstructions(search: LatentSearch, spectra: Array, grid: Grid) -> Figure:
    """
    Return a plot of test spectra and what is left of them.

    The examples are evenly spread from the best to the worst reconstructed, so that the plot flatters nobody.
    """
    vae, pca = search.best.reconstruct(spectra), search.by_components(spectra, search.chosen)
    order = np.argsort(((spectra - vae) ** 2).mean(axis=1))
    shown = order[np.unique(np.linspace(0, len(order) - 1, _N_EXAMPLES).round().astype(int))]
    figure = _figure(9.0, 7.0)
    panels = figure.subplots(3, 2, sharex=True, sharey=True).ravel()
    for panel, k in zip(panels, shown, strict=False):
        panel.plot(grid.centres, spectra[k], color="0.6", lw=0.8, label="spectrum")
        panel.plot(grid.centres, vae[k], color="C0", lw=1.2, label=f"autoencoder, d = {search.chosen}")
        panel.plot(grid.centres, pca[k], color="C1", lw=0.9, ls="--", label=f"{search.chosen} principal components")
        rank = np.flatnonzero(order == k)[0] / max(len(order) - 1, 1)
        panel.set_title(f"residual: {rank:.0%} of the test spectra have less", fontsize=8)
    panels[0].legend(frameon=False, fontsize=7)
    figure.supxlabel("wavelength [Å]")
    figure.supylabel("scaled flux")
    return figure
