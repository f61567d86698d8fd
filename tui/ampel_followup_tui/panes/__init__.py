"""What the detail panes say of a target, as text for a given width."""
