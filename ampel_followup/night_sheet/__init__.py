"""Schedules on paper: timeline, airmass, and the sheet of a night, one page per telescope."""

from ampel_followup.night_sheet.airmass_chart import draw_airmass
from ampel_followup.night_sheet.html import render_sheet_html
from ampel_followup.night_sheet.pdf import render_sheet_pdf
from ampel_followup.night_sheet.timeline import draw_timeline

__all__ = ["draw_airmass", "draw_timeline", "render_sheet_html", "render_sheet_pdf"]
