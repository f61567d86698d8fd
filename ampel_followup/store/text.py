"""Text that a database can hold."""

from __future__ import annotations


def storable(text: str) -> str:
    """Replace what a database cannot hold: NUL, and the lone surrogates that a wrongly set terminal types."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
