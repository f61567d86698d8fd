"""Which redshift of an object to believe: a label's, or that of its host; plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ampel_followup.labels import Label, effective_labels

if TYPE_CHECKING:
    from ampel_followup.store import Store

#: Distances are known up to here (`ampel_followup.cosmology`).
HIGHEST = 4.0


@dataclass(frozen=True, slots=True)
class Redshift:
    """
    A redshift, and where it comes from.

    Parameters
    ----------
    value : float
        Above 0 and below `HIGHEST`.
    error : float
        Standard deviation; NaN where it is not known.
    source : str
        In words, such as ``TNS`` or ``photometric, of the host``.
    """

    value: float
    error: float
    source: str

    @property
    def distance_modulus(self) -> float:
        """M − M [mag] in the cosmology of the library; neither a K correction nor dust is taken into account."""
        from ampel_followup.cosmology import distance_modulus

        return float(distance_modulus(self.value))

    @property
    def kpc_per_arcsec(self) -> float:
        """Proper length that an arcsecond spans at this redshift [kpc]."""
        from ampel_followup.cosmology import luminosity_distance

        angular_diameter_distance = float(luminosity_distance(self.value)) / (1.0 + self.value) ** 2
        return 1000.0 * angular_diameter_distance * math.radians(1.0 / 3600.0)


def redshifts_of(store: Store, revision: int) -> dict[str, float]:
    """
    Return the redshift of each target of a plan that has one, see `best_redshift`.

    Parameters
    ----------
    store : Store
    revision : int
        Of the plan.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    labels: dict[str, list[Label]] = {}
    for label in store.labels():
        labels.setdefault(label.target, []).append(label)
    found = ((target, best_redshift(labels.get(target, ()), meta)) for target, meta in store.contexts(revision))
    return {target: redshift.value for target, redshift in found if redshift is not None}


def best_redshift(labels: Iterable[Label], meta: Mapping[str, float]) -> Redshift | None:
    """
    Choose the redshift of an object.

    Parameters
    ----------
    labels : iterable of Label
        Of the one object.
    meta : mapping of str to float
        Context of its light curve: ``z``, ``photoz`` and ``photoz_err`` are those of the host.

    Returns
    -------
    Redshift or None
        That of the most trustworthy label which has one, else the host's, spectroscopic before photometric; None where
        there is none above 0 and below `HIGHEST`.
    """
    for held in effective_labels(labels).values():
        for label in held:
            if _usable(label.redshift):
                return Redshift(label.redshift, math.nan, label.source)
    for name, error, source in (
        ("z", math.nan, "spectroscopic, of the host"),
        ("photoz", meta.get("photoz_err", math.nan), "photometric, of the host"),
    ):
        value = meta.get(name, math.nan)
        if _usable(value):
            return Redshift(value, error, source)
    return None


def _usable(redshift: float) -> bool:
    return 0.0 < redshift < HIGHEST
