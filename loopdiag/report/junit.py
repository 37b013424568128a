"""`--format junit`: the JUnit XML that GitHub reporters, GitLab and Jenkins all read.

One `testsuite` within `testsuites`; a `testcase` has a `failure`, an `error` (could not tell) or a `skipped` (failed,
and tolerated), with attributes `message` and `type`. GitLab shows the text of the element, Jenkins message and text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml  # written here, never parsed

from loopdiag.report.rows import Row, Status, one_line, reasons, rows, title

if TYPE_CHECKING:
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout

# XML 1.0, production 2 (Char): all else may not even be written as a reference.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT = {Status.FAILED: "failure", Status.UNKNOWN: "error", Status.TOLERATED: "skipped", Status.SKIPPED: "skipped"}


def render(report: Report, layout: Layout) -> str:
    """The document, with its declaration."""
    cases = rows(report, layout)
    root = Xml.Element("testsuites", name="loopdiag")
    suite = Xml.SubElement(
        root, "testsuite", name=_legal(title(report)), timestamp=f"{report.started:%Y-%m-%dT%H:%M:%S}"
    )
    for element in (root, suite):
        element.set("tests", str(len(cases)))
        for name, element_name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(name, str(sum(_ELEMENT.get(row.status) == element_name for row in cases)))
        element.set("time", f"{report.seconds:.6f}")
    del root.attrib["skipped"]  # which Jenkins' schema knows of a suite alone
    for row in cases:
        suite.append(_case(row, report))
    Xml.indent(root)
    text = Xml.tostring(root, encoding="us-ascii").decode()  # whatever the encoding of stdout is, it holds that
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(row: Row, report: Report) -> Xml.Element:
    case = Xml.Element("testcase", classname=f"loopdiag.{report.command}", name=_legal(row.name))
    case.set("time", f"{row.seconds or 0:.6f}")
    if row.status is Status.PASSED:
        Xml.SubElement(case, "system-out").text = _legal(row.says)
        return case
    found = row.finding
    ending = Xml.SubElement(case, _ELEMENT[row.status])
    ending.set("message", _legal(f"{found.cause}: {one_line(found.statement)}" if found else row.says))
    ending.set("type", found.cause if found else report.verdict.value)
    ending.text = _legal("\n".join(_explained(row, report)))
    return case


def _explained(row: Row, report: Report) -> list[str]:
    lines = [row.says]
    if row.finding:
        lines.append(one_line(f"{row.finding.cause} ({row.finding.certainty.value}): {row.finding.statement}"))
        lines.extend(reasons(row.finding))
    return lines + [one_line(f"not seen: {gap.what}: {gap.because}") for gap in report.unknown]


def _legal(text: str) -> str:
    """`text` without what XML cannot hold."""
    return _NOT_XML.sub("", text)
