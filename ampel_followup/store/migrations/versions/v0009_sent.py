"""What services of others were told of targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_REFUSAL = "what was sent is a record: nothing in it changes"


def upgrade() -> None:
    """Make the table, to which rows are only ever appended."""
    op.create_table(
        "sent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("sent_by_service_subject", "sent", ["service", "subject"])
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)


_RAISE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
_SQLITE = (
    f"CREATE TRIGGER sent_never_change BEFORE UPDATE ON sent {_RAISE}",
    f"CREATE TRIGGER sent_never_go BEFORE DELETE ON sent {_RAISE}",
    # INSERT OR REPLACE deletes a row without asking the trigger above.
    "CREATE TRIGGER sent_never_replaced BEFORE INSERT ON sent"
    f" WHEN EXISTS (SELECT 1 FROM sent WHERE id = NEW.id) {_RAISE}",
)
_POSTGRESQL = (
    f"CREATE FUNCTION sent_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    "CREATE TRIGGER sent_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON sent"
    " FOR EACH STATEMENT EXECUTE FUNCTION sent_refuse()",
)
