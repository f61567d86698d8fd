"""Schedules: which telescope was to observe what, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_REFUSAL = "timetables are a record: nothing in it changes"


def upgrade() -> None:
    """Make the table, which is only ever appended to."""
    op.create_table(
        "timetables",
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("telescopes", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("bound", sa.Double),
        sa.Column("n_blocks", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("timetables_by_night_telescopes", "timetables", ["night", "telescopes"])
    sqlite = op.get_context().dialect.name == "sqlite"
    for trigger in _sqlite_triggers() if sqlite else _postgresql_triggers():
        op.execute(trigger)


def _sqlite_triggers() -> tuple[str, ...]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return (
        f"CREATE TRIGGER timetables_never_change BEFORE UPDATE ON timetables {refuse}",
        f"CREATE TRIGGER timetables_never_go BEFORE DELETE ON timetables {refuse}",
        # INSERT OR REPLACE deletes a row without asking the trigger above.
        "CREATE TRIGGER timetables_never_replaced BEFORE INSERT ON timetables"
        f" WHEN EXISTS (SELECT 1 FROM timetables WHERE revision = NEW.revision) {refuse}",
    )


def _postgresql_triggers() -> tuple[str, ...]:
    return (
        "CREATE FUNCTION timetables_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
        "CREATE TRIGGER timetables_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON timetables"
        " FOR EACH STATEMENT EXECUTE FUNCTION timetables_refuse()",
    )
