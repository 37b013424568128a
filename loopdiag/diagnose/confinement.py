"""How the topics about what may refuse packets or system calls are read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopdiag.explain.evidence import known
from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts

MOST_SERVERS = 8


def ruleset(question: Question, facts: Facts) -> Any:
    """The packet filter's rules with their counters, from after the probe.

    Where all went well, it is not needed unless it holds something: rules that may not be read are no gap then.
    """
    found = read("ruleset")
    empty = isinstance(found, Unknown) or not found.chains
    well = all(seen.outcome.good and not getattr(seen, "half_open", False) for seen in question.observations)
    return None if empty and well else found


def filter_paths(question: Question, facts: Facts) -> Any:
    """The ruleset evaluated for every packet of the attempts; None where it is not known, empty where it is."""
    rules = known(facts.ruleset)
    if rules is None or not rules.chains:
        return None if rules is None else ()
    from loopdiag.diagnose.packets import paths_of

    if facts.interfaces is None:
        facts = replace(facts, interfaces=read("interfaces"))
    return paths_of(question, facts, rules)


def conntrack(question: Question, facts: Facts) -> Any:
    """How full the connection tracking table is."""
    return read("conntrack")


def qdiscs(question: Question, facts: Facts) -> Any:
    """The queueing disciplines of lo, which all local packets cross."""
    return read("qdiscs")


def cgroup_programs(question: Question, facts: Facts) -> Any:
    """BPF on the cgroups of this process, and on those of whoever listens on the port."""
    found = read("cgroup_programs")
    if isinstance(found, Unknown):
        return found
    owners = {owner.pid: owner for one in known(facts.listeners) or () for owner in known(one.owners) or ()}
    for owner in list(owners.values())[:MOST_SERVERS]:
        theirs = read("cgroup_programs", owner.pid, str(owner))
        if not isinstance(theirs, Unknown):
            have = {(one.cgroup, one.id) for one in found}
            found = (*found, *(one for one in theirs if (one.cgroup, one.id) not in have))
    return found


def sandbox(question: Question, facts: Facts) -> Any:
    """What confines this process; the port is tried against Landlock where it is one of TCP."""
    port = question.port or question.target.port
    return read("sandbox", port if question.protocol == "tcp" else None)
