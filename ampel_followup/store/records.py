"""What comes out of the store, and how a light curve is packed into it; plain Python, so that reading stays quick."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ampel_followup.plan import NightPlan
from ampel_followup.records import Record

if TYPE_CHECKING:
    from ampel_followup.lightcurve import LightCurve
    from ampel_followup.timetable import Timetable


@dataclass(frozen=True, slots=True)
class PlanInfo:
    """
    A stored plan without its targets.

    Parameters
    ----------
    revision : int
        Number of the plan in the store; later plans have higher ones.
    night : str
        Evening date at the site, ISO 8601.
    site, site_name : str
        Key of the site in the table, and its name.
    strategy, bundle : str
        Name of the ranking strategy; name and version of the model bundle.
    created : str
        When it was made, UTC, ISO 8601.
    n_targets, n_not_observable, n_set_aside : int
        Targets in the list, those that cannot be seen that night, and those that the policy set aside.
    """

    revision: int
    night: str
    site: str
    site_name: str
    strategy: str
    bundle: str
    created: str
    n_targets: int
    n_not_observable: int
    n_set_aside: int


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """
    A plan as it was stored.

    Parameters
    ----------
    info : PlanInfo
        Its revision and circumstances; the numbers of targets are those of the whole plan.
    plan : NightPlan
        The plan; with fewer targets if a limit was given.
    report : dict
        The report of the run that made it.
    """

    info: PlanInfo
    plan: NightPlan
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Appearance(Record):
    """
    A target in a stored plan, without its details.

    Parameters
    ----------
    id : str
        Survey name of the object.
    revision : int
        Of the plan.
    night, site, created : str
        Evening date at the site, its key, and when the plan was made (UTC); ISO 8601.
    bundle, bundle_digest : str
        Of the plan, which names with them the models of the strategy.
    assistant, assistant_digest, policy : str
        Of the plan; empty without an assistant.
    observable, set_aside : bool
        Whether it could be seen that night, and whether the policy had set it aside. It was listed if observable and
        not set aside.
    rank : int
        In the list, from 1; 0 if not listed.
    p_real, p_galactic, p_fast, assistant_rank : float
        Scores of the assistant; NaN without.
    stage, queue : str or None
        What the policy made of it; None without an assistant.
    """

    id: str
    revision: int
    night: str
    site: str
    created: str
    bundle: str
    bundle_digest: str
    assistant: str
    assistant_digest: str
    policy: str
    observable: bool
    set_aside: bool
    rank: int
    p_real: float
    p_galactic: float
    p_fast: float
    assistant_rank: float
    stage: str | None
    queue: str | None


@dataclass(frozen=True, slots=True)
class StoredVisit(Record):
    """
    What an assistant said of an object at one visit, when it first said it.

    Parameters
    ----------
    id : str
        Survey name of the object.
    mjd, day, p_real, p_galactic, p_fast, rank : float
        As in `ampel_followup.assistant_scores.Visit`; NaN where not known.
    assistant_digest, policy : str
        Which assistant said it, and under which policy.
    night, site, revision : str, str, int
        The plan that first held it: evening date, key of the site, number. The plan may be gone by now.
    queue, stage : str or None
        What the policy made of the object then; None for a visit that was past when the object was first looked at.
    recorded : str
        When it was stored, UTC, ISO 8601.
    """

    id: str
    mjd: float
    day: float
    p_real: float
    p_galactic: float
    p_fast: float
    rank: float
    assistant_digest: str
    policy: str
    night: str
    site: str
    revision: int
    queue: str | None
    stage: str | None
    recorded: str


@dataclass(frozen=True, slots=True)
class StoredLightCurve:
    """
    A light curve in plain tuples, sorted by time; fields, units and signs are those of `LightCurve`.

    Parameters
    ----------
    id, stock : str, int
        Survey name and AMPEL's number.
    ra, dec : float
        ICRS [deg].
    time : tuple of float
        MJD, UTC [d].
    band : tuple of str
        Band names.
    flux, flux_err : tuple of float
        Signed difference flux and its standard deviation [µJy].
    upper_limit : tuple of bool
        True where nothing was detected.
    source_id : tuple of int
        The survey's number of each detection; 0 where there is none.
    point_ra, point_dec, rb, drb : tuple of float
        Position [deg] and real/bogus scores per point; NaN where not given.
    meta : dict of str to float
        Context from the most recent alert; NaN where not known.
    """

    id: str
    stock: int
    ra: float
    dec: float
    time: tuple[float, ...]
    band: tuple[str, ...]
    flux: tuple[float, ...]
    flux_err: tuple[float, ...]
    upper_limit: tuple[bool, ...]
    source_id: tuple[int, ...]
    point_ra: tuple[float, ...]
    point_dec: tuple[float, ...]
    rb: tuple[float, ...]
    drb: tuple[float, ...]
    meta: dict[str, float]

    def __len__(self) -> int:
        return len(self.time)

    def to_light_curve(self) -> LightCurve:
        """Return the `LightCurve` that was stored, to the last bit; this loads NumPy."""
        import numpy as np

        from ampel_followup.lightcurve import LightCurve

        return LightCurve(
            id=self.id,
            stock=self.stock,
            time=np.array(self.time, np.float64),
            band=np.array(self.band, np.str_),
            flux=np.array(self.flux, np.float64),
            flux_err=np.array(self.flux_err, np.float64),
            upper_limit=np.array(self.upper_limit, np.bool_),
            ra=self.ra,
            dec=self.dec,
            source_id=np.array(self.source_id, np.int64),
            point_ra=np.array(self.point_ra, np.float64),
            point_dec=np.array(self.point_dec, np.float64),
            rb=np.array(self.rb, np.float64),
            drb=np.array(self.drb, np.float64),
            meta=self.meta,
        )


@dataclass(frozen=True, slots=True)
class TimetableInfo:
    """
    A stored timetable without its blocks.

    Parameters
    ----------
    revision : int
        Number of the timetable in the store; later ones have higher ones.
    night : str
        Evening date at the site, ISO 8601.
    telescopes : tuple of str
        Keys of the instruments, in alphabetical order.
    strategy : str
        What the value is.
    created : str
        When it was stored, UTC, ISO 8601.
    value, bound : float
        Summed value of the blocks, and what no schedule can exceed; NaN where not known.
    n_blocks : int
    """

    revision: int
    night: str
    telescopes: tuple[str, ...]
    strategy: str
    created: str
    value: float
    bound: float
    n_blocks: int


@dataclass(frozen=True, slots=True)
class StoredTimetable:
    """A timetable as it was stored: its revision and circumstances, and the timetable."""

    info: TimetableInfo
    timetable: Timetable


# The points of a light curve, compressed by zlib: little-endian, without padding,
#   uint8    1, the number of this layout
#   uint32   n, the number of points
#   uint16   length of the next field
#   UTF-8    JSON list of the names of the bands
#   float64  time[n], flux[n], flux_err[n], point_ra[n], point_dec[n], rb[n], drb[n]
#   int64    source_id[n]
#   uint8    band[n], an index into the names; upper_limit[n], 0 or 1
_LAYOUT = 1
_HEADER = "<BIH"
_REALS = ("time", "flux", "flux_err", "point_ra", "point_dec", "rb", "drb")

# Halves a typical ZTF light curve; the highest level gains 2 % more, for half as much time again.
_COMPRESSION_LEVEL = 1


def pack_points(light_curve: LightCurve) -> bytes:
    """Return the points of a light curve in the layout above, with every bit kept."""
    bands: list[str] = light_curve.band.tolist()
    names = sorted(set(bands))
    index = {name: number for number, name in enumerate(names)}
    names_text = json.dumps(names).encode()
    parts = [struct.pack(_HEADER, _LAYOUT, len(bands), len(names_text)), names_text]
    parts += [getattr(light_curve, name).astype("<f8").tobytes() for name in _REALS]
    parts.append(light_curve.source_id.astype("<i8").tobytes())
    parts.append(bytes(index[band] for band in bands))
    parts.append(light_curve.upper_limit.astype("u1").tobytes())
    return zlib.compress(b"".join(parts), _COMPRESSION_LEVEL)


def unpack_points(packed: bytes) -> dict[str, tuple[Any, ...]]:
    """
    Return the columns of a packed light curve, by name.

    Raises
    ------
    ValueError
        If the bytes are damaged or of an unknown layout.
    """
    try:
        data = zlib.decompress(packed)
        number, n, length = struct.unpack_from(_HEADER, data)
        if number != _LAYOUT:
            raise ValueError(f"points have the unknown layout {number}")
        offset = struct.calcsize(_HEADER)
        names = json.loads(data[offset : offset + length])
        offset += length
        columns: dict[str, tuple[Any, ...]] = {}
        for name in _REALS:
            columns[name] = struct.unpack_from(f"<{n}d", data, offset)
            offset += 8 * n
        columns["source_id"] = struct.unpack_from(f"<{n}q", data, offset)
        offset += 8 * n
        columns["band"] = tuple(names[i] for i in struct.unpack_from(f"{n}B", data, offset))
        columns["upper_limit"] = struct.unpack_from(f"{n}?", data, offset + n)
    except (zlib.error, struct.error, IndexError) as error:
        raise ValueError(f"points are damaged: {error}") from error
    return columns


def finite(value: float) -> float | None:
    """Return None for what is no number: databases and JSON differ in what they make of NaN."""
    return value if math.isfinite(value) else None


def number(value: float | None) -> float:
    """Return NaN for what a database holds as NULL."""
    return math.nan if value is None else value


def pack_meta(meta: Mapping[str, float]) -> str:
    """Return the context as JSON; null = not known."""
    return json.dumps({name: finite(float(value)) for name, value in meta.items()}, sort_keys=True)


def unpack_meta(text: str) -> dict[str, float]:
    """Return the context; NaN = not known."""
    return {name: number(value) for name, value in json.loads(text).items()}
