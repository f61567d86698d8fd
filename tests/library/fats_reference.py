"""Features of FATS of one light curve, one by one, written to be read: the fast ones are checked against it."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import curve_fit

Floats = NDArray[np.float64]


def statistics(time: Floats, mag: Floats, mag_err: Floats) -> dict[str, float]:
    n = len(mag)
    mean, std, median = np.mean(mag), np.std(mag), np.median(mag)
    weighted_mean = np.average(mag, weights=1 / mag_err**2)
    sample_std = math.sqrt(sum((mag - weighted_mean) ** 2) / (n - 1))
    tail = math.ceil(0.05 * n)
    ordered = np.sort(mag)

    def rank(share: float) -> float:
        return float(ordered[min(math.ceil(share * n), n - 1)])

    wide = rank(0.95) - rank(0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy announces a change of the significance, which is not used
        anderson = stats.anderson(mag).statistic
    weight = 1 / np.diff(time) ** 2
    residual = math.sqrt(n / (n - 1)) * (mag - weighted_mean) / mag_err
    outlier = [abs(m - mean) > 2 * std for m in mag]
    last = np.diff(mag[-30:])
    walk = np.cumsum(mag - mean) / (n * std)
    return {
        "Amplitude": (np.median(ordered[-tail:]) - np.median(ordered[:tail])) / 2,
        "AndersonDarling": 1 / (1 + math.exp(-10 * (anderson - 0.3))),
        "Autocor_length": autocorrelation_length(mag),
        "Beyond1Std": np.mean((mag > weighted_mean + sample_std) | (mag < weighted_mean - sample_std)),
        "Con": sum(all(outlier[i : i + 3]) for i in range(n - 2)) / (n - 2),
        "Eta_e": np.mean(weight) * (time[-1] - time[0]) ** 2 * sum(weight * np.diff(mag) ** 2)
        / (std**2 * sum(weight) * n**2),
        "FluxPercentileRatioMid20": (rank(0.60) - rank(0.40)) / wide,
        "FluxPercentileRatioMid35": (rank(0.675) - rank(0.325)) / wide,
        "FluxPercentileRatioMid50": (rank(0.75) - rank(0.25)) / wide,
        "FluxPercentileRatioMid65": (rank(0.825) - rank(0.175)) / wide,
        "FluxPercentileRatioMid80": (rank(0.90) - rank(0.10)) / wide,
        "Gskew": np.median(mag[mag <= np.percentile(mag, 3)]) + np.median(mag[mag >= np.percentile(mag, 97)])
        - 2 * median,
        "LinearTrend": stats.linregress(time, mag).slope,
        "MaxSlope": max(abs(np.diff(mag) / np.diff(time))),
        "Mean": mean,
        "Meanvariance": std / mean,
        "MedianAbsDev": np.median(abs(mag - median)),
        "MedianBRP": np.mean(abs(mag - median) < np.ptp(mag) / 10),
        "PairSlopeTrend": (sum(last > 0) - sum(last <= 0)) / 30,
        "PercentAmplitude": max(abs(mag - median)) / median,
        "PercentDifferenceFluxPercentile": wide / median,
        "Q31": np.percentile(mag, 75) - np.percentile(mag, 25),
        "Rcs": max(walk) - min(walk),
        "Skew": stats.skew(mag),
        "SmallKurtosis": n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * sum(((mag - mean) / std) ** 4)
        - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)),
        "Std": std,
        "StetsonK": sum(abs(residual)) / math.sqrt(n) / math.sqrt(sum(residual**2)),
    }  # fmt: skip


def autocorrelation_length(mag: Floats) -> int:
    deviation = mag - np.mean(mag)
    for lag in range(1, len(mag)):
        if sum(deviation[:-lag] * deviation[lag:]) / sum(deviation**2) < math.exp(-1):
            return lag
    raise AssertionError("the autocorrelations sum up to −1/2: one of them is negative")


def lomb_scargle(time: Floats, values: Floats, frequency: float) -> float:
    """Scargle (1982), equations 10 and 11, divided by the sample variance."""
    omega = 2 * math.pi * frequency
    tau = math.atan2(sum(np.sin(2 * omega * time)), sum(np.cos(2 * omega * time))) / (2 * omega)
    cosine, sine = np.cos(omega * (time - tau)), np.sin(omega * (time - tau))
    y = values - np.mean(values)
    power = (sum(y * cosine) ** 2 / sum(cosine**2) + sum(y * sine) ** 2 / sum(sine**2)) / 2
    return float(power / np.var(values, ddof=1))


def frequencies(time: Floats) -> Floats:
    baseline = time[-1] - time[0]
    highest = max(50 * len(time) / baseline, 4.0)
    return np.arange(1, int(highest * 6 * baseline) + 1) / (6 * baseline)


def periodic(time: Floats, mag: Floats) -> dict[str, float]:
    time = time - time[0]
    grid = frequencies(time)
    found: dict[str, float] = {}
    residual = mag
    for k in range(3):
        power = np.array([lomb_scargle(time, residual, f) for f in grid])
        frequency = grid[np.argmax(power)]
        if k == 0:
            found["PeriodLS"] = 1 / frequency
            found["Period_fit"] = 1 - (1 - math.exp(-max(power))) ** (2 * len(grid) / 6)
            phase = [t * frequency / 2 % 1 for t in time]
            folded = mag[np.argsort([0.0 if p > 1 - 1e-9 else p for p in phase], kind="stable")]
            walk = np.cumsum(folded - np.mean(folded)) / (len(mag) * np.std(mag))
            found["Psi_CS"] = max(walk) - min(walk)
            found["Psi_eta"] = sum(np.diff(folded) ** 2) / ((len(mag) - 1) * np.var(mag))
        phases, subtracted = [], np.zeros(len(mag))
        for h in range(4):

            def wave(t: Floats, a: float, b: float, c: float, f: float = (h + 1) * frequency) -> Floats:
                return a * np.sin(2 * np.pi * f * t) + b * np.cos(2 * np.pi * f * t) + c

            (a, b, c), _ = curve_fit(wave, time, residual, p0=(1.0, 1.0, 1.0))
            subtracted = subtracted + wave(time, a, b, c)
            phases.append(math.atan(b / a))
            found[f"Freq{k + 1}_harmonics_amplitude_{h}"] = math.hypot(a, b)
            found[f"Freq{k + 1}_harmonics_rel_phase_{h}"] = phases[h] - phases[0]
        residual = residual - subtracted
    return found
