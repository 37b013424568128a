"""Ports that browsers and fetch refuse, whatever listens there: the Fetch standard's "bad port"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case

BAD_PORTS = frozenset({
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
})  # fmt: skip
_HTTP = ("http", "https", "ws", "wss")
_CHOSEN = 1024  # from here on a port is chosen for a development server; below it names a service of its own


def unsafe_port(case: Case) -> Iterator[Finding]:
    """HTTP is asked for, or may be meant, on a port that browsers do not connect to."""
    port = case.target.port
    if port not in BAD_PORTS or not _may_be_http(case, port):
        return
    yield Finding(
        cause="unsafe-port",
        severity=Severity.NOTE,
        subject=str(case.target),
        statement=f"browsers and fetch refuse port {port} before they connect (ERR_UNSAFE_PORT, 'bad port'), "
        "whatever listens there; curl and other programs do not",
        evidence=(Evidence("Fetch standard, port blocking", f"{port} is a bad port"),),
        fixes=(Fix("let the service listen on another port, if a browser is to reach it"),),
    )


def _may_be_http(case: Case, port: int) -> bool:
    if case.target.scheme in _HTTP or any(seen.kind == "http" and seen.outcome.good for seen in case.observations):
        return True
    asked = case.command not in ("bind-test", "ping") and case.target.scheme == "tcp"
    return asked and port >= _CHOSEN
