from __future__ import annotations

from loopdiag.report.style import Style, harmless, milliseconds, paragraph


def test_escape_sequences_from_outside_cannot_move_the_cursor() -> None:
    assert harmless("evil\x1b[2Jname\r\n") == "evil\\x1b[2Jname\\x0d\\x0a"


def test_text_direction_overrides_are_written_out() -> None:
    assert harmless("a\u202eb") == "a\\u202eb"


def test_colour_only_where_wanted() -> None:
    assert Style(color=False)("bad", "x") == "x"
    assert Style(color=True)("bad", "x\x07") == "\x1b[31mx\\x07\x1b[0m"


def test_paragraphs_keep_to_the_width_and_long_words_whole() -> None:
    text = paragraph("one two " * 30 + "/a/path/" * 20, 40, "  ")
    assert all(len(line) <= 40 or "/a/path/" in line for line in text.splitlines())
    assert "/a/path/" * 20 in text


def test_times_for_people() -> None:
    assert [milliseconds(x) for x in (None, 0.0000314, 0.0123, 0.25, 2.0)] == [
        "-", "0.031 ms", "12.3 ms", "250 ms", "2.00 s",
    ]  # fmt: skip
