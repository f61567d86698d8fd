"""From light curves with classes to a trained network, and from that to the model that runs it, or a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import TrainingError
from ampel_followup.features.hand_made import VERSIONS
from ampel_followup.features.sequence import beginnings
from ampel_followup.learning.attention_curves import LabelledCurves, labelled_curves, split_objects
from ampel_followup.learning.attention_metrics import calibration_error, confusion, macro_recall, recalls
from ampel_followup.learning.attention_training import FRACTIONS, FitOptions, TrainedNetwork, Trainer
from ampel_followup.models.attention_bundle import NETWORK, AttentionModel, save_attention_bundle
from ampel_followup.models.attention_onnx import network_to_onnx
from ampel_followup.models.attention_options import NetworkOptions

#: Shares of the objects to train on, to stop and calibrate with, and to test on.
SHARES = (0.65, 0.15, 0.20)

#: Objects of a class without which there are none of it in every part.
LEAST_OBJECTS = 10


@dataclass(frozen=True, slots=True)
class Result:
    """
    A trained network and what is to be said of it.

    Parameters
    ----------
    trained : TrainedNetwork
    training : dict
        Objects, rounds, seed.
    metrics : dict
        `measure` on the test objects.
    """

    trained: TrainedNetwork
    training: dict[str, Any]
    metrics: dict[str, Any]


def train_and_measure(
    data: LabelledCurves,
    seed: int,
    options: NetworkOptions,
    fit: FitOptions,
    on_round: Callable[[int, float], None] = lambda number, loss: None,
    *,
    copies: int = 0,
    on_copies: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Result:
    """
    Split objects by `SHARES`, class by class; train, stop, calibrate and measure on parts of their own.

    Parameters
    ----------
    data : LabelledCurves
    seed : int
        Of the split and the training.
    options : NetworkOptions
    fit : FitOptions
    on_round : callable
        Called with the number of each finished round, and the loss on the held-out objects.
    copies : int
        New light curves that are made of each training object (`with_copies`), and learned from as well.
    on_copies : callable
        Called with the stage of making them, how far it is, and its end.

    Raises
    ------
    TrainingError
        If there is one class only, or one has too few objects.
    FollowupError
        If TensorFlow is not installed.
    """
    if len(data.class_names) < 2:
        raise TrainingError(f"all light curves of {data.name} are of class {data.class_names[0]!r}; two are needed")
    counts = np.bincount(data.y, minlength=len(data.class_names))
    if counts.min() < LEAST_OBJECTS:
        few = data.class_names[int(counts.argmin())]
        raise TrainingError(
            f"{counts.min()} light curves of class {few!r} to learn from; at least {LEAST_OBJECTS} of each are needed: "
            "add some, or leave the class out"
        )
    rng = np.random.default_rng([seed, 3])
    part = split_objects(data.y, SHARES, rng)
    training, held_out, test = (np.flatnonzero(part == number) for number in range(3))
    points, y, hosts = data.of(training), data.y[training], data.hosts
    learned = hosts.select(training)
    if copies:
        every = with_copies(data, training, copies, rng, on_copies)
        points, y, learned = every.points, every.y, every.hosts
    trained = Trainer(options, len(data.class_names)).train(
        points,
        y,
        data.of(held_out),
        data.y[held_out],
        rng,
        hosts=(learned, hosts.select(held_out)),
        fit=fit,
        on_round=on_round,
    )
    told = {
        "data": data.name,
        "objects": len(training),
        "copies": len(y) - len(training),
        "held_out": len(held_out),
        "seed": seed,
        "rounds": trained.rounds,
        "best_round": trained.best_round,
        "loss_held_out": trained.loss,
    }
    return Result(trained, told, measure(served(trained, data.class_names), data, test))


def with_copies(
    data: LabelledCurves,
    rows: NDArray[np.intp],
    copies: int,
    rng: np.random.Generator,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> LabelledCurves:
    """
    Make new light curves of some objects by Gaussian processes, and put them behind.

    Parameters
    ----------
    data : LabelledCurves
    rows : ndarray of int, shape (n,)
        Training objects only.
    copies : int
        Of each, as far as it has detections enough (`ampel_followup.gaussian_process.augment`); at other redshifts
        where the host has a photometric one.
    rng : numpy.random.Generator
    progress : callable
        Called with the stage, how far it is, and its end.

    Returns
    -------
    LabelledCurves
        The n objects and their copies.
    """
    from ampel_followup.gaussian_process.augment import augmented
    from ampel_followup.gaussian_process.copies import FARTHEST, NEAREST

    curves = [data.curves[i] for i in rows.tolist()]
    labels = [data.class_names[c] for c in data.y[rows].tolist()]
    z = np.array([float(curve.meta.get("photoz", np.nan)) for curve in curves])
    made = augmented(
        curves, labels, np.where((z >= NEAREST) & (z <= FARTHEST), z, np.nan), copies, rng, progress=progress
    )
    return labelled_curves(data.name, [*curves, *made.light_curves], [*labels, *made.labels], "", data.class_names)


def measure(model: AttentionModel, data: LabelledCurves, rows: NDArray[np.intp]) -> dict[str, Any]:
    """
    Return the recall of each class at `FRACTIONS` of the points, their mean, and the calibration error.

    Of a network that is told of hosts also the mean where none is known.
    """
    recall, mean, error = {}, {}, {}
    hosts = data.hosts.select(rows)
    for fraction in FRACTIONS:
        points = beginnings(data.of(rows), fraction)
        p, _ = model.predict(model.sequences(points, hosts))
        counts = confusion(data.y[rows], p.argmax(axis=1), len(data.class_names))
        at = f"{fraction:g}"
        of_class = (round(r, 3) for r in recalls(counts).tolist())
        recall[at] = dict(zip(data.class_names, of_class, strict=True))
        mean[f"macro_recall_{at}"] = round(macro_recall(counts), 4)
        error[f"calibration_error_{at}"] = round(calibration_error(p, data.y[rows]), 4)
        if model.options.sees_host:
            mean[f"macro_recall_{at}_without_host"] = round(without_host(model, data, rows, fraction), 4)
    return {**mean, **error, "test_objects": len(rows), "recall": recall}


def without_host(model: AttentionModel, data: LabelledCurves, rows: NDArray[np.intp], fraction: float) -> float:
    """Return the macro recall at a fraction of the points of a network from which all hosts are hidden."""
    p, _ = model.predict(model.sequences(beginnings(data.of(rows), fraction)))
    return macro_recall(confusion(data.y[rows], p.argmax(axis=1), len(data.class_names)))


def served(trained: TrainedNetwork, class_names: Sequence[str]) -> AttentionModel:
    """Return what would be loaded from a bundle of a trained network; needs onnx, and no TensorFlow."""
    info = {"name": trained.options.kind, "version": "0", **_learned(trained, class_names)}
    info["network"] = asdict(trained.options)
    return AttentionModel(info, "", {NETWORK: _network(trained, class_names)})


def save_trained(
    folder: Path, trained: TrainedNetwork, class_names: Sequence[str], info: Mapping[str, Any]
) -> AttentionModel:
    """
    Write a trained network as a bundle, and return it as loaded back.

    Parameters
    ----------
    folder : Path
        Made if absent.
    trained : TrainedNetwork
    class_names : sequence of str, length k
    info : mapping
        name, version, created, description, training, metrics.

    Raises
    ------
    BundleError
        If the folder cannot be written to.
    """
    complete = {**info, **_learned(trained, class_names)}
    return save_attention_bundle(folder, complete, _network(trained, class_names), trained.options)


def _learned(trained: TrainedNetwork, class_names: Sequence[str]) -> dict[str, Any]:
    told = {"classes": list(class_names), "softening": trained.softening, "temperature": trained.temperature}
    if trained.scale is None:
        return told
    scale = {"centre": trained.scale.centre.tolist(), "scale": trained.scale.scale.tolist()}
    return {**told, "features": {"sets": dict(VERSIONS), **scale}}


def _network(trained: TrainedNetwork, class_names: Sequence[str]) -> bytes:
    return network_to_onnx(
        trained.weights,
        trained.options,
        len(class_names),
        trained.temperature,
        trained.trees,
        trained.share,
    )
