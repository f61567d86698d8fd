"""
Training sets: photometry, spectra and labels of the same objects, and what was left out of them.

The sources are joined by the id of the object. What is wrong with the set as a whole (a class too small to be tested)
is an error; what is wrong with one object, or one feature, leaves that one out, and is counted by its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.evaluation.data import PairedData
from ampel_followup.learning.sources import NO_LABEL, Labels, Omission, Rows, reasons_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingSet:
    """
    n objects with photometry, spectrum and class; made by `assemble`.

    Parameters
    ----------
    ids : tuple of str
    x_t : ndarray, shape (n, k)
        Photometric features; NaN = not measured.
    features : tuple of str
    feature_sets : mapping of str to str
        As in `Rows`.
    spectra : ndarray, shape (n, m)
        Spectra on the common grid, or spectral features in units of `spectral_unit`; all measured.
    spectral_features : tuple of str
        Their names; empty for spectra.
    spectral_unit : ndarray, shape (m,)
        Standard deviation of each spectral feature; 1 for spectra.
    y : ndarray of int, shape (n,)
    classes : tuple of str
    groups : ndarray of str, shape (n,)
    omitted : tuple of Omission
    notes : tuple of str
    """

    ids: tuple[str, ...]
    x_t: Array
    features: tuple[str, ...]
    feature_sets: Mapping[str, str]
    spectra: Array
    spectral_features: tuple[str, ...]
    spectral_unit: Array
    y: NDArray[np.intp]
    classes: tuple[str, ...]
    groups: NDArray[np.str_]
    omitted: tuple[Omission, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)

    def paired(self, name: str) -> PairedData:
        """Return the same objects as the comparison of strategies takes them."""
        note = "as given by the user"
        return PairedData(name, self.x_t, self.features, None, self.spectra, self.y, self.classes, self.groups, note)


def assemble(
    photometry: Rows,
    spectra: Rows,
    labels: Labels,
    *,
    folds: int,
    classes: Sequence[str] | None = None,
) -> TrainingSet:
    """
    Join photometry, spectra and labels by the id of the object.

    Parameters
    ----------
    photometry, spectra : Rows
        Spectra with names are spectral features; without, spectra on the grid.
    labels : Labels
    folds : int
        Every class must have as many objects (or groups of them).
    classes : sequence of str, optional
        Those to learn, in the order of the probabilities; objects of others are left out. By default all, sorted.

    Returns
    -------
    TrainingSet
        Features that say nothing, because they are never measured or always the same, are left out.

    Raises
    ------
    TrainingError
        If a class is unknown or too small, there are fewer than two, or nothing is left.
    """
    # An object with several faults is counted once.
    omitted = [*{omission.id: omission for omission in (*spectra.omitted, *photometry.omitted)}.values()]
    accounted = {omission.id for omission in omitted}
    row_of, spectrum_of = ({name: i for i, name in enumerate(rows.ids)} for rows in (photometry, spectra))
    known = {label for label in labels.label.values() if label}
    if classes is not None and (missing := [c for c in classes if c not in known]):
        there_are = ", ".join(sorted(known)) or "none"
        raise TrainingError(f"no object is labelled {missing[0]!r}; the labels are {there_are}")
    kept: list[str] = []
    for name in dict.fromkeys((*photometry.ids, *labels.label)):
        if name in accounted:
            continue
        label = labels.label.get(name, "")
        if not label:
            omitted.append(Omission(name, NO_LABEL))
        elif classes is not None and label not in classes:
            omitted.append(Omission(name, "label is not one to learn", label))
        elif name not in row_of:
            omitted.append(Omission(name, "no photometry"))
        elif name not in spectrum_of:
            omitted.append(Omission(name, "no spectrum"))
        elif not np.isfinite(photometry.values[row_of[name]]).any():
            omitted.append(Omission(name, "no photometric feature measured"))
        elif not np.isfinite(spectra.values[spectrum_of[name]]).all():
            omitted.append(Omission(name, "a spectral feature not measured"))
        else:
            kept.append(name)
    order = tuple(classes) if classes is not None else tuple(sorted({labels.label[name] for name in kept}))
    y = np.array([order.index(labels.label[name]) for name in kept], dtype=np.intp)
    # A group's name must not coincide with the id of an object that is a group of its own.
    groups = np.array([f"group {labels.group[n]}" if n in labels.group else f"object {n}" for n in kept], dtype=np.str_)
    _check_classes(y, groups, order, folds, omitted)
    x_t, features, silent = _informative(photometry.values[[row_of[n] for n in kept]], photometry.names)
    x_s, unit = spectra.values[[spectrum_of[name] for name in kept]], np.ones(spectra.values.shape[1])
    spectral_features: tuple[str, ...] = ()
    if spectra.names:
        x_s, spectral_features, silent_too = _informative(x_s, spectra.names)
        silent += silent_too
        unit = x_s.std(axis=0)
        x_s = x_s / unit
    if not features or x_s.shape[1] == 0:
        what = "spectral" if features else "photometric"
        raise TrainingError(f"no {what} feature differs between the {len(kept)} objects; check the table")
    return TrainingSet(
        ids=tuple(kept),
        x_t=x_t,
        features=features,
        feature_sets=photometry.feature_sets,
        spectra=x_s,
        spectral_features=spectral_features,
        spectral_unit=unit,
        y=y,
        classes=order,
        groups=groups,
        omitted=tuple(omitted),
        notes=(*photometry.notes, *spectra.notes, *silent),
    )


def _check_classes(
    y: NDArray[np.intp], groups: NDArray[np.str_], classes: tuple[str, ...], folds: int, omitted: Sequence[Omission]
) -> None:
    left_out = f"left out: {reasons_of(omitted)}"
    if len(y) == 0:
        raise TrainingError(f"no object has photometry, a spectrum and a label; {left_out}")
    if len(classes) < 2:
        raise TrainingError(f"all objects are of one class, {classes[0]!r}, two are needed to tell apart; {left_out}")
    for c, name in enumerate(classes):
        n = len(set(groups[y == c].tolist()))
        if n < folds:
            raise TrainingError(
                f"class {name!r} has {n} objects or groups for {folds} folds; add some, join it to another class, "
                f"leave it out with --classes, or take fewer --folds ({left_out})"
            )


def _informative(x: Array, names: tuple[str, ...]) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Return the columns that differ between objects, their names, and notes on the others."""
    measured = np.isfinite(x).any(axis=0)
    differs = np.array([len(np.unique(column[np.isfinite(column)])) > 1 for column in x.T], dtype=np.bool_)
    notes = []
    for text, mask in (("never measured", ~measured), ("constant", measured & ~differs)):
        if mask.any():
            notes.append(f"features left out, {text}: {', '.join(np.array(names)[mask])}")
    return x[:, differs], tuple(n for n, d in zip(names, differs, strict=True) if d), tuple(notes)
