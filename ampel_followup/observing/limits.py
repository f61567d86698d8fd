"""What counts as observable."""

from __future__ import annotations

from dataclasses import dataclass

from ampel_followup.errors import FollowupError
from ampel_followup.observing.airmass import altitude_of_airmass


@dataclass(frozen=True, slots=True)
class ObservingLimits:
    """
    The limits that a target must be within for long enough in the dark.

    Parameters
    ----------
    max_airmass : float
        At least 1.
    min_altitude : float
        0 to 90 [deg]; the stricter of this and `max_airmass` holds.
    min_moon_separation : float
        0 to 180 [deg], asked for only while the Moon is above the horizon.
    min_hours : float
        Least useful time in the night, all stretches together [h].
    max_altitude : float
        0 to 90 [deg]: nearer to the zenith an altazimuth mount cannot follow. 90 = no limit.
    max_hour_angle : float
        0 to 12 [h], either side of the meridian: an equatorial mount turns no further. 12 = no limit.

    Raises
    ------
    FollowupError
        If a value is out of range, or the limits exclude one another.
    """

    max_airmass: float = 2.0
    min_altitude: float = 0.0
    min_moon_separation: float = 20.0
    min_hours: float = 0.25
    max_altitude: float = 90.0
    max_hour_angle: float = 12.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_airmass", 1.0, 40.0),
            ("min_altitude", 0.0, 90.0),
            ("min_moon_separation", 0.0, 180.0),
            ("min_hours", 0.0, 24.0),
            ("max_altitude", 0.0, 90.0),
            ("max_hour_angle", 0.0, 12.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise FollowupError(f"observing limit {name} = {value:g} is out of range; give {low:g} to {high:g}")
        if self.max_altitude < 90.0 and self.max_altitude <= self.lowest_altitude:
            raise FollowupError(
                f"observing limit max_altitude = {self.max_altitude:g} leaves nothing: targets must be above"
                f" {self.lowest_altitude:.1f}° (max_airmass, min_altitude); give more than that"
            )

    @property
    def lowest_altitude(self) -> float:
        """Altitude that a target must exceed [deg]."""
        return max(self.min_altitude, altitude_of_airmass(self.max_airmass))
