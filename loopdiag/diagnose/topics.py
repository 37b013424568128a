"""How each topic of Facts is read for a question: the written-out list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.diagnose import confinement, listening, names, paths, proxies, settings
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts


def _interfaces(question: Question, facts: Facts) -> Any:
    return read("interfaces")


def _backends(question: Question, facts: Facts) -> Any:
    from loopdiag.diagnose.backends import backends  # what services say is loaded only where one was spoken to

    return backends(question, facts)


def _behind(question: Question, facts: Facts) -> Any:
    from loopdiag.diagnose.behind import behind  # loaded only where something was refused

    return behind(question, facts)


def _rules(question: Question, facts: Facts) -> Any:
    return read("rules")


def _local_table(question: Question, facts: Facts) -> Any:
    return read("local_table")


def _excluded_ports(question: Question, facts: Facts) -> Any:
    return read("excluded_ports", question.protocol)


def _counters(question: Question, facts: Facts) -> Any:
    """What the probe moved; None where nobody took a reading before it."""
    if question.before is None or isinstance(question.before, Unknown):
        return question.before
    now = read("counters")
    return now if isinstance(now, Unknown) else now.since(question.before)


# A reader may use the topics read before it; `gather` reads in the order that it is asked in.
TOPICS: Mapping[str, Callable[[Question, Facts], Any]] = {
    "interfaces": _interfaces,
    "rules": _rules,
    "local_table": _local_table,
    "route": paths.route,
    "routes": paths.routes,
    "sysctls": settings.sysctls,
    "counters": _counters,
    "listeners": listening.listeners,
    "unlisted": listening.unlisted,
    "sockets": listening.sockets,
    "elsewhere": listening.elsewhere,
    "unix_sockets": listening.unix_sockets,
    "names": names.names,
    "answers": names.answers,
    "proxies": proxies.proxies,
    "proxy_attempts": proxies.proxy_attempts,
    "proxy_answers": proxies.proxy_answers,
    "ruleset": confinement.ruleset,
    "filter_paths": confinement.filter_paths,
    "conntrack": confinement.conntrack,
    "qdiscs": confinement.qdiscs,
    "cgroup_programs": confinement.cgroup_programs,
    "sandbox": confinement.sandbox,
    "backends": _backends,
    "behind": _behind,
    "excluded_ports": _excluded_ports,
}
