"""`port-privileged`, `port-excluded`: the port is kept from this process by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.evidence import known, seen
from loopdiag.model.bind import Bind
from loopdiag.model.finding import Certainty, Evidence, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.model.case import Case
    from loopdiag.model.limits import Sandbox

_START = "net.ipv4.ip_unprivileged_port_start"  # counts for IPv6 and UDP as well
_RIGHT = "CAP_NET_BIND_SERVICE"


def privileged(case: Case) -> Iterator[Finding]:
    """Every bind that was denied below the first unprivileged port without the right to it."""
    text = known((case.facts.sysctls or {}).get(_START))
    if text is None or not text.isdecimal():
        return
    for bind in _denied(case):
        if not 0 < (bind.port or 0) < int(text):
            continue
        lacking = _lacking(known(case.facts.sandbox))
        if lacking is not None:
            yield _told(bind, int(text), *lacking)


def _denied(case: Case) -> Iterator[Bind]:
    for one in case.observations:
        if isinstance(one, Bind) and one.errno == "EACCES" and one.failed_call == "bind":
            yield one


def _lacking(sandbox: Sandbox | None) -> tuple[Certainty, str] | None:
    """How certain it is that the right is missing, and in which way; None where the process has it."""
    held = known(sandbox.capabilities) if sandbox else None
    if held is None:
        return Certainty.LIKELY, f"takes {_RIGHT}"
    if not any(name.upper().endswith("NET_BIND_SERVICE") for name in held):
        return Certainty.PROVEN, f"takes {_RIGHT}, which this process does not have"
    if sandbox and sandbox.user_namespace_owns_network is False:
        return Certainty.PROVEN, (
            f"takes {_RIGHT} in the user namespace that owns this network namespace; this process has it only in a "
            f"user namespace of its own"
        )
    return None


def _told(bind: Bind, start: int, certainty: Certainty, right: str) -> Finding:
    return Finding(
        cause="port-privileged",
        certainty=certainty,
        subject=bind.to,
        statement=f"port {bind.port} is below {start}, the first port that needs no privilege, and binding it {right}",
        evidence=(seen(bind), Evidence(f"sysctl {_START}", str(start)), Evidence("capabilities", right)),
        fixes=(
            Fix(f"use a port from {start} on"),
            Fix("give the server's program the right", "setcap cap_net_bind_service=+ep PROGRAM"),
            Fix("let everybody bind it", f"sysctl {_START}={bind.port}"),
        ),
    )


def excluded(case: Case) -> Iterator[Finding]:
    """Windows: a bind that was denied within a range that the system keeps (Hyper-V, WSL, WinNAT)."""
    ranges = known(case.facts.excluded_ports) or ()
    for bind in _denied(case):
        for low, high in ranges:
            if low <= (bind.port or 0) <= high:
                yield Finding(
                    cause="port-excluded",
                    subject=bind.to,
                    statement=f"Windows keeps the ports from {low} to {high} for itself, {bind.port} among them",
                    evidence=(seen(bind), Evidence("excluded port ranges", f"{low} to {high}")),
                    fixes=(
                        Fix("use a port outside the excluded ranges",
                            "netsh interface ipv4 show excludedportrange protocol=tcp"),
                        Fix("give the dynamic reservations back", "net stop winnat && net start winnat"),
                    ),
                )  # fmt: skip
