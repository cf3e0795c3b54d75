"""The report: one self-contained HTML page of a finished screening."""

from dualion.results.report.details import Detail
from dualion.results.report.page import check_target, report_html, write_report

__all__ = ["Detail", "check_target", "report_html", "write_report"]
