"""The SQL of the store: the part that SQLite and PostgreSQL share. What the columns mean is in `schema`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ampel_followup.store.records import Appearance, PlanInfo, TimetableInfo

PLAN_INFO_COLUMNS = tuple(f.name for f in fields(PlanInfo))

#: What else a plan is rebuilt from, besides its targets.
PLAN_BODY_COLUMNS = (
    "bundle_digest", "night_summary", "report", "stop", "sampling", "assistant", "assistant_digest", "policy",
)  # fmt: skip

PLAN_COLUMNS = (
    *PLAN_INFO_COLUMNS[1:],
    "plan_digest",
    *PLAN_BODY_COLUMNS,
)

#: Columns of `targets` that are fields of the target's scores, for those who query by SQL.
SCORE_COLUMNS = (
    "class_now",
    "class_after",
    "entropy",
    "expected_entropy",
    "information_gain",
    "indicator",
    "p_change",
    "value_of_information",
    "uncertainty",
    "in_scope",
)

#: Columns of `targets` that say what the assistant and the policy made of the target; NULL without them.
ASSISTANT_COLUMNS = ("p_real", "p_galactic", "p_fast", "assistant_rank", "stage", "queue")

TARGET_COLUMNS = (
    "plan_revision",
    "observable",
    "set_aside",
    "position",
    "id",
    "stock",
    "ra",
    "dec",
    "rank",
    "priority",
    *SCORE_COLUMNS,
    *ASSISTANT_COLUMNS,
    "payload",
)

LIGHT_CURVE_COLUMNS = ("id", "stock", "ra", "dec", "n_points", "last_mjd", "meta", "points")

DECISION_COLUMNS = (
    "target",
    "night",
    "site",
    "verdict",
    "observer",
    "time",
    "comment",
    "plan_revision",
    "undoes",
    "until",
)

VISIT_COLUMNS = (
    "id", "mjd", "day", "p_real", "p_galactic", "p_fast", "rank", "assistant_digest", "policy", "night", "site",
    "revision", "queue", "stage", "recorded",
)  # fmt: skip

LABEL_COLUMNS = (
    "target", "type", "source", "time", "author", "confidence", "redshift", "name", "ra", "dec", "matched",
    "comment",
)  # fmt: skip

#: The other columns of `challengers` repeat what its payload holds.
CHALLENGER_COLUMNS = (
    "name", "created", "bundle", "bundle_digest", "champion", "champion_digest", "n_learned", "payload",
)  # fmt: skip

PROMOTION_COLUMNS = (
    "action", "bundle", "bundle_digest", "folder", "observer", "time", "comment", "policy", "reason", "challenger",
    "undoes", "last_label",
)  # fmt: skip

NOTE_COLUMNS = ("night", "site", "telescope", "target", "observer", "time", "text")

SENT_COLUMNS = ("service", "action", "subject", "target", "night", "time", "content")

#: In the order of the fields of `TimetableInfo`.
TIMETABLE_INFO_COLUMNS = tuple(f.name for f in fields(TimetableInfo))


def insert(table: str, columns: Sequence[str]) -> str:
    """Return the statement that adds one row."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"


def where(**conditions: object) -> str:
    """Return the WHERE clause that equates columns to the parameters of their names; a None asks for nothing."""
    given = [f"{name} = :{name}" for name, value in conditions.items() if value is not None]
    return f" WHERE {' AND '.join(given)}" if given else ""


