"""The keys that observers choose: how they are written, what they may not be, and the file that says so."""
