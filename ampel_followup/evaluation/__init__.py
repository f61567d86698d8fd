"""Metrics, and the published comparison of strategies on data with known answers."""
