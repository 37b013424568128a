"""`bind-test`: bind, connect from everywhere on this host, let go; or say why binding fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.diagnose.gather import Question, gather
from loopdiag.diagnose.needs import topics_for
from loopdiag.diagnose.session import Session
from loopdiag.diagnose.ways import ways_to
from loopdiag.explain.binding.connections import reuse_is_meant_for
from loopdiag.explain.binding.holders import holders
from loopdiag.explain.evidence import known
from loopdiag.host.read import PLATFORM, read
from loopdiag.model.bind import Bind, BoundConnect, BoundExchange
from loopdiag.model.unknown import Unknown
from loopdiag.probes.bind import REUSE_IS_HARMLESS, bind_and_connect, try_bind
from loopdiag.probes.resolve import resolve_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopdiag.model.address import Address
    from loopdiag.model.case import Case
    from loopdiag.model.facts import Facts
    from loopdiag.model.observation import Observation
    from loopdiag.model.report import Report
    from loopdiag.model.socket import Socket
    from loopdiag.model.target import Target

TIMEOUT = 1.0  # seconds for all connections together
_BEFOREHAND = ("interfaces", "local_table")
_OF_BINDING = ("sysctls", "sandbox")
_OF_REWRITING = ("ruleset", "filter_paths")
_OF_A_NAME = ("answers", "names")
_MOST_ENDS = 8
_BRIEF = 0.3  # seconds for `localhost`, which a sound host answers from a file


def bind_test(target: Target, *, family: int | None = None, reuseaddr: bool = True, timeout: float = TIMEOUT) -> Report:
    """The report of binding the target's port (None: one that the kernel chooses) at each address of its host.

    Raises UsageError for an address that cannot be meant.
    """
    session = Session("bind-test")
    resolution = resolve_addresses(target.host or "", family)
    addresses = resolution.addresses
    question = Question(target=target, addresses=tuple(map(str, addresses)), port=target.port or None,
                        protocol=target.transport, resolution=resolution)  # fmt: skip
    facts = gather(question, _BEFOREHAND)
    seen: list[Observation] = []
    for address in addresses:
        seen += _one(address, question, facts, reuseaddr=reuseaddr, timeout=timeout)
    reached = dict.fromkeys((*question.addresses, *(one.address for one in seen)))
    question = replace(question, observations=tuple(seen), addresses=tuple(reached), port=_port(seen) or question.port)
    facts = _widened(gather(question, _topics(target, seen), facts), seen)
    return session.judged(target, seen, facts, _summary)


def _one(
    address: Address, question: Question, facts: Facts, *, reuseaddr: bool, timeout: float
) -> tuple[Observation, ...]:
    """Bind as a server without SO_REUSEADDR first: where that works, nobody is disturbed and nothing is in the way."""
    port, protocol = question.target.port or 0, question.protocol
    ways = ways_to(address, facts, _localhost(address))
    plain, reached = bind_and_connect(str(address), port, protocol, reuseaddr=False, ways=ways, timeout=timeout)
    if plain.errno != "EADDRINUSE" or protocol == "udp" or port == 0 or not REUSE_IS_HARMLESS:
        return (plain, *reached)
    facts = _widened(
        gather(replace(question, observations=(plain,)), ("unlisted", "sockets", "sysctls"), facts), (plain,)
    )
    if not (reuseaddr and reuse_is_meant_for(plain, known(facts.sockets) or (), facts.sysctls or {})):
        reuse = try_bind(str(address), port, protocol, reuseaddr=True)
        return (replace(plain, tries=(*plain.tries, reuse)),)
    again, reached = bind_and_connect(str(address), port, protocol, reuseaddr=True, ways=ways, timeout=timeout)
    return (replace(again, tries=(*plain.tries, *again.tries)), *reached)


def _localhost(address: Address) -> tuple[str, ...]:
    """What `localhost` is, where the listener is to be reached by all addresses; nothing where that takes long."""
    if not address.ip.is_unspecified:
        return ()
    return tuple(map(str, resolve_addresses("localhost", timeout=_BRIEF).addresses))


def _port(seen: Sequence[Observation]) -> int | None:
    return next((one.port for one in seen if one.port), None)


def _topics(target: Target, seen: Sequence[Observation]) -> tuple[str, ...]:
    binds = [one for one in seen if isinstance(one, Bind)]
    failed = any(not one.outcome.good for one in binds)
    extra = (
        *(_OF_A_NAME if target.address is None else ()),
        *(("unlisted", "sockets") if failed or any(one.reuseaddr for one in binds) else ()),
        *(_OF_BINDING if failed or len(binds) == len(seen) else ()),
        *(_OF_REWRITING if any(_seen_as_another(one) for one in seen) else ()),
        *(("excluded_ports",) if PLATFORM == "windows" and any(one.errno == "EACCES" for one in binds) else ()),
    )
    return tuple(dict.fromkeys((*extra, *topics_for(seen))))


def _seen_as_another(one: Observation) -> bool:
    """The listener saw another client than the one that connected: something rewrote it on the way."""
    return isinstance(one, BoundConnect | BoundExchange) and one.seen_as not in (None, one.local)


def _widened(facts: Facts, seen: Sequence[Observation]) -> Facts:
    """The sockets at the other ends too: whether a peer listens tells which side of a connection has connected."""
    there = known(facts.sockets)
    taken = [one for one in seen if isinstance(one, Bind) and one.errno == "EADDRINUSE"]
    if there is None or not taken:
        return facts
    if any(not one.port for one in taken):
        everyone = read("sockets", protocols=(taken[0].protocol,))
        return replace(facts, sockets=everyone if isinstance(everyone, Unknown) else (*everyone, *_unlisted(facts)))
    ends = {each.peer_port for bind in taken for each in holders(bind, there) if each.peer_port}
    more = [read("sockets", port=end, protocols=("tcp",), listening=True) for end in sorted(ends)[:_MOST_ENDS]]
    found = [one for part in more if not isinstance(part, Unknown) for one in part]
    return replace(facts, sockets=(*there, *found))


def _unlisted(facts: Facts) -> Sequence[Socket]:
    return known(facts.unlisted) or ()


def _summary(case: Case) -> str:
    bound = [one for one in case.observations if isinstance(one, Bind)]
    made = [one for one in case.observations if not isinstance(one, Bind)]
    if not bound:
        return f"{case.target.host} gives no address to bind to"
    lost = [one for one in bound if not one.outcome.good]
    if lost:
        return f"{lost[0].to} cannot be bound: {lost[0].failed_call}() gave {lost[0].errno}"
    names = " and ".join(one.local or one.to for one in bound)
    silent = [one for one in made if not one.outcome.good]
    if silent:
        ends = ", ".join(dict.fromkeys(f"{one.to} ({one.errno or one.outcome.value})" for one in silent[:3]))
        return f"{names} can be bound, but is not reached by all of this host's addresses: {ends}"
    return f"{names} can be bound, and {_reached(bound, made)}"


def _reached(bound: Sequence[Bind], made: Sequence[Observation]) -> str:
    if not made:
        return "no connection was tried: packets to it would leave this host"
    number = len({one.address for one in made})
    if any(one.wildcard for one in bound):
        return f"all {number} local destinations tried reach it"
    return f"each connection tried from this host's own addresses ({len(made)}) reaches it"
