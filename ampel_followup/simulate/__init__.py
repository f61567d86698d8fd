"""Simulated transients, spectra and alert packets."""

from ampel_followup.simulate.night import DEFAULT_MIX, SimulatedObject, simulate_objects

__all__ = ["DEFAULT_MIX", "SimulatedObject", "simulate_objects"]
