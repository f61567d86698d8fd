r"""
Periods of unevenly sampled light curves, by the fast periodogram, and the harmonics that belong to them.

With values :math:`y_j` of zero mean at times :math:`t_j`, sample variance :math:`s^2` and

.. math::
    Y(f) = \sum_j y_j e^{2 \pi i f t_j}, \qquad W(f) = \sum_j e^{2 \pi i \cdot 2 f t_j},

the normalised power of Lomb (1976, Ap&SS 39, 447) and Scargle (1982, ApJ 263, 835, eq. 10) is

.. math::
    P(f) = \frac{n |Y|^2 - \mathrm{Re}(\overline{W} Y^2)}{s^2 (n^2 - |W|^2)}

Both sums come from a non-uniform fast Fourier transform, as in nifty-ls (Garrison et al. 2024, RNAAS 8, 250). What is
added here: W is a property of the times, so it is transformed once for the three periodograms of a light curve.

The frequencies, the significance and the harmonics are those of FATS (Nun et al. 2015, arXiv:1506.00010), which follow
Press & Rybicki (1989, ApJ 338, 277).
"""

from __future__ import annotations

from dataclasses import dataclass

import finufft  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Frequencies per 1 / (time base).
OVERSAMPLING = 6.0

#: Highest frequency, in units of half the mean rate of points.
NYQUIST_FACTOR = 100.0

#: The highest frequency is no lower than this [1/d]. FATS has no such bound, and then cannot find an RR Lyrae star in
#: a survey that comes by every second month.
LEAST_HIGHEST_FREQUENCY = 4.0

#: Frequencies found one after the other, and harmonics of each, the fundamental included.
N_FREQUENCIES, N_HARMONICS = 3, 4

# Relative precision of the transforms, which single precision can give; where sine and cosine can hardly be told apart
# the power would magnify it.
_PRECISION, _DEGENERATE = 1e-4, 1e-2

# Frequencies with this share of the highest power, at most so many, are computed again in double precision.
_CANDIDATE_SHARE, _MAX_CANDIDATES = 0.98, 64

# Powers that differ by less count as equal, and the lowest frequency wins: regular sampling repeats its peaks exactly.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Periodicity:
    """
    Periodic parts of one light curve.

    Parameters
    ----------
    frequency : ndarray, shape (N_FREQUENCIES,)
        Frequencies of most power, each after the harmonics of those before it were subtracted [1/d].
    false_alarm : float
        Probability that noise has a peak as high as that of the first, 0 to 1.
    amplitude : ndarray, shape (N_FREQUENCIES, N_HARMONICS)
        Amplitudes of the harmonics, in the unit of the values.
    rel_phase : ndarray, shape (N_FREQUENCIES, N_HARMONICS)
        Phases of the harmonics minus that of the first [rad]. **FATS takes the arc tangent of one argument: phases that
        differ by π are the same.**
    """

    frequency: Array
    false_alarm: float
    amplitude: Array
    rel_phase: Array


class Periodogram:
    """
    Lomb–Scargle periodograms of several sets of values at the same times.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Increasing [d]; not all the same.
    """

    def __init__(self, time: Array) -> None:
        # The middle as zero keeps the phases small, and so precise.
        self._time = time - 0.5 * (time[0] + time[-1])
        baseline = float(time[-1] - time[0])
        self._spacing = 1.0 / (OVERSAMPLING * baseline)
        highest = max(0.5 * NYQUIST_FACTOR * len(time) / baseline, LEAST_HIGHEST_FREQUENCY)
        #: Number of frequencies m.
        self.n_frequencies = int(highest / self._spacing)
        # The transform yields m modes around zero: a factor on the values moves the first one to the lowest frequency.
        middle = self.n_frequencies // 2 + 1
        angle = 2.0 * np.pi * self._spacing * self._time
        self._plan = finufft.Plan(
            1, (self.n_frequencies,), eps=_PRECISION, isign=1, nthreads=1, upsampfac=1.25, dtype=np.complex64
        )
        self._plan.setpts((2.0 * angle).astype(np.float32))
        window = self._plan.execute(np.exp(2j * middle * angle).astype(np.complex64))
        self._plan.setpts(angle.astype(np.float32))
        self._factor = np.exp(1j * middle * angle)
        n = np.float32(len(time))
        free = n * n - window.real**2 - window.imag**2
        # Where sine and cosine cannot be told apart, no power.
        self._norm = np.divide(1.0, free, out=np.zeros_like(free), where=free > _DEGENERATE * n * n)
        self._conjugate_window = np.conj(window, out=window)
        # Arrays of this size are costly to allocate anew each time.
        self._transform, self._product = np.empty_like(window), np.empty_like(window)

    def frequency(self, index: NDArray[np.intp] | int) -> Array:
        """Return frequencies [1/d] by their place in the result of `power`."""
        return np.asarray(self._spacing * (np.asarray(index) + 1.0))

    def power(self, values: Array) -> NDArray[np.float32]:
        """
        Return the normalised power at all frequencies, to about 1e-3 of its maximum.

        Parameters
        ----------
        values : ndarray, shape (n,)
            Not all the same.

        Returns
        -------
        ndarray, shape (m,)
            0 where the sampling does not tell a sine from a cosine.
        """
        centred = values - values.mean()
        centred /= centred.std(ddof=1)
        y = self._plan.execute((centred * self._factor).astype(np.complex64), out=self._transform)
        np.multiply(self._conjugate_window, y, out=self._product)
        self._product *= y
        power: NDArray[np.float32] = y.real * y.real
        power += y.imag * y.imag
        power *= np.float32(len(values))
        power -= self._product.real
        power *= self._norm
        return power

    def peak(self, values: Array) -> tuple[float, float]:
        """
        Find the frequency of most power.

        Parameters
        ----------
        values : ndarray, shape (n,)
            Not all the same.

        Returns
        -------
        frequency, power : float
            The lowest of the frequencies with the highest power [1/d], and that power, in double precision.
        """
        power = self.power(values)
        candidates = np.flatnonzero(power >= _CANDIDATE_SHARE * power.max())[:_MAX_CANDIDATES]
        frequency = self.frequency(candidates)
        exact = _exact_power(self._time, values, frequency)
        best = int(np.argmax(exact >= (1.0 - _TIE) * exact.max()))
        return float(frequency[best]), float(exact[best])

    def false_alarm_probability(self, power: float) -> float:
        """
        Probability that noise reaches this power at any of the frequencies (Press & Rybicki 1989, section 2).

        Parameters
        ----------
        power : float
            Normalised power of the highest peak.

        Returns
        -------
        float
            0 to 1.
        """
        n_independent = 2.0 * self.n_frequencies / OVERSAMPLING
        return float(-np.expm1(n_independent * np.log1p(-np.exp(-power))))


