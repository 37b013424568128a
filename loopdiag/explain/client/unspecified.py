"""0.0.0.0 or :: used as a destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import seen
from loopdiag.model.finding import Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case

_MEANT = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def unspecified_destination(case: Case) -> Iterator[Finding]:
    """Linux takes it for loopback; RFC 1122 (3.2.1.3) and RFC 4291 (2.5.2) forbid it as a destination."""
    if case.command == "bind-test":  # it tries them on purpose
        return
    tried = {one.address: one for one in case.observations if one.address in _MEANT}
    for address, attempt in tried.items():
        named = "" if case.target.address else f", which {case.target.host} resolves to,"
        yield Finding(
            cause="unspecified-destination",
            severity=Severity.NOTE,
            subject=attempt.to,
            statement=f"{address}{named} is no destination: Linux and macOS take it for loopback, Windows refuses it, "
            "browsers block it",
            evidence=(seen(attempt),),
            fixes=(Fix(f"connect to {_MEANT[address]} or to localhost"),),
        )
