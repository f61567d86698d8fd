"""
Where a training set comes from: labels, photometry and spectra, each read apart.

What is wrong with one object leaves that one out, and says why (`Omission`); what is wrong with a source as a whole is
an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError, SpectrumError, TrainingError
from ampel_followup.features import DEFAULT_SETS, FEATURE_SETS
from ampel_followup.learning.light_curve_files import light_curve_files, read_light_curve, until
from ampel_followup.learning.tables import Table, check_unique, is_text, number_column, read_table, text_column
from ampel_followup.lightcurve import LightCurve
from ampel_followup.spectra.features import to_grid
from ampel_followup.spectra.readers import read_spectrum

Array = NDArray[np.float64]

#: Why an object is left out that nothing else is wrong with.
NO_LABEL = "no label"

# Columns of a table of labels that tell of hosts.
_OF_HOSTS = ("photoz", "photoz_err")

#: Called with the files done so far and their number.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Omission:
    """
    An object that was left out.

    Parameters
    ----------
    id : str
    reason : str
        In a few words, the same for all objects that it applies to.
    detail : str
        What in particular.
    """

    id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Rows:
    """
    Numbers of objects by id: photometric features, spectral features, or spectra on the common grid.

    Parameters
    ----------
    ids : tuple of str
        Of the n objects, each once.
    values : ndarray, shape (n, k)
        NaN = not measured.
    names : tuple of str
        Of the k columns; empty for spectra.
    feature_sets : mapping of str to str
        Name and version of the feature sets that the columns are from; empty if they are the user's own.
    omitted : tuple of Omission
        Objects that could not be read.
    notes : tuple of str
        What else the user should know.
    """

    ids: tuple[str, ...]
    values: Array
    names: tuple[str, ...] = ()
    feature_sets: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """
    What is known of each object: its class, and what else its row in the table of labels says.

    Parameters
    ----------
    label : mapping of str to str
        Id → class, empty if not known.
    group : mapping of str to str
        Id → what the object belongs to (a host, a field); objects of one group are never split between training and
        test. Objects that are not in it are groups of their own.
    position : mapping of str to (float, float)
        Id → right ascension and declination, ICRS [deg].
    until_mjd : mapping of str to float
        Id → time of the decision; later photometry is not used [d].
    host : mapping of str to mapping
        Id → ``photoz`` and ``photoz_err`` of the host, those that are known.
    """

    label: Mapping[str, str]
    group: Mapping[str, str] = field(default_factory=dict)
    position: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    until_mjd: Mapping[str, float] = field(default_factory=dict)
    host: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def completed(self, light_curve: LightCurve) -> LightCurve:
        """Return a light curve up to the time of the decision, with what is known of its host in `meta`."""
        part = until(light_curve, self.until_mjd.get(light_curve.id, np.inf))
        host = self.host.get(light_curve.id)
        return replace(part, meta={**part.meta, **host}) if host and "photoz" not in part.meta else part


def read_labels(path: Path, id_column: str = "id", label_column: str = "label") -> Labels:
    """
    Read a table of labels.

    Parameters
    ----------
    path : Path
        CSV, ECSV or Parquet with a row per object; besides the id and the label it may have ``group``, ``ra`` and
        ``dec`` [deg], ``until_mjd``, and ``photoz`` and ``photoz_err`` of the host.
    id_column, label_column : str

    Raises
    ------
    TrainingError
        If it cannot be read, lacks a column, or names an object twice.
    """
    return labels_of(read_table(path), str(path), id_column, label_column)


def labels_of(table: Table, place: str, id_column: str, label_column: str) -> Labels:
    """Take the labels, and the optional columns of `read_labels`, from a table that was read."""
    ids = text_column(table, id_column, place)
    check_unique(ids, place)
    numbers = {
        name: dict(zip(ids, number_column(table, name, place).tolist(), strict=True))
        for name in ("ra", "dec", "until_mjd", *_OF_HOSTS)
        if name in table
    }
    group = zip(ids, text_column(table, "group", place), strict=True) if "group" in table else ()
    ra, dec = numbers.get("ra", {}), numbers.get("dec", {})
    return Labels(
        label=dict(zip(ids, text_column(table, label_column, place), strict=True)),
        group={name: value for name, value in group if value},
        position={name: (ra[name], dec[name]) for name in ra if name in dec and ra[name] == ra[name]},
        until_mjd={name: mjd for name, mjd in numbers.get("until_mjd", {}).items() if mjd == mjd},
        host={
            name: {
                of: numbers[of][name] for of in _OF_HOSTS if of in numbers and numbers[of][name] == numbers[of][name]
            }
            for name, z in numbers.get("photoz", {}).items()
            if z == z
        },
    )


def features_from_table(table: Table, place: str, id_column: str = "id", besides: Sequence[str] = ()) -> Rows:
    """
    Take every column of numbers as a feature.

    Columns of text are passed over, and named in the notes. If all of the names are those of the package's own feature
    sets, the features count as theirs, and a bundle trained on them can rank alerts.

    Parameters
    ----------
    table : Table
    place : str
        What to call it in errors.
    id_column : str
    besides : sequence of str
        Columns that are no features: labels, groups, positions.

    Raises
    ------
    TrainingError
        If there is no id, an id twice, no feature, or a feature with a value that is no number.
    """
    ids = text_column(table, id_column, place)
    check_unique(ids, place)
    candidates = [name for name in table if name != id_column and name not in besides]
    remarks = [name for name in candidates if is_text(table, name)]
    names = tuple(name for name in candidates if name not in remarks)
    if not names:
        raise TrainingError(f"{place} has no column of numbers besides {id_column!r}; give it features")
    values = np.column_stack([number_column(table, name, place) for name in names])
    ours = {name: s for s in FEATURE_SETS.values() for name in s.names}
    sets = {ours[n].name: ours[n].version for n in names} if all(name in ours for name in names) else {}
    notes = (f"columns of text passed over: {', '.join(remarks)}",) if remarks else ()
    return Rows(tuple(ids), values, names, sets, notes=notes)


def features_from_light_curves(
    light_curves: Sequence[LightCurve], sets: Sequence[str] | None = None, omitted: Sequence[Omission] = ()
) -> Rows:
    """
    Compute the package's feature sets.

    Parameters
    ----------
    light_curves : sequence of LightCurve
    sets : sequence of str, optional
        Names of `FEATURE_SETS`; by default `DEFAULT_SETS`.
    omitted : sequence of Omission
        Objects whose light curve could not be read.

    Raises
    ------
    TrainingError
        If there is no light curve, or no such feature set.
    """
    unknown = [name for name in sets or () if name not in FEATURE_SETS]
    if unknown:
        raise TrainingError(f"no feature set {unknown[0]!r}; there are {', '.join(FEATURE_SETS)}")
    if not light_curves:
        raise TrainingError(f"none of the light curves can be used: {reasons_of(omitted)}")
    ids = [light_curve.id for light_curve in light_curves]
    check_unique(ids, "light curves")
    chosen = [FEATURE_SETS[name] for name in sets or DEFAULT_SETS]
    dropped = sum(light_curve.dropped for light_curve in light_curves)
    return Rows(
        tuple(ids),
        np.concatenate([s.compute(light_curves) for s in chosen], axis=1),
        tuple(name for s in chosen for name in s.names),
        {s.name: s.version for s in chosen},
        tuple(omitted),
        (f"photometric points without a time, a flux or a positive error, dropped: {dropped}",) if dropped else (),
    )


def read_light_curves(
    folder: Path, labels: Labels, progress: Progress | None = None
) -> tuple[list[LightCurve], list[Omission]]:
    """
    Read the light curves of the labelled objects of a folder, a file per object, cut at the time of the decision.

    Parameters
    ----------
    folder : Path
        With files named by the object, as `light_curve_files.read_light_curve` takes them.
    labels : Labels
        With positions.
    progress : callable, optional

    Raises
    ------
    TrainingError
        If the folder has no such file, or the labels have no positions.
    """
    files = light_curve_files(folder)
    if not files:
        raise TrainingError(f"{folder} has no light curves; one .csv, .ecsv or .parquet file per object is expected")
    if not labels.position:
        raise TrainingError("the labels have no positions; add columns ra and dec, in degrees")
    light_curves: list[LightCurve] = []
    omitted: list[Omission] = []
    for number, path in enumerate(files, 1):
        name = path.stem
        if not labels.label.get(name):
            omitted.append(Omission(name, NO_LABEL))
        elif name not in labels.position:
            omitted.append(Omission(name, "no position"))
        else:
            try:
                light_curves.append(labels.completed(read_light_curve(path, *labels.position[name], name)))
            except FollowupError as error:
                omitted.append(Omission(name, "light curve cannot be used", str(error)))
        if progress is not None:
            progress(number, len(files))
    return light_curves, omitted


def cut_light_curves(
    light_curves: Iterable[LightCurve], labels: Labels, *, unlabelled: bool = False
) -> tuple[list[LightCurve], list[Omission]]:
    """Keep the labelled objects of a stream of light curves, cut at the time of the decision; or all, if asked to."""
    kept: list[LightCurve] = []
    omitted: list[Omission] = []
    for light_curve in light_curves:
        if not (labels.label.get(light_curve.id) or unlabelled):
            omitted.append(Omission(light_curve.id, NO_LABEL))
            continue
        try:
            kept.append(labels.completed(light_curve))
        except TrainingError as error:
            omitted.append(Omission(light_curve.id, "light curve cannot be used", str(error)))
    return kept, omitted


def read_spectra(folder: Path, ids: Iterable[str], progress: Progress | None = None) -> Rows:
    """
    Read the spectra of a folder and put them on the common grid.

    Parameters
    ----------
    folder : Path
        With a file per object, named by it and with any ending (``SN2011fe.fits``, ``SN2011fe.dat.gz``), in any format
        of `ampel_followup.spectra.readers`.
    ids : iterable of str
        Objects whose spectra are wanted; other files are left alone.
    progress : callable, optional

    Returns
    -------
    Rows
        Spectra that cannot be read, or cover less than half of the grid, are in ``omitted``.

    Raises
    ------
    TrainingError
        If the folder does not exist, an object has two files, or no spectrum can be used.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder with spectra; check the path")
    wanted = set(ids)
    files: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        name = _object_of(path.name, wanted)
        if name is None:
            continue
        if name in files:
            raise TrainingError(f"{folder}: {files[name].name} and {path.name} are both of {name}; keep one of them")
        files[name] = path
    if not files:
        example = min(wanted, default="ID")
        raise TrainingError(f"{folder}: no file is named like an object; expected such as {example}.fits or .dat")
    spectra: dict[str, Array] = {}
    omitted: list[Omission] = []
    dropped = 0
    for number, (name, path) in enumerate(files.items(), 1):
        try:
            spectrum = read_spectrum(path)
        except SpectrumError as error:
            omitted.append(Omission(name, "spectrum cannot be read", str(error)))
        else:
            dropped += int(spectrum.meta.get("dropped", 0))
            try:
                spectra[name] = to_grid(spectrum.wavelength, spectrum.flux)
            except SpectrumError as error:
                omitted.append(Omission(name, "spectrum covers too little of the grid", f"{path.name}: {error}"))
        if progress is not None:
            progress(number, len(files))
    if not spectra:
        raise TrainingError(f"{folder}: none of {len(files)} spectra can be used: {reasons_of(omitted)}")
    notes = (f"pixels of spectra without a wavelength, a flux or a positive error, dropped: {dropped}",)
    return Rows(tuple(spectra), np.array([*spectra.values()]), omitted=tuple(omitted), notes=notes if dropped else ())


def reasons_of(omitted: Iterable[Omission]) -> str:
    """Return the reasons with the number of objects each, the commonest first, and an example; on one line."""
    omitted = list(omitted)
    parts = []
    for reason, count in Counter(omission.reason for omission in omitted).most_common():
        detail = next(o.detail for o in omitted if o.reason == reason)
        parts.append(f"{reason} ({count}" + (f", such as {detail})" if detail else ")"))
    return "; ".join(parts) or "nothing"


def _object_of(file_name: str, wanted: set[str]) -> str | None:
    """Return the object that a file is named by: its name up to some dot."""
    parts = file_name.split(".")
    candidates = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next((name for name in candidates if name in wanted), None)
