"""
Model bundles: a folder with everything that scoring needs, and proof that nothing in it was altered.

A bundle holds ``bundle.json`` (what it is, what it was trained on, how well it did, and the SHA-256 of every other
file), two classifiers in ONNX form, and the numbers of the conditional mixture and of the spectral features in JSON.
Nothing in it can run code when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import BundleError
from ampel_followup.gain import GainScores
from ampel_followup.models.classifier import OnnxClassifier
from ampel_followup.models.gain_model import GainModel
from ampel_followup.models.mixture import ConditionalMixture
from ampel_followup.models.scaling import QuantileScaling

#: Layout of the folder; a reader refuses a later one.
FORMAT = 1

#: Folder of the bundles that come with the package.
PACKAGED = Path(__file__).parent.parent / "bundles"

DEFAULT_BUNDLE = "simulated"

_FILES = ("p_t.onnx", "p_ts.onnx", "mixture.json", "spectrum.json")


@dataclass(frozen=True)
class ModelBundle:
    """
    Everything that scoring needs, as loaded from a folder.

    Parameters
    ----------
    info : mapping
        The contents of ``bundle.json``: name, version, created, description, classes, feature_sets (name → version),
        features (of the classifiers, in order), mixture_features, n_spectra, scope (see `in_scope`), training, metrics,
        distribution, files.
    digest : str
        SHA-256 of ``bundle.json``, which itself names the digest of every file.
    files : mapping of str to bytes
        The verified contents of the other files.
    """

    info: Mapping[str, Any]
    digest: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return str(self.info["name"])

    @property
    def label(self) -> str:
        """Name and version, as plans and logs show it."""
        return f"{self.name} {self.info['version']}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of every probability array."""
        return tuple(self.info["classes"])

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the photometric features of the classifiers, in order."""
        return tuple(self.info["features"])

    @cached_property
    def model(self) -> GainModel:
        """The models, ready to score."""
        numbers = json.loads(self.files["mixture.json"])
        mixture = ConditionalMixture.from_dict(numbers["mixture"])
        p_t, p_ts = (OnnxClassifier(self.files[f], f, len(self.classes)) for f in ("p_t.onnx", "p_ts.onnx"))
        k = len(self.features)
        if (p_t.n_features, p_ts.n_features) != (k, k + mixture.n_s):
            raise BundleError(f"bundle {self.label}: its models do not take its {k} features; make it again")
        return GainModel(
            p_t,
            p_ts,
            mixture,
            QuantileScaling.from_dict(numbers["scaling"]),
            np.array([self.features.index(name) for name in self.info["mixture_features"]]),
            int(self.info["n_spectra"]),
            float(self.info.get("classifier_weight", 1.0)),
        )

    def score(self, x_t: NDArray[np.float64], points: NDArray[np.float64] | None = None) -> GainScores:
        """Score objects by what a spectrum of each would tell; as `GainModel.score`."""
        return self.model.score(x_t, points)

    def in_scope(self, x_t: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Share of the training set that lies where the mixture is less dense than at each object.

        Densities of different numbers of measured features cannot be compared, so each object is compared with the
        training objects that have as many as it has (or the nearest number that there were enough of).

        Parameters
        ----------
        x_t : ndarray, shape (n, k)
            The `features`, NaN = not measured.

        Returns
        -------
        ndarray, shape (n,)
            0 (like nothing trained on) to 1.
        """
        scaled = self.model.scaled(x_t)
        density = self.model.mixture.log_density(scaled)
        measured = np.isfinite(scaled).sum(axis=1)
        known = {int(count): np.asarray(knots) for count, knots in self.info["scope"].items()}
        share = np.empty(len(x_t))
        for count in np.unique(measured):
            rows = measured == count
            knots = known[min(known, key=lambda c: abs(c - count))]
            share[rows] = np.interp(density[rows], knots, np.linspace(0.0, 1.0, len(knots)), left=0.0, right=1.0)
        return share


