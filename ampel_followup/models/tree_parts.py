r"""
Trees as tables: what all of them say of many objects, and each feature's share in it, by look-up.

Trees are cut into parts, each with its own leaves and the at most eight decisions that lead to them. The decisions of
one object fit a byte, and a part says something of it that depends on that byte alone: it is looked up. The bytes are
looked up too: what a feature decides in every part depends only on where its value lies among all thresholds on it (as
in QuickScorer, Lucchese et al. 2015, SIGIR, 73).

The share of a feature is its Shapley value in the game of Lundberg, Erion & Lee (2018, arXiv:1802.03888): what a tree
is worth when only the features in S are known is its mean over all ways to go, where decisions on features in S are
those of the object, and any other is taken with the shares of the training objects. For one leaf of value v and the
features F on its path that is

.. math:: G(S) = v \prod_{i \in S} s_i \prod_{i \in F \setminus S} r_i

where s_i is 1 if the object takes every decision on i that leads to the leaf, else 0, and r_i is the share of training
objects that do, so that

.. math:: \phi_j = v\,(s_j - r_j) \sum_{S \subseteq F \setminus j} \frac{|S|!\,(d-|S|-1)!}{d!}
          \prod_{i \in S} s_i \prod_{i \in F \setminus S \setminus j} r_i, \quad d = |F|,

a number that depends on the s_i alone: a table of 2^d rows for each leaf (Fast TreeSHAP v2, Yang 2021,
arXiv:2109.09847). The tables of a part's leaves add up to that of the part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]

#: Decisions of a part: they fit a byte. A leaf has its whole path in its part, so trees cannot be deeper.
MAX_DEPTH = 8

# Objects looked up at once: their bytes and rows stay in the cache.
_CHUNK = 512

# No more objects than this are looked up in all columns at once, instead of column by column.
_FEW = 8

# Leaves whose tables are made at once, to bound the memory.
_LEAVES = 512


@dataclass(frozen=True)
class TreeParts:
    """
    The G parts of an ensemble, ready to look up objects.

    The table of a part has a row for each outcome of its decisions; the tables of all parts follow one another.

    Parameters
    ----------
    n_features : int
        Number of columns k.
    columns : tuple of int
        Those that some decision asks for.
    edges : tuple of ndarray
        For each of `columns`, all thresholds on it, increasing.
    outcomes : tuple of ndarray of uint8, shape (len(edges) + 2, G)
        For each of `columns`, which decisions go left in every part: of values up to each edge, above all, missing.
    first_row : ndarray of int, shape (G + 1,)
        Where the table of each part begins, and where the last one ends.
    part : ndarray of int, shape (L,)
        Part that each leaf belongs to.
    value : ndarray, shape (L,)
        Of each leaf.
    asked : ndarray of int, shape (L, D)
        The distinct features on the path to each leaf; beyond the last, any.
    decisions, wanted : ndarray of uint8, shape (L, D)
        Bits of the decisions on that feature, and how they have to be; both 0 beyond the last.
    ratio : ndarray, shape (L, D)
        Share of training objects that take these decisions; 1 beyond the last.
    """

    n_features: int
    columns: tuple[int, ...]
    edges: tuple[Array, ...]
    outcomes: tuple[NDArray[np.uint8], ...]
    first_row: NDArray[np.intp]
    part: NDArray[np.intp]
    value: Array
    asked: NDArray[np.intp]
    decisions: NDArray[np.uint8]
    wanted: NDArray[np.uint8]
    ratio: Array

    def rows(self, x: Array) -> Iterator[tuple[slice, NDArray[np.intp]]]:
        """
        Look up the row of every part's table that objects belong to.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            Features; NaN = missing.

        Yields
        ------
        objects : slice
            A chunk of them, c in number.
        rows : ndarray of int, shape (c, G)
        """
        if len(x) <= _FEW:
            yield slice(0, len(x)), self.first_row[:-1] + self._bits_of_few(x)
            return
        places = []
        for column, edges in zip(self.columns, self.edges, strict=True):
            values = x[:, column]
            place = np.searchsorted(edges, values)  # x ≤ edge is what goes left
            place[np.isnan(values)] = len(edges) + 1
            places.append(place)
        for start in range(0, len(x), _CHUNK):
            chunk = slice(start, min(start + _CHUNK, len(x)))
            bits = np.zeros((chunk.stop - start, len(self.first_row) - 1), dtype=np.uint8)
            for place, outcomes in zip(places, self.outcomes, strict=True):
                bits |= outcomes[place[chunk]]
            yield chunk, self.first_row[:-1] + bits

    def _bits_of_few(self, x: Array) -> NDArray[np.uint8]:
        """Return the outcomes of the decisions of a few objects, shape (n, G)."""
        padded, ends, first, outcomes = self._side_by_side
        values = x[:, self.columns]
        place = (padded < values[:, :, None]).sum(axis=2)  # as many as `searchsorted` counts
        place[np.isnan(values)] = 0
        place += np.where(np.isnan(values), ends, first)
        return np.asarray(np.bitwise_or.reduce(outcomes[place], axis=1))

    @cached_property
    def _side_by_side(self) -> tuple[Array, NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
        """Edges of all columns, padded; where the outcomes of each end (missing) and begin; the outcomes."""
        number = np.array([len(edges) for edges in self.edges], dtype=np.intp)
        padded = np.full((len(number), int(number.max(initial=0))), np.inf)
        for row, edges in zip(padded, self.edges, strict=True):
            row[: len(edges)] = edges
        first = np.cumsum(number + 2) - (number + 2)
        outcomes = np.zeros((0, len(self.first_row) - 1), dtype=np.uint8)
        return padded, first + number + 1, first, np.concatenate([outcomes, *self.outcomes])

    @cached_property
    def sums(self) -> Array:
        """What each row of the tables adds to the log-odds, shape (R,)."""
        sums = np.zeros(self.first_row[-1])
        for leaves, rows, satisfied in self._leaf_rows():
            reached = satisfied.all(axis=2)
            np.add.at(sums, rows, np.where(reached, self.value[leaves, None], 0.0))
        return sums

    @cached_property
    def shares(self) -> Array:
        """What of that is each feature's, relative to knowing nothing, shape (R, k)."""
        shares = np.zeros((self.first_row[-1], self.n_features))
        for leaves, rows, satisfied in self._leaf_rows():
            table = leaf_shares(self.value[leaves], self.ratio[leaves])
            depth = table.shape[2]
            pattern = satisfied @ (1 << np.arange(depth))
            share = np.take_along_axis(table, pattern[:, :, None], axis=1)
            for slot in range(depth):
                np.add.at(shares, (rows, self.asked[leaves, slot][:, None]), share[:, :, slot])
        return shares

    @cached_property
    def expected(self) -> float:
        """What the parts add up to when nothing is known."""
        return float(self.value @ self.ratio.prod(axis=1))

    def shares_of(self, rows: NDArray[np.intp]) -> Array:
        """Add up the `shares` of each object's rows (c, G), shape (c, k)."""
        # A row of ones at the chosen places, times the table: no array of shape (c, G, k).
        n, n_parts = rows.shape
        chosen = csr_array(
            (np.ones(n * n_parts), rows.ravel(), n_parts * np.arange(n + 1)),
            shape=(n, len(self.shares)),
        )
        return np.asarray(chosen @ self.shares)

    def _leaf_rows(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]]:
        """Yield leaves (l,), the rows of their parts (l, P), and which features' decisions lead there (l, P, D)."""
        n_rows = np.diff(self.first_row)[self.part]
        for size in np.unique(n_rows):
            alike = np.flatnonzero(n_rows == size)
            bits = np.arange(size).astype(np.uint8)
            for start in range(0, len(alike), _LEAVES):
                leaves = alike[start : start + _LEAVES]
                satisfied = bits[None, :, None] & self.decisions[leaves, None] == self.wanted[leaves, None]
                yield leaves, self.first_row[self.part[leaves], None] + bits, satisfied


