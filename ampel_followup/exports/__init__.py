"""Target lists, one module per format."""
