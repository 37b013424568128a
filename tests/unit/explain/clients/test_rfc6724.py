"""RFC 6724's rules, one pair of destinations for each; and where Go and musl differ."""

from __future__ import annotations

import pytest

from loopdiag.explain.clients.rfc6724 import by_rfc6724

OWN = {one: one for one in ("::1", "10.7.0.1", "fd00::7", "fe80::7", "2001:db8::7")} | {
    "127.0.0.2": "127.0.0.1", "10.9.0.1": "10.7.0.1", "10.7.0.9": "10.7.0.1", "2001:db8::99": "2001:db8::7",
    "2001:db8:1::1": "2001:db8::7", "fec0::1": "2001:db8::7",
}  # fmt: skip


@pytest.mark.parametrize("whose", ["go", "musl"])
@pytest.mark.parametrize(("better", "worse"), [
    ("10.7.0.1", "fd00::8"),  # rule 1: nothing can be sent there
    ("::1", "127.0.0.2"),  # rule 6: precedence 50 before 35
    ("10.7.0.1", "fd00::7"),  # 35 before 3
    ("2001:db8::7", "10.7.0.1"),  # 40 before 35
    ("2001:db8::7", "fec0::1"),  # rule 2: the source's scope is not that of fec0::1
    ("fe80::7", "2001:db8::7"),  # rule 8: the smaller scope
    ("2001:db8::99", "2001:db8:1::1"),  # rule 9: the longer common prefix
])  # fmt: skip
def test_a_rule_orders_two_destinations(better: str, worse: str, whose: str) -> None:
    assert by_rfc6724((worse, better), OWN, whose) == (better, worse)
    assert by_rfc6724((better, worse), OWN, whose) == (better, worse)


@pytest.mark.parametrize(("found", "go", "musl"), [
    (("10.7.0.1", "127.0.0.2"), ("127.0.0.2", "10.7.0.1"), ("10.7.0.1", "127.0.0.2")),  # IPv4 alone is left as it is
    (("::1", "10.7.0.1", "127.0.0.2"), ("::1", "127.0.0.2", "10.7.0.1"), ("::1", "10.7.0.1", "127.0.0.2")),  # scope
    (("::1", "10.9.0.1", "10.7.0.9"), ("::1", "10.9.0.1", "10.7.0.9"), ("::1", "10.7.0.9", "10.9.0.1")),  # rule 9
])  # fmt: skip
def test_where_go_and_musl_differ(found: tuple[str, ...], go: tuple[str, ...], musl: tuple[str, ...]) -> None:
    assert by_rfc6724(found, OWN, "go") == go
    assert by_rfc6724(found, OWN, "musl") == musl


def test_what_is_equal_keeps_its_order() -> None:
    assert by_rfc6724(("127.0.0.2", "127.0.0.3"), {}, "go") == ("127.0.0.2", "127.0.0.3")
    assert by_rfc6724(("127.0.0.3", "127.0.0.2"), {}, "musl") == ("127.0.0.3", "127.0.0.2")
