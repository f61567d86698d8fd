"""When a target stands best at each place that observes tonight, and where the Moon is then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from ampel_followup.plan import NightSummary
from ampel_followup.timetable import Timetable
from ampel_followup.untrusted import clean
from ampel_followup_tui.glyphs import GREY
from ampel_followup_tui.instants import clock_of_mjd
from ampel_followup_tui.panes.flow import flow

if TYPE_CHECKING:
    from ampel_followup.observing.tracks import SkyTrack

_LONGEST_NAME = 30
# Nobody observes through more than this.
_HORIZON = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where telescopes stand: how it is called, and its night."""

    name: str
    night: NightSummary


def places(night: NightSummary, timetable: Timetable | None) -> tuple[Place, ...]:
    """
    Return where tonight's telescopes are.

    Parameters
    ----------
    night : NightSummary
        Of the plan: its site comes first.
    timetable : Timetable or None
        The schedule, whose other sites follow, each with its telescopes.
    """
    found = [Place(night.site_name, night)]
    others: dict[str, list[str]] = {}
    nights = {}
    for telescope in timetable.telescopes if timetable is not None else ():
        if telescope.night.site != night.site:
            others.setdefault(telescope.night.site, []).append(telescope.name)
            nights[telescope.night.site] = telescope.night
    return (*found, *(Place(", ".join(names), nights[site]) for site, names in others.items()))


def places_text(tracks: Sequence[tuple[Place, SkyTrack]], width: int) -> Text:
    """
    Say for each place when the target stands best in the dark, how high, and where the Moon is then.

    Parameters
    ----------
    tracks : sequence of (Place, SkyTrack)
        The place of the plan first.
    width : int
        Room [characters].

    Returns
    -------
    Text
        Of the place of the plan only the Moon: `visibility` tells the rest. Times are on the clock of each place.
    """
    text = Text()
    for number, (place, track) in enumerate(tracks):
        best = track.best
        if number == 0:
            # Of the place of the plan all but the Moon has been said.
            if best is not None:
                away, high = _moon(track, best)
                text.append_text(flow([Text.assemble(("when best: ", GREY), away), high], width))
            continue
        pieces = [Text(clean(place.name, min(_LONGEST_NAME, width)), GREY)]
        if best is None:
            pieces.append(Text("below the horizon all night"))
        else:
            pieces += [
                Text(f"best {clock_of_mjd(track.time[best], place.night.timezone)}"),
                Text(f"airmass {track.airmass[best]:.2f}" if track.airmass[best] < _HORIZON else "on the horizon"),
                *_moon(track, best),
            ]
        text.append_text(flow(pieces, width))
    return text


def _moon(track: SkyTrack, at: int) -> tuple[Text, Text]:
    height = track.moon_altitude[at]
    away = Text(f"Moon {track.moon_separation[at]:.0f}° away")
    return away, Text(f"Moon {height:.0f}° high" if height > 0.0 else "Moon set")
