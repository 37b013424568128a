"""What a proof by real connections says that it does not cover."""

from __future__ import annotations

from loopdiag.diagnose.verify import MOST, Proof


def test_what_was_not_tried_is_told_with_its_number() -> None:
    assert Proof().gaps() == []
    (left,) = Proof(connections_left=4000, ports_left=1500).gaps()
    assert f"{MOST} connections at most: 4000 more" in left.because
    assert "1500 ports" in left.because
    (others,) = Proof(others_only=2).gaps()
    assert "does not reach 2 that others may reach" in others.because
