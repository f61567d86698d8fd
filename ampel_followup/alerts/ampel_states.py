"""
The light curve of a state, made once for all AMPEL units that ask for it one after the other.

A worker takes the documents of a state in the order in which they were queued, so that several units are given the same
datapoints, read from the database anew for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ampel_followup.alerts.ampel_points import light_curve_from_datapoints
from ampel_followup.lightcurve import LightCurve


class LastState:
    """Makes light curves of states, and remembers that of the last one by all of its datapoints that goes into it."""

    def __init__(self) -> None:
        self._last: tuple[object, list[tuple[object, object, object]], LightCurve] | None = None

    def light_curve(self, stock: object, datapoints: Sequence[Mapping[str, Any]]) -> LightCurve:
        """
        Return the light curve of a state.

        Parameters
        ----------
        stock, datapoints
            As for `ampel_followup.alerts.ampel_points.light_curve_from_datapoints`.

        Returns
        -------
        LightCurve
            The same object as before if everything is as it was the last time.

        Raises
        ------
        AlertError, LightCurveError
            As `light_curve_from_datapoints`.
        """
        # Copies: whoever owns the datapoints may change them.
        said = [(point.get("id"), _copied(point.get("tag")), _copied(point.get("body"))) for point in datapoints]
        if self._last is not None:
            last_stock, last_said, light_curve = self._last
            if last_stock == stock and last_said == said:
                return light_curve
        light_curve = light_curve_from_datapoints(stock, datapoints)
        self._last = stock, said, light_curve
        return light_curve


def _copied(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, list) else value


#: Of this process, shared by its units.
LAST_STATE = LastState()

#: A supernova on its rise, for units to prepare on what they need for the states that come.
EXAMPLE = LightCurve(
    id="example",
    stock=0,
    time=60000.0 + np.arange(12.0),
    band=np.array(["ztfg", "ztfr"] * 6),
    flux=np.concatenate([np.zeros(4), np.linspace(20.0, 160.0, 8)]),
    flux_err=np.full(12, 4.0),
    upper_limit=np.arange(12) < 4,
    ra=150.0,
    dec=2.0,
)
