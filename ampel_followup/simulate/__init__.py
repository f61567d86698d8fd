"""Simulated transients, spectra and alert packets."""
