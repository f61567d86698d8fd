"""
What tells a lens from a supernova, a cataclysmic variable or a variable star: three fits compared, and what they leave.

All are ratios: neither the survey, nor its depth, nor the brightness of the object is told, and no place on the sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ampel_followup.features.ragged import Floats, Points
from ampel_followup.microlensing.fit import PaczynskiFit, fit_paczynski
from ampel_followup.microlensing.flux_points import N_BANDS, FluxPoints
from ampel_followup.microlensing.magnification import point_lens

#: Name and meaning of the features, in the order of the columns.
FEATURES: dict[str, str] = {
    "log_points": "ln of the number of points in known bands",
    "n_bands": "bands with four points or more",
    "log_signal": "ln(1 + Δχ² of a lens against constant light / χ² of the lens per degree of freedom)",
    "explained": "share of the χ² of constant light that a lens takes away",
    "log_misfit": "ln of χ² of the lens per degree of freedom",
    "log_misfit_inside": "the same of the points within half of the height, per point",
    "log_misfit_outside": "the same of the points below a tenth of the height",
    "correlation": "correlation of residuals that follow one another in a band",
    "skewness": "s of the skewed fit",
    "log_skew_gain": "ln(1 + Δχ² of the skewed fit / χ² of the lens per degree of freedom)",
    "skew_share": "share of the χ² of the lens that the skewed fit takes away",
    "log_chromatic_gain": "ln(1 + Δχ² of a lens for each band / χ² of the lens per degree of freedom)",
    "chromatic_share": "share of the χ² of the lens that a lens for each band takes away",
    "peak_shift": "peak in the reddest band after that in the bluest one, in widths; bands that tell their peaks alone",
    "width_ratio": "ln of the width in the reddest over that in the bluest of these bands",
    "height_spread": "standard deviation over bands of ln height of their own lens over that of the common one",
    "log_width": "ln of the full width at half height [d]",
    "log_impact": "ln u₀",
    "width_error": "standard deviation of ln t_E",
    "before": "from the first point to the peak, in widths",
    "after": "from the peak to the last point, in widths",
    "log_inside": "ln(1 + number of points within half of the height)",
    "log_nights_inside": "ln(1 + number of nights of these)",
    "below": "share of points three σ or more below the fit",
    "negative": "share of points three σ or more below the baseline",
    "log_height": "ln of the height over the median error of the points, in the band where that is largest",
}

#: Fits with fewer points than this tell nothing: an object has no features.
LEAST_POINTS = 6

# Points that make a band one that tells something, and the height over its error that makes it tell the peak alone.
_BAND_POINTS, _BAND_HEIGHT = 4, 4.0

# Ratios beyond these are not told apart.
_FARTHEST, _LARGEST = 8.0, 1e6


@dataclass(frozen=True, slots=True)
class LensFits:
    """
    The three fits of n objects.

    Parameters
    ----------
    points : FluxPoints
    lens : PaczynskiFit
        One lens, all bands.
    skewed : PaczynskiFit
        The same with different time scales before and after the peak.
    by_band : PaczynskiFit
        A lens for every band: of 6 n objects.
    """

    points: FluxPoints
    lens: PaczynskiFit
    skewed: PaczynskiFit
    by_band: PaczynskiFit

    @classmethod
    def of(cls, points: Points) -> LensFits:
        """Fit n objects."""
        used = FluxPoints.of(points)
        lens = fit_paczynski(used)
        start = np.nan_to_num(lens.parameters)
        skewed = fit_paczynski(used, skewed=True, start=start)
        by_band = fit_paczynski(used.by_band(), start=np.repeat(start, N_BANDS, axis=0))
        return cls(used, lens, skewed, by_band)

    def features(self) -> Floats:
        """Return the `FEATURES`, shape (n, k); NaN where not measurable, and all NaN below `LEAST_POINTS` points."""
        columns = {**self._quality(), **self._alternatives(), **self._colours(), **self._course()}
        values = np.column_stack([columns[name] for name in FEATURES])
        values[self.points.count() < LEAST_POINTS] = np.nan
        return values

    @property
    def misfit(self) -> Floats:
        """χ² of the lens per degree of freedom, shape (n,): those of a fit without priors, and at least one."""
        points = self.points
        bands = (points.sum_by_band(np.ones(len(points.time))) > 0).reshape(-1, N_BANDS).sum(axis=1)
        return np.asarray(self.lens.chi2 / np.maximum(points.count() - 2.0 * bands - 3.0, 1.0))

    @property
    def chromatic_gain(self) -> Floats:
        """Δχ² of a lens for each band, shape (n,)."""
        return np.asarray(np.maximum(self.lens.chi2 - np.nansum(self.by_band.chi2.reshape(-1, N_BANDS), axis=1), 0.0))

    def _relative_height(self) -> tuple[Floats, Floats]:
        """Return (A − 1) over its value at the peak at every point, and pulls of the residuals."""
        points, parameters = self.points, self.lens.parameters[self.points.index]
        moved = (points.time - parameters[:, 0]) * np.exp(-parameters[:, 1])
        height = point_lens(np.hypot(np.exp(parameters[:, 2]), moved))[0] - 1.0
        at_peak = point_lens(np.exp(parameters[:, 2]))[0] - 1.0
        flux, _ = self.lens.predict(points)
        return height / at_peak, (points.flux - flux) * np.sqrt(points.weight)

    def _quality(self) -> dict[str, Floats]:
        points = self.points
        height, pulls = self._relative_height()
        s1 = points.sum_by_band(points.weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = points.sum_by_band(points.weight * points.flux) / s1
            constant = points.sum(points.weight * (points.flux - mean[points.group]) ** 2)
            inside, outside = height > 0.5, height < 0.1
            of_inside = points.sum(inside * pulls**2) / points.sum(inside.astype(np.float64))
            of_outside = points.sum(outside * pulls**2) / points.sum(outside.astype(np.float64))
            gain = np.maximum(constant - self.lens.chi2, 0.0)
            order = np.lexsort((points.time, points.group))
            same = points.group[order[1:]] == points.group[order[:-1]]
            index = points.index[order[1:]][same]
            product = (pulls[order[1:]] * pulls[order[:-1]])[same]
            follow = np.bincount(index, weights=product, minlength=points.n)
            square = 0.5 * ((pulls[order[1:]] ** 2 + pulls[order[:-1]] ** 2)[same])
            norm = np.bincount(index, weights=square, minlength=points.n)
            baseline = (self.lens.baseline.ravel() / np.repeat(points.scale, N_BANDS))[points.group]
            excess = (points.flux - baseline) * np.sqrt(points.weight)
            return {
                "log_points": np.log(points.count()),
                "log_signal": _log_ratio(gain, self.misfit),
                "explained": gain / constant,
                "log_misfit": _log(self.misfit),
                "log_misfit_inside": _log(of_inside),
                "log_misfit_outside": _log(of_outside),
                "correlation": follow / norm,
                "below": points.sum((pulls < -3.0).astype(np.float64)) / points.count(),
                "negative": points.sum((excess < -3.0).astype(np.float64)) / points.count(),
            }

    def _alternatives(self) -> dict[str, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            skew_gain = np.maximum(self.lens.chi2 - self.skewed.chi2, 0.0)
            return {
                "skewness": self.skewed.parameters[:, 3],
                "log_skew_gain": _log_ratio(skew_gain, self.misfit),
                "skew_share": skew_gain / self.lens.chi2,
                "log_chromatic_gain": _log_ratio(self.chromatic_gain, self.misfit),
                "chromatic_share": self.chromatic_gain / self.lens.chi2,
            }

    def _colours(self) -> dict[str, Floats]:
        points, n = self.points, self.points.n
        count = points.sum_by_band(np.ones(len(points.time))).reshape(n, N_BANDS)
        heights, errors = self._heights()
        common = self.lens.source * (point_lens(self.lens.impact)[0] - 1.0)[:, None]
        own = self.by_band.source.reshape(n, N_BANDS, N_BANDS)[:, np.arange(N_BANDS), np.arange(N_BANDS)]
        own_height = own * (point_lens(self.by_band.impact.reshape(n, N_BANDS))[0] - 1.0)
        peak = self.by_band.peak_time.reshape(n, N_BANDS)
        width = self.by_band.parameters[:, 1].reshape(n, N_BANDS) + np.log(_half_width(self.by_band.impact)).reshape(
            n, N_BANDS
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            telling = (count >= _BAND_POINTS) & (heights / errors > _BAND_HEIGHT) & np.isfinite(peak)
            bluest, reddest = np.argmax(telling, axis=1), N_BANDS - 1 - np.argmax(telling[:, ::-1], axis=1)
            rows, two = np.arange(n), telling.sum(axis=1) >= 2
            shift = (peak[rows, reddest] - peak[rows, bluest]) / self._width()
            ratio = width[rows, reddest] - width[rows, bluest]
            departure = np.where(telling, np.log(np.clip(own_height / common, 1e-3, 1e3)), np.nan)
            middle = np.nansum(departure, axis=1) / telling.sum(axis=1)
            spread = np.sqrt(np.nansum((departure - middle[:, None]) ** 2, axis=1) / telling.sum(axis=1))
            return {
                "n_bands": (count >= _BAND_POINTS).sum(axis=1).astype(np.float64),
                "peak_shift": np.where(two, np.clip(shift, -_FARTHEST, _FARTHEST), np.nan),
                "width_ratio": np.where(two, ratio, np.nan),
                "height_spread": np.where(two, spread, np.nan),
            }

    def _course(self) -> dict[str, Floats]:
        points, lens, width = self.points, self.lens, self._width()
        height, _ = self._relative_height()
        first, last = np.full(points.n, np.inf), np.full(points.n, -np.inf)
        np.minimum.at(first, points.index, points.time)
        np.maximum.at(last, points.index, points.time)
        inside = height > 0.5
        nights = np.unique(np.stack([points.index[inside], np.floor(points.time[inside]).astype(np.intp)]), axis=1)
        heights, errors = self._heights()
        with np.errstate(invalid="ignore", divide="ignore"):
            tallest = np.max(np.nan_to_num(heights / errors), axis=1, initial=0.0)
            return {
                "log_width": np.log(width),
                "log_impact": lens.parameters[:, 2],
                "width_error": np.sqrt(lens.covariance[:, 1, 1]),
                "before": np.clip((lens.peak_time - first) / width, -_FARTHEST, _FARTHEST),
                "after": np.clip((last - lens.peak_time) / width, -_FARTHEST, _FARTHEST),
                "log_inside": np.log1p(points.sum(inside.astype(np.float64))),
                "log_nights_inside": np.log1p(np.bincount(nights[0], minlength=points.n).astype(np.float64)),
                "log_height": _log(tallest),
            }

    def _width(self) -> Floats:
        """Full width at half height [d], shape (n,)."""
        return np.asarray(2.0 * self.lens.einstein_time * _half_width(self.lens.impact))

    def _heights(self) -> tuple[Floats, Floats]:
        """Height of the common lens in each band, and the median error of its points, shape (n, 6) each [µJy]."""
        points = self.points
        order = np.lexsort((points.weight, points.group))
        count = np.bincount(points.group, minlength=points.n * N_BANDS)
        begin = np.cumsum(count) - count
        filled = count > 0
        error = np.full(len(count), np.nan)
        error[filled] = points.weight[order][(begin + count // 2)[filled]] ** -0.5
        heights = self.lens.source * (point_lens(self.lens.impact)[0] - 1.0)[:, None]
        return heights, error.reshape(-1, N_BANDS) * points.scale[:, None]


def _half_width(impact: Floats) -> Floats:
    """Time from the peak to half of its height A − 1, in t_E, by inverting A(u)."""
    half = 1.0 + 0.5 * (point_lens(impact)[0] - 1.0)
    # A² (u⁴ + 4u²) = (u² + 2)² gives u² = −2 + 2A / √(A² − 1).
    u2 = -2.0 + 2.0 * half / np.sqrt(half**2 - 1.0)
    return np.asarray(np.sqrt(np.maximum(u2 - impact**2, 1e-12)))


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.clip(values, 1.0 / _LARGEST, _LARGEST)))


def _log_ratio(gain: Floats, misfit: Floats) -> Floats:
    return np.asarray(np.log1p(np.clip(gain / np.maximum(misfit, 1e-3), 0.0, _LARGEST)))
