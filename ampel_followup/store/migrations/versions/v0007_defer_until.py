"""Until when a target is deferred."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column, empty in the decisions that are there already."""
    op.add_column("decisions", sa.Column("until", sa.Text))
