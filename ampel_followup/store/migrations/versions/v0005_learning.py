"""Where labels point to, what was known of objects when they were listed, challengers, and bundles in use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

#: Tables of records, which are only ever appended to.
_RECORDS = ("challengers", "promotions")


def upgrade() -> None:
    """Add the columns, empty in the labels that are there already, and make the tables."""
    for name in ("name", "matched", "comment"):
        op.add_column("labels", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("ra", "dec"):
        op.add_column("labels", sa.Column(name, sa.Double))

    op.create_table(
        "listed_light_curves",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("stock", sa.BigInteger, nullable=False),
        sa.Column("ra", sa.Double, nullable=False),
        sa.Column("dec", sa.Double, nullable=False),
        sa.Column("n_points", sa.Integer, nullable=False),
        sa.Column("last_mjd", sa.Double, nullable=False),
        sa.Column("meta", sa.Text, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "challengers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("bundle_digest", sa.Text, nullable=False),
        sa.Column("champion", sa.Text, nullable=False),
        sa.Column("champion_digest", sa.Text, nullable=False),
        sa.Column("n_learned", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("bundle_digest", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("observer", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("challenger", sa.Integer, sa.ForeignKey("challengers.id")),
        sa.Column("undoes", sa.Integer, sa.ForeignKey("promotions.id"), unique=True),
        sa.Column("last_label", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )

    sqlite = op.get_context().dialect.name == "sqlite"
    for table in _RECORDS:
        for trigger in _sqlite_triggers(table) if sqlite else _postgresql_triggers(table):
            op.execute(trigger)


def _sqlite_triggers(table: str) -> tuple[str, ...]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_refusal(table)}'); END"
    return (
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes a row without asking the trigger above.
        f"CREATE TRIGGER {table}_never_replaced BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {refuse}",
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
