"""What the rules about services share: who serves, what was said, as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.explain.listeners.serving import serving
from loopdiag.explain.listeners.wording import shown, who
from loopdiag.model.finding import Evidence
from loopdiag.model.observation import Outcome
from loopdiag.model.service import HttpExchange, Said, TlsHandshake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopdiag.model.case import Case

# Programs that pass connections on, as the kernel names their processes: 15 characters at most.
FORWARDERS = frozenset({
    "docker-proxy", "socat", "kubectl", "ssh", "sshd", "sshd-session", "autossh", "haproxy", "nginx", "envoy", "rinetd",
    "redir", "ncat", "nc", "simpleproxy", "slirp4netns", "rootlessport", "rootlessport-ch", "rootlesskit", "passt",
    "passt.avx2", "pasta", "pasta.avx2", "gvproxy", "vpnkit", "vpnkit-forwarde", "wslrelay", "com.docker.backe",
    "traefik", "caddy", "stunnel", "stunnel4", "balance", "6tunnel", "systemd-socket-", "cloudflared", "tailscaled",
    "pgbouncer", "varnishd", "squid", "pound", "hitch", "gost", "chisel", "frpc", "frps",
})  # fmt: skip


def said(case: Case) -> Iterator[Said]:
    """The attempts in which a service was spoken to, or listened to."""
    for one in case.observations:
        if isinstance(one, Said):
            yield one


def exchanges(case: Case) -> Iterator[HttpExchange]:
    """The HTTP requests."""
    for one in case.observations:
        if isinstance(one, HttpExchange):
            yield one


def handshakes(case: Case) -> Iterator[TlsHandshake]:
    """The TLS handshakes."""
    for one in case.observations:
        if isinstance(one, TlsHandshake):
            yield one


def server(case: Case, one: Said) -> str:
    """`node (pid 42)`, or `the service` where its process is not known."""
    there = serving(case, one)
    return who(there[0]) if there and there[0].process else "the service"


def listener(case: Case, one: Said) -> tuple[Evidence, ...]:
    """The listener that was met, as evidence."""
    return shown(serving(case, one))


def forwarder(case: Case, one: Said) -> str | None:
    """The name of the process that serves, where it is a program known to pass connections on."""
    for there in serving(case, one):
        if there.process and there.process.name in FORWARDERS:
            return there.process.name
    return None


def heard(one: Said) -> Evidence:
    """What was sent, and what came of it."""
    after = "" if one.seconds is None else f" after {one.seconds * 1000:.1f} ms"
    asked = f"to {one.sent}: " if one.sent else ""
    return Evidence(one.label, f"{asked}{_outcome(one)}{after}")


def _outcome(one: Said) -> str:
    if isinstance(one, HttpExchange) and one.status is not None:
        return f"{status(one)} (Host: {one.host})"
    if isinstance(one, TlsHandshake) and one.version:
        return f"{one.version} {one.cipher}"
    words = f", '{one.text}'" if one.text else f", {one.received} bytes" if one.received else ""
    ends = {Outcome.CLOSED: "closed", Outcome.RESET: "reset (RST)", Outcome.TIMED_OUT: "no answer"}
    return f"{ends.get(one.outcome, one.outcome.value)}{words}"


def status(one: HttpExchange) -> str:
    """`404 Not Found`."""
    return f"{one.status} {one.reason}" if one.reason else str(one.status)


def ended_silently(one: Said) -> bool:
    """The connection ended before a byte came back."""
    return one.outcome in (Outcome.CLOSED, Outcome.RESET) and not one.received


def first_of_each(found: Sequence[Said]) -> tuple[Said, ...]:
    """One for each endpoint."""
    return tuple({one.to: one for one in reversed(found)}.values())
