"""
The tables of the store, for migrations and for those who query it by SQL; `docs/store.md` is the manual.

The store itself speaks plain SQL (`statements`), so that opening it does not load SQLAlchemy.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_unique_%(column_0_N_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_in_%(referred_table_name)s",
        "pk": "%(table_name)s_key",
    }
)

#: One row per plan. Times and dates are ISO 8601 text, UTC but for `night`; `night_summary`, `report` and `stop` are
#: JSON.
PLANS = Table(
    "plans",
    METADATA,
    Column("revision", Integer, primary_key=True),
    Column("night", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("site_name", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("n_targets", Integer, nullable=False),
    Column("n_not_observable", Integer, nullable=False),
    Column("bundle_digest", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("night_summary", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("stop", Text),
    Column("sampling", Text, nullable=False, server_default=""),
    Column("n_set_aside", Integer, nullable=False, server_default="0"),
    Column("assistant", Text, nullable=False, server_default=""),
    Column("assistant_digest", Text, nullable=False, server_default=""),
    Column("policy", Text, nullable=False, server_default=""),
    Index(None, "night", "site"),
    sqlite_autoincrement=True,
)

#: One row per target of a plan. `payload` is the whole `RankedTarget` as JSON; the other columns repeat what is asked
#: for by SQL, with NULL where the payload has no finite number. Not compressed: that would save 44 % of the space, for
#: a quarter more time to load, and would hide it from SQL's JSON functions. Targets that are set aside have positions
#: after those of both lists, whether they are observable or not.
TARGETS = Table(
    "targets",
    METADATA,
    Column("plan_revision", Integer, ForeignKey("plans.revision", ondelete="CASCADE"), primary_key=True),
    Column("observable", Boolean, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("stock", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("priority", Double),
    Column("class_now", Text, nullable=False),
    Column("class_after", Text, nullable=False),
    Column("entropy", Double),
    Column("expected_entropy", Double),
    Column("information_gain", Double),
    Column("indicator", Integer, nullable=False),
    Column("p_change", Double),
    Column("value_of_information", Double),
    Column("uncertainty", Double),
    Column("in_scope", Double),
    Column("payload", Text, nullable=False),
    Column("set_aside", Boolean, nullable=False, server_default=false()),
    Column("p_real", Double),
    Column("p_galactic", Double),
    Column("p_fast", Double),
    Column("assistant_rank", Double),
    Column("stage", Text),
    Column("queue", Text),
    Index(None, "id"),
)

#: One row per object: the newest light curve seen. `meta` is JSON; the layout of `points` is in `records`.
LIGHT_CURVES = Table(
    "light_curves",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("stock", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("n_points", Integer, nullable=False),
    Column("last_mjd", Double, nullable=False),
    Column("meta", Text, nullable=False),
    Column("points", LargeBinary, nullable=False),
)

#: One row per object whose cutouts were kept: those of its newest alert then. The layout of `images` is in
#: `ampel_followup.cutouts`.
CUTOUTS = Table(
    "cutouts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("candid", BigInteger, nullable=False),
    Column("mjd", Double, nullable=False),
    Column("band", Text, nullable=False),
    Column("scale", Double),
    Column("images", LargeBinary, nullable=False),
)

#: One row per object that a plan listed: its light curve as it was when it was first listed, in the columns of
#: `light_curves`, and the revision of that plan. What is learned of an object is learned from what was known then.
LISTED_LIGHT_CURVES = Table(
    "listed_light_curves",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("stock", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("n_points", Integer, nullable=False),
    Column("last_mjd", Double, nullable=False),
    Column("meta", Text, nullable=False),
    Column("points", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False),
)

#: One row per thing that a person did; `until` is the evening date on which a deferred target is to come back. Triggers
#: refuse every change and deletion of a row.
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("target", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("observer", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("plan_revision", Integer, ForeignKey("plans.revision")),
    Column("undoes", Integer, ForeignKey("decisions.id"), unique=True),
    Column("until", Text),
    Index(None, "night", "site"),
    Index(None, "target"),
    sqlite_autoincrement=True,
)

#: One row per visit of an object that an assistant scored under a policy: what was said when it was first said. `stage`
#: and `queue` are NULL where the visit was past when the object was first looked at. `revision` is that of a plan which
#: may be gone by now. Triggers refuse every change and deletion of a row.
VISITS = Table(
    "visits",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("mjd", Double, primary_key=True),
    Column("assistant_digest", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("day", Double),
    Column("p_real", Double),
    Column("p_galactic", Double),
    Column("p_fast", Double),
    Column("rank", Double),
    Column("stage", Text),
    Column("queue", Text),
    Column("night", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("recorded", Text, nullable=False),
    Index(None, "night"),
)

#: One row per thing that a source said of an object. `name` is what the source calls the object where `target` is
#: another name, and `matched` how they were found to be the same. Triggers refuse every change and deletion of a row.
LABELS = Table(
    "labels",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("target", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("confidence", Double),
    Column("redshift", Double),
    Column("name", Text, nullable=False, server_default=""),
    Column("ra", Double),
    Column("dec", Double),
    Column("matched", Text, nullable=False, server_default=""),
    Column("comment", Text, nullable=False, server_default=""),
    Index(None, "target"),
    sqlite_autoincrement=True,
)

#: One row per schedule. `telescopes` are the keys of the instruments in alphabetical order, with commas between them;
#: `payload` is the whole `Timetable` as JSON. Triggers refuse every change and deletion of a row.
TIMETABLES = Table(
    "timetables",
    METADATA,
    Column("revision", Integer, primary_key=True),
    Column("night", Text, nullable=False),
    Column("telescopes", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("value", Double),
    Column("bound", Double),
    Column("n_blocks", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Index(None, "night", "telescopes"),
    sqlite_autoincrement=True,
)

#: One row per run of `learn` that made a bundle. `payload` is the whole `Challenger` as JSON. Triggers refuse every
#: change and deletion of a row.
CHALLENGERS = Table(
    "challengers",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("bundle_digest", Text, nullable=False),
    Column("champion", Text, nullable=False),
    Column("champion_digest", Text, nullable=False),
    Column("n_learned", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)

#: One row each time that another bundle came into use; `folder` is empty for the one that comes with the package.
#: Triggers refuse every change and deletion of a row.
PROMOTIONS = Table(
    "promotions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("bundle_digest", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("observer", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("challenger", Integer, ForeignKey("challengers.id")),
    Column("undoes", Integer, ForeignKey("promotions.id"), unique=True),
    Column("last_label", Integer, nullable=False),
    sqlite_autoincrement=True,
)

#: One row per thing that a person wrote down about a night; `telescope` and `target` are empty where it is about all of
#: it. Triggers refuse every change and deletion of a row.
NOTES = Table(
    "notes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("night", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("telescope", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("observer", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "night", "site"),
    sqlite_autoincrement=True,
)

#: One row per thing that a service of others was told, see `ampel_followup.services.messages.Sent`; of one subject the
#: latest row holds. `content` is JSON. Triggers refuse every change and deletion of a row.
SENT = Table(
    "sent",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("night", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("content", Text, nullable=False),
    Index(None, "service", "subject"),
    sqlite_autoincrement=True,
)
