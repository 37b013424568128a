from __future__ import annotations

from loopdiag.report.style import Style
from loopdiag.report.text.markdown import show

TEXT = """A paragraph with `code`, **weight** and
a [link](https://example.com/).

- one item that
  goes on
- two

```
kept   as it is
```
"""


def test_blocks_become_lines_of_the_width() -> None:
    assert show(TEXT, Style(color=False), 40).splitlines() == [
        "  A paragraph with code, weight and a",
        "  link <https://example.com/>.",
        "",
        "  - one item that goes on",
        "  - two",
        "",
        "    kept   as it is",
    ]


def test_an_open_fence_loses_nothing() -> None:
    assert "last" in show("```\nlast", Style(color=False), 40)
