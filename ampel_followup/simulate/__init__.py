"""Simulated transients, spectra and alert packets."""

from ampel_followup.simulate.night import DEFAULT_MIX, SimulatedObject, simulate_objects
from ampel_followup.simulate.packets import AlertCount, write_alerts

__all__ = ["DEFAULT_MIX", "AlertCount", "SimulatedObject", "simulate_objects", "write_alerts"]
