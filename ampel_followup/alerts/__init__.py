"""Alert readers: each yields light curves."""
