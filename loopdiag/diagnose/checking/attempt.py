"""One try of an assertion that opens a socket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.model.assertion import Got
from loopdiag.model.observation import Outcome, TcpConnect
from loopdiag.model.service import HttpExchange, TlsHandshake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopdiag.diagnose.checking.state import State
    from loopdiag.model.assertion import Assertion
    from loopdiag.model.observation import Observation
    from loopdiag.model.target import Target

TIMEOUT = 1.0  # seconds, where the assertion says nothing else


def tcp(one: Assertion, state: State) -> Got:
    """Connects to each address, until one is as expected, as a client does; a UNIX socket by its path."""
    from loopdiag.diagnose.far_end import far_end
    from loopdiag.probes.tcp import connect_tcp
    from loopdiag.probes.unix import connect_unix

    target = _target(one)
    if target.transport == "unix":
        return _judged(one, iter([connect_unix(target.path or "", _patience(one))]), state)
    return _each(one, state, lambda address: connect_tcp(address, target.port or 0, _patience(one), far_end=far_end))


def udp(one: Assertion, state: State) -> Got:
    """One datagram to each address."""
    from loopdiag.probes.udp import exchange_udp

    target = _target(one)
    return _each(one, state, lambda address: exchange_udp(address, target.port or 0, _patience(one)))


def ping(one: Assertion, state: State) -> Got:
    """One echo request to each address."""
    from loopdiag.probes.echo_once import echo_once

    return _each(one, state, lambda address: echo_once(address, _patience(one)))


def http(one: Assertion, state: State) -> Got:
    """One GET: the status, or what kept it from coming."""
    got = Got(False, "no address")
    for address in _addresses(one, state):
        seen = _request(_target(one), address, _patience(one))
        status = seen.status if isinstance(seen, HttpExchange) else None
        ok = _counts(one, status) if status is not None else one.expect == seen.outcome.value
        says = f"status {status}" if status is not None else _words(seen)
        if isinstance(seen, HttpExchange) and seen.broken_off:
            ok, says = False, f"{says}, then {_words(seen)}"
        got = Got(ok, says, seen)
        if ok or status is not None:
            break
    return got


def tls(one: Assertion, state: State) -> Got:
    """One handshake with each address; what is wrong with the certificate is told."""
    from loopdiag.probes.service import probe_service

    target = _target(one)
    return _each(one, state, lambda address: probe_service(target, address, target.port or 0, _patience(one))[0])


def bind(one: Assertion, state: State) -> Got:
    """bind() without listening, and let go at once."""
    from loopdiag.probes.bind import try_bind

    target, protocol = _target(one), str(one.also.get("protocol", "tcp"))
    got = Got(False, "no address")
    for address in _addresses(one, state):
        tried = try_bind(address, target.port or 0, protocol, reuseaddr=protocol == "tcp")
        outcome = "bound" if tried.errno is None else "denied" if tried.errno in ("EACCES", "EPERM") else "failed"
        got = Got(one.expect == outcome, outcome if tried.errno is None else f"{outcome} ({tried.errno})")
        if not got.ok:
            break
    return got


def resolve(one: Assertion, state: State) -> Got:
    """The addresses of a name, in any order: these and no others."""
    found = state.addresses(_target(one).host or "", one.timeout)
    addresses = tuple(map(str, found.addresses))
    ok = isinstance(one.expect, tuple) and set(addresses) == set(one.expect)
    return Got(ok, addresses or f"no address ({found.error})")


def _request(target: Target, address: str, timeout: float) -> Observation:
    from loopdiag.probes.http import ask_http, exchange, host_header
    from loopdiag.probes.stream import Stream
    from loopdiag.probes.tls import shake_hands

    port = target.port or 0
    if target.scheme == "http":
        return ask_http(target, address, port, host_header(target, port), timeout)
    with Stream(address, port, timeout) as stream:
        shaken, secure = shake_hands(stream, (target.host or "localhost").partition("%")[0], verify=True)
        if secure is None:
            return shaken
        return exchange(target, stream, secure, host_header(target, port))


def _counts(one: Assertion, status: int) -> bool:
    if one.expect is None:
        return 200 <= status < 400
    return status in one.expect if isinstance(one.expect, tuple) else status == one.expect


def _each(one: Assertion, state: State, attempt: Callable[[str], Observation]) -> Got:
    addresses = _addresses(one, state)
    return _judged(one, map(attempt, addresses), state)


def _judged(one: Assertion, attempts: Iterator[Observation], state: State) -> Got:
    """What is expected to work must do so on one address; what is expected to fail, on all."""
    got: Got | None = None
    wanted = Outcome(str(one.expect))
    for seen in attempts:
        ok = _outcome(seen) is wanted
        if got is None or ok is wanted.good:
            got = Got(ok, _words(seen), seen)
        if ok is wanted.good:
            return got
    if got is None:
        error = state.addresses(_target(one).host or "", one.timeout).error
        return Got(False, f"no address ({error})")
    return replace(got, ok=not wanted.good or got.ok)


def _addresses(one: Assertion, state: State) -> tuple[str, ...]:
    target = _target(one)
    if target.address is not None:
        return (str(target.address),)
    return tuple(map(str, state.addresses(target.host or "", one.timeout).addresses))


def _outcome(seen: Observation) -> Outcome:
    """A connection that stands at this end alone is none: nobody can accept it."""
    return Outcome.TIMED_OUT if isinstance(seen, TcpConnect) and seen.half_open else seen.outcome


def _words(seen: Observation) -> str:
    if isinstance(seen, TcpConnect) and seen.half_open:
        return "connected at this end only"
    if isinstance(seen, TlsHandshake) and seen.rejected:
        return f"certificate not accepted ({', '.join(seen.rejected)})"
    return f"{seen.outcome.value} ({seen.errno})" if seen.errno else seen.outcome.value


def _patience(one: Assertion) -> float:
    return TIMEOUT if one.timeout is None else one.timeout


def _target(one: Assertion) -> Target:
    assert one.where is not None
    return one.where
