"""
The list as a VOEvent 2.0 packet (IVOA recommendation, 11 July 2011), for robotic telescopes and brokers.

A packet of one target says where it is, and when it can be observed, in ``WhereWhen``. One of several has them in a
table, for a packet has but one place. Packets plan observations: their role is ``utility``.
"""

from __future__ import annotations

import hashlib
import math
from html import escape

from ampel_followup.exports.entries import COLUMNS, ListEntry
from ampel_followup.exports.short_names import ascii_line
from ampel_followup.exports.telescope import Extras
from ampel_followup.plan import NightPlan

_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"

#: Columns of the table, with their unified content descriptors.
_FIELDS = {
    "rank": ("int", "meta.number"),
    "id": ("string", "meta.id;meta.main"),
    "ra": ("float", "pos.eq.ra;meta.main"),
    "dec": ("float", "pos.eq.dec;meta.main"),
    "last_mag": ("float", "phot.mag"),
    "last_band": ("string", "instr.bandpass"),
    "class_now": ("string", "src.class"),
    "class_after": ("string", "src.class"),
    "priority": ("float", "stat.value"),
    "start": ("string", "time.start"),
    "end": ("string", "time.end"),
    "min_airmass": ("float", "obs.airMass"),
    "verdict": ("string", "meta.note"),
    "comment": ("string", "meta.note"),
}

#: Uncertainty of positions [deg]: a few tenths of an arcsecond, as alerts have it.
_ERROR_DEG = 1e-4


def write(plan: NightPlan, entries: list[ListEntry], extras: Extras) -> str:
    """Return the packet; its Date is left out unless the extras have one."""
    rows = "\n".join(_row(entry) for entry in entries)
    contents = hashlib.sha256("\n".join((plan.bundle_digest, plan.night.date, rows)).encode()).hexdigest()[:12]
    ivorn = f"ivo://ampel-followup/plan#{_path(plan.night.site)}/{plan.night.date}/{contents}"
    date = f"\n    <Date>{_text(extras.created.removesuffix('Z'))}</Date>" if extras.created else ""
    fields = "\n".join(_field(name) for name in _FIELDS)
    table = (
        f'    <Table name="targets">\n      <Description>Targets in the order of the list</Description>\n{fields}\n'
        f"      <Data>\n{rows}\n      </Data>\n    </Table>\n"
        if entries
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="{_NAMESPACE} http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd" \
version="2.0" role="utility" ivorn="{_text(ivorn)}">
  <Who>
    <Author>
      <title>Targets for spectroscopy</title>
      <shortName>ampel-followup</shortName>
    </Author>{date}
  </Who>
  <What>
{_param("night", plan.night.date, "time.epoch")}
{_param("site", plan.night.site, "instr.obsty")}
{_param("strategy", plan.strategy, "meta.note")}
{_param("bundle", plan.bundle, "meta.modelled")}
{table}  </What>
{_where_when(plan, entries[0]) if len(entries) == 1 else ""}  <Description>Spectra wanted in the night of \
{_text(plan.night.date)} at {_text(plan.night.site_name)}</Description>
</voe:VOEvent>
"""


def _where_when(plan: NightPlan, entry: ListEntry) -> str:
    system = '<AstroCoordSystem id="UTC-ICRS-TOPO"/>'
    start = (entry.start or plan.night.dusk).removesuffix("Z")
    return f"""  <WhereWhen>
    <ObsDataLocation>
      <ObservatoryLocation id="{_text(plan.night.site_name)}"/>
      <ObservationLocation>
        {system}
        <AstroCoords coord_system_id="UTC-ICRS-TOPO">
          <Time unit="s">
            <TimeInstant><ISOTime>{start}</ISOTime></TimeInstant>
          </Time>
          <Position2D unit="deg">
            <Name1>RA</Name1>
            <Name2>Dec</Name2>
            <Value2><C1>{entry.ra:.7f}</C1><C2>{entry.dec:.7f}</C2></Value2>
            <Error2Radius>{_ERROR_DEG:.4f}</Error2Radius>
          </Position2D>
        </AstroCoords>
      </ObservationLocation>
    </ObsDataLocation>
  </WhereWhen>
"""


def _field(name: str) -> str:
    kind, ucd = _FIELDS[name]
    unit, description = COLUMNS[name]
    stated = f' unit="{unit}"' if unit else ""
    return (
        f'      <Field name="{name}" dataType="{kind}" ucd="{ucd}"{stated}>'
        f"<Description>{_text(description)}</Description></Field>"
    )


def _row(entry: ListEntry) -> str:
    cells = "".join(f"<TD>{_cell(getattr(entry, name))}</TD>" for name in _FIELDS)
    return f"        <TR>{cells}</TR>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return _text(str(value))


def _param(name: str, value: str, ucd: str) -> str:
    return f'    <Param name="{name}" value="{_text(value)}" ucd="{ucd}"/>'


def _text(text: str) -> str:
    """Return text as XML can hold it; entries are clean already, what the plan says of the site may not be."""
    return escape("".join(c for c in text if c.isprintable()))


def _path(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in ascii_line(text))
