"""Notes on a night, a telescope, or a block."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_REFUSAL = "notes are a record: nothing in it changes"


def upgrade() -> None:
    """Make the table, to which rows are only ever appended."""
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("telescope", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("observer", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_by_night_site", "notes", ["night", "site"])
    sqlite = op.get_context().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)


_RAISE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
_SQLITE = (
    f"CREATE TRIGGER notes_never_change BEFORE UPDATE ON notes {_RAISE}",
    f"CREATE TRIGGER notes_never_go BEFORE DELETE ON notes {_RAISE}",
    # INSERT OR REPLACE deletes a row without asking the trigger above.
    "CREATE TRIGGER notes_never_replaced BEFORE INSERT ON notes"
    f" WHEN EXISTS (SELECT 1 FROM notes WHERE id = NEW.id) {_RAISE}",
)
_POSTGRESQL = (
    f"CREATE FUNCTION notes_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    "CREATE TRIGGER notes_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON notes"
    " FOR EACH STATEMENT EXECUTE FUNCTION notes_refuse()",
)
