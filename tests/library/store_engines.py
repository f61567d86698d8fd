"""Stores as other programs see them."""

from __future__ import annotations

import sqlalchemy


def engine_of(url: str) -> sqlalchemy.Engine:
    """Another program's view of the store."""
    address = url.replace("postgresql://", "postgresql+psycopg://") if "://" in url else f"sqlite:///{url}"
    return sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
