"""What a network with attention sees of light curves: the same when it learns as when it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.hand_made import FeatureScale, hand_made_features, with_host
from ampel_followup.features.hosts import Hosts
from ampel_followup.features.ragged import Points
from ampel_followup.features.sequence import Sequences, epoch_sequences, grid_sequences, of_the_transient
from ampel_followup.models.attention_options import NetworkOptions

Inputs = list[NDArray[np.float32]]


def network_inputs(
    points: Points,
    options: NetworkOptions,
    softening: float,
    scale: FeatureScale | None = None,
    hosts: Hosts | None = None,
) -> Sequences:
    """
    Return what a network sees of n objects.

    Parameters
    ----------
    points : Points
        Of n objects.
    options : NetworkOptions
    softening : float
        Of fluxes [µJy].
    scale : FeatureScale, optional
        Of the hand-made features, if the network sees any.
    hosts : Hosts, optional
        Of the n objects, for a network that sees them; by default none is known.
    """
    make = grid_sequences if options.on_grid else epoch_sequences
    found = make(points, softening, options.steps)
    if scale is None:
        return found
    x = hand_made_features(of_the_transient(points))
    if options.sees_host:
        x = with_host(x, Hosts.unknown(len(x)) if hosts is None else hosts)
    return replace(found, features=scale(x))


def inputs_of(found: Sequences, rows: NDArray[np.intp] | slice, options: NetworkOptions) -> Inputs:
    """
    Return the arrays that a network takes for some objects, in its order, no longer than they must be.

    Parameters
    ----------
    found : Sequences
    rows : ndarray of int, or slice
        At least one object.
    options : NetworkOptions

    Returns
    -------
    list of ndarray of float32
        Values (n, T, c); of epochs the mask (n, T); features (n, k), if it sees them.
    """
    inputs = [found.values[rows]]
    if not options.on_grid:
        mask = found.mask[rows]
        longest = max(int(mask.sum(axis=1).max()), 1)
        inputs = [inputs[0][:, :longest], mask[:, :longest].astype(np.float32)]
    if found.features is not None:
        inputs.append(found.features[rows])
    return inputs
