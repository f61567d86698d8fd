"""
The supernovae: what is drawn for each object of a subtype, and where the numbers come from.

What makes them shine is in `ejecta`.

Luminosity functions: Richardson et al. (2014, AJ 147, 118) and the ZTF Bright Transient Survey (Perley et al. 2020, ApJ
904, 35); superluminous ones: De Cia et al. (2018, ApJ 860, 100). Velocities: Silverman et al. (2012, MNRAS 425, 1819)
for Ia, Gutiérrez et al. (2017, ApJ 850, 89) for II, Liu et al. (2016, ApJ 827, 90) and Modjaz et al. (2016) for Ib/c.
Diffusion times are those that give the published rise times (Ia: Miller et al. 2020, ApJ 902, 47; Ib/c: Prentice et al.
2016, MNRAS 458, 2973; superluminous: Nicholl et al. 2017). Shares of subtypes are those of a magnitude-limited sample
(Perley et al. 2020; Ia: Li et al. 2011, MNRAS 412, 1441). Optical depths and emission strengths are ours, set by eye so
that depth and equivalent width of the lines resemble those of well-observed examples.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ampel_followup.simulate.ejecta import clipped_normal, interacting, nickel_powered, plateau, scattered
from ampel_followup.simulate.explosion_kinds import ExplosionKind
from ampel_followup.simulate.explosions import (
    AGES,
    Explosion,
    age_of_maximum,
    diffused,
    luminosity_of,
    magnetar_heating,
    photospheric_temperature,
    photospheric_velocity,
)

_Array: TypeAlias = NDArray[np.float64]


def type_ia(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Ordinary Ia: brighter is slower (Phillips 1993, ApJ 413, L105): stretch follows magnitude, with scatter."""
    n = len(magnitude)
    stretch = np.clip(1.0 - 0.35 * (magnitude + 19.25) + rng.normal(0.0, 0.06, n), 0.72, 1.2)
    return nickel_powered(
        magnitude,
        rng,
        diffusion_time=15.0 * stretch,
        velocity=clipped_normal(n, 11300.0, 1100.0, 9000.0, 15500.0, rng),
        floor=clipped_normal(n, 4900.0, 150.0, 4500.0, 5400.0, rng),
        gamma_ray_time=22.0,
        absorption={
            "Si II": scattered(n, 1.0, 0.2, rng),
            "S II": scattered(n, 0.4, 0.2, rng),
            "Ca II": scattered(n, 1.1, 0.25, rng),
            "Mg II": scattered(n, 0.5, 0.2, rng),
            "Fe III": scattered(n, 0.3, 0.3, rng),
            "Fe II": scattered(n, 1.1, 0.15, rng),
            "O I": scattered(n, 0.4, 0.3, rng),
            "C II": scattered(n, 0.06, 0.8, rng),
            "Na I": scattered(n, 0.5, 0.2, rng),
        },
        emission={
            "Si II": scattered(n, 0.12, 0.3, rng),
            "Ca II": scattered(n, 0.5, 0.3, rng),
            "Fe II": scattered(n, 0.2, 0.2, rng),
        },
        line_blanketing=2.2,
        rebound=scattered(n, 0.45, 0.2, rng) * stretch,
    )


