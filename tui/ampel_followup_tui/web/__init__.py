"""The app in a browser: a page, a guard at its door, and a process of the app for each visitor."""
