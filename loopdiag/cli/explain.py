"""`loopdiag explain`: the causes, and what each means."""

from __future__ import annotations

import os
import sys

import click

from loopdiag.model.errors import UsageError


@click.command()
@click.argument("cause", required=False)
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.option("--markdown", is_flag=True, help="As Markdown; without CAUSE, the pages of all causes.")
def explain(cause: str | None, as_json: bool, markdown: bool) -> int:
    """What CAUSE means, how it is proven, how it is mended; without CAUSE, the list.

    \b
    Examples:
      loopdiag explain
      loopdiag explain listener-other-family
    """
    if cause is not None:
        return _one(cause, as_json, markdown)
    if as_json:
        return _list_json()
    if markdown:
        from loopdiag.explain.pages import handbook

        click.echo(handbook(), nl=False)
        return 0
    click.echo(_list())
    return 0


def _one(name: str, as_json: bool, markdown: bool) -> int:
    from loopdiag.explain.causes import CAUSES, section_of
    from loopdiag.explain.pages import read_page

    if name not in CAUSES:
        raise UsageError(f"there is no cause '{name}'{_nearest(name)}")
    cause, page = CAUSES[name], read_page(name)
    parts = page.parts if page else ()
    lead = page.lead if page else f"It is the root cause when {cause.when}."
    if as_json:
        from loopdiag.cli.envelope import show

        told = {"cause": name, "section": section_of(name), "when": cause.when, "platform": cause.platform,
                "lead": lead, "parts": dict(parts)}  # fmt: skip
        return show("explain", cause.when, {"causes": [told]})
    if markdown:
        blocks = [f"# {name}", lead, *(f"## {heading}\n\n{body}" for heading, body in parts)]
        click.echo("\n\n".join(blocks))
        return 0
    click.echo(_page(name, lead, parts))
    return 0


def _page(name: str, lead: str, parts: tuple[tuple[str, str], ...]) -> str:
    from loopdiag.report.style import Style, paragraph
    from loopdiag.report.text.markdown import show

    style = Style(_color())
    blocks = [style("bold", name), paragraph(lead.replace("`", ""), 80, "  ")]
    for heading, body in parts:
        blocks.append(style("bold", heading) + "\n" + show(body, style, 80))
    return "\n\n".join(blocks)


def _list() -> str:
    from loopdiag.explain.causes import NAMES, SECTIONS
    from loopdiag.report.style import Style, paragraph

    style, blocks, column = Style(_color()), [], max(map(len, NAMES)) + 4
    for section, causes in SECTIONS.items():
        lines = [style("bold", section)]
        for cause in causes:
            only = f" ({cause.platform})" if cause.platform else ""
            told = paragraph(cause.when + only, 80, " " * column).lstrip()
            lines.append(f"  {style('name', cause.name)}{' ' * (column - 2 - len(cause.name))}{told}")
        blocks.append("\n".join(lines))
    return "\n\n".join((*blocks, "'loopdiag explain CAUSE' tells how a cause is proven and mended."))


def _list_json() -> int:
    from loopdiag.cli.envelope import show
    from loopdiag.explain.causes import SECTIONS

    told = [{"cause": cause.name, "section": section, "when": cause.when, "platform": cause.platform}
            for section, causes in SECTIONS.items() for cause in causes]  # fmt: skip
    return show("explain", f"{len(told)} causes", {"causes": told})


def _color() -> bool:
    """As every command: https://no-color.org, https://force-color.org, else a terminal that knows colours."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    from loopdiag.explain.causes import NAMES

    close = get_close_matches(word, NAMES, 1, 0.5)
    return f"; did you mean '{close[0]}'?" if close else "; 'loopdiag explain' lists them"
