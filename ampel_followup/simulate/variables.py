"""
The contaminants: active nuclei, cataclysmic variables, variable stars, flares, and what is no source at all.

Every function draws n objects of one subtype; `VARIABLES` lists them with their labels and shares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.dust import milky_way_reddening
from ampel_followup.simulate.population import Population, galaxy_score, stellar_score
from ampel_followup.simulate.shapes import Shape, galaxies, stars
from ampel_followup.simulate.sources import Artefact, Process, Variable
from ampel_followup.simulate.variability import Flare, Outbursts, Periodic, damped_random_walk

_Array: TypeAlias = NDArray[np.float64]

#: Random walks are drawn from so long before the night to so long after it [d].
_BEFORE, _AFTER = 120.0, 40.0


@dataclass(frozen=True, slots=True)
class VariableKind:
    """
    One subtype of what is not an explosion.

    Parameters
    ----------
    label, subtype : str
    share : float
        Of its class.
    draw : callable
        (MJD of the first visit of the night (n,), Galactic latitude (n,) [deg], generator) → `Population`.
    scale_latitude : float
        Scale of |b| [deg] with which they crowd towards the plane; 0 for extragalactic ones, which avoid it.
    """

    label: str
    subtype: str
    share: float
    draw: Callable[[_Array, _Array, np.random.Generator], Population]
    scale_latitude: float


def _flux(magnitude: _Array) -> _Array:
    return 10.0 ** (0.4 * (23.9 - magnitude))


def _faint_heavy(n: int, faint: float, scale: float, bright: float, rng: np.random.Generator) -> _Array:
    """Magnitudes with counts that rise exponentially towards the faint end."""
    return np.clip(faint - rng.exponential(scale, n), bright, None)


def _nucleus(n: int, redshift: _Array, ebv: _Array, slope: _Array, lines: float, rng: np.random.Generator) -> Shape:
    """Continuum and lines of the composite of Vanden Berk et al. (2001, AJ 122, 549), scaled as a whole."""
    strength = lines * rng.lognormal(0.0, 0.35, n)
    narrow = lines * rng.lognormal(0.0, 0.6, n)
    return Shape(
        temperature=np.full(n, 15000.0),
        slope=slope,
        velocity=rng.lognormal(np.log(2000.0), 0.3, n),
        absorption={},
        broad={
            "broad H": 2.2 * strength,
            "Mg II 2798": 0.9 * strength,
            "C III": 0.5 * strength,
            "C IV": 1.2 * strength,
        },
        narrow={"O III": 1.0 * narrow, "N II": 0.4 * narrow, "S II 6725": 0.2 * narrow, "O II 3727": 0.3 * narrow},
        redshift=redshift,
        ebv=ebv,
        break_4000=np.zeros(n),
    )


def _active_nucleus(
    tonight: _Array,
    latitude: _Array,
    rng: np.random.Generator,
    redshift: _Array,
    score: _Array,
    sigma: _Array,
    tau: _Array,
    lines: float,
) -> Population:
    n = len(tonight)
    magnitude = _faint_heavy(n, 20.4, 0.9, 15.5, rng)
    ebv = milky_way_reddening(latitude, rng)
    process = damped_random_walk(sigma, tau, float(tonight.min()) - _BEFORE, float(tonight.max()) + _AFTER, rng)
    slope = rng.normal(-1.5, 0.3, n)
    source = Variable(
        process,
        _flux(magnitude),
        varying=_nucleus(n, redshift, ebv, slope - 0.4, 0.25 * lines, rng),
        quiescent=_nucleus(n, redshift, ebv, slope, lines, rng),
    )
    return Population(source, redshift, magnitude, np.abs(rng.normal(0.0, 0.15, n)), score, rng.beta(0.7, 2.0, n))


def quasar(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Quasars: 0.2 mag within some 200 d (MacLeod et al. 2010, ApJ 721, 1014); point-like in PS1."""
    n = len(tonight)
    redshift = np.clip(rng.lognormal(np.log(0.8), 0.6, n), 0.1, 3.0)
    sigma, tau = rng.lognormal(np.log(0.22), 0.35, n), rng.lognormal(np.log(200.0), 0.6, n)
    score = stellar_score(np.full(n, 20.0), rng)
    return _active_nucleus(tonight, latitude, rng, redshift, score, sigma, tau, 1.0)


