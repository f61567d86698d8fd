"""The loops of `ampel_followup.models.votes`, compiled on first use and kept; needs numba."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64  # type: ignore[import-not-found, unused-ignore]
from numpy.typing import NDArray

#: The feature that a leaf asks for.
LEAF = 2**32 - 1

# Spectra to a word of bits.
_BITS = 64

# The place of the only bit of a word, by de Bruijn's sequence (Leiserson et al. 1998).
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_PLACE = np.zeros(_BITS, dtype=np.int64)
for _bit in range(_BITS):
    _PLACE[(int(_SEQUENCE) << _bit & (1 << _BITS) - 1) >> 58] = _bit

# Spectra that a tree is walked for before the next tree is: tree and sums fit the cache.
_BLOCK = 4096


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def add_votes(
    nodes: NDArray[np.void],
    roots: NDArray[np.uint32],
    depth: int,
    first_vote: NDArray[np.int32],
    vote_class: NDArray[np.int32],
    vote_weight: NDArray[np.float64],
    x_t: NDArray[np.float32],
    x_s: NDArray[np.float32],
    order: NDArray[np.intp],
    p: NDArray[np.float64],
) -> None:
    """
    Add the votes of all trees to p, tree after tree, so that a sum does not depend on the company it is computed in.

    Parameters
    ----------
    nodes, roots, depth, first_vote, vote_class, vote_weight
        As in `VotingForest`.
    x_t : ndarray of float32, shape (n, k)
    x_s : ndarray of float32, shape (n, N, d)
        Each of the d features in increasing order.
    order : ndarray of int, shape (n, N, d)
        Which spectrum each value belongs to.
    p : ndarray, shape (n, N, C)
        Added to.
    """
    n, n_spectra, d = x_s.shape
    n_words = (n_spectra + _BITS - 1) // _BITS
    everyone = np.zeros(n_words, dtype=np.uint64)
    for spectrum in range(n_spectra):
        everyone[spectrum // _BITS] |= uint64(1) << uint64(spectrum % _BITS)
    # smallest[i, f, c] are the c spectra of object i with the smallest values of feature f.
    n_block = max(1, _BLOCK // n_spectra)
    smallest = np.zeros((n_block, d, n_spectra + 1, n_words), dtype=np.uint64)
    waiting = np.empty(depth, dtype=np.uint32)
    there = np.empty((depth, n_words), dtype=np.uint64)
    for begin in range(0, n, n_block):
        block = range(begin, min(begin + n_block, n))
        for i in block:
            for f in range(d):
                _fill(order[i, :, f], smallest[i - begin, f])
        for root in roots:
            for i in block:
                waiting[0] = root
                there[0] = everyone
                _walk(
                    nodes,
                    first_vote,
                    vote_class,
                    vote_weight,
                    waiting,
                    there,
                    x_t[i],
                    x_s[i],
                    smallest[i - begin],
                    p[i],
                )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def add_votes_of_rows(
    nodes: NDArray[np.void],
    roots: NDArray[np.uint32],
    first_vote: NDArray[np.int32],
    vote_class: NDArray[np.int32],
    vote_weight: NDArray[np.float64],
    x: NDArray[np.float32],
    p: NDArray[np.float64],
) -> None:
    """
    Add the votes of all trees for rows that share nothing to p, tree after tree.

    Parameters
    ----------
    nodes, roots, first_vote, vote_class, vote_weight
        As in `VotingForest`.
    x : ndarray of float32, shape (n, k)
    p : ndarray, shape (n, C)
        Added to.
    """
    for root in roots:
        for i in range(len(x)):
            node = uint64(root)
            while nodes[node].feature != LEAF:
                yes, no = uint64(nodes[node].yes), uint64(nodes[node].no)
                node = yes + (no - yes) * uint64(x[i, nodes[node].feature] > nodes[node].threshold)
            for vote in range(first_vote[node], first_vote[node + uint64(1)]):
                p[i, vote_class[vote]] += vote_weight[vote]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _fill(order: NDArray[np.intp], smallest: NDArray[np.uint64]) -> None:
    """Write the sets of the 1, 2, 3 … first spectra of `order`, shape (N,), after the empty set."""
    for c in range(len(order)):
        for w in range(smallest.shape[1]):
            smallest[c + 1, w] = smallest[c, w]
        smallest[c + 1, order[c] // _BITS] |= uint64(1) << uint64(order[c] % _BITS)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _walk(
    nodes: NDArray[np.void],
    first_vote: NDArray[np.int32],
    vote_class: NDArray[np.int32],
    vote_weight: NDArray[np.float64],
    waiting: NDArray[np.uint32],
    there: NDArray[np.uint64],
    x_t: NDArray[np.float32],
    x_s: NDArray[np.float32],
    smallest: NDArray[np.uint64],
    p: NDArray[np.float64],
) -> None:
    """Add the votes of one tree for one object to p (N, C); `waiting` and `there` begin with the root and everyone."""
    n_spectra, k, n_words = len(x_s), uint64(len(x_t)), there.shape[1]
    top = 0
    while top >= 0:
        node = uint64(waiting[top])
        while True:
            asked = uint64(nodes[node].feature)
            while asked < k:
                yes, no = uint64(nodes[node].yes), uint64(nodes[node].no)
                node = yes + (no - yes) * uint64(x_t[asked] > nodes[node].threshold)
                asked = uint64(nodes[node].feature)
            if asked == LEAF:
                break
            # Bisection, as the choice above, without branches: which way they go is hard to foresee.
            f, threshold = asked - k, nodes[node].threshold
            low, length = uint64(0), uint64(n_spectra)
            while length > uint64(1):
                half = length >> uint64(1)
                low += half * uint64(x_s[low + half - uint64(1), f] <= threshold)
                length -= half
            low += uint64(x_s[low, f] <= threshold)
            some_yes, some_no = uint64(0), uint64(0)
            for w in range(n_words):
                some_yes |= there[top, w] & smallest[f, low, w]
                some_no |= there[top, w] & ~smallest[f, low, w]
            if some_no == 0:
                node = uint64(nodes[node].yes)
            elif some_yes == 0:
                node = uint64(nodes[node].no)
            else:
                # Those of "no" wait here, those of "yes" go on.
                waiting[top] = nodes[node].no
                for w in range(n_words):
                    there[top + 1, w] = there[top, w] & smallest[f, low, w]
                    there[top, w] &= ~smallest[f, low, w]
                top += 1
                node = uint64(nodes[node].yes)
        for vote in range(first_vote[node], first_vote[node + uint64(1)]):
            c, weight = vote_class[vote], vote_weight[vote]
            for w in range(n_words):
                left = there[top, w]
                while left != 0:
                    bit = left & (~left + uint64(1))
                    p[w * _BITS + _PLACE[(bit * _SEQUENCE) >> uint64(58)], c] += weight
                    left ^= bit
        top -= 1
