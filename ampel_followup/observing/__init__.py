"""Sites, nights and visibility."""
