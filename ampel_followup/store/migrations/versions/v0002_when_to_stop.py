"""What a plan says of when to stop, and of how its spectra were drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; plans that are there already say nothing of either."""
    op.add_column("plans", sa.Column("stop", sa.Text))
    op.add_column("plans", sa.Column("sampling", sa.Text, nullable=False, server_default=""))
