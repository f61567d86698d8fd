"""Light curves as Gaussian processes in time and wavelength, and new ones made of them."""
