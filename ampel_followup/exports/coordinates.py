"""Positions in sexagesimal form."""

from __future__ import annotations

_HUNDREDTHS_OF_ARCSECOND = 3600 * 100
_MILLISECONDS_OF_DAY = 24 * 3600 * 1000


def right_ascension(degrees: float) -> str:
    """
    Return a right ascension as ``hh:mm:ss.sss``, rounded to a millisecond of time.

    Parameters
    ----------
    degrees : float
        ICRS [deg]; any turn of the circle.
    """
    # Whole units of the last digit: rounding then carries into seconds, minutes and hours, and never shows 60.
    total = round(degrees / 360.0 * _MILLISECONDS_OF_DAY) % _MILLISECONDS_OF_DAY
    seconds, milliseconds = divmod(total, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{milliseconds:03d}"


def declination(degrees: float) -> str:
    """
    Return a declination as ``±dd:mm:ss.ss``, rounded to 0.01″; the sign is kept south of the equator down to −00.

    Parameters
    ----------
    degrees : float
        ICRS [deg], −90 to 90.
    """
    total = round(abs(degrees) * _HUNDREDTHS_OF_ARCSECOND)
    sign = "-" if degrees < 0 and total else "+"
    seconds, hundredths = divmod(total, 100)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{hundredths:02d}"
