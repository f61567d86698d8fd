"""What lists and requests of single telescopes say of each target, besides the general entry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ampel_followup.decision import Decision
from ampel_followup.exports.coordinates import declination, right_ascension
from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.short_names import ascii_line, short_names
from ampel_followup.labels import Label
from ampel_followup.plan import NightPlan, RankedTarget
from ampel_followup.untrusted import clean

#: More of one target are left out: nobody tries ten.
MAX_OFFSET_STARS = 9


@dataclass(frozen=True, slots=True)
class OffsetStar:
    """
    A star to point at first, for a target too faint to see on the guider.

    Parameters
    ----------
    ra, dec : float
        ICRS at the epoch of the night [deg].
    mag : float
        Magnitude, to recognise it by; NaN where not known.
    """

    ra: float
    dec: float
    mag: float = math.nan


@dataclass(frozen=True, slots=True)
class Extras:
    """
    What a list can say that a plan does not; everything is optional.

    Parameters
    ----------
    exposures : mapping of str to float
        Survey name → exposure [s], open shutter in all.
    n_exposures : mapping of str to int
        Survey name → equal parts of it; 1 where not named.
    offset_stars : mapping of str to sequence of OffsetStar
        Survey name → offset stars, the best first.
    verdicts : mapping of str to Decision
        What holds for each target.
    labels : mapping of str to tuple of Label
        What sources say that each target is, see `ampel_followup.labels.effective_labels`.
    proposal : str
        Proposal that requests are charged to.
    created : str
        When the list is made, UTC, ISO 8601; left out where empty, so that the same plan gives the same bytes.
    """

    exposures: Mapping[str, float] = field(default_factory=dict)
    n_exposures: Mapping[str, int] = field(default_factory=dict)
    offset_stars: Mapping[str, Sequence[OffsetStar]] = field(default_factory=dict)
    verdicts: Mapping[str, Decision] = field(default_factory=dict)
    labels: Mapping[str, tuple[Label, ...]] = field(default_factory=dict)
    proposal: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class NamedOffsetStar:
    """
    An offset star in a list.

    Parameters
    ----------
    name : str
        Short name of its target with ``_o1``, ``_o2``, ….
    star : OffsetStar
    east, north : float
        From the star to the target, in the plane of the sky [arcsec].
    """

    name: str
    star: OffsetStar
    east: float
    north: float

    @property
    def comment(self) -> str:
        """What it is, with its magnitude where known."""
        return f"offset star, {self.star.mag:.1f} mag" if math.isfinite(self.star.mag) else "offset star"


@dataclass(frozen=True, slots=True)
class TelescopeTarget:
    """
    A target as a telescope's list has it.

    Parameters
    ----------
    name : str
        Short and unique in the list.
    entry : ListEntry
    target : RankedTarget
    exposure : float or None
        Of each of the exposures [s]; None where not known.
    n_exposures : int
    offset_stars : tuple of NamedOffsetStar
    """

    name: str
    entry: ListEntry
    target: RankedTarget
    exposure: float | None
    n_exposures: int
    offset_stars: tuple[NamedOffsetStar, ...]

    @property
    def comment(self) -> str:
        """Magnitude, place, class, the full name where it was shortened, and the observer's words; plain ASCII."""
        entry = self.entry
        magnitude = f"{entry.last_mag:.2f} {entry.last_band[-1:]}" if entry.last_band else "no magnitude"
        parts = [magnitude, f"rank {entry.rank}", entry.class_now]
        if self.name != entry.id:
            parts.append(entry.id)
        if entry.comment:
            parts.append(entry.comment)
        # Words with an equals sign are keywords of the telescope, and what follows ! or # is not read as one. Signs
        # of other scripts become plain ones first: a full-width equals sign is one too.
        return ascii_line("; ".join(parts)).translate({ord("="): ":", ord("!"): ".", ord("#"): "."})[:120].rstrip()


def telescope_targets(
    plan: NightPlan, entries: Sequence[ListEntry], extras: Extras, name_length: int
) -> list[TelescopeTarget]:
    """
    Return the targets of a list for one telescope, in its order.

    Parameters
    ----------
    plan : NightPlan
    entries : sequence of ListEntry
        Of this plan.
    extras : Extras
    name_length : int
        Longest name that the telescope takes [characters].
    """
    by_name = {clean(target.id): target for target in (*plan.targets, *plan.not_observable, *plan.set_aside)}
    targets = []
    for name, entry in zip(listed_names(entries, extras, name_length), entries, strict=True):
        exposure, parts = extras.exposures.get(entry.id), extras.n_exposures.get(entry.id, 1)
        targets.append(
            TelescopeTarget(
                name=name,
                entry=entry,
                target=by_name[entry.id],
                exposure=None if exposure is None else exposure / parts,
                n_exposures=parts,
                offset_stars=tuple(
                    NamedOffsetStar(f"{name}_o{number}", star, *offset(star, entry.ra, entry.dec))
                    for number, star in enumerate(extras.offset_stars.get(entry.id, ())[:MAX_OFFSET_STARS], 1)
                ),
            )
        )
    return targets


def listed_names(entries: Sequence[ListEntry], extras: Extras, name_length: int) -> list[str]:
    """Return the names of targets in a list that takes `name_length` characters, unique, in its order."""
    # Names of offset stars need three characters more.
    room = name_length - 3 if any(extras.offset_stars.values()) else name_length
    return short_names([entry.id for entry in entries], room)


def offset(star: OffsetStar, ra: float, dec: float) -> tuple[float, float]:
    """
    Return how far a telescope moves from a star to a position, east and north in the tangential plane [arcsec].

    Parameters
    ----------
    star : OffsetStar
    ra, dec : float
        ICRS [deg]; within some degrees of the star.
    """
    turn = math.radians(ra - star.ra)
    here, there = math.radians(star.dec), math.radians(dec)
    depth = math.sin(here) * math.sin(there) + math.cos(here) * math.cos(there) * math.cos(turn)
    east = math.cos(there) * math.sin(turn) / depth
    north = (math.cos(here) * math.sin(there) - math.sin(here) * math.cos(there) * math.cos(turn)) / depth
    return math.degrees(east) * 3600.0, math.degrees(north) * 3600.0


def spaced(ra: float, dec: float) -> str:
    """Return a position as ``hh mm ss.sss ±dd mm ss.ss``; ``-00`` is kept."""
    return f"{right_ascension(ra)} {declination(dec)}".replace(":", " ")
