"""Cutouts of objects, where a run was asked to keep them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table, empty."""
    op.create_table(
        "cutouts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("candid", sa.BigInteger, nullable=False),
        sa.Column("mjd", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("scale", sa.Double),
        sa.Column("images", sa.LargeBinary, nullable=False),
    )