def seyfert(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Seyfert 1 nuclei in resolved galaxies."""
    n = len(tonight)
    redshift = np.clip(rng.lognormal(np.log(0.1), 0.6, n), 0.01, 0.4)
    sigma, tau = rng.lognormal(np.log(0.2), 0.35, n), rng.lognormal(np.log(120.0), 0.6, n)
    score = galaxy_score(np.full(n, 18.5), rng)
    return _active_nucleus(tonight, latitude, rng, redshift, score, sigma, tau, 0.8)


def blazar(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Blazars: half a magnitude within weeks (Ruan et al. 2012, ApJ 760, 51), hardly a line."""
    n = len(tonight)
    redshift = np.clip(rng.lognormal(np.log(0.4), 0.6, n), 0.03, 2.0)
    sigma, tau = rng.lognormal(np.log(0.5), 0.3, n), rng.lognormal(np.log(30.0), 0.6, n)
    return _active_nucleus(tonight, latitude, rng, redshift, stellar_score(np.full(n, 20.0), rng), sigma, tau, 0.03)


def _star(source: Variable, magnitude: _Array, activity: _Array, rng: np.random.Generator) -> Population:
    n = len(magnitude)
    offset = np.abs(rng.normal(0.0, 0.18, n))
    return Population(source, np.zeros(n), magnitude, offset, stellar_score(magnitude, rng), activity)


def _disc(temperature: _Array, emission: _Array, ebv: _Array) -> Shape:
    """Return an accretion disc: broad Balmer lines of some 600 km/s and helium, on a hot continuum."""
    n = len(temperature)
    return Shape(
        temperature=temperature,
        slope=np.full(n, np.nan),
        velocity=np.full(n, 650.0),
        absorption={},
        broad={"H": emission, "He I": 0.25 * emission, "He II": 0.15 * emission},
        narrow={},
        redshift=np.zeros(n),
        ebv=ebv,
        break_4000=np.zeros(n),
    )


def _stellar_dust(latitude: _Array, rng: np.random.Generator) -> _Array:
    """Stars lie within the layer of dust: half of the column, at most 0.4 mag."""
    return np.minimum(0.5 * milky_way_reddening(latitude, rng), 0.4)


def _dwarf_nova(
    tonight: _Array,
    latitude: _Array,
    rng: np.random.Generator,
    magnitude: _Array,
    height: _Array,
    plateau: _Array,
    cycle: _Array,
) -> Population:
    n = len(tonight)
    rise, decay = rng.uniform(0.4, 1.5, n), rng.uniform(1.0, 2.5, n)
    ago = rng.uniform(0.0, 1.0, n) * (rise + plateau + 2.0 * decay)
    starts = (tonight - ago)[:, None] + cycle[:, None] * np.arange(-3.0, 2.0)
    process = Outbursts(starts, rise, plateau, decay, 10.0 ** (0.4 * height) - 1.0, np.ones(n))
    ebv = _stellar_dust(latitude, rng)
    emission = rng.lognormal(np.log(2.0), 0.5, n)
    source = Variable(
        process,
        _flux(magnitude),
        varying=_disc(rng.normal(14000.0, 2000.0, n), 0.12 * emission, ebv),
        quiescent=_disc(rng.normal(8000.0, 1000.0, n), emission, ebv),
    )
    return _star(source, magnitude, np.clip(0.15 * plateau / cycle, 0.0, 0.3), rng)


def dwarf_nova(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Dwarf novae: outbursts of 2 to 5 mag, days long, every 20 to 300 d (Szkody et al. 2020, AJ 159, 198)."""
    n = len(tonight)
    magnitude = rng.uniform(18.0, 22.8, n)
    height = np.clip(rng.normal(3.3, 0.9, n), 1.8, 5.5)
    cycle = np.clip(rng.lognormal(np.log(70.0), 0.8, n), 15.0, 500.0)
    return _dwarf_nova(tonight, latitude, rng, magnitude, height, rng.uniform(1.5, 9.0, n), cycle)


def wz_sagittae(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Superoutbursts of 6 to 8 mag once in decades (Kato 2015, PASJ 67, 108); often nothing seen in quiescence."""
    n = len(tonight)
    magnitude = rng.uniform(20.5, 24.5, n)
    return _dwarf_nova(
        tonight, latitude, rng, magnitude, rng.uniform(5.5, 8.0, n), rng.uniform(12.0, 28.0, n), np.full(n, 9000.0)
    )


def nova_like(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Nova-likes and polars: high and low states, irregular within days."""
    n = len(tonight)
    magnitude = _faint_heavy(n, 20.0, 1.2, 14.5, rng)
    sigma, tau = rng.lognormal(np.log(0.45), 0.3, n), rng.lognormal(np.log(6.0), 0.5, n)
    process = damped_random_walk(sigma, tau, float(tonight.min()) - _BEFORE, float(tonight.max()) + _AFTER, rng)
    ebv = _stellar_dust(latitude, rng)
    emission = rng.lognormal(np.log(1.5), 0.5, n)
    source = Variable(
        process,
        _flux(magnitude),
        varying=_disc(rng.normal(14000.0, 2500.0, n), 0.3 * emission, ebv),
        quiescent=_disc(rng.normal(11000.0, 2000.0, n), emission, ebv),
    )
    return _star(source, magnitude, rng.beta(1.5, 2.0, n), rng)


def _variable_star(
    latitude: _Array,
    rng: np.random.Generator,
    process: Process,
    magnitude: _Array,
    temperature: _Array,
    excess: float,
    balmer: _Array,
) -> Population:
    ebv = _stellar_dust(latitude, rng)
    source = Variable(
        process,
        _flux(magnitude),
        varying=stars(temperature * excess, 0.5 * balmer, ebv),
        quiescent=stars(temperature, balmer, ebv),
    )
    return _star(source, magnitude, rng.beta(1.2, 1.6, len(magnitude)), rng)


def _reference(n: int, amplitude: _Array, rng: np.random.Generator) -> _Array:
    """Level of the reference image: a few phases averaged."""
    return np.asarray(10.0 ** (-0.4 * 0.35 * amplitude * rng.standard_normal(n)))


def rr_lyrae(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """RR Lyrae: 0.3 to 0.8 d, saw-tooth of up to a magnitude (amplitudes: Sesar et al. 2010, ApJ 708, 717)."""
    n = len(tonight)
    amplitude = rng.uniform(0.15, 0.5, n)
    harmonics = amplitude[:, None] * np.array([1.0, 0.45, 0.25])
    phase = rng.uniform(size=(n, 1)) * np.array([1.0, 2.0, 3.0]) + np.array([0.0, 0.3, 0.6])
    process = Periodic(rng.uniform(0.28, 0.8, n), harmonics, phase, _reference(n, amplitude, rng))
    temperature = rng.normal(6800.0, 250.0, n)
    magnitude = _faint_heavy(n, 19.8, 1.6, 13.0, rng)
    return _variable_star(latitude, rng, process, magnitude, temperature, 1.35, np.zeros(n))


def eclipsing_binary(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Contact and close binaries: two dips per orbit, colour nearly unchanged."""
    n = len(tonight)
    amplitude = rng.uniform(0.08, 0.35, n)
    harmonics = amplitude[:, None] * np.array([0.2, 1.0, 0.1, 0.35])
    phase = rng.uniform(size=(n, 1)) * np.array([1.0, 2.0, 3.0, 4.0])
    process = Periodic(rng.lognormal(np.log(0.5), 0.6, n), harmonics, phase, _reference(n, amplitude, rng))
    magnitude = _faint_heavy(n, 18.8, 1.6, 13.0, rng)
    return _variable_star(latitude, rng, process, magnitude, rng.normal(5600.0, 800.0, n), 1.03, np.zeros(n))


def long_period(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Miras and semiregulars: 80 to 500 d, up to some magnitudes, the coolest spectra of all."""
    n = len(tonight)
    amplitude = rng.lognormal(np.log(0.5), 0.6, n)
    harmonics = amplitude[:, None] * np.array([1.0, 0.15])
    process = Periodic(rng.uniform(80.0, 500.0, n), harmonics, rng.uniform(size=(n, 2)), _reference(n, amplitude, rng))
    magnitude = _faint_heavy(n, 18.0, 1.8, 13.0, rng)
    balmer = np.where(amplitude > 0.6, rng.lognormal(np.log(0.8), 0.5, n), 0.0)
    return _variable_star(latitude, rng, process, magnitude, rng.normal(3100.0, 150.0, n), 1.05, balmer)


def irregular(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Young stars: irregular within days, Hα in emission (Cody et al. 2014, AJ 147, 82)."""
    n = len(tonight)
    sigma, tau = rng.lognormal(np.log(0.3), 0.4, n), rng.lognormal(np.log(8.0), 0.6, n)
    process = damped_random_walk(sigma, tau, float(tonight.min()) - _BEFORE, float(tonight.max()) + _AFTER, rng)
    magnitude = _faint_heavy(n, 18.8, 1.5, 13.0, rng)
    balmer = rng.lognormal(np.log(3.0), 0.7, n)
    return _variable_star(latitude, rng, process, magnitude, rng.normal(4300.0, 400.0, n), 1.1, balmer)


def m_dwarf_flare(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """
    White-light flares of M dwarfs: minutes to an hour, a continuum of 9,500 K (Kowalski et al. 2013, ApJS 207, 15).

    A spectrum on a later night shows the star: titanium oxide, and Balmer lines in emission.
    """
    n = len(tonight)
    magnitude = rng.uniform(16.0, 22.5, n)
    width = np.clip(rng.lognormal(np.log(10.0), 0.8, n), 2.0, 90.0) / 1440.0
    peak = tonight - width * rng.exponential(1.2, n) + 0.3 * width
    height = 10.0 ** rng.normal(0.0, 0.6, n)
    ebv = np.minimum(_stellar_dust(latitude, rng), 0.1)
    source = Variable(
        Flare(peak, width, height, np.ones(n)),
        _flux(magnitude),
        varying=stars(rng.normal(9500.0, 1000.0, n), np.full(n, 0.3), ebv),
        quiescent=stars(rng.normal(3050.0, 180.0, n), rng.lognormal(np.log(1.5), 0.5, n), ebv),
    )
    return _star(source, magnitude, np.zeros(n), rng)


def residual(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Imperfect subtractions of bright stars and cores of galaxies: both signs, again and again."""
    n = len(tonight)
    magnitude = _faint_heavy(n, 17.5, 1.5, 12.5, rng)
    galaxy = rng.uniform(size=n) < 0.35
    score = np.where(galaxy, galaxy_score(magnitude, rng), stellar_score(magnitude, rng))
    flux = _flux(magnitude)
    neighbour = stars(rng.normal(5300.0, 800.0, n), np.zeros(n), _stellar_dust(latitude, rng))
    offset = np.abs(rng.normal(0.0, 0.5, n))
    jitter = rng.lognormal(np.log(2.0), 0.35, n)
    return Population(
        Artefact(neighbour, flux),
        np.full(n, np.nan),
        magnitude,
        offset,
        score,
        rng.beta(0.8, 6.0, n),
        jitter,
        rng.choice([-1.0, 1.0], n) * rng.uniform(0.0, 7.0, n),
    )


def noise(tonight: _Array, latitude: _Array, rng: np.random.Generator) -> Population:
    """Cosmic rays, bad columns, ghosts: one detection, nothing at the position but sky or a faint galaxy."""
    n = len(tonight)
    magnitude = np.where(rng.uniform(size=n) < 0.4, _faint_heavy(n, 22.3, 1.0, 17.0, rng), np.nan)
    offset = rng.rayleigh(5.0, n)
    redshift = np.full(n, 0.15)
    neighbour = galaxies(rng.uniform(size=n) < 0.6, redshift, milky_way_reddening(latitude, rng), rng)
    inside = np.where(offset < 1.0, 0.3 * _flux(np.nan_to_num(magnitude, nan=30.0)), 0.0)
    return Population(
        Artefact(neighbour, inside),
        np.full(n, np.nan),
        magnitude,
        offset,
        galaxy_score(magnitude, rng),
        np.zeros(n),
        np.zeros(n),
        rng.choice([-1.0, 1.0], n, p=[0.35, 0.65]) * (5.0 + rng.exponential(5.0, n)),
    )


VARIABLES: tuple[VariableKind, ...] = (
    VariableKind("AGN", "quasar", 0.55, quasar, 0.0),
    VariableKind("AGN", "Seyfert 1", 0.33, seyfert, 0.0),
    VariableKind("AGN", "blazar", 0.12, blazar, 0.0),
    VariableKind("CV", "dwarf nova", 0.72, dwarf_nova, 25.0),
    VariableKind("CV", "WZ Sge", 0.10, wz_sagittae, 30.0),
    VariableKind("CV", "nova-like", 0.18, nova_like, 20.0),
    VariableKind("variable star", "RR Lyrae", 0.35, rr_lyrae, 40.0),
    VariableKind("variable star", "eclipsing binary", 0.25, eclipsing_binary, 15.0),
    VariableKind("variable star", "long-period variable", 0.25, long_period, 12.0),
    VariableKind("variable star", "irregular", 0.15, irregular, 8.0),
    VariableKind("M-dwarf flare", "flare", 1.0, m_dwarf_flare, 60.0),
    VariableKind("bogus", "residual", 0.55, residual, 40.0),
    VariableKind("bogus", "noise", 0.45, noise, 90.0),
)
