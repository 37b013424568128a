"""Every cause has a page, and docs/causes.md is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopdiag.explain.causes import CAUSES, NAMES, SECTIONS, section_of
from loopdiag.explain.pages import handbook, parse_page, read_page
from loopdiag.explain.rules import RULES

PROJECT = Path(__file__).resolve().parents[3]
PAGE = """# a-cause
It is the root cause when
it is so.

## What it means
That.

## How it is proven
- By this.

## How it is mended
So.

## Reference
- RFC 1122
"""


def test_a_page_is_parsed() -> None:
    page = parse_page(PAGE)
    assert page.cause == "a-cause"
    assert page.lead == "It is the root cause when it is so."
    assert page.parts[1] == ("How it is proven", "- By this.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a-cause", "a-cause"),
        ("## Reference", "## References"),
        ("So.", ""),
        ("It is the root cause when\nit is so.", ""),
    ],
)
def test_a_page_of_another_form_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match="page"):
        parse_page(PAGE.replace(old, new, 1))


def test_causes_are_listed_once() -> None:
    assert len(NAMES) == sum(len(causes) for causes in SECTIONS.values())
    assert section_of("loopback-down") == "Interfaces and addresses"


@pytest.mark.parametrize("cause", NAMES)
def test_every_cause_has_a_page(cause: str) -> None:
    page = read_page(cause)
    assert page is not None
    assert page.cause == cause


def test_every_page_is_of_a_cause() -> None:
    pages = (PROJECT / "loopdiag" / "explain" / "pages").glob("*.md")
    assert {page.stem for page in pages} <= set(NAMES)


def test_every_cause_has_a_rule_and_every_rule_a_cause() -> None:
    named = {cause for rule in RULES for cause in rule.causes}
    assert named <= set(NAMES)
    assert {cause for cause in NAMES if CAUSES[cause].platform is None} - named == set()


def test_the_document_is_made_of_the_pages() -> None:
    assert (PROJECT / "docs" / "causes.md").read_text() == handbook(), "run `make docs`"
