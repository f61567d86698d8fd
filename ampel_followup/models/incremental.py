r"""
A random forest that learns from a stream: it is renewed tree by tree, instead of being grown again as a whole.

A forest of T trees, and a memory: the latest R objects, and of those before them a uniform random sample of at most M
(reservoir sampling, Vitter 1985, ACM TOMS 11, 37, algorithm R). With each chunk of n objects,

1. **test**: the chunk is classified, and `ampel_followup.models.error_drift` looks whether errors have become more
   frequent;
2. **count in**: every tree lets the objects fall to its leaves and counts their classes there,
   :math:`c_{\ell}(y) \leftarrow c_{\ell}(y) + 1`, so that its votes :math:`c_\ell(y) / \sum_{y'} c_\ell(y')` follow the
   stream although its questions stay (as in the on-line forests of Saffari et al. 2009, ICCV Workshops, 1393). It costs
   a walk down the tree, which testing takes anyway;
3. **remember** the chunk;
4. **renew**: the oldest

   .. math:: \Delta T = T\, n / \min(S, L)

   trees give way to new ones, grown on bootstrap samples of the memory (fractions add up from chunk to chunk). S is the
   number of objects since the stream began or the world changed: while little is known, the forest is renewed as fast
   as knowledge doubles; later a tree lives for L objects. So an object costs T/L trees however the stream is cut into
   chunks, where growing the forest again costs T/n.

**When the world changes**, old objects mislead, but they are not worthless. If errors have become more frequent since
a time, objects from before weigh :math:`\kappa` times as much as they did in all trees that are grown from now on (and
are forgotten below 1/20), S begins anew, and all trees are renewed at once.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import BundleError, TrainingError
from ampel_followup.models.class_trees import (
    ClassTree,
    Cost,
    count_in,
    from_arrays,
    grow_trees,
    reached,
    to_arrays,
    votes,
)
from ampel_followup.models.error_drift import Change, ErrorDrift
from ampel_followup.models.folder import STREAM, read_folder, write_folder
from ampel_followup.models.labelled_chunk import Classes, features_of, labels_of
from ampel_followup.models.stream_memory import StreamMemory

Array = NDArray[np.float64]

# The generator of `numpy.random.default_rng`; the file of the arrays; what is kept of the memory.
_GENERATOR = "PCG64"
_ARRAYS = "forest.npz"
_COLUMNS = ("x", "y", "arrived", "weight")
_COUNTS = ("n_sampled", "n_offered", "n_seen")


@dataclass(frozen=True, slots=True)
class RollingSettings:
    """
    What can be chosen of a rolling forest; the symbols are those of the module.

    Parameters
    ----------
    n_trees : int
        T.
    lifetime : int
        L: a tree is renewed after so many objects. A forest costs T/L trees per object.
    n_recent, n_sample : int
        R and M: how many of the latest objects, and of a sample of earlier ones, are remembered.
    min_samples_leaf : int
        Objects in a leaf when a tree is grown, at least.
    max_features : float or "sqrt"
        Share of the features tried at each split, 0 to 1, or the root of their number.
    discount : float
        κ: what objects from before a change are worth, 0 to 1; 0 forgets them.
    confidence : float or None
        Probability of a false alarm per chunk (`ErrorDrift`); None does without looking for changes.

    Raises
    ------
    TrainingError
        If a setting is out of bounds.
    """

    n_trees: int = 100
    lifetime: int = 650
    n_recent: int = 500
    n_sample: int = 5000
    min_samples_leaf: int = 1
    max_features: float | str = "sqrt"
    discount: float = 0.2
    confidence: float | None = 0.02

    def __post_init__(self) -> None:
        for name in ("n_trees", "lifetime", "n_recent", "n_sample", "min_samples_leaf"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} of a rolling forest is {getattr(self, name)}; give 1 or more")
        if not 0 <= self.discount <= 1:
            raise TrainingError(f"discount of a rolling forest is {self.discount}; give a factor between 0 and 1")
        if self.max_features != "sqrt" and not (
            isinstance(self.max_features, int | float) and 0 < self.max_features <= 1
        ):
            raise TrainingError(f"max_features is {self.max_features!r}; give a share between 0 and 1, or 'sqrt'")
        if self.confidence is not None:
            ErrorDrift(self.confidence)


class RollingForest:
    """
    A forest that learns from a stream, chunk by chunk; the module has the algorithm.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of all that is random: the same chunks then give the same forest.
    settings : RollingSettings, optional
    classes : sequence of str
        Known from the start; others are added when they come.

    Attributes
    ----------
    cost : Cost
        What growing its trees has taken so far.
    changes : list of (int, Change)
        Alarms: how many objects had been seen, and what was found.
    """

    def __init__(
        self, rng: np.random.Generator, settings: RollingSettings | None = None, classes: tuple[str, ...] = ()
    ) -> None:
        self.settings = settings or RollingSettings()
        self.cost = Cost()
        self.changes: list[tuple[int, Change]] = []
        self._rng = rng
        self._classes = Classes(classes)
        self._drift = None if self.settings.confidence is None else ErrorDrift(self.settings.confidence)
        self._memory: StreamMemory | None = None
        self._trees: list[ClassTree] = []
        self._changed_at = 0
        self._due = 0.0  # fraction of a tree that is still to be renewed

    @property
    def classes(self) -> tuple[str, ...]:
        """The C classes it has met, in the order of the probabilities."""
        return self._classes.names

    @property
    def n_features(self) -> int | None:
        """Number of features k; None before the first chunk."""
        return None if self._memory is None else self._memory.x.shape[1]

    @property
    def n_seen(self) -> int:
        """Objects it has learned from."""
        return 0 if self._memory is None else self._memory.n_seen

    def partial_fit(self, x: ArrayLike, y: Sequence[Any] | NDArray[Any]) -> RollingForest:
        """
        Learn from the next objects of the stream.

        Parameters
        ----------
        x : array-like, shape (n, k)
            Features; NaN = not measured. k is that of the first chunk. No objects are no news.
        y : array-like of str or int, shape (n,)
            Classes, all of them known; new ones may turn up, and all may be the same.

        Returns
        -------
        RollingForest
            Itself.

        Raises
        ------
        TrainingError
            If the arrays do not fit each other or what was learned before, or a label is missing. Nothing is learned.
        """
        values = features_of(x, self.n_features)
        labels = labels_of(y, len(values))
        if not labels:
            return self
        numbers = self._classes.number(labels)
        if self._memory is None:
            self._memory = StreamMemory.empty(values.shape[1], self.settings.n_recent, self.settings.n_sample)
        change = self._test_and_count_in(values, numbers)
        self._memory.add(values, numbers, self._rng)
        if change is not None:
            self.changes.append((self._memory.n_seen, change))
            self._changed_at = self._memory.n_seen - change.n_since
            self._memory.discount(self._changed_at, self.settings.discount)
        self._renew(len(numbers), everything=change is not None)
        return self

    def predict_proba(self, x: ArrayLike) -> Array:
        """
        Return class probabilities.

        Parameters
        ----------
        x : array-like, shape (n, k)
            Features; NaN = not measured.

        Returns
        -------
        ndarray, shape (n, C)
            Columns as `classes`; each row sums to 1.

        Raises
        ------
        TrainingError
            If it has learned nothing yet, or the number of features is another.
        """
        if not self._trees:
            raise TrainingError("the forest has seen no objects yet; give it a first chunk with partial_fit")
        values = features_of(x, self.n_features)
        return votes(self._trees, reached(self._trees, values), len(self._classes))

    def _test_and_count_in(self, x: Array, y: NDArray[np.intp]) -> Change | None:
        if not self._trees:
            return None
        leaves = reached(self._trees, x)
        wrong = votes(self._trees, leaves, len(self._classes)).argmax(axis=1) != y
        count_in(self._trees, leaves, y, len(self._classes))
        return None if self._drift is None else self._drift.update(wrong)

    def _renew(self, n: int, *, everything: bool) -> None:
        memory, settings = self._memory, self.settings
        assert memory is not None
        self._due += settings.n_trees * n / min(memory.n_seen - self._changed_at, settings.lifetime)
        n_new = settings.n_trees if everything else min(int(self._due), settings.n_trees)
        self._due = 0.0 if n_new == settings.n_trees else self._due - n_new
        if n_new == 0:
            return
        trees, cost = grow_trees(
            memory.x,
            memory.y,
            len(self._classes),
            n_new,
            self._rng,
            min_samples_leaf=settings.min_samples_leaf,
            max_features=settings.max_features,
            weight=memory.weight,
        )
        self._trees = [*self._trees[n_new:], *trees]
        self.cost += cost

    def save(self, folder: Path, *, name: str = "rolling-forest") -> None:
        """
        Write the forest to a folder, complete or not at all; `load` goes on learning as if it had never stopped.

        The folder is that of a bundle (`ampel_followup.models.folder`): ``bundle.json`` has settings, classes and the
        state of the random generator, ``forest.npz`` arrays of numbers. Nothing in it can run code.

        Parameters
        ----------
        folder : Path
            Made if absent.
        name : str
            What to call it.

        Raises
        ------
        TrainingError
            If it has seen no objects yet.
        BundleError
            If the folder cannot be written, or the generator is not that of `numpy.random.default_rng`.
        """
        memory = self._memory
        if memory is None:
            raise TrainingError("the forest has seen no objects yet; there is nothing to save")
        generator = self._rng.bit_generator.state
        if generator["bit_generator"] != _GENERATOR:
            raise BundleError(
                f"a forest with the generator {generator['bit_generator']} cannot be saved; use numpy's default_rng"
            )
        arrays = to_arrays(self._trees, len(self._classes))
        arrays |= {name: getattr(memory, name) for name in _COLUMNS}
        if self._drift is not None:
            arrays["window"] = self._drift.window
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type, unused-ignore]
        info = {
            "kind": STREAM,
            "name": name,
            "version": "1",
            "description": f"Learns from a stream: a forest of {self.settings.n_trees} trees, renewed one by one.",
            "classes": list(self.classes),
            "settings": dataclasses.asdict(self.settings),
            "counts": {key: getattr(memory, key) for key in _COUNTS},
            "changed_at": self._changed_at,
            "due": self._due,
            "cost": dataclasses.asdict(self.cost),
            "changes": [[n_seen, dataclasses.asdict(change)] for n_seen, change in self.changes],
            "generator": generator,
        }
        write_folder(folder, info, {_ARRAYS: content.getvalue()})

    @classmethod
    def load(cls, folder: Path) -> RollingForest:
        """
        Read a forest that `save` wrote.

        Raises
        ------
        BundleError
            If the folder is incomplete, altered, or of another kind or a later version.
        """
        info, _, files = read_folder(folder, STREAM, (_ARRAYS,))
        try:
            with np.load(io.BytesIO(files[_ARRAYS]), allow_pickle=False) as stored:
                arrays = dict(stored)
            bits = np.random.PCG64()
            bits.state = info["generator"]
            forest = cls(np.random.Generator(bits), RollingSettings(**info["settings"]), tuple(info["classes"]))
            forest._memory = StreamMemory(
                arrays["x"],
                arrays["y"].astype(np.intp),
                arrays["arrived"].astype(np.int64),
                arrays["weight"].astype(np.float64),
                forest.settings.n_recent,
                forest.settings.n_sample,
                *(int(info["counts"][key]) for key in _COUNTS),
            )
            forest._changed_at, forest._due = int(info["changed_at"]), float(info["due"])
            forest.cost = Cost(**info["cost"])
            forest.changes = [(int(n_seen), Change(**change)) for n_seen, change in info["changes"]]
            if forest._drift is not None:
                forest._drift.window = arrays["window"]
        except (KeyError, ValueError, TypeError, TrainingError, zipfile.BadZipFile) as error:
            raise BundleError(f"{folder} does not hold a rolling forest ({error!r}); save it again") from error
        forest._trees = from_arrays(arrays, arrays["x"].shape[1], len(forest._classes))
        return forest