def leaf_shares(value: Array, ratio: Array) -> Array:
    """
    Tabulate the Shapley values of the features on the path to each leaf, by which of them the object satisfies.

    Parameters
    ----------
    value : ndarray, shape (L,)
        v of each leaf.
    ratio : ndarray, shape (L, D)
        r_i; a feature that is not there has 1, is always satisfied, and so gets nothing and takes nothing.

    Returns
    -------
    ndarray, shape (L, 2^D, D)
        φ_j; bit i of the second index is s_i.
    """
    n_leaves, depth = ratio.shape
    satisfied = (np.arange(1 << depth)[:, None] >> np.arange(depth) & 1).astype(np.float64)
    shares = np.zeros((n_leaves, 1 << depth, depth))
    weights = [factorial(s) * factorial(depth - s - 1) / factorial(depth) for s in range(depth)]
    for j in range(depth):
        # Coefficient s of Π (r_i + s_i y) is the sum over all S of size s.
        terms = [np.ones((n_leaves, 1 << depth))]
        for i in range(depth):
            if i != j:
                unknown = [term * ratio[:, i, None] for term in terms] + [np.zeros_like(terms[0])]
                known = [np.zeros_like(terms[0])] + [term * satisfied[:, i] for term in terms]
                terms = [u + k for u, k in zip(unknown, known, strict=True)]
        mean = sum(weight * term for weight, term in zip(weights, terms, strict=True))
        shares[:, :, j] = value[:, None] * (satisfied[:, j] - ratio[:, j, None]) * mean
    return shares


