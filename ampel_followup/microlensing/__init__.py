"""Gravitational microlensing: point-lens fits of many light curves, their features, injected events, and planets."""
