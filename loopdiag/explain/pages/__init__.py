"""One page for each cause, as Markdown beside this file: what it means, how it is proven, how it is mended.

`loopdiag explain` prints them, and docs/causes.md is made of them.
"""

from __future__ import annotations

from importlib.resources import files

from loopdiag.model.value import dataclass

PARTS = ("What it means", "How it is proven", "How it is mended", "Reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`lead` is its one line; `parts` holds the Markdown below each heading, in order."""

    cause: str
    lead: str
    parts: tuple[tuple[str, str], ...]


def read_page(cause: str) -> Page | None:
    """The page of `cause`; None where there is none."""
    file = files(__name__) / f"{cause}.md"
    return parse_page(file.read_text(encoding="utf-8")) if file.is_file() else None


def parse_page(text: str) -> Page:
    """A page from its text; raises ValueError where it does not have the form of a page."""
    head, *rest = ("\n" + text.strip()).split("\n## ")
    title, _, lead = head.strip().partition("\n")
    if not title.startswith("# "):
        raise ValueError("a page begins with '# ' and its cause")
    parts = tuple((part.partition("\n")[0].strip(), part.partition("\n")[2].strip()) for part in rest)
    named = tuple(name for name, _ in parts)
    if named != PARTS:
        raise ValueError(f"the page of {title[2:]} has the parts {', '.join(named)}, not {', '.join(PARTS)}")
    for name, body in (("its line", lead.strip()), *parts):
        if not body:
            raise ValueError(f"the page of {title[2:]} says nothing under {name}")
    return Page(cause=title[2:].strip(), lead=" ".join(lead.split()), parts=parts)


def handbook() -> str:
    """All pages as one Markdown document, by section: docs/causes.md."""
    from loopdiag.explain.causes import SECTIONS

    blocks = ["# Causes", "Made of the pages in `loopdiag/explain/pages` by `make docs`; edit those."]
    for section, causes in SECTIONS.items():
        blocks.append(f"## {section}")
        for cause in causes:
            page = read_page(cause.name)
            blocks.append(f"### {cause.name}")
            blocks.append(
                _platform(cause.platform) + (page.lead if page else f"It is the root cause when {cause.when}.")
            )
            for name, body in page.parts if page else ():
                blocks.append(f"**{name}.**\n\n{body}")
    return "\n\n".join(blocks) + "\n"


def _platform(name: str | None) -> str:
    return f"({name} only.) " if name else ""
