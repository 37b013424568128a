"""Which facts bear on what the sockets saw: the written-out table, so that nothing is read that nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.model.observation import Outcome, TcpConnect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.model.observation import Observation

_PATH = ("interfaces", "route", "routes", "rules", "local_table", "sysctls")
_FILTER = ("ruleset", "filter_paths")
_NAMES = ("names", "answers", "proxies", "proxy_attempts", "proxy_answers")  # some small files and the environment
_CONFINED = ("sandbox", "cgroup_programs")

LATE = 0.05  # seconds: lo takes a thousandth of it
_UNIX = ("unix_sockets", *_CONFINED)
_BEHIND = ("counters", "backends", "behind")  # whom a service asks itself, and first whether it was refused anywhere
_LAST = "behind"  # by what the others tell
_SPOKEN = ("http", "tls", "greeting")

# In the order in which they are read: a later reader may use what an earlier one gave.
_NEEDS: dict[Outcome, tuple[str, ...]] = {
    Outcome.CONNECTED: ("route", "interfaces", "listeners", "sockets", *_FILTER),  # nat shows in what works, too
    Outcome.REPLIED: ("route", "listeners", *_FILTER),
    Outcome.ACCEPTED: ("route", "listeners"),
    Outcome.BOUND: ("route", "listeners"),
    Outcome.REFUSED: ("listeners", "unlisted", "sockets", *_PATH, *_FILTER, "elsewhere", "unix_sockets", _LAST),
    Outcome.TIMED_OUT: (
        "listeners",
        "sockets",
        *_PATH,
        *_FILTER,
        "conntrack",
        "qdiscs",
        *_CONFINED,
        "elsewhere",
        _LAST,
    ),
    Outcome.UNREACHABLE: (*_PATH, "listeners", *_FILTER),
    Outcome.DENIED: (*_PATH, *_FILTER, *_CONFINED, "listeners"),
    Outcome.RESET: ("listeners", "sockets", "route", "sysctls", *_FILTER),
    Outcome.CLOSED: ("listeners", "sockets", "route"),
    Outcome.FAILED: (*_PATH, "listeners", "unlisted", "sockets", *_FILTER, *_CONFINED),
}


def topics_for(observations: Iterable[Observation]) -> tuple[str, ...]:
    """The topics to read for these outcomes, each once, the needs of failures first."""
    ordered = sorted(observations, key=lambda seen: seen.outcome.good)
    topics = dict.fromkeys((*(topic for seen in ordered for topic in _needs_of(seen)), *_NAMES))
    return tuple(sorted(topics, key=lambda topic: topic == _LAST))


def _needs_of(seen: Observation) -> tuple[str, ...]:
    """No packet filter, route or namespace decides about a UNIX socket, nor about what a service said."""
    if seen.kind == "unix-connect":
        return _UNIX
    if isinstance(seen, TcpConnect) and seen.half_open:
        return ("counters", *_NEEDS[Outcome.TIMED_OUT])
    if isinstance(seen, TcpConnect) and not seen.outcome.good and seen.local is None:
        return (*_NEEDS[seen.outcome], "counters", "sandbox")  # at once, as the kernel gives a refusal by no network
    if seen.kind not in _SPOKEN or seen.outcome.good:
        return (*_NEEDS[seen.outcome], *(("qdiscs",) if is_late(seen) or seen.errno == "ENOBUFS" else ()))
    silent = seen.outcome in (Outcome.TIMED_OUT, Outcome.RESET)
    return (*(_NEEDS[seen.outcome] if silent else _NEEDS[Outcome.CONNECTED]), *_BEHIND)


def is_late(seen: Observation) -> bool:
    """It was answered, yet after longer than lo ever takes."""
    return seen.outcome.good and seen.seconds is not None and seen.seconds > LATE
