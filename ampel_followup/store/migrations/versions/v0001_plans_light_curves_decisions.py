"""Plans, their targets, light curves, and decisions that are only ever appended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSED = "decisions are a record: add one that undoes it instead"

_SQLITE_TRIGGERS = (
    f"CREATE TRIGGER decisions_never_change BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    f"CREATE TRIGGER decisions_never_go BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    # INSERT OR REPLACE deletes a row without asking the trigger above.
    "CREATE TRIGGER decisions_never_replaced BEFORE INSERT ON decisions"
    f" WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
)

_POSTGRESQL_TRIGGERS = (
    "CREATE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$",
    "CREATE TRIGGER decisions_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions"
    " FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()",
)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "plans",
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("site_name", sa.Text, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("n_targets", sa.Integer, nullable=False),
        sa.Column("n_not_observable", sa.Integer, nullable=False),
        sa.Column("bundle_digest", sa.Text, nullable=False),
        sa.Column("plan_digest", sa.Text, nullable=False),
        sa.Column("night_summary", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("plans_by_night_site", "plans", ["night", "site"])

    op.create_table(
        "targets",
        sa.Column("plan_revision", sa.Integer, sa.ForeignKey("plans.revision", ondelete="CASCADE"), primary_key=True),
        sa.Column("observable", sa.Boolean, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("stock", sa.BigInteger, nullable=False),
        sa.Column("ra", sa.Double, nullable=False),
        sa.Column("dec", sa.Double, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("priority", sa.Double),
        sa.Column("class_now", sa.Text, nullable=False),
        sa.Column("class_after", sa.Text, nullable=False),
        sa.Column("entropy", sa.Double),
        sa.Column("expected_entropy", sa.Double),
        sa.Column("information_gain", sa.Double),
        sa.Column("indicator", sa.Integer, nullable=False),
        sa.Column("p_change", sa.Double),
        sa.Column("value_of_information", sa.Double),
        sa.Column("uncertainty", sa.Double),
        sa.Column("in_scope", sa.Double),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("targets_by_id", "targets", ["id"])

    op.create_table(
        "light_curves",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("stock", sa.BigInteger, nullable=False),
        sa.Column("ra", sa.Double, nullable=False),
        sa.Column("dec", sa.Double, nullable=False),
        sa.Column("n_points", sa.Integer, nullable=False),
        sa.Column("last_mjd", sa.Double, nullable=False),
        sa.Column("meta", sa.Text, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
    )

    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("night", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("observer", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("plan_revision", sa.Integer, sa.ForeignKey("plans.revision")),
        sa.Column("undoes", sa.Integer, sa.ForeignKey("decisions.id"), unique=True),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_by_night_site", "decisions", ["night", "site"])
    op.create_index("decisions_by_target", "decisions", ["target"])

    sqlite = op.get_context().dialect.name == "sqlite"
    for trigger in _SQLITE_TRIGGERS if sqlite else _POSTGRESQL_TRIGGERS:
        op.execute(trigger)
