"""Until when a target is put off: what people write, as an evening date; plain Python, for the command and the app."""

from __future__ import annotations

import re
from datetime import date, timedelta

from ampel_followup.errors import NightError
from ampel_followup.untrusted import clean

#: What is put off for longer is meant to be rejected, or is a slip of the finger [d].
LONGEST = 3660

#: What can be written, for messages and manuals.
FORMS = "3, +3d, 2w, tomorrow, or a date as 2026-12-01"

_NUMBER = re.compile(r"\+?\s*(\d{1,6})\s*(d|days?|n|nights?|w|weeks?)?", re.ASCII)


def parse_until(text: str, night: date) -> date:
    """
    Read until when a target is put off.

    Parameters
    ----------
    text : str
        A number of days or weeks after the night (``3``, ``+3d``, ``2w``), ``tomorrow``, or a date (``2026-12-01``).
    night : date
        Evening date on which it is put off.

    Returns
    -------
    date
        The first evening on which the target is to come back; after `night`.

    Raises
    ------
    NightError
        If the text is none of these, or names a day that does not come after the night or comes too late.
    """
    shown, words = clean(text, 40), text.strip().casefold()
    number = _NUMBER.fullmatch(words)
    if number is not None:
        days = int(number[1]) * (7 if (number[2] or "d").startswith("w") else 1)
    elif words == "tomorrow":
        days = 1
    else:
        try:
            days = (date.fromisoformat(words) - night).days
        except ValueError as error:
            raise NightError(f"“{shown}” says no day to come back on; write {FORMS}") from error
    if days < 1:
        raise NightError(f"“{shown}” does not come after the night of {night}; write {FORMS}")
    if days > LONGEST:
        raise NightError(f"“{shown}” is more than ten years away; reject the target instead")
    return night + timedelta(days=days)
