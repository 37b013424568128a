"""ping's options: meaning and limits."""

from __future__ import annotations

import pytest

from loopdiag.model.errors import UsageError
from loopdiag.probes.icmp import options
from loopdiag.probes.icmp.options import EchoOptions, check, parse_pattern, parse_tos


@pytest.mark.parametrize(
    ("text", "value"),
    [("ff00", b"\xff\x00"), ("F", b"\x0f"), ("0xabc", b"\xab\x0c"), ("00" * 16, bytes(16))],
)
def test_patterns(text: str, value: bytes) -> None:
    assert parse_pattern(text) == value


@pytest.mark.parametrize("text", ["", "zz", "0x", "ff 00", "00" * 17, "-1"])
def test_no_patterns(text: str) -> None:
    with pytest.raises(UsageError):
        parse_pattern(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("255", 255), ("0x10", 16), ("0XfF", 255)])
def test_types_of_service(text: str, value: int) -> None:
    assert parse_tos(text) == value


@pytest.mark.parametrize("text", ["256", "-1", "zz", "0x100", "", "1.5"])
def test_no_types_of_service(text: str) -> None:
    with pytest.raises(UsageError):
        parse_tos(text)


@pytest.mark.parametrize(("version", "most"), [(4, 65507), (6, 65527)])
def test_the_largest_packet(version: int, most: int) -> None:
    check(EchoOptions(size=most), version)
    with pytest.raises(UsageError, match=str(most)):
        check(EchoOptions(size=most + 1), version)


def test_payloads() -> None:
    assert EchoOptions(size=3).payload() == b"\x00\x01\x02"
    assert EchoOptions(size=5, pattern=b"\xff\x00").payload() == b"\xff\x00\xff\x00\xff"
    assert EchoOptions(size=0).payload() == b""
    assert len(EchoOptions(size=65507).payload()) == 65507


@pytest.mark.parametrize(
    "asked", [EchoOptions(interval=0), EchoOptions(interval=0.001), EchoOptions(interval=0, flood=True)]
)
def test_only_root_may_flood(asked: EchoOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "is_root", lambda: True)
    check(asked, 4)
    monkeypatch.setattr(options, "is_root", lambda: False)
    with pytest.raises(UsageError, match="minimal interval allowed for user is 2ms"):
        check(asked, 4)
    check(EchoOptions(interval=0.002), 4)
    check(EchoOptions(adaptive=True), 4)
