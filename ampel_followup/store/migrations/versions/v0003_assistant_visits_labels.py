"""What the assistant said and the policy made of it, every visit that was scored, and labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

#: Tables of records, which are only ever appended to → their keys.
_RECORDS = {"visits": ("id", "mjd", "assistant_digest", "policy"), "labels": ("id",)}


def upgrade() -> None:
    """Add the columns, empty in the plans that are there already, and make the tables."""
    op.add_column("plans", sa.Column("n_set_aside", sa.Integer, nullable=False, server_default="0"))
    for name in ("assistant", "assistant_digest", "policy"):
        op.add_column("plans", sa.Column(name, sa.Text, nullable=False, server_default=""))

    op.add_column("targets", sa.Column("set_aside", sa.Boolean, nullable=False, server_default=sa.false()))
    for name in ("p_real", "p_galactic", "p_fast", "assistant_rank"):
        op.add_column("targets", sa.Column(name, sa.Double))
    for name in ("stage", "queue"):
        op.add_column("targets", sa.Column(name, sa.Text))

    op.create_table(
        "visits",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("mjd", sa.Double, primary_key=True),
        sa.Column("assistant_digest", sa.Text, primary_key=True),
        sa.Column("policy", sa.Text, primary_key=True),
        sa.Column("day", sa.Double),
        sa.Column("p_real", sa.Double),
        sa.Column("p_galactic", sa.Double),
        sa.Column("p_fast", sa.Double),
        sa.Column("rank", sa.Double),
        sa.Column("stage", sa.Text),
        sa.Column("queue", sa.Text),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded", sa.Text, nullable=False),
    )
    op.create_index("visits_by_night", "visits", ["night"])

    op.create_table(
        "labels",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column("redshift", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_index("labels_by_target", "labels", ["target"])

    sqlite = op.get_context().dialect.name == "sqlite"
    for table, key in _RECORDS.items():
        for trigger in _sqlite_triggers(table, key) if sqlite else _postgresql_triggers(table):
            op.execute(trigger)


def _sqlite_triggers(table: str, key: tuple[str, ...]) -> tuple[str, ...]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_refusal(table)}'); END"
    same = " AND ".join(f"{name} = NEW.{name}" for name in key)
    return (
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes a row without asking the trigger above.
        f"CREATE TRIGGER {table}_never_replaced BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}",
    )


def _postgresql_triggers(table: str) -> tuple[str, ...]:
    return (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_refusal(table)}'; END $$",
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    )


def _refusal(table: str) -> str:
    return f"{table} are a record: nothing in it changes"
