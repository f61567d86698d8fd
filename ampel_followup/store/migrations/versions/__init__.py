"""One module per layout of the store."""
