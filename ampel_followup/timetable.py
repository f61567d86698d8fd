"""The records of a schedule: which telescope points where, and when; plain Python, for stores, files and screens."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum

from ampel_followup.plan import NightSummary
from ampel_followup.records import Record


class BlockKind(StrEnum):
    """Why a block is in the schedule."""

    TARGET = "target"
    FIXED = "fixed"
    INTERRUPT = "interrupt"
    STANDARD = "standard"


class BlockStatus(StrEnum):
    """What became of a block."""

    PLANNED = "planned"
    OBSERVED = "observed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Block(Record):
    """
    One pointing of one telescope.

    Parameters
    ----------
    telescope : str
        Key of the instrument that takes the spectrum.
    target : str
        Survey name, or the name of a standard star.
    kind, status : str
        A `BlockKind` and a `BlockStatus`.
    ra, dec : float
        ICRS [deg].
    start, end : str
        With acquisition and read-out, after the slew; UTC, ISO 8601 to the second with a trailing ``Z``.
    exposure : float
        Open shutter [s], in all `n_exposures` together.
    n_exposures : int
        Equal parts of it.
    magnitude, magnitude_err : float
        Expected tonight [mag]; NaN where it is not known.
    airmass, moon_separation : float
        In the middle of the block; the separation in degrees.
    value : float
        What the spectrum is worth; 0 for what is taken for other reasons.
    """

    telescope: str
    target: str
    kind: str
    status: str
    ra: float
    dec: float
    start: str
    end: str
    exposure: float
    n_exposures: int
    magnitude: float = math.nan
    magnitude_err: float = math.nan
    airmass: float = math.nan
    moon_separation: float = math.nan
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Closure(Record):
    """A stretch of the night in which a telescope cannot observe: UTC, ISO 8601; and why."""

    start: str
    end: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TelescopeNight(Record):
    """
    A telescope's part in a schedule.

    Parameters
    ----------
    telescope, name : str
        Key of the instrument, and how people call it.
    night : NightSummary
        When and where.
    closures : tuple of Closure
        When it is lost.
    revision : int
        Of the plan that it was made from; 0 if none was stored.
    """

    telescope: str
    name: str
    night: NightSummary
    closures: tuple[Closure, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Unplaced(Record):
    """A candidate that found no place, and why; ``telescope`` is empty where the reason holds for all of them."""

    target: str
    reason: str
    value: float = 0.0
    telescope: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut(Record):
    """A telescope (key of the instrument, and how people call it) that was asked for but has no night, and why."""

    telescope: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Timetable(Record):
    """
    A schedule of one night, for one or several telescopes.

    Parameters
    ----------
    date : str
        Evening date of the night, ISO 8601.
    telescopes : tuple of TelescopeNight
        In the order asked for.
    blocks : tuple of Block
        In order of start, then telescope.
    unplaced : tuple of Unplaced
        By value, the most valuable first.
    value, bound : float
        Summed value of the blocks, and what no schedule can exceed.
    strategy : str
        What the value is.
    planned_from : str
        Moment from which on it was planned, UTC; what was before is what was done.
    approved_only : bool
        Only what somebody approved was a candidate.
    seeing, snr : float
        Seeing [arcsec] and signal-to-noise ratio that were asked for; NaN where the instruments' own hold.
    left_out : tuple of LeftOut
        Telescopes that were asked for and have no dark night.
    """

    date: str
    telescopes: tuple[TelescopeNight, ...]
    blocks: tuple[Block, ...]
    unplaced: tuple[Unplaced, ...]
    value: float
    bound: float
    strategy: str
    planned_from: str
    approved_only: bool = False
    seeing: float = math.nan
    snr: float = math.nan
    left_out: tuple[LeftOut, ...] = ()

    def of(self, telescope: str) -> tuple[Block, ...]:
        """Return the blocks of a telescope, in order of time."""
        return tuple(block for block in self.blocks if block.telescope == telescope)

    def to_json(self) -> str:
        """Return the canonical JSON text: sorted keys, no white space, every digit kept."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)
