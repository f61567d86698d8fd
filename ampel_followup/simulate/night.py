"""One night of simulated objects, as the alert stream of ZTF would show them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ampel_followup.errors import FollowupError
from ampel_followup.lightcurve import MJD_OFFSET
from ampel_followup.simulate import survey
from ampel_followup.simulate.candidates import Field, candidate_records
from ampel_followup.simulate.context import draw_context
from ampel_followup.simulate.explosion_kinds import ExplosionKind
from ampel_followup.simulate.nuclei import DISRUPTIONS
from ampel_followup.simulate.population import Population, draw_transients
from ampel_followup.simulate.rapid import RAPID
from ampel_followup.simulate.sources import Source, Transient, band_flux, reference_flux
from ampel_followup.simulate.spectroscopy import observe
from ampel_followup.simulate.supernovae import SUPERNOVAE
from ampel_followup.simulate.templates import Template, draw_sequence, installed_templates
from ampel_followup.simulate.truth import peak_absolute_magnitude, time_above_half
from ampel_followup.simulate.variables import VARIABLES, VariableKind

#: Shares of the classes in a demo night: contaminants prevail mildly, yet the list is worth looking at.
DEFAULT_MIX: dict[str, float] = {
    "SN Ia": 0.19,
    "SN II": 0.11,
    "SN Ib/c": 0.05,
    "SLSN": 0.025,
    "TDE": 0.025,
    "AGN": 0.13,
    "CV": 0.09,
    "variable star": 0.16,
    "M-dwarf flare": 0.05,
    "bogus": 0.17,
}

_KINDS: tuple[ExplosionKind | VariableKind, ...] = (*SUPERNOVAE, *DISRUPTIONS, *VARIABLES, *RAPID)
#: What a mix may name: the classes of a demo night, and those that it leaves out.
_LABELS = tuple(dict.fromkeys((*DEFAULT_MIX, *(kind.label for kind in _KINDS))))
_CHUNK = 1000  # objects drawn together: enough to vectorise, few enough to stream
_ROUNDS = 200  # of proposals, before giving up


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedObject:
    """
    An object with its truth, its photometry, and a spectrum for the asking.

    Parameters
    ----------
    id : str
        ZTF-style name.
    label, subtype : str
        Class, and finer class.
    redshift : float
        0 for stars; NaN for bogus.
    ra, dec : float
        True position, ICRS [deg].
    candidates : list of dict
        ZTF's candidate records in order of time, the last one from the night itself. Non-detections have ``candid`` and
        ``magpsf`` None. Numbers are rounded to the precision of an alert packet.
    night : float
        MJD at which the night begins: detections from then on are alerts of that night.
    """

    id: str
    label: str
    subtype: str
    redshift: float
    ra: float
    dec: float
    candidates: list[dict[str, Any]]
    night: float
    _source: Source
    _which: int

    def spectrum(
        self, rng: np.random.Generator, mjd: float | None = None, snr: float | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """
        Take a spectrum of whatever is at the position: of the object, and of what it sits on.

        Parameters
        ----------
        rng : numpy.random.Generator
        mjd : float, optional
            When; by default one day after the last detection.
        snr : float, optional
            Median signal-to-noise ratio per pixel; by default by magnitude, in half an hour with a 3 m telescope.

        Returns
        -------
        wavelength, flux, flux_err : ndarray, shape (1081,)
            Observer frame [Å]; f_λ and its standard deviation [erg / s / cm² / Å].
        """
        if mjd is None:
            mjd = max(c["jd"] for c in self.candidates if c["candid"] is not None) - MJD_OFFSET + 1.0
        return observe(self._source, self._which, mjd, rng, snr)

    def difference(self, mjd: NDArray[np.float64], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return the true spectrum minus that of the reference image, without noise.

        Parameters
        ----------
        mjd : ndarray, shape (p,)
        wavelength : ndarray, shape (m,)
            As observed [Å].

        Returns
        -------
        ndarray, shape (p, m)
            f_λ [erg / s / cm² / Å], negative where the object is fainter than in the reference.
        """
        return self._source.difference(np.full(len(mjd), self._which), mjd, wavelength)

    def time_above_half(self) -> float:
        """Return the true t₁/₂ [d], NaN for bogus: see `ampel_followup.simulate.truth.time_above_half`."""
        return float(time_above_half(self._source, np.array([self._which]), self.night)[0])

    def peak_absolute_magnitude(self) -> float:
        """Return the true M at the peak in r [mag], NaN for what does not explode: see `simulate.truth`."""
        return float(peak_absolute_magnitude(self._source, np.array([self._which]))[0])