def given(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `where`."""
    return {name: value for name, value in conditions.items() if value is not None}


INSERT_PLAN = insert("plans", PLAN_COLUMNS) + " RETURNING revision"
INSERT_TARGET = insert("targets", TARGET_COLUMNS)
INSERT_VISIT = insert("visits", VISIT_COLUMNS)
INSERT_LABEL = insert("labels", LABEL_COLUMNS)
INSERT_CHALLENGER = insert("challengers", CHALLENGER_COLUMNS) + " RETURNING id"
INSERT_PROMOTION = insert("promotions", PROMOTION_COLUMNS) + " RETURNING id"
INSERT_NOTE = insert("notes", NOTE_COLUMNS) + " RETURNING id"
INSERT_SENT = insert("sent", SENT_COLUMNS)
INSERT_TIMETABLE = insert("timetables", (*TIMETABLE_INFO_COLUMNS[1:], "payload")) + " RETURNING revision"
INSERT_DECISION = insert("decisions", DECISION_COLUMNS) + " RETURNING id"

# A light curve that ends later is newer; of two that end together, the one with as many points or more.
PUT_LIGHT_CURVE = (
    insert("light_curves", LIGHT_CURVE_COLUMNS)
    + " ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in LIGHT_CURVE_COLUMNS[1:])
    + " WHERE (excluded.last_mjd, excluded.n_points) >= (light_curves.last_mjd, light_curves.n_points)"
)

SELECT_PLAN_INFO = f"SELECT {', '.join(PLAN_INFO_COLUMNS)} FROM plans"
SELECT_PLAN = f"SELECT {', '.join((*PLAN_INFO_COLUMNS, *PLAN_BODY_COLUMNS))} FROM plans"
NEWEST = " ORDER BY revision DESC LIMIT 1"

# The positions are a range of the key, in each of the two halves that `observable` makes of a plan.
SELECT_PAYLOADS = (
    "SELECT payload FROM targets WHERE plan_revision = :revision AND observable IN (:observable, :or_observable)"
    " AND position > :after AND position <= :until ORDER BY position"
)

# Of the targets of a plan, the visits that are there already.
SELECT_KNOWN_VISITS = (
    "SELECT visits.id, visits.mjd FROM visits JOIN targets ON targets.id = visits.id"
    " WHERE targets.plan_revision = :revision AND visits.assistant_digest = :assistant_digest"
    " AND visits.policy = :policy"
)

# What was known of the targets of a list when they came into one for the first time.
KEEP_LISTED_LIGHT_CURVES = (
    f"INSERT INTO listed_light_curves ({', '.join(LIGHT_CURVE_COLUMNS)}, revision)"
    f" SELECT {', '.join(f'light_curves.{name}' for name in LIGHT_CURVE_COLUMNS)}, plan_revision FROM light_curves"
    " JOIN targets ON targets.id = light_curves.id WHERE plan_revision = :revision AND rank > 0"
    " ON CONFLICT (id) DO NOTHING"
)

SELECT_LISTED_LIGHT_CURVE = "SELECT id, stock, ra, dec, meta, points FROM listed_light_curves WHERE id = :id"

SELECT_LIGHT_CURVE = "SELECT id, stock, ra, dec, meta, points FROM light_curves WHERE id = :id"

SELECT_DECISIONS = f"SELECT {', '.join((*DECISION_COLUMNS, 'id'))} FROM decisions"

SELECT_VISITS = f"SELECT {', '.join(VISIT_COLUMNS)} FROM visits"

SELECT_LABELS = f"SELECT {', '.join((*LABEL_COLUMNS, 'id'))} FROM labels"

SELECT_PROMOTIONS = f"SELECT {', '.join((*PROMOTION_COLUMNS, 'id'))} FROM promotions"

SELECT_NOTES = f"SELECT {', '.join((*NOTE_COLUMNS, 'id'))} FROM notes"

# Of each subject what was said last.
SELECT_LAST_SENT = (
    f"SELECT {', '.join((*SENT_COLUMNS, 'id'))} FROM sent WHERE id IN"
    " (SELECT max(id) FROM sent WHERE service = :service GROUP BY subject) ORDER BY id"
)

CUTOUT_COLUMNS = ("id", "candid", "mjd", "band", "scale", "images")

PUT_CUTOUTS = (
    insert("cutouts", CUTOUT_COLUMNS)
    + " ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in CUTOUT_COLUMNS[1:])
    + " WHERE excluded.mjd >= cutouts.mjd"
)
SELECT_CUTOUTS = f"SELECT {', '.join(CUTOUT_COLUMNS)} FROM cutouts WHERE id = :id"

# What the newest alerts say of the surroundings of a plan's targets; of what has no light curve, nothing.
SELECT_CONTEXTS = (
    "SELECT targets.id, meta FROM targets LEFT JOIN light_curves ON light_curves.id = targets.id"
    " WHERE plan_revision = :revision"
)

SELECT_OBJECTS = "SELECT id, stock, ra, dec FROM light_curves ORDER BY id"

SELECT_NEWEST = (
    "SELECT COALESCE((SELECT MAX(id) FROM labels), 0), COALESCE((SELECT MAX(id) FROM challengers), 0),"
    " COALESCE((SELECT MAX(id) FROM promotions), 0), COALESCE((SELECT MAX(revision) FROM plans), 0)"
)

SELECT_TARGET = "SELECT payload FROM targets WHERE plan_revision = :revision AND id = :id"

SELECT_TIMETABLE_INFO = f"SELECT {', '.join(TIMETABLE_INFO_COLUMNS)} FROM timetables"
SELECT_TIMETABLE = f"SELECT {', '.join((*TIMETABLE_INFO_COLUMNS, 'payload'))} FROM timetables"

SELECT_APPEARANCES = (
    f"SELECT {', '.join(f.name for f in fields(Appearance))} FROM targets JOIN plans ON plans.revision = plan_revision"
)

# Of each night at a site the newest plan; where that one does not have the object, the night is left out.
SELECT_PAST_RANKS = (
    "SELECT night, site, strategy, revision, n_targets, rank, observable, set_aside, class_now, uncertainty,"
    " value_of_information, payload FROM targets JOIN plans ON revision = plan_revision WHERE id = :id"
    " AND revision IN (SELECT MAX(revision) FROM plans GROUP BY night, site) ORDER BY night, revision"
)

# What stood in the list of the plan that a decision was made on, once for each plan and object. A decision that names
# no plan was made on the newest of its night and site. Without the plan there is nothing to tell.
SELECT_DECIDED_TARGETS = (
    "SELECT DISTINCT targets.id, plans.revision, plans.night, plans.site,"
    " COALESCE(decisions.plan_revision, 0) AS named, night_summary, payload FROM decisions"
    " JOIN plans ON plans.night = decisions.night AND plans.site = decisions.site"
    " JOIN targets ON targets.plan_revision = plans.revision AND targets.id = decisions.target"
    " WHERE decisions.night < :before AND observable AND NOT set_aside"
    " AND plans.revision = COALESCE(NULLIF(decisions.plan_revision, 0),"
    " (SELECT MAX(newest.revision) FROM plans AS newest"
    " WHERE newest.night = decisions.night AND newest.site = decisions.site))"
    " ORDER BY plans.night, plans.site, plans.revision, targets.id, named"
)
