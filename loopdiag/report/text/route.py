"""The page of `route`: rule, table, route, device and source of each address, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.unknown import Unknown
from loopdiag.report.columns import in_columns
from loopdiag.report.style import harmless, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.report import Report
    from loopdiag.model.route import RouteAnswer
    from loopdiag.report.formats import Layout
    from loopdiag.report.style import Style

NUMBERS = {"local": "local (255)", "main": "main (254)", "default": "default (253)"}


def body(report: Report, style: Style, layout: Layout) -> Iterator[str]:
    """The lines above the verdict: an answer for each address; with -v every other question that was asked."""
    answers = report.facts.routes
    if answers is None or isinstance(answers, Unknown):
        return
    meanings = report.extra.get("meaning", {})
    first = [answer for answer in answers if answer.way == "there" and answer.about is None]
    shown = list({answer.destination: answer for answer in reversed(first)}.values())[::-1]
    for number, answer in enumerate(shown):
        if number:
            yield ""
        yield _table(answer, style)
        if len(shown) > 1:
            said = next((text for typed, text in meanings.items() if typed.startswith(answer.destination)), "")
            yield paragraph(said, layout.width, "  ")
    seen = {answer.question for answer in shown}
    others = {answer.question: answer for answer in answers if answer.question not in seen}
    if layout.verbose and others:
        yield ""
        yield "also asked"
        for answer in others.values():
            yield paragraph(f"{answer.question}: {_short(answer)}", layout.width, "  ")


def _table(answer: RouteAnswer, style: Style) -> str:
    device = answer.device or "-"
    if answer.through and answer.device and answer.through != answer.device:
        device = f"{answer.device} (its packets cross {answer.through})"
    rows = [
        ["rule", harmless(answer.rule.text) if answer.rule else "-"],
        ["table", NUMBERS.get(answer.table or "", answer.table or "-")],
        ["route", f"{answer.type or 'none'} {answer.matched or ''}".strip()],
        ["device", harmless(device)],
        ["source", answer.source or "-"],
    ]
    if answer.gateway:
        rows.append(["gateway", answer.gateway])
    if answer.errno:
        rows.append(["errno", style("bad", answer.errno)])
    lines = in_columns(zip(*rows, strict=True))
    return "\n".join([style("bold", answer.destination), *(f"  {line}".rstrip() for line in lines)])


def _short(answer: RouteAnswer) -> str:
    words = (answer.errno, answer.type, answer.matched, answer.device and f"dev {answer.device}",
             answer.table and f"table {answer.table}", answer.rule and f'rule "{answer.rule.text}"')  # fmt: skip
    return harmless(" ".join(word for word in words if word))
