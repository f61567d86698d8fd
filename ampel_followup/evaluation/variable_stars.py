r"""
The variable stars of Astudillo et al. (2020): real features and labels, with a second modality that is **simulated**.

The stars are those of the Catalina survey that SDSS took a spectrum of; features (FATS) and labels are the authors'.
Their two spectral features are not published. In their place stands a simulation with two axes that knows the class,
its dependence on period and amplitude, and, a little, what photometry mistakes the star for:

.. math::
    x_s = s\,[(1-\lambda)\,\mu(y) + \lambda\,\mu(\hat y_t)] + \delta\, A_y^T z + \sigma\,\epsilon,
    \qquad \epsilon \sim N(0, 1)

with :math:`\hat y_t` the cross-validated class from photometry, and z the logarithms of period and median absolute
deviation, standardised within the class. Centres and sizes were chosen once, so that the accuracies of the paper come
out (spectrum alone 0.581, photometry and spectrum 0.872). What is measured on it says how the method behaves,
and nothing of SDSS spectra.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.evaluation.data import PairedData, read_columns
from ampel_followup.models.classifier import encode

Array = NDArray[np.float64]

#: Classes with at least one per cent of the stars, as the paper keeps them (its table 2).
CLASSES = ("EA", "EW", "RRab", "RRc", "RRd", "RS CVn")

#: The photometric features that the paper selects (section 8.1).
PAPER_FEATURES = (
    "PeriodLS",
    "Freq1_harmonics_amplitude_0",
    "MedianAbsDev",
    "Q31",
    "FluxPercentileRatioMid35",
    "FluxPercentileRatioMid50",
    "Freq1_harmonics_amplitude_1",
)

NOTE = (
    "Real: 2,556 variable stars, their photometric features and labels. Simulated: the two spectral features, which "
    "stand in for those of SDSS spectra that are not published. Figures say how the method behaves, not what SDSS "
    "spectra would tell."
)

#: Centre μ of each class on the two axes.
_CENTRES = {
    "RRc": (0.0, 0.0),
    "RRab": (0.75, -0.65),
    "RRd": (0.35, 0.55),
    "EW": (1.55, 0.55),
    "EA": (1.45, 0.05),
    "RS CVn": (3.3, -0.3),
}

#: Dependence A of the two axes (columns) on period and amplitude (rows).
_LOADINGS = {
    "EW": ((-0.55, 0.10), (0.2, 0.1)),
    "EA": ((-0.3, 0.2), (0.2, 0.1)),
    "RRc": ((0.35, -0.1), (0.1, 0.25)),
    "RRab": ((0.35, -0.25), (0.2, 0.3)),
    "RRd": ((0.3, 0.0), (0.1, 0.2)),
    "RS CVn": ((0.3, 0.0), (0.0, 0.3)),
}

#: Sizes: s of the centres, δ of the dependence, σ of the noise, λ of the confusion with the photometric class.
_SCALE, _DEPENDENCE, _NOISE, _CONFUSION = 1.2, 0.85, 1.0, 0.12


def load(folder: Path, seed: int) -> PairedData:
    """
    Load the stars and simulate the second modality.

    Parameters
    ----------
    folder : Path
        As for `read_stars`.
    seed : int
        Of the simulated features.

    Returns
    -------
    PairedData
        x_t: 55 FATS features; x_s: two simulated ones, each 0 to 1.

    Raises
    ------
    FollowupError
        As `read_stars`.
    """
    x_t, features, y, ids = read_stars(folder)
    x_s = simulate_second_modality(x_t, features, y, np.random.default_rng(seed))
    return PairedData("variable_stars", x_t, features, x_s, None, y, CLASSES, ids, NOTE)


def read_stars(folder: Path) -> tuple[Array, tuple[str, ...], NDArray[np.intp], NDArray[np.int64]]:
    """
    Read what is real of the stars.

    Parameters
    ----------
    folder : Path
        With ``fats.parquet`` (one row per star) and ``keys.parquet`` (label per spectrum; the first one counts).

    Returns
    -------
    x : ndarray, shape (n, 55)
        FATS features; NaN = not measured.
    features : tuple of str
    y : ndarray of int, shape (n,)
        Index of the class in `CLASSES`.
    ids : ndarray of int, shape (n,)
        Numbers of the stars in the survey.

    Raises
    ------
    FollowupError
        If a file cannot be read, lacks a column, a star is listed twice, or no star has a label of `CLASSES`.
    """
    keys = read_columns(folder / "keys.parquet", ("css_num_ID", "label"))
    table = read_columns(folder / "fats.parquet")
    if "ID" not in table:
        raise FollowupError(f"{folder / 'fats.parquet'} lacks the column ID; it numbers the stars")
    ids = table.pop("ID").astype(np.int64)
    if len(np.unique(ids)) < len(ids):
        raise FollowupError(f"{folder / 'fats.parquet'} lists a star twice; keep one row per ID")
    labels = _first_labels(keys)
    known = np.array([labels.get(int(i)) in CLASSES for i in ids])
    if not known.any():
        raise FollowupError(f"{folder}: no star of fats.parquet has a label of {CLASSES} in keys.parquet")
    y = np.array([CLASSES.index(labels[int(i)]) for i in ids[known]], dtype=np.intp)
    x = np.column_stack([column[known].astype(np.float64) for column in table.values()])
    x[~np.isfinite(x)] = np.nan
    return x, tuple(table), y, ids[known]


def simulate_second_modality(
    x_t: Array, features: tuple[str, ...], y: NDArray[np.intp], rng: np.random.Generator
) -> Array:
    """
    Draw two features that stand in for those of a spectrum; the equation is that of the module.

    Parameters
    ----------
    x_t : ndarray, shape (n, k)
        Photometric features, at least `PAPER_FEATURES`.
    features : tuple of str
        Names of the columns of x_t.
    y : ndarray of int, shape (n,)
        Index of the class in `CLASSES`.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, 2)
        Each axis from 0 to 1.

    Raises
    ------
    FollowupError
        If one of the features is missing.
    """
    missing = [name for name in PAPER_FEATURES if name not in features]
    if missing:
        raise FollowupError(f"variable stars lack the feature {', '.join(missing)}; the simulated modality needs it")
    predicted = _photometric_class(x_t[:, [features.index(name) for name in PAPER_FEATURES]], y, rng)
    centres = np.array([_CENTRES[c] for c in CLASSES])
    loadings = np.array([_LOADINGS[c] for c in CLASSES])
    z = _standardised(x_t[:, [features.index("PeriodLS"), features.index("MedianAbsDev")]], y)
    x_s = _SCALE * ((1.0 - _CONFUSION) * centres[y] + _CONFUSION * centres[predicted])
    x_s += _DEPENDENCE * np.einsum("nz,nzs->ns", z, loadings[y])
    x_s += _NOISE * rng.standard_normal(x_s.shape)
    return np.asarray((x_s - x_s.min(axis=0)) / np.ptp(x_s, axis=0))


def _photometric_class(x: Array, y: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Class that a forest trained on the other stars gives each star."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    forest = RandomForestClassifier(100, random_state=int(rng.integers(2**31)), n_jobs=1)
    folds = StratifiedKFold(10, shuffle=True, random_state=int(rng.integers(2**31)))
    return np.asarray(cross_val_predict(forest, encode(x), y, cv=folds), dtype=np.intp)


def _standardised(period_and_amplitude: Array, y: NDArray[np.intp]) -> Array:
    """Logarithms of both, centred and scaled within each class and clipped, shape (n, 2)."""
    z = np.log(period_and_amplitude)
    for c in np.unique(y):
        members = z[y == c]
        # The median for the period: a few of them are aliases, far off.
        centre = np.array([np.median(members[:, 0]), members[:, 1].mean()])
        z[y == c] = (members - centre) / members.std(axis=0)
    return np.clip(z, -2.5, 2.5)


def _first_labels(keys: dict[str, NDArray[np.generic]]) -> dict[int, str]:
    """Label of each numbered star: that of its first spectrum."""
    labels: dict[int, str] = {}
    for star, label in zip(keys["css_num_ID"].tolist(), keys["label"].tolist(), strict=True):
        if star == star:  # not NaN
            labels.setdefault(int(star), str(label))
    return labels
