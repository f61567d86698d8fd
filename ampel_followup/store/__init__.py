"""Plans, light curves and decisions in a database."""
