"""
What the target manager of the Dark Energy Science Collaboration wants to know: ask, plan, unplan, report.

A JSON object with the bodies to POST: ``ask`` once to ``elasticc2/askforspectrum``, each of ``plan`` to
``elasticc2/planspectrum``, of ``unplan`` to ``elasticc2/removespectrumplan``, of ``report`` to
``elasticc2/reportspectruminfo`` (https://github.com/LSSTDESC/tom_desc). Asked for is what is approved, planned what of
it can be observed tonight, reported what was observed, and no longer planned what was rejected, deferred or failed.
What a spectrum showed is not known here: it is reported as not classified (class 300), without a redshift. The manager
knows objects by the number that LSST gives them: those without one are in ``without_number``.
"""

from __future__ import annotations

import datetime
import json
import re

from ampel_followup.decision import Verdict
from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.priorities import steps
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan
from ampel_followup.untrusted import escaped_json

#: Of the DESC taxonomy.
_NOT_CLASSIFIED = 300

_LSST = re.compile(r"(?:LSST\D*|)(\d+)", re.IGNORECASE)
_MJD_ZERO = datetime.datetime(1858, 11, 17, tzinfo=datetime.UTC)


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the bodies; priorities count from 1 (low) to 5 (high)."""
    facility = ascii_line(plan.night.site_name)
    known = [(entry, number) for entry in entries if (number := _number(entry.id)) is not None]
    approved = [(entry, number) for entry, number in known if entry.verdict == Verdict.APPROVE]
    document = {
        "ask": {
            "requester": "ampel-followup",
            "objectids": [number for _, number in approved],
            "priorities": steps(len(approved)),
        },
        "plan": [
            {
                "objectid": number,
                "facility": facility,
                "plantime": entry.start.replace("T", " ").removesuffix("Z") or plan.night.date,
                "comment": ascii_line(entry.comment),
            }
            for entry, number in approved
            if entry.start
        ],
        "unplan": [
            {"objectid": number, "facility": facility}
            for entry, number in known
            if entry.verdict in (Verdict.REJECT, Verdict.DEFER, Verdict.FAILED)
        ],
        "report": [
            {
                "objectid": number,
                "facility": facility,
                "mjd": _mjd(extras.verdicts[entry.id].time),
                "z": "",
                "classid": _NOT_CLASSIFIED,
            }
            for entry, number in known
            if entry.verdict == Verdict.OBSERVED
        ],
        "without_number": [entry.id for entry in entries if _number(entry.id) is None],
    }
    return escaped_json(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _number(name: str) -> int | None:
    found = _LSST.fullmatch(name)
    return int(found[1]) if found else None


def _mjd(iso: str) -> float:
    return round((datetime.datetime.fromisoformat(iso) - _MJD_ZERO) / datetime.timedelta(days=1), 5)
