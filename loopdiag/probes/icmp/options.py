"""What can be asked of an echo probe, in the meaning and limits of iputils ping."""

from __future__ import annotations

import os

from loopdiag.model.errors import UsageError
from loopdiag.model.value import dataclass

MOST_DATA = {4: 65507, 6: 65527}  # what the 16-bit length of IP leaves beside the headers
USER_INTERVAL = 0.002  # seconds; ping(8): who is not root may not go faster
WAIT, WAIT_AT_HOME = 1.0, 0.5  # seconds for one answer; an own address answers within microseconds or not at all
FLOOD_PAUSE = 0.01  # seconds; a flood sends at least a hundred requests per second
PMTU = {"dont": 0, "want": 1, "do": 2, "probe": 3}  # IP_PMTUDISC_*: ip(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoOptions:
    """`count` None is endless. `interval`, `wait` (for one answer) and `deadline` (for all) are in seconds.

    `wait` None is WAIT, or WAIT_AT_HOME where the address is this host's own.

    An interval of 0 sends the next request as soon as the last one is answered.
    """

    count: int | None = None
    interval: float = 1.0
    wait: float | None = None
    deadline: float | None = None
    size: int = 56
    ttl: int | None = None
    interface: str | None = None
    pattern: bytes | None = None
    tos: int | None = None
    pmtu: str | None = None
    flood: bool = False
    adaptive: bool = False
    quiet: bool = False  # who watches is told of the plan alone, not of each packet

    @property
    def eager(self) -> bool:
        """The next request follows the answer, not the clock."""
        return self.adaptive or self.interval == 0

    @property
    def least_interval(self) -> float:
        """The shortest time between two requests that this user may ask for, in seconds."""
        return 0.0 if is_root() else USER_INTERVAL

    def payload(self) -> bytes:
        """The data of every request: the pattern over and over, else the bytes 0, 1, 2, ..."""
        pattern = self.pattern or bytes(range(256))
        return (pattern * (self.size // len(pattern) + 1))[: self.size]


def is_root() -> bool:
    """Whether ping's limits for ordinary users do not count."""
    return not hasattr(os, "geteuid") or os.geteuid() == 0


def check(options: EchoOptions, version: int) -> None:
    """Raise UsageError for what may not be asked of this IP version or by this user."""
    if options.size > MOST_DATA[version]:
        raise UsageError(f"packet size {options.size} is too large: IPv{version} has room for {MOST_DATA[version]}")
    if options.interval < options.least_interval and not options.adaptive:
        least = f"{USER_INTERVAL * 1000:.0f}ms"
        raise UsageError(f"cannot flood; minimal interval allowed for user is {least}, use -i {USER_INTERVAL}")


def parse_pattern(text: str) -> bytes:
    """`-p`: up to 16 bytes as hex digits."""
    digits = text.removeprefix("0x")
    if not digits or set(digits) - set("0123456789abcdefABCDEF"):
        raise UsageError(f"patterns must be specified as hex digits: {text}")
    if len(digits) > 32:
        raise UsageError(f"a pattern has 16 bytes at most, and this one has {(len(digits) + 1) // 2}: {text}")
    whole = len(digits) // 2 * 2
    return bytes.fromhex(digits[:whole]) + (bytes([int(digits[whole:], 16)]) if digits[whole:] else b"")


def parse_tos(text: str) -> int:
    """`-Q`: the byte that IPv4 calls type of service and IPv6 traffic class, decimal or 0x hex."""
    try:
        value = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        raise UsageError(f"bad TOS value: {text}") from None
    if not 0 <= value <= 255:
        raise UsageError(f"the value of TOS bits must be in range 0-255: {text}")
    return value
