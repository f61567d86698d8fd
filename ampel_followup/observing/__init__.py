"""Sites, spectrographs, nights and visibility: what can be observed, where, when and how long, with no network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ampel_followup.observing.instruments import Instrument, get_instrument, load_instruments
    from ampel_followup.observing.limits import ObservingLimits
    from ampel_followup.observing.night import Night, night_at
    from ampel_followup.observing.sites import Site, get_site, load_sites
    from ampel_followup.observing.visibility import Visibility

# Loaded on first use: a list of sites needs neither NumPy nor ERFA. The function `visibility` is not repeated here,
# because its name is that of its module: `from ampel_followup.observing.visibility import visibility`.
_PUBLIC = {
    "Instrument": "instruments",
    "Night": "night",
    "ObservingLimits": "limits",
    "Site": "sites",
    "Visibility": "visibility",
    "get_instrument": "instruments",
    "get_site": "sites",
    "load_instruments": "instruments",
    "load_sites": "sites",
    "night_at": "night",
}

__all__ = [
    "Instrument",
    "Night",
    "ObservingLimits",
    "Site",
    "Visibility",
    "get_instrument",
    "get_site",
    "load_instruments",
    "load_sites",
    "night_at",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ampel_followup.observing' has no attribute {name!r}")
    value = getattr(import_module(f"ampel_followup.observing.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
