"""The files through which a step of a GitHub workflow speaks: its job summary and its outputs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loopdiag.model.errors import UsageError
from loopdiag.report.github import outputs, summary

if TYPE_CHECKING:
    from loopdiag.model.report import Report
    from loopdiag.report.formats import Layout


def publish(report: Report, layout: Layout) -> None:
    """Append to the files that GITHUB_STEP_SUMMARY and GITHUB_OUTPUT name, where they do; raises UsageError."""
    _append("GITHUB_STEP_SUMMARY", summary(report, layout))
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs(report).items()))


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
            file.write(text)
    except OSError as fault:
        raise UsageError(f"cannot append to '{path}', which {variable} names: {fault.strerror}") from None