def simulate_objects(
    n: int,
    night: datetime.date,
    rng: np.random.Generator,
    *,
    mix: Mapping[str, float] | None = None,
    templates: str = "analytic",
    first_number: int = 0,
    history: int = 30,
) -> Iterator[SimulatedObject]:
    """
    Simulate objects that have an alert in a night.

    Parameters
    ----------
    n : int
        Number of objects.
    night : datetime.date
        Evening date at Palomar, 2017 to 2032.
    rng : numpy.random.Generator
        The same state gives the same objects, to the last bit.
    mix : mapping of str to float, optional
        Share of each class, normalised to their sum; classes left out do not occur. By default `DEFAULT_MIX`. There is
        one more class, ``rapid transient``.
    templates : {"analytic", "auto", "sncosmo"}
        Where supernovae come from: analytic sequences; half of them from sncosmo's templates where installed; all of
        those that have templates.
    first_number : int
        Number from which names count, so that several runs can be put together.
    history : int
        Days before the night for which earlier photometry is simulated; alert packets carry 30.

    Yields
    ------
    SimulatedObject

    Raises
    ------
    NightError
        If ZTF has no names for that year.
    FollowupError
        If the mix names an unknown class or has no positive share, or templates are asked for and missing.
    """
    labels, shares = _normalised(DEFAULT_MIX if mix is None else mix)
    darkness = survey.palomar_night(night)
    available = installed_templates(templates)
    share_of_templates = {"analytic": 0.0, "auto": 0.5, "sncosmo": 1.0}[templates]
    return _objects(n, night, darkness, rng, labels, shares, available, share_of_templates, first_number, history)


def _objects(
    n: int,
    night: datetime.date,
    darkness: survey.Darkness,
    rng: np.random.Generator,
    labels: list[str],
    shares: NDArray[np.float64],
    available: Mapping[str, tuple[Template, ...]],
    share_of_templates: float,
    first_number: int,
    history: int,
) -> Iterator[SimulatedObject]:
    weather = survey.draw_weather(history + 1, rng)
    kinds = [kind for label in labels for kind in _KINDS if kind.label == label]
    probability = np.array([shares[labels.index(kind.label)] * kind.share for kind in kinds])
    probability /= probability.sum()
    for start in range(0, n, _CHUNK):
        size = min(_CHUNK, n - start)
        drawn = rng.choice(len(kinds), size=size, p=probability)
        templated = rng.uniform(size=size) < share_of_templates
        slots: dict[int, SimulatedObject] = {}
        for number, kind in enumerate(kinds):
            sequences = available.get(kind.subtype, ())
            for from_template in (False, True):
                places = np.flatnonzero((drawn == number) & ((templated & bool(sequences)) == from_template))
                if len(places):
                    names = [ztf_name(first_number + start + int(place) + 1, night.year) for place in places]
                    numbers = first_number + start + places
                    made = _simulate_kind(
                        kind, names, numbers, darkness, weather, rng, sequences if from_template else ()
                    )
                    slots.update(zip(places.tolist(), made, strict=True))
        yield from (slots[place] for place in range(size))


def _normalised(mix: Mapping[str, float]) -> tuple[list[str], NDArray[np.float64]]:
    unknown = sorted(set(mix) - set(_LABELS))
    if unknown:
        raise FollowupError(f"the mix names {', '.join(unknown)}; classes are {', '.join(_LABELS)}")
    labels = [label for label in _LABELS if mix.get(label, 0.0) > 0]
    if not labels or not all(np.isfinite(mix[label]) and mix[label] >= 0 for label in mix):
        raise FollowupError(f"the mix {dict(mix)} has no usable shares; give at least one class a positive number")
    return labels, np.array([mix[label] for label in labels], dtype=np.float64) / sum(mix[label] for label in labels)


def ztf_name(number: int, year: int) -> str:
    """
    Return ZTF's name of the object with a number in a year: ``ztf_name(1, 2026)`` is ``ZTF26aaaaaab``.

    Parameters
    ----------
    number : int
        0 to 26⁷ − 1.
    year : int
        2017 to 2032.
    """
    letters = ""
    rest = number
    for _ in range(7):
        rest, digit = divmod(rest, 26)
        letters = chr(ord("a") + digit) + letters
    if rest or number < 0:
        raise FollowupError(f"object number {number} does not fit into seven letters; take one from 0 to {26**7 - 1}")
    return f"ZTF{year % 100:02d}{letters}"


