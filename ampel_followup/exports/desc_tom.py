"""
What the target manager of the Dark Energy Science Collaboration wants to know: ask, plan, unplan, report.

A JSON object with the bodies to POST: ``ask`` once to ``elasticc2/askforspectrum``, each of ``plan`` to
``elasticc2/planspectrum``, of ``unplan`` to ``elasticc2/removespectrumplan``, of ``report`` to
``elasticc2/reportspectruminfo`` (https://github.com/LSSTDESC/tom_desc). Asked for is what is approved, planned what of
it can be observed tonight, reported what was observed, and no longer planned what was rejected, deferred or failed.
What a spectrum showed is what labels say (`ampel_followup.exports.desc_findings`); where none does, it is reported as
not classified (class 300), without a redshift. The manager knows objects by the number that LSST gives them: those
without one are in ``without_number``. ``without_class`` has the types of labels that are no class of DESC.
"""

from __future__ import annotations

import json
from typing import Any

from ampel_followup.decision import Verdict
from ampel_followup.exports.desc_findings import finding, mjd, reported
from ampel_followup.exports.entries import ListEntry
from ampel_followup.exports.priorities import steps
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan
from ampel_followup.survey_names import lsst_number
from ampel_followup.untrusted import escaped_json

#: Who asks for spectra, unless told otherwise.
REQUESTER = "ampel-followup"


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the bodies as JSON; priorities count from 1 (low) to 5 (high)."""
    document = bodies(plan, entries, extras)
    return escaped_json(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def bodies(
    plan: NightPlan, entries: list[ListEntry], extras: Extras, *, requester: str = REQUESTER, facility: str = ""
) -> dict[str, Any]:
    """
    Return what there is to POST: ``ask``, and lists of ``plan``, ``unplan`` and ``report``; and what there is not.

    Parameters
    ----------
    plan : NightPlan
    entries : list of ListEntry
        In order of priority.
    extras : Extras
        With verdicts and labels.
    requester : str
        Who asks.
    facility : str
        Where the spectra are taken; by default the name of the plan's site.

    Raises
    ------
    TaxonomyError
        If a table of the user's cannot be read.
    """
    facility = ascii_line(facility or plan.night.site_name)
    known = [(entry, number) for entry in entries if (number := lsst_number(entry.id)) is not None]
    taken = {entry.id: mjd(extras.verdicts[entry.id].time) for entry, _ in known if entry.verdict == Verdict.OBSERVED}
    shown = {name: finding(extras.labels.get(name, ()), time) for name, time in taken.items()}
    approved = [(entry, number) for entry, number in known if entry.verdict == Verdict.APPROVE]
    return {
        "ask": {
            "requester": requester,
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
            {"objectid": number, "facility": facility, "mjd": taken[entry.id], **reported(shown[entry.id])}
            for entry, number in known
            if entry.id in taken
        ],
        "without_number": [entry.id for entry in entries if lsst_number(entry.id) is None],
        "without_class": {name: found.without_class for name, found in shown.items() if found and found.without_class},
    }
