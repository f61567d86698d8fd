"""
New light curves of many labelled ones, for training: fitted together, copied one by one.

How a copy is made, `ampel_followup.gaussian_process.copies` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from ampel_followup.errors import TrainingError
from ampel_followup.gaussian_process.copies import FARTHEST, NEAREST, AugmentedObject, AugmentOptions, Copier, Parent
from ampel_followup.gaussian_process.fit import DEFAULT_KERNEL, fit_gaussian_processes
from ampel_followup.gaussian_process.kernels import Kernel
from ampel_followup.gaussian_process.photometry import SIGNIFICANT, WAVELENGTHS
from ampel_followup.gaussian_process.survey import Survey
from ampel_followup.learning.sources import Omission
from ampel_followup.learning.tables import check_unique
from ampel_followup.lightcurve import LightCurve

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Augmentation:
    """
    New light curves, and objects that none could be made of.

    Parameters
    ----------
    objects : tuple of AugmentedObject
        In the order of the parents.
    omitted : tuple of Omission
        Parents without copies, and why.
    """

    objects: tuple[AugmentedObject, ...]
    omitted: tuple[Omission, ...]

    @property
    def light_curves(self) -> list[LightCurve]:
        """The new light curves."""
        return [one.light_curve for one in self.objects]

    @property
    def labels(self) -> list[str]:
        """Their classes."""
        return [one.label for one in self.objects]


def augmented(
    light_curves: Sequence[LightCurve],
    labels: Sequence[str],
    redshifts: ArrayLike,
    per_object: int | Sequence[int],
    rng: np.random.Generator,
    *,
    options: AugmentOptions | None = None,
    survey: Survey | None = None,
    towards: ArrayLike | None = None,
    kernel: Kernel = DEFAULT_KERNEL,
    wavelengths: Mapping[str, float] = WAVELENGTHS,
    threads: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Augmentation:
    """
    Make new light curves of labelled ones.

    Parameters
    ----------
    light_curves : sequence of LightCurve, length n
        Of training objects only: whoever tests on parents or their copies tests on what was trained on.
    labels : sequence of str, length n
    redshifts : array_like, shape (n,)
        NaN if not known: such an object is copied at its own redshift.
    per_object : int or sequence of int, length n
        Copies of each; more of rare classes balance a training set.
    rng : numpy.random.Generator
        The same state gives the same light curves.
    options : AugmentOptions, optional
    survey : Survey, optional
        Epochs and noise; by default those of `light_curves`.
    towards : array_like, shape (m,), optional
        Redshifts of the objects that will be met, such as photometric ones of hosts: z' is drawn from those that an
        object can reach. By default uniform in ln z' over what it can reach.
    kernel : Kernel
    wavelengths : mapping of str to float
        Effective wavelengths of the bands [Å].
    threads : int, optional
        Of the fit.
    progress : callable
        Called with the stage, how far it is, and its end.

    Returns
    -------
    Augmentation

    Raises
    ------
    TrainingError
        If the lengths differ, two light curves have the same id, or a redshift is beyond 0.0001 to 4.
    """
    check_unique([curve.id for curve in light_curves], "light curves")
    options = options or AugmentOptions()
    z = np.asarray(redshifts, dtype=np.float64)
    copies = [per_object] * len(light_curves) if isinstance(per_object, int) else list(per_object)
    if not len(light_curves) == len(labels) == len(z) == len(copies):
        raise TrainingError(
            f"{len(light_curves)} light curves have {len(labels)} labels, {len(z)} redshifts and {len(copies)} numbers "
            "of copies; give one of each per light curve"
        )
    beyond = np.flatnonzero((z < NEAREST) | (z > FARTHEST))
    if len(beyond):
        name, value = light_curves[beyond[0]].id, z[beyond[0]]
        raise TrainingError(f"{name}: redshift {value:g} is not within {NEAREST:g} and {FARTHEST:g}; leave it empty")
    omitted: list[Omission] = []
    good: list[int] = []
    for i, curve in enumerate(light_curves):
        found = int((curve.detected & (curve.flux >= SIGNIFICANT * curve.flux_err)).sum())
        if found >= options.known_detections:
            good.append(i)
        else:
            omitted.append(Omission(curve.id, "too few detections to copy", f"{found} of 5 σ"))
    if not good:
        return Augmentation((), tuple(omitted))
    survey = survey or Survey.of(light_curves)
    fits = fit_gaussian_processes(
        [light_curves[i] for i in good],
        kernel,
        wavelengths=wavelengths,
        threads=threads,
        progress=lambda done, total: progress("fitting", done, total),
    )
    omitted += fits.omitted
    processes = {process.id: process for process in fits.processes}
    copier = Copier(options, survey, wavelengths, None if towards is None else np.sort(np.asarray(towards, np.float64)))
    made: list[AugmentedObject] = []
    # A generator for each object: what is made of one does not depend on the others.
    seeds = rng.integers(2**63, size=len(light_curves))
    # Matrices are small: threads of BLAS would only wait for each other.
    with threadpool_limits(1):
        for number, i in enumerate(good, 1):
            curve = light_curves[i]
            if curve.id in processes:
                own = np.random.default_rng(int(seeds[i]))
                parent = Parent(curve, labels[i], float(z[i]), processes[curve.id])
                new = [one for k in range(copies[i]) if (one := copier.copy(parent, k + 1, own)) is not None]
                made += new
                if copies[i] and not new:
                    omitted.append(Omission(curve.id, "no copy would be detected"))
            progress("copying", number, len(good))
    return Augmentation(tuple(made), tuple(omitted))


def balancing(labels: Sequence[str], per_object: int) -> list[int]:
    """
    Return how many copies of each object make all classes as large as the largest with `per_object` copies each.

    Parameters
    ----------
    labels : sequence of str, length n
    per_object : int
    """
    _, which, counts = np.unique(list(labels), return_inverse=True, return_counts=True)
    wanted = (1 + per_object) * int(counts.max()) - counts
    # Of a class that does not divide evenly, the first objects get one more.
    order = np.empty(len(which), dtype=np.intp)
    for c in range(len(counts)):
        order[which == c] = np.arange(counts[c])
    each, more = wanted // counts, wanted % counts
    return [int(n) for n in each[which] + (order < more[which])]
