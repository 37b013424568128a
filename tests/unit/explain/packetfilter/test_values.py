from __future__ import annotations

from loopdiag.explain.packetfilter.values import ABSENT, Span, all_of, any_of, compare, exactly, negate, within


def test_a_range_holds_what_lies_in_it() -> None:
    assert within(exactly(80), Span(1, 100)) is True
    assert within(exactly(180), Span(1, 100)) is False
    assert within(Span(90, 110), Span(1, 100)) is None


def test_what_is_not_there_is_in_nothing() -> None:
    assert within(ABSENT, Span(0, 1 << 32)) is False
    assert compare(ABSENT, "<", exactly(5)) is False


def test_what_cannot_be_known_stays_unknown() -> None:
    assert within(None, exactly(1)) is None
    assert negate(None) is None
    assert compare(None, ">", exactly(1)) is None


def test_names_end_in_a_star() -> None:
    assert within("eth0", "eth*") is True
    assert within("lo", "eth*") is False


def test_rows_are_compared_part_by_part() -> None:
    row = (exactly(1), exactly(80))
    assert within(row, (Span(0, 9), exactly(80))) is True
    assert within(row, (Span(2, 9), None)) is False
    assert within(row, (Span(0, 9), None)) is None


def test_one_known_part_can_decide() -> None:
    assert any_of([None, True]) is True
    assert any_of([None, False]) is None
    assert all_of([None, False]) is False
    assert all_of([True, None]) is None
    assert all_of([]) is True


def test_comparing_what_is_only_nearly_known() -> None:
    assert compare(Span(10, 20), "<", exactly(30)) is True
    assert compare(Span(10, 20), "<", exactly(15)) is None
    assert compare(Span(10, 20), "<", exactly(10)) is False
    assert compare(Span(10, 20), ">=", exactly(10)) is True
