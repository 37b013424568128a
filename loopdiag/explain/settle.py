"""The one place where conflicts between rules are settled: who explains whom, and in which order causes are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.finding import Certainty, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding

# Where the port is served instead of where it was asked for, the nearest to it first.
_LESS_NEAR = ("listener-other-address", "listener-other-family", "listener-other-protocol", "listener-other-namespace",
              "listener-unix-socket", "no-listener")  # fmt: skip
# What a client sees of a listener that takes no connections, whatever keeps it from it.
_NOT_TAKEN = ("accept-queue-full", "listener-not-accepting", "no-reply", "reset-by-service")
# What is seen of a server whose packets never come through.
_SILENT = ("no-reply", "udp-no-reply")

# What an HTTP or other client sees of a service that does not serve it, whatever the reason.
_UNSERVED = ("http-error", "closed-without-reply", "reset-by-service", "no-reply")
_NOBODY_SERVED = frozenset(
    {"tls-expected", "plaintext-expected", "certificate-rejected", "port-proxy-backend", "service-restricts-peers",
     "host-header-rejected", "listener-stopped", "listener-out-of-descriptors", *_NOT_TAKEN, *_UNSERVED}
)  # fmt: skip

# cause -> the causes that merely follow from it: where the first is found, the others are not told.
EXPLAINS: dict[str, tuple[str, ...]] = {
    "self-connect": _LESS_NEAR,
    "resolver-file-unreadable": ("nsswitch-order", "localhost-subdomain", "localhost-unmapped", "name-unresolvable"),
    "nsswitch-order": ("hosts-file-malformed", "localhost-remapped", "localhost-subdomain", "localhost-unmapped",
                       "name-unresolvable", "address-not-local", "route-missing", *_LESS_NEAR),
    "hosts-file-malformed": ("localhost-subdomain", "localhost-unmapped", "name-unresolvable", "address-not-local",
                             "route-missing", *_LESS_NEAR),
    "localhost-subdomain": ("localhost-unmapped", "name-unresolvable", *_LESS_NEAR),
    "localhost-unmapped": ("name-unresolvable",),
    "hostname-is-loopback": _LESS_NEAR,
    "localhost-remapped": ("address-not-local", "route-missing", *_LESS_NEAR),
    "listener-address-gone": ("address-not-local", "route-missing", "local-route-missing", *_LESS_NEAR),
    "listener-device-bound": _LESS_NEAR,
    "bound-not-listening": _LESS_NEAR,
    "listener-other-address": _LESS_NEAR[1:],
    "listener-other-family": _LESS_NEAR[2:],
    "listener-other-protocol": _LESS_NEAR[3:],
    "listener-other-namespace": _LESS_NEAR[4:],
    "listener-unix-socket": _LESS_NEAR[5:],
    "listener-stopped": (*_NOT_TAKEN, "listener-out-of-descriptors", "udp-no-reply"),
    "listener-out-of-descriptors": _NOT_TAKEN,
    "accept-queue-full": _NOT_TAKEN[1:],
    "listener-not-accepting": _NOT_TAKEN[2:],
    "udp-wrong-source": ("udp-no-reply",),
    "ephemeral-ports-exhausted": ("address-not-local", "route-missing", "port-in-use"),
    "filter-drops": _SILENT,
    "filter-rejects": ("reset-by-service", "martian-loopback", *_LESS_NEAR, *_SILENT),
    "queue-without-consumer": _SILENT,
    "conntrack-full": ("filter-drops", "filter-rejects", *_SILENT),
    "nat-redirects": (*_LESS_NEAR, *_SILENT),
    "masquerade-on-loopback": ("filter-drops", "service-restricts-peers", "http-error", "closed-without-reply",
                               "reset-by-service", *_SILENT),
    "qdisc-on-loopback": _SILENT,
    "cgroup-denies": ("sandbox-denies", "icmp-not-permitted", *_SILENT),
    "sandbox-denies": ("icmp-not-permitted", *_SILENT),
    "port-privileged": ("sandbox-denies",),
    "tls-expected": ("port-proxy-backend", "host-header-rejected", "service-restricts-peers", *_UNSERVED),
    "plaintext-expected": ("port-proxy-backend", "host-header-rejected", "service-restricts-peers", *_UNSERVED),
    "certificate-rejected": _UNSERVED,
    "port-taken-by-system": ("port-in-use", "host-header-rejected", "service-restricts-peers", *_UNSERVED),
    "host-header-rejected": ("service-restricts-peers", *_UNSERVED),
    "port-proxy-backend": _UNSERVED,
    "service-restricts-peers": _UNSERVED,
    "echo-ignored": ("address-not-local", "local-route-missing", "multicast-unavailable"),
    "martian-loopback": ("nat-redirects", "address-not-local"),
    "zone-missing": ("route-missing", "address-not-local", "local-route-missing", "multicast-unavailable"),
    "ipv6-disabled": ("address-not-local", "route-missing", "multicast-unavailable"),
    "reverse-path-filter": ("address-not-local",),
    "rule-before-local": ("address-not-local", "reverse-path-filter"),
    "local-route-missing": ("reverse-path-filter",),
}  # fmt: skip

# Packets have no way there or back.
_NO_WAY = frozenset(
    ("loopback-down", "ipv6-disabled", "address-tentative", "address-not-local", "zone-missing", "rule-before-local",
     "local-route-missing", "route-rejects", "reverse-path-filter", "martian-loopback")
)  # fmt: skip

_FILTERED = ("filter-drops", "filter-rejects")

_SEVERITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_CERTAINTY = {Certainty.PROVEN: 0, Certainty.LIKELY: 1, Certainty.POSSIBLE: 2}


def settle(case: Case, found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Drop what follows from another finding, then sort: severity, what keeps all from being served, certainty.

    Findings that are alike in these stay in the order of RULES, that of the layers.
    """
    kept = roots(found)
    unserved = _unserved(case)
    return tuple(sorted(kept, key=lambda one: (_SEVERITY[one.severity], not unserved(one), _CERTAINTY[one.certainty])))