def _simulate_kind(
    kind: ExplosionKind | VariableKind,
    names: list[str],
    numbers: NDArray[np.intp],
    darkness: survey.Darkness,
    weather: survey.Weather,
    rng: np.random.Generator,
    templates: tuple[Template, ...],
) -> list[SimulatedObject]:
    """Propose objects of one subtype until enough of them are detected in the night."""
    made: list[SimulatedObject] = []
    proposals = 3 * len(names) + 8
    for _ in range(_ROUNDS):
        wanted = len(names) - len(made)
        if wanted == 0:
            return made
        batch = _propose(kind, min(proposals, 4000), darkness, weather, rng, templates)
        kept = batch.detected_tonight()[:wanted]
        made += batch.objects(kept, kind, names[len(made) :], numbers[len(made) :], darkness, rng)
        acceptance = max(len(kept), 1) / min(proposals, 4000)
        proposals = int(1.2 * (wanted - len(kept)) / acceptance) + 8
    raise FollowupError(
        f"{kind.label} ({kind.subtype}) is hardly ever detected in this night: {len(made)} of {len(names)} objects; "
        "take another night or leave the class out of the mix"
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Proposed objects of one subtype with their visits; most of the work is done for those that are kept."""

    population: Population
    visits: survey.Visits
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    deviates: NDArray[np.float64]

    def _measure(self, rows: NDArray[np.intp]) -> survey.Measurements:
        which, fid = self.visits.which[rows], self.visits.fid[rows]
        flux = band_flux(self.population.source, which, self.visits.mjd[rows], fid)
        static = reference_flux(self.population.source, which, fid)
        return survey.measure(flux, static, self.visits.limit[rows], self.deviates[rows])

    def detected_tonight(self) -> NDArray[np.intp]:
        """Return the objects with a detection in the night, increasing."""
        rows = np.flatnonzero(self.visits.tonight)
        return np.unique(self.visits.which[rows[self._measure(rows).detected]])

    def objects(
        self,
        kept: NDArray[np.intp],
        kind: ExplosionKind | VariableKind,
        names: list[str],
        numbers: NDArray[np.intp],
        darkness: survey.Darkness,
        rng: np.random.Generator,
    ) -> list[SimulatedObject]:
        if len(kept) == 0:
            return []
        rows, place = self.visits.of(kept)
        measured = self._measure(rows)
        latitude = survey.galactic_latitude(self.ra[kept], self.dec[kept])
        contexts = draw_context(self.population, kept, latitude, darkness.start, rng)
        coverage = np.array([context["ncovhist"] for context in contexts], dtype=np.float64)
        before = self._earlier_detections(kept, coverage, rng)
        field = Field(self.ra[kept], self.dec[kept], numbers, kind.label != "bogus", contexts, *before)
        candidates = candidate_records(self.visits, rows, place, measured, field, rng)
        return [
            SimulatedObject(
                names[k],
                kind.label,
                kind.subtype,
                float(self.population.redshift[which]),
                float(self.ra[which]),
                float(self.dec[which]),
                candidates[k],
                darkness.start,
                self.population.source,
                int(which),
            )
            for k, which in enumerate(kept)
        ]

    def _earlier_detections(
        self, kept: NDArray[np.intp], coverage: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Draw the number of detections before the simulated history, and the days from the first to its begin."""
        source, earliest = self.population.source, float(self.visits.mjd.min())
        if isinstance(source, Transient):
            # Seen one night in three, in two bands or less, since some days after the explosion.
            known = np.maximum(earliest - source.start[kept] - 6.0, 0.0)
            return (0.5 * known).astype(np.int64), known
        earlier = rng.poisson(0.5 * self.population.activity[kept] * coverage).astype(np.int64)
        survey_age = np.minimum(2.2 * coverage, 2500.0)
        return earlier, np.where(earlier > 0, survey_age * rng.beta(3.0, 1.0, len(kept)), 0.0)


def _propose(
    kind: ExplosionKind | VariableKind,
    n: int,
    darkness: survey.Darkness,
    weather: survey.Weather,
    rng: np.random.Generator,
    templates: tuple[Template, ...],
) -> _Batch:
    visits = survey.draw_visits(n, darkness, weather, rng)
    tonight = np.flatnonzero(visits.tonight)
    _, opening = np.unique(visits.which[tonight], return_index=True)
    first = visits.mjd[tonight[opening]]
    scale_latitude = kind.scale_latitude if isinstance(kind, VariableKind) else 0.0
    ra, dec = survey.positions(first, scale_latitude, rng)
    latitude = survey.galactic_latitude(ra, dec)
    if isinstance(kind, ExplosionKind):
        sequence = draw_sequence(templates, n, rng) if templates else None
        population = draw_transients(kind, first, latitude, rng, sequence)
    else:
        population = kind.draw(first, latitude, rng)
    deviates = rng.standard_normal((len(visits.mjd), 2))
    if len(population.jitter):
        deviates[:, 0] += population.jitter[visits.which] * rng.standard_normal(len(visits.mjd))
        deviates[tonight[opening], 0] += population.spike
    return _Batch(population, visits, ra, dec, deviates)
