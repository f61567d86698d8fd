"""Filters as short expressions, such as ``class:Ia mag<19 !done``: read, matched, completed."""
