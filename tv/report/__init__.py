"""Reports of a check: text for people, JSON and SARIF for programs, HTML for both."""

from __future__ import annotations

from tv.report.html_report import to_html
from tv.report.json_report import to_json
from tv.report.sarif import to_sarif
from tv.report.terminal import print_result, render_diagnostic, render_result

__all__ = ["print_result", "render_diagnostic", "render_result", "to_html", "to_json", "to_sarif"]
