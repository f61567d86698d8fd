"""
Which latent space describes spectra best: autoencoders of d = 1…15 dimensions beside principal components.

Objects, not spectra, are split into a training, a validation and a test part. The validation part says when each
training stops and which d is chosen (the paper chooses by the test part, section 5.3, and so has nothing left to say
how good the choice is); the test part is looked at once, for the report. R² rises with d as a rule and never says
"enough", so the smallest d within a tolerance of the best is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import SpectrumError
from ampel_followup.spectra.features import PrincipalSpectra
from ampel_followup.spectra.vae import Autoencoder, VaeOptions, fit_autoencoder, r_squared

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: The smallest d whose R² on the validation objects is this near to the best is chosen.
TOLERANCE = 0.01

#: Samples of the test objects behind the spreads.
N_BOOTSTRAP = 1000


@dataclass(frozen=True, eq=False)
class Split:
    """Which spectra are in which part, each of shape (n,); no object is in two."""

    training: Mask
    validation: Mask
    test: Mask


@dataclass(frozen=True, eq=False)
class LatentSearch:
    """
    What the search found.

    Parameters
    ----------
    dims : tuple of int
        The d that were tried.
    autoencoders : tuple of Autoencoder
        One per d.
    principal : PrincipalSpectra
        With as many components as the largest d; the first d of them are what an autoencoder of d is compared with.
    r2 : dict of str to Array
        R² of ``vae`` and ``pca`` on each part, ``vae_validation``, ``pca_test``, …; shape (len(dims),).
    chosen : int
        The d chosen for the autoencoder on the validation part.
    """

    dims: tuple[int, ...]
    autoencoders: tuple[Autoencoder, ...]
    principal: PrincipalSpectra
    r2: dict[str, Array]
    chosen: int

    @property
    def best(self) -> Autoencoder:
        """The autoencoder with the chosen number of dimensions."""
        return self.autoencoders[self.dims.index(self.chosen)]

    def by_components(self, spectra: Array, d: int) -> Array:
        """Return what is left of spectra, shape (n, n_bins), after projection on the first d components."""
        return first_components(self.principal, d).reconstruct(first_components(self.principal, d).transform(spectra))


def split_by_object(
    objects: NDArray[np.str_], rng: np.random.Generator, validation: float = 0.15, test: float = 0.2
) -> Split:
    """
    Split spectra so that all of an object are in the same part.

    Parameters
    ----------
    objects : ndarray of str, shape (n,)
    rng : numpy.random.Generator
    validation, test : float
        Share of the objects; each part has at least one.

    Raises
    ------
    SpectrumError
        If there are fewer than three objects.
    """
    names = rng.permutation(np.unique(objects))
    n_test, n_validation = max(1, round(test * len(names))), max(1, round(validation * len(names)))
    if len(names) < 3 or n_test + n_validation >= len(names):
        raise SpectrumError(
            f"spectra of {len(names)} objects cannot be split into training, validation and test part; "
            "give those of at least 3, better of dozens"
        )
    in_test = np.isin(objects, names[:n_test])
    in_validation = np.isin(objects, names[n_test : n_test + n_validation])
    return Split(~(in_test | in_validation), in_validation, in_test)


def search_latent_space(
    spectra: Array,
    split: Split,
    dims: Sequence[int],
    rng: np.random.Generator,
    options: VaeOptions | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
) -> LatentSearch:
    """
    Train an autoencoder per number of dimensions, and principal components on the same spectra.

    Parameters
    ----------
    spectra : ndarray, shape (n, n_bins)
        Scaled to [0, 1].
    split : Split
    dims : sequence of int
        Numbers of latent dimensions to try.
    rng : numpy.random.Generator
        Each d gets a generator of its own, so that its result does not depend on the others.
    options : VaeOptions, optional
    on_epoch : callable, optional
        Called with d and the number of each finished epoch.

    Raises
    ------
    SpectrumError
        If there are no more training spectra or bins than dimensions.
    """
    training = spectra[split.training]
    if max(dims) >= min(training.shape):
        raise SpectrumError(
            f"d = {max(dims)} wants more than {min(training.shape)}: there are {len(training)} training spectra of "
            f"{training.shape[1]} bins; give more spectra, or a smaller largest d"
        )
    parts = {"training": split.training, "validation": split.validation, "test": split.test}
    for part, mask in parts.items():
        if mask.sum() < 2 or not np.ptp(spectra[mask], axis=0).any():
            raise SpectrumError(
                f"R² of the {part} part is not defined: it has {mask.sum()} spectra, which must be two different ones "
                "at least; give more objects, or another seed"
            )
    principal = PrincipalSpectra.fit(training, max(dims))
    r2: dict[str, list[float]] = {f"{kind}_{part}": [] for kind in ("vae", "pca") for part in parts}
    autoencoders = []
    for d, own in zip(dims, rng.spawn(len(dims)), strict=True):
        report = None if on_epoch is None else _for(on_epoch, d)
        fitted = fit_autoencoder(training, spectra[split.validation], d, own, options, report)
        autoencoders.append(fitted)
        components = first_components(principal, d)
        for part, mask in parts.items():
            x = spectra[mask]
            r2[f"vae_{part}"].append(r_squared(x, fitted.reconstruct(x)))
            r2[f"pca_{part}"].append(r_squared(x, components.reconstruct(components.transform(x))))
    found = {key: np.array(values) for key, values in r2.items()}
    return LatentSearch(tuple(dims), tuple(autoencoders), principal, found, choose_d(dims, found["vae_validation"]))


def _for(on_epoch: Callable[[int, int], None], d: int) -> Callable[[int], None]:
    return lambda epoch: on_epoch(d, epoch)


def choose_d(dims: Sequence[int], r2: Array, tolerance: float = TOLERANCE) -> int:
    """Return the smallest d whose R² is within the tolerance of the best."""
    return min(d for d, value in zip(dims, r2, strict=True) if value >= np.max(r2) - tolerance)


def first_components(principal: PrincipalSpectra, d: int) -> PrincipalSpectra:
    """Return the first d of principal components; their `explained` is not that of all, and not known."""
    return PrincipalSpectra(principal.mean, principal.components[:d], principal.scale[:d], float("nan"))


def bootstrap_r2(
    spectra: Array, reconstructions: dict[str, Array], objects: NDArray[np.str_], rng: np.random.Generator
) -> dict[str, Any]:
    """
    R² of several reconstructions of the same spectra, and how much it depends on which objects were in the test part.

    Parameters
    ----------
    spectra : ndarray, shape (n, n_bins)
    reconstructions : dict of str to ndarray, shape (n, n_bins)
    objects : ndarray of str, shape (n,)
        They are drawn with replacement, with all of their spectra.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Per name ``{"r2": …, "sd": …}``; and, of the first two, ``"difference"``: R² of the first minus that of the
        second, with the 2.5th and 97.5th percentile ``low`` and ``high``.
    """
    names, which = np.unique(objects, return_inverse=True)
    counts = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=N_BOOTSTRAP)
    weights = counts[:, which]  # (N_BOOTSTRAP, n): how often each spectrum is in the sample
    total_weight = weights.sum(axis=1)
    # Σ w (x − x̄_w)² = Σ w x² − (Σ w x)² / Σ w, summed over bins; centred first, or the difference would lose digits.
    centred = spectra - spectra.mean(axis=0)
    total = weights @ (centred**2).sum(axis=1) - ((weights @ centred) ** 2).sum(axis=1) / total_weight
    r2 = {name: 1.0 - weights @ ((spectra - x) ** 2).sum(axis=1) / total for name, x in reconstructions.items()}
    result: dict[str, Any] = {
        name: {"r2": r_squared(spectra, x), "sd": float(r2[name].std(ddof=1))} for name, x in reconstructions.items()
    }
    first, second = list(reconstructions)[:2]
    low, high = np.percentile(r2[first] - r2[second], [2.5, 97.5])
    result["difference"] = {
        "r2": result[first]["r2"] - result[second]["r2"], "low": float(low), "high": float(high)
    }  # fmt: skip
    return result