def cut_into_parts(
    feature: Sequence[int],
    number: Array,
    missing_left: NDArray[np.bool_],
    cover: Array,
    ends: Sequence[int],
    n_features: int,
) -> TreeParts:
    """
    Cut trees into parts of at most eight decisions, as large as that allows.

    Parameters
    ----------
    feature, number, missing_left, cover
        As in `ampel_followup.models.trees.TreeEnsemble`, shape (m,).
    ends : sequence of int
        First node in pre-order that is not below each, m numbers.
    n_features : int
        Number of columns k.

    Returns
    -------
    TreeParts
    """
    parts = [part for root in _roots(ends) for part in _parts_below(root, [], feature, ends)]
    columns = tuple(sorted({feature[node] for nodes, _ in parts for node in nodes}))
    edges = tuple(np.unique(number[np.asarray(feature) == column]) for column in columns)
    outcomes = tuple(np.zeros((len(e) + 2, len(parts)), dtype=np.uint8) for e in edges)
    where = {column: i for i, column in enumerate(columns)}
    for g, (nodes, _) in enumerate(parts):
        for bit, node in enumerate(nodes):
            i = where[feature[node]]
            outcomes[i][np.searchsorted(edges[i], number[node]), g] |= 1 << bit
            outcomes[i][-1, g] |= int(missing_left[node]) << bit
    for decided in outcomes:
        # What is up to an edge is up to any higher one.
        decided[:-1] = np.bitwise_or.accumulate(decided[-2::-1], axis=0)[::-1]

    leaves = [
        (g, *leaf) for g, (nodes, paths) in enumerate(parts) for leaf in _leaf_terms(nodes, paths, feature, cover)
    ]
    depth = max((len(terms) for *_, terms in leaves), default=0)
    asked = np.zeros((len(leaves), depth), dtype=np.intp)
    decisions, wanted = (np.zeros((len(leaves), depth), dtype=np.uint8) for _ in range(2))
    ratio = np.ones((len(leaves), depth))
    for row, (_, _, terms) in enumerate(leaves):
        for slot, (column, (mask, left, share)) in enumerate(terms.items()):
            asked[row, slot], decisions[row, slot], wanted[row, slot], ratio[row, slot] = column, mask, left, share
    return TreeParts(
        n_features,
        columns,
        edges,
        outcomes,
        np.concatenate([[0], np.cumsum([1 << len(nodes) for nodes, _ in parts], dtype=np.intp)]),
        np.array([g for g, *_ in leaves], dtype=np.intp),
        number[[leaf for _, leaf, _ in leaves]],
        asked,
        decisions,
        wanted,
        ratio,
    )


# The decisions from the root to a leaf: node, and the child that leads on.
_Path = list[tuple[int, int]]


def _roots(ends: Sequence[int]) -> Iterator[int]:
    root = 0
    while root < len(ends):
        yield root
        root = ends[root]


def _parts_below(
    node: int, path: _Path, feature: Sequence[int], ends: Sequence[int]
) -> Iterator[tuple[list[int], list[tuple[int, _Path]]]]:
    """Yield the parts below a node: the nodes of its decisions, and its leaves with the paths to them."""
    below = [i for i in range(node, ends[node]) if feature[i] >= 0]
    if len(path) + len(below) <= MAX_DEPTH:
        yield [i for i, _ in path] + below, list(_leaves_below(node, path, feature, ends))
        return
    for child in (node + 1, ends[node + 1]):
        yield from _parts_below(child, [*path, (node, child)], feature, ends)


def _leaves_below(node: int, path: _Path, feature: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, _Path]]:
    if feature[node] < 0:
        yield node, path
        return
    for child in (node + 1, ends[node + 1]):
        yield from _leaves_below(child, [*path, (node, child)], feature, ends)


def _leaf_terms(
    nodes: list[int], paths: list[tuple[int, _Path]], feature: Sequence[int], cover: Array
) -> Iterator[tuple[int, dict[int, tuple[int, int, float]]]]:
    """Yield leaves, and by feature: bits of its decisions, which of them go left, share of objects that do so."""
    bit_of = {node: 1 << bit for bit, node in enumerate(nodes)}
    for leaf, path in paths:
        terms: dict[int, tuple[int, int, float]] = {}
        for node, child in path:
            mask, left, share = terms.get(feature[node], (0, 0, 1.0))
            bit = bit_of[node]
            goes_left = bit if child == node + 1 else 0
            terms[feature[node]] = (mask | bit, left | goes_left, share * float(cover[child] / cover[node]))
        yield leaf, terms
