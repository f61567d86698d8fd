"""What the store knows of a target besides the plan, and what follows from it: read and computed aside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ampel_followup.decision import Decision
from ampel_followup.errors import StoreError
from ampel_followup_tui.coordinates import galactic

if TYPE_CHECKING:
    from ampel_followup.cutouts import Cutouts
    from ampel_followup.labels import Label
    from ampel_followup.light_curve_fit import LightCurveFit
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.observing.tracks import SkyTrack
    from ampel_followup.plan import RankedTarget
    from ampel_followup.redshifts import Redshift
    from ampel_followup.store import PastRank, Store
    from ampel_followup_tui.panes.places import Place


@dataclass(frozen=True, slots=True)
class Records:
    """What is looked at first: the light curve, if the store has one, and what people decided, oldest first."""

    curve: LightCurve | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Background:
    """
    What is looked at next.

    Parameters
    ----------
    fit : LightCurveFit
        Of the light curve, on to the night.
    redshift : Redshift or None
        Of the object or its host.
    surroundings : str
        In a sentence; empty without a light curve.
    labels : tuple of Label
        Those that hold, the most trustworthy first.
    nights : tuple of PastRank
        Where it stood, the oldest first.
    cutouts : Cutouts or None
        Its pictures; None where the store has none.
    tracks : tuple of (Place, SkyTrack)
        Its way over each place that observes tonight, that of the plan first.
    no_cutouts : str
        What is wrong with them; empty where nothing is.
    """

    fit: LightCurveFit
    redshift: Redshift | None
    surroundings: str
    labels: tuple[Label, ...]
    nights: tuple[PastRank, ...]
    cutouts: Cutouts | None
    tracks: tuple[tuple[Place, SkyTrack], ...]
    no_cutouts: str = ""


def read_records(store: Store, target: RankedTarget) -> Records:
    """
    Read light curve and decisions.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    curve = store.light_curve(target.id)
    return Records(curve.to_light_curve() if curve else None, tuple(store.decisions(target=target.id)))


def read_background(
    store: Store, target: RankedTarget, curve: LightCurve | None, tonight: float, where: Sequence[Place]
) -> Background:
    """
    Read the rest, fit the light curve on to a moment in the night [MJD], and follow the target at some places.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    from ampel_followup.labels import effective_labels
    from ampel_followup.light_curve_fit import LightCurveFit, fit_light_curve
    from ampel_followup.observing.tracks import sky_track
    from ampel_followup.redshifts import best_redshift
    from ampel_followup.surroundings import surroundings

    cutouts, no_cutouts = None, ""
    try:
        cutouts = store.cutouts.load(target.id)
    except StoreError as error:
        # Pictures that cannot be read hide nothing else.
        no_cutouts = str(error)
    labels = effective_labels(store.labels(target.id)).get(target.id, ())
    meta = curve.meta if curve is not None else {}
    redshift = best_redshift(labels, meta)
    magnitude = target.photometry.last_mag if target.photometry.last_band else math.nan
    latitude = galactic(target.ra, target.dec)[1]
    return Background(
        fit=fit_light_curve(curve, tonight) if curve is not None else LightCurveFit(()),
        redshift=redshift,
        surroundings=surroundings(meta, latitude, redshift, magnitude) if curve is not None else "",
        labels=labels,
        nights=tuple(store.past_ranks(target.id)),
        cutouts=cutouts,
        tracks=tuple((place, sky_track(target.ra, target.dec, place.night)) for place in where),
        no_cutouts=no_cutouts,
    )
