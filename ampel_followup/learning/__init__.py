"""Learning from labels: users' tables, light curves and spectra become training sets, and those a bundle."""