def load_bundle(name: str | os.PathLike[str] | None = None) -> ModelBundle:
    """
    Load and verify a bundle.

    Parameters
    ----------
    name : str or path, optional
        Name of a bundle in one of `bundle_folders`, or the path of a folder; by default the packaged one.

    Returns
    -------
    ModelBundle

    Raises
    ------
    BundleError
        If there is no such bundle, it is incomplete, of a later format, or one of its bytes was changed.
    """
    folder = find_bundle(name)
    text = _read(folder / "bundle.json")
    try:
        info = json.loads(text)
        stated = info.pop("digest")
        files: dict[str, str] = info["files"]
        version = int(info["format"])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BundleError(
            f"{folder / 'bundle.json'} is not the description of a bundle ({error!r}); {_REMEDY}"
        ) from error
    if version > FORMAT:
        raise BundleError(
            f"{folder} has bundle format {version}, this version reads up to {FORMAT}; upgrade ampel-followup"
        )
    if stated != _digest_of(info):
        raise BundleError(f"{folder / 'bundle.json'} was altered: its digest does not match; {_REMEDY}")
    missing = [file for file in _FILES if file not in files]
    if missing:
        raise BundleError(f"{folder} lacks {', '.join(missing)}; {_REMEDY}")
    contents = {}
    for file, expected in files.items():
        if Path(file).name != file:
            raise BundleError(f"{folder / 'bundle.json'} names a file outside the bundle: {file!r}; {_REMEDY}")
        contents[file] = _read(folder / file)
        if hashlib.sha256(contents[file]).hexdigest() != expected:
            raise BundleError(f"{folder / file} was altered: its digest does not match bundle.json; {_REMEDY}")
    return ModelBundle(info, stated, contents)


_REMEDY = "restore the bundle from where it came, or choose another with --bundle"


def save_bundle(folder: Path, info: Mapping[str, Any], files: Mapping[str, bytes]) -> ModelBundle:
    """
    Write a bundle, complete or not at all.

    Parameters
    ----------
    folder : Path
        Made if absent; files of the same names are replaced, ``bundle.json`` last.
    info : mapping
        See `ModelBundle`; ``format`` and ``files`` are filled in here.
    files : mapping of str to bytes
        At least p_t.onnx, p_ts.onnx, mixture.json and spectrum.json.

    Returns
    -------
    ModelBundle
        As loaded back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    complete = {**info, "format": FORMAT, "files": digests}
    complete["digest"] = _digest_of(complete)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    temporary = folder / "bundle.json.part"
    temporary.write_text(json.dumps(complete, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(folder / "bundle.json")
    return load_bundle(folder)


def bundle_folders() -> list[Path]:
    """Return where bundles are looked for by name: the user's data folder, then the package."""
    import platformdirs

    return [platformdirs.user_data_path("ampel-followup") / "bundles", PACKAGED]


def list_bundles() -> list[Path]:
    """Return the folders of all bundles that can be loaded by name, the user's first."""
    return [
        folder
        for parent in bundle_folders()
        if parent.is_dir()
        for folder in sorted(parent.iterdir())
        if (folder / "bundle.json").is_file()
    ]


def find_bundle(name: str | os.PathLike[str] | None = None) -> Path:
    """
    Return the folder of a bundle, unverified.

    Raises
    ------
    BundleError
        If there is none of that name or at that path.
    """
    name = DEFAULT_BUNDLE if name is None else os.fspath(name)
    if Path(name).joinpath("bundle.json").is_file():
        return Path(name)
    known = list_bundles()
    for folder in known:
        if folder.name == name:
            return folder
    names = ", ".join(folder.name for folder in known) or "none"
    raise BundleError(f"no bundle {name!r}: neither a folder with a bundle.json nor one of those installed ({names})")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path} ({error.strerror}); {_REMEDY}") from error


def _digest_of(info: Mapping[str, Any]) -> str:
    canonical = json.dumps({k: v for k, v in info.items() if k != "digest"}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