def roots(found: Iterable[Finding]) -> list[Finding]:
    """Without what follows from another finding, each once."""
    told = list(dict.fromkeys(found))
    return [finding for finding in told if not any(_explains(other, finding) for other in told)]


def _unserved(case: Case) -> Callable[[Finding], bool]:
    """Where connections come about and none of them is served, what keeps them from it weighs more than an address
    that refuses at once: clients go on to the next one."""
    reached = {one.to for one in case.worked if one.kind == "tcp-connect"}
    served = any(_is_served(case, one.address) for one in case.worked)
    return lambda one: not served and one.subject in reached and one.cause in _NOBODY_SERVED


def _is_served(case: Case, address: str) -> bool:
    """The service answered there in every language that it was spoken to in."""
    said: dict[str, bool] = {}
    for one in case.observations:
        if one.address == address and one.kind in ("http", "tls", "greeting"):
            said[one.kind] = said.get(one.kind, False) or one.outcome.good
    return bool(said) and all(said.values())


def _explains(one: Finding, other: Finding) -> bool:
    """What is only a warning explains no error."""
    if _cuts_off(one, other):
        return True
    return other.cause in EXPLAINS.get(one.cause, ()) and _SEVERITY[one.severity] <= _SEVERITY[other.severity]


def _cuts_off(one: Finding, other: Finding) -> bool:
    """Silence at the same endpoint follows from it; beside what is proven, guesses and unseen rules are not told."""
    there = one.cause == "loopback-down" or one.subject == other.subject
    unseen = other.cause in _FILTERED and other.certainty is not Certainty.PROVEN
    guess = one.certainty is Certainty.PROVEN and (unseen or other.certainty is Certainty.POSSIBLE)
    return one.cause in _NO_WAY and one.severity is Severity.ERROR and there and (other.cause in _SILENT or guess)
