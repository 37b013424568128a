"""Columns are as wide as what is seen of them."""

from __future__ import annotations

from loopdiag.report.columns import in_columns


def test_each_cell_is_padded_to_the_widest_of_its_column() -> None:
    assert in_columns([["a", "long"], ["1", "22"], ["", "x"]]) == ["a     1    ", "long  22  x"]


def test_colours_take_no_room() -> None:
    red = "\x1b[31mrefused\x1b[0m"
    assert in_columns([[red, "replied in time"], ["x", "y"]]) == [f"{red}          x", "replied in time  y"]


def test_no_rows_are_no_lines() -> None:
    assert in_columns(zip(*[], strict=True)) == []