def type_ia_91t(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """91T-like: bright, slow and hot; iron twice ionised where others show silicon (Filippenko et al. 1992)."""
    n = len(magnitude)
    return nickel_powered(
        magnitude,
        rng,
        diffusion_time=clipped_normal(n, 17.5, 0.8, 15.5, 19.5, rng),
        velocity=clipped_normal(n, 10500.0, 700.0, 8500.0, 12500.0, rng),
        floor=clipped_normal(n, 5000.0, 150.0, 4600.0, 5400.0, rng),
        gamma_ray_time=25.0,
        absorption={
            "Si II": scattered(n, 0.3, 0.3, rng),
            "S II": scattered(n, 0.1, 0.3, rng),
            "Ca II": scattered(n, 0.4, 0.3, rng),
            "Fe III": scattered(n, 0.9, 0.15, rng),
            "Fe II": scattered(n, 1.0, 0.15, rng),
            "O I": scattered(n, 0.15, 0.4, rng),
        },
        emission={"Ca II": scattered(n, 0.4, 0.3, rng), "Fe II": scattered(n, 0.2, 0.2, rng)},
        line_blanketing=1.6,
        warmth=1.12,
        rebound=scattered(n, 0.5, 0.2, rng),
    )


def type_ia_91bg(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """91bg-like: faint, fast and red, with the titanium trough at 4,200 Å (Filippenko et al. 1992, AJ 104, 1543)."""
    n = len(magnitude)
    return nickel_powered(
        magnitude,
        rng,
        diffusion_time=clipped_normal(n, 10.5, 0.8, 8.5, 12.5, rng),
        velocity=clipped_normal(n, 10000.0, 700.0, 8500.0, 12000.0, rng),
        floor=clipped_normal(n, 5300.0, 150.0, 4900.0, 5800.0, rng),
        gamma_ray_time=22.0,
        absorption={
            "Ti II": scattered(n, 2.0, 0.2, rng),
            "Si II": scattered(n, 1.5, 0.2, rng),
            "Ca II": scattered(n, 1.4, 0.2, rng),
            "O I": scattered(n, 0.9, 0.25, rng),
            "Fe II": scattered(n, 1.0, 0.2, rng),
            "Na I": scattered(n, 0.4, 0.3, rng),
        },
        emission={"Ca II": scattered(n, 0.5, 0.3, rng), "Fe II": scattered(n, 0.2, 0.3, rng)},
        line_blanketing=3.0,
        warmth=0.8,
    )


def _hydrogen_lines(
    n: int, rng: np.random.Generator, absorption: float, emission: float
) -> dict[str, dict[str, _Array]]:
    return {
        "absorption": {
            "H": scattered(n, absorption, 0.3, rng),
            "He I": scattered(n, 0.15, 0.4, rng),
            "Fe II": scattered(n, 0.6, 0.25, rng),
            "Ca II": scattered(n, 0.9, 0.25, rng),
            "Na I": scattered(n, 0.3, 0.4, rng),
            "O I": scattered(n, 0.15, 0.4, rng),
        },
        "emission": {
            "H": scattered(n, emission, 0.3, rng),
            "He I": scattered(n, 0.08, 0.5, rng),
            "Ca II": scattered(n, 0.7, 0.3, rng),
            "Fe II": scattered(n, 0.12, 0.3, rng),
        },
    }


def type_iip(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """IIP: slow decline, strong P-Cygni absorption."""
    n = len(magnitude)
    slope = np.abs(rng.normal(0.4, 0.5, n))
    end = clipped_normal(n, 100.0, 13.0, 65.0, 140.0, rng)
    velocity = clipped_normal(n, 8200.0, 1300.0, 4500.0, 12000.0, rng)
    return plateau(magnitude, slope, end, velocity, _hydrogen_lines(n, rng, 0.6, 1.0), rng)


def type_iil(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """IIL: 1 to 3 mag per 100 d, weak absorption and strong emission of Hα (Gutiérrez et al. 2014, ApJ 786, L15)."""
    n = len(magnitude)
    slope = clipped_normal(n, 2.0, 0.6, 1.0, 3.8, rng)
    end = clipped_normal(n, 85.0, 12.0, 55.0, 110.0, rng)
    velocity = clipped_normal(n, 9500.0, 1300.0, 6000.0, 13000.0, rng)
    return plateau(magnitude, slope, end, velocity, _hydrogen_lines(n, rng, 0.25, 1.2), rng)


def type_iin(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """IIn: rises of 20 to 50 d (Nyholm et al. 2020, A&A 637, A73), lines of about 2,000 km/s."""
    n = len(magnitude)
    rise, decline = scattered(n, 20.0, 0.4, rng), scattered(n, 0.016, 0.5, rng)
    return interacting(magnitude, np.clip(rise, 8.0, 60.0), decline, scattered(n, 1800.0, 0.35, rng), rng)


def _stripped(
    magnitude: _Array,
    rng: np.random.Generator,
    diffusion_time: tuple[float, float],
    velocity: tuple[float, float],
    absorption: dict[str, float],
    emission: dict[str, float],
) -> Explosion:
    n = len(magnitude)
    return nickel_powered(
        magnitude,
        rng,
        diffusion_time=clipped_normal(n, *diffusion_time, 6.0, 22.0, rng),
        velocity=clipped_normal(n, *velocity, 6000.0, 28000.0, rng),
        floor=clipped_normal(n, 4900.0, 250.0, 4300.0, 5600.0, rng),
        gamma_ray_time=60.0,
        absorption={name: scattered(n, strength, 0.3, rng) for name, strength in absorption.items()},
        emission={name: scattered(n, strength, 0.3, rng) for name, strength in emission.items()},
        line_blanketing=2.6,
        warmth=0.93,
    )


def type_iib(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """IIb: hydrogen that gives way to helium; half show the cooling of an extended envelope first (as SN 1993J)."""
    n = len(magnitude)
    explosion = _stripped(
        magnitude,
        rng,
        (13.0, 1.5),
        (9500.0, 1200.0),
        {"H": 0.7, "He I": 0.5, "Fe II": 0.8, "Ca II": 0.9},
        {"H": 0.5, "He I": 0.15, "Ca II": 0.6, "Fe II": 0.15},
    )
    cooling = np.where(rng.uniform(size=n) < 0.5, scattered(n, 1.2, 0.5, rng), 0.0)[:, None]
    rise = -np.expm1(-((AGES / 0.4) ** 2))
    explosion.luminosity[:] += cooling * luminosity_of(magnitude)[:, None] * rise * np.exp(-AGES / 2.2)
    floor = np.full(n, 5200.0)
    explosion.temperature[:] = photospheric_temperature(explosion.luminosity, explosion.velocity, floor)
    return explosion


def type_ib(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Ib: helium lines."""
    return _stripped(
        magnitude,
        rng,
        (13.0, 2.0),
        (9800.0, 1200.0),
        {"He I": 0.9, "Fe II": 1.0, "Ca II": 1.0, "O I": 0.3, "Si II": 0.1},
        {"He I": 0.25, "Ca II": 0.7, "Fe II": 0.2},
    )


def type_ic(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Ic: neither hydrogen nor helium; oxygen, calcium and iron."""
    return _stripped(
        magnitude,
        rng,
        (12.5, 2.5),
        (10500.0, 1500.0),
        {"Fe II": 1.2, "Ca II": 1.1, "O I": 0.9, "Si II": 0.35, "Na I": 0.5, "Mg II": 0.3},
        {"Ca II": 0.8, "Fe II": 0.25, "O I": 0.15},
    )


def type_ic_bl(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Ic-BL: as Ic at twice the velocity, lines blended."""
    return _stripped(
        magnitude,
        rng,
        (11.5, 1.5),
        (19000.0, 3000.0),
        {"Fe II": 1.2, "Ca II": 1.0, "O I": 0.8, "Si II": 0.5},
        {"Ca II": 0.4, "Fe II": 0.3},
    )


def slsn_i(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Superluminous, hydrogen-poor: a magnetar; O II while hot, later the spectrum of a Ic (Quimby et al. 2018)."""
    n = len(magnitude)
    luminosity = diffused(magnetar_heating(scattered(n, 9.0, 0.6, rng)), clipped_normal(n, 36.0, 9.0, 18.0, 70.0, rng))
    luminosity *= (luminosity_of(magnitude) / luminosity.max(axis=1))[:, None]
    moving = photospheric_velocity(clipped_normal(n, 12000.0, 2000.0, 8000.0, 18000.0, rng), -0.1)
    absorption = {"O II": 0.55, "Fe III": 0.2, "C II": 0.12, "Fe II": 0.7, "Ca II": 0.6, "O I": 0.5, "Mg II": 0.4}
    return Explosion(
        luminosity,
        photospheric_temperature(luminosity, moving, clipped_normal(n, 6800.0, 700.0, 5500.0, 9000.0, rng)),
        moving,
        {name: scattered(n, strength, 0.3, rng) for name, strength in absorption.items()},
        {"Ca II": scattered(n, 0.2, 0.4, rng), "Fe II": scattered(n, 0.1, 0.4, rng)},
        scattered(n, 0.7, 0.3, rng),
        age_of_maximum(luminosity),
    )


def slsn_ii(magnitude: _Array, rng: np.random.Generator) -> Explosion:
    """Superluminous with hydrogen: interaction on a larger scale (Kangas et al. 2022, MNRAS 516, 1193)."""
    n = len(magnitude)
    rise = np.clip(scattered(n, 38.0, 0.3, rng), 18.0, 80.0)
    return interacting(magnitude, rise, scattered(n, 0.012, 0.4, rng), scattered(n, 3500.0, 0.4, rng), rng)


SUPERNOVAE: tuple[ExplosionKind, ...] = (
    ExplosionKind("SN Ia", "Ia", 0.84, "ztfg", -19.25, 0.25, type_ia, starforming=0.7, visible=90.0),
    ExplosionKind("SN Ia", "Ia-91T", 0.10, "ztfg", -19.6, 0.2, type_ia_91t, visible=100.0),
    ExplosionKind("SN Ia", "Ia-91bg", 0.06, "ztfg", -17.6, 0.4, type_ia_91bg, 0.04, 60.0, starforming=0.1),
    ExplosionKind("SN II", "IIP", 0.58, "ztfr", -16.8, 0.9, type_iip, 0.1, 150.0, -19.6, 1.4),
    ExplosionKind("SN II", "IIL", 0.16, "ztfr", -17.5, 0.7, type_iil, 0.1, 120.0, -19.6, 1.4),
    ExplosionKind("SN II", "IIn", 0.17, "ztfr", -18.6, 0.9, type_iin, 0.08, 200.0, -19.4, 1.6),
    ExplosionKind("SN II", "IIb", 0.09, "ztfr", -17.2, 0.7, type_iib, 0.1, 80.0, -19.6, 1.4),
    ExplosionKind("SN Ib/c", "Ib", 0.36, "ztfr", -17.4, 0.7, type_ib, 0.15, 80.0, -19.8, 1.3),
    ExplosionKind("SN Ib/c", "Ic", 0.44, "ztfr", -17.6, 0.7, type_ic, 0.18, 80.0, -19.9, 1.3),
    ExplosionKind("SN Ib/c", "Ic-BL", 0.20, "ztfr", -18.4, 0.6, type_ic_bl, 0.1, 80.0, -18.8, 1.4),
    ExplosionKind("SLSN", "SLSN-I", 0.65, "ztfg", -21.4, 0.6, slsn_i, 0.04, 250.0, -17.0, 1.5, 1.5),
    ExplosionKind("SLSN", "SLSN-II", 0.35, "ztfg", -20.7, 0.5, slsn_ii, 0.06, 300.0, -18.3, 1.8, 2.0),
)
