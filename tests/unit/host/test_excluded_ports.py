"""The port ranges that Windows keeps, from output that was recorded there."""

from __future__ import annotations

from loopdiag.host.windows.excluded_ports import parse_ranges

RECORDED = """
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
      5357        5357
     49152       49251
     50000       50059     *

* - Administered port exclusions.

"""


def test_ranges_are_read_from_the_table() -> None:
    assert parse_ranges(RECORDED) == ((5357, 5357), (49152, 49251), (50000, 50059))
    assert parse_ranges("") == ()
