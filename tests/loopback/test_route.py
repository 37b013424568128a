"""`route` and `interfaces` on this very machine, which is healthy as far as loopback goes; no privilege needed."""

from __future__ import annotations

import sys

import pytest

from loopdiag.diagnose.interfaces import interfaces
from loopdiag.diagnose.route import Selectors, route
from loopdiag.model.errors import UsageError
from loopdiag.model.report import Verdict
from loopdiag.model.target import parse_host
from loopdiag.model.unknown import Unknown

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@linux
@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::ffff:127.0.0.1"])
def test_loopback_is_local(address: str) -> None:
    report = route(parse_host(address))
    answer = report.facts.route
    assert answer is not None
    assert not isinstance(answer, Unknown)
    assert (answer.type, answer.table, answer.through) == ("local", "local", "lo")
    assert answer.rule is not None
    assert answer.rule.table == "local"
    assert report.verdict is Verdict.WORKS
    assert not report.findings


@pytest.mark.parametrize(
    ("address", "selectors", "family", "says"),
    [
        ("fe80::1%nosuch0", Selectors(), None, "no such interface"),
        ("127.0.0.1", Selectors(input_device="nosuch0"), None, "no network interface 'nosuch0'"),
        ("127.0.0.1", Selectors(source="::1"), None, "different IP versions"),
        ("127.0.0.1", Selectors(), 6, "not an IPv6 address"),
    ],
)
@linux
def test_what_cannot_be_asked(address: str, selectors: Selectors, family: int | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        route(parse_host(address), family, selectors)


def test_interfaces_tell_what_each_address_means() -> None:
    report = interfaces()
    assert not isinstance(report.facts.interfaces, Unknown)
    assert report.facts.interfaces
    means = {each.address: each.means for one in report.facts.interfaces for each in one.addresses}
    assert (means["127.0.0.1"] or "").startswith("loopback")
    assert all(means.values())


def test_one_family() -> None:
    found = interfaces(4).facts.interfaces
    assert isinstance(found, tuple)
    assert not [each for one in found for each in one.addresses if ":" in each.address]


def test_psutil_and_netlink_agree() -> None:
    from loopdiag.host.portable import read_interfaces
    from loopdiag.host.read import read

    ours, theirs = read("interfaces"), read_interfaces()
    assert not isinstance(theirs, Unknown)
    assert {one.name: (one.up, one.mtu, one.loopback) for one in ours} == {
        one.name: (one.up, one.mtu, one.loopback) for one in theirs
    }
    assert {(one.name, each.address, each.prefix) for one in ours for each in one.addresses} == {
        (one.name, each.address, each.prefix) for one in theirs for each in one.addresses
    }