def periodicity(time: Array, values: Array) -> Periodicity:
    """
    Find the frequencies of a light curve one after the other, and fit their harmonics.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Increasing [d].
    values : ndarray, shape (n,)
        Magnitudes, say.

    Returns
    -------
    Periodicity
        NaN throughout for values that are all the same, or times that are.
    """
    frequency = np.full(N_FREQUENCIES, np.nan)
    amplitude, phase = np.full((2, N_FREQUENCIES, N_HARMONICS), np.nan)
    false_alarm = np.nan
    spread = float(np.ptp(values))
    if time[-1] > time[0] and 0.0 < spread < np.inf:
        periodogram = Periodogram(time)
        residual = values
        for k in range(N_FREQUENCIES):
            frequency[k], power = periodogram.peak(residual)
            if k == 0:
                false_alarm = periodogram.false_alarm_probability(power)
            amplitude[k], phase[k], model = harmonics(time - time[0], residual, frequency[k])
            residual = residual - model
    return Periodicity(frequency, false_alarm, amplitude, phase - phase[:, :1])


def harmonics(time: Array, values: Array, frequency: float) -> tuple[Array, Array, Array]:
    r"""
    Fit :math:`a_h \sin 2 \pi h f t + b_h \cos 2 \pi h f t + c_h` for h = 1 … N_HARMONICS.

    As in FATS, each harmonic is fitted by itself, and all of them are subtracted.

    Parameters
    ----------
    time, values : ndarray, shape (n,)
    frequency : float
        f, in the inverse unit of `time`.

    Returns
    -------
    amplitude, phase : ndarray, shape (N_HARMONICS,)
        :math:`\sqrt{a^2 + b^2}` and :math:`\arctan(b / a)` [rad].
    model : ndarray, shape (n,)
        The sum of the four but for a constant, which no later step sees.
    """
    # Whole turns are taken off first: small arguments are faster and more precise.
    turn = np.arange(1, N_HARMONICS + 1)[:, None] * frequency * time % 1.0
    sine, cosine = np.sin(2.0 * np.pi * turn), np.cos(2.0 * np.pi * turn)
    sine -= sine.mean(axis=1, keepdims=True)
    cosine -= cosine.mean(axis=1, keepdims=True)
    ss, cc, sc = (sine * sine).sum(axis=1), (cosine * cosine).sum(axis=1), (sine * cosine).sum(axis=1)
    centred = values - values.mean()
    sy, cy = (sine * centred).sum(axis=1), (cosine * centred).sum(axis=1)
    determinant = ss * cc - sc * sc
    a, b = (cc * sy - sc * cy) / determinant, (ss * cy - sc * sy) / determinant
    return np.hypot(a, b), np.arctan(b / a), (a[:, None] * sine + b[:, None] * cosine).sum(axis=0)


def _exact_power(time: Array, values: Array, frequency: Array) -> Array:
    """Normalised power at few frequencies, shape (m,), by the sums themselves."""
    wave = np.exp(2j * np.pi * (frequency[:, None] * time % 1.0))
    centred = values - values.mean()
    y, w = wave @ centred, (wave * wave).sum(axis=1)
    n = len(time)
    power = n * np.abs(y) ** 2 - (w.conj() * y * y).real
    return np.asarray(power / (centred.var(ddof=1) * (n * n - np.abs(w) ** 2)))
