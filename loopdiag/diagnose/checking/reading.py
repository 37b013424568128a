"""One try of an assertion that only reads: listeners, routes, interfaces."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

from loopdiag.host.read import read
from loopdiag.model.assertion import Got
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopdiag.diagnose.checking.state import State
    from loopdiag.model.assertion import Assertion
    from loopdiag.model.interface import Interface
    from loopdiag.model.route import RouteAnswer
    from loopdiag.model.socket import Socket


def listener(one: Assertion, state: State) -> Got:
    """Who listens on the port (and serves the address, where one is named), and from where it can be reached.

    With `reach` every such listener must have it: one that is open to the network is one too many.
    """
    every = state.listeners()
    if isinstance(every, Unknown):
        return Got(None, "not known", because=every.because)
    assert one.where is not None
    assert one.where.port is not None
    protocol = one.also.get("protocol", "tcp")
    found = [
        each for each in state.on(one.where.port)
        if each.protocol == protocol and (one.where.host is None or _serves(each, one.where.host))
    ]  # fmt: skip
    if not found:
        return Got(one.expect == "absent", "absent")
    says = "listening on " + ", ".join(sorted({f"{each.local} (reach {each.reach})" for each in found}))
    if one.expect == "absent":
        return Got(False, says)
    wanted = one.also.get("reach")
    if wanted is not None and any(each.reach != wanted for each in found):
        return Got(False, says)
    return _by_process(one, found, state, says)


def _by_process(one: Assertion, found: list[Socket], state: State, says: str) -> Got:
    process = one.also.get("process")
    if process is None:
        return Got(True, says)
    for each in found:
        names = state.names_of(each)
        if isinstance(names, Unknown):
            return Got(None, says, because=names.because)
        if process not in names:
            return Got(False, f"{says}, held by {', '.join(names)}")
    return Got(True, says)


def _serves(one: Socket, address: str) -> bool:
    """Bound to that very address, or to all of its IP version."""
    family = "ipv6" if ":" in address else "ipv4"
    return family in one.families and (one.address == address.partition("%")[0] or one.address in ("0.0.0.0", "::"))


def route(one: Assertion, state: State) -> Got:
    """The kernel's answer for the address, or for each of a name."""
    assert one.where is not None
    found = state.addresses(one.where.host or "", one.timeout)
    if not found.addresses:
        return Got(False, f"no address ({found.error})")
    got = Got(False, "no route")
    for address in found.addresses:
        answer = read("route", str(address))
        if isinstance(answer, Unknown):
            return Got(None, "not known", because=answer.because)
        got = _of_route(one, answer)
        if not got.ok:
            break
    return got


def _of_route(one: Assertion, answer: RouteAnswer) -> Got:
    kind = answer.type or ("missing" if answer.errno else "unicast")
    device = answer.through or answer.device
    says = kind + (f" by {device}" if device else "") + (f" from {answer.source}" if answer.source else "")
    ok = (
        one.expect == kind
        and one.also.get("device") in (None, device, answer.device)
        and one.also.get("source") in (None, answer.source)
    )
    return Got(ok, f"{says} ({answer.errno})" if answer.errno else says)


def interface(one: Assertion, state: State) -> Got:
    """Its state, its addresses, its MTU."""
    every = state.interfaces()
    if isinstance(every, Unknown):
        return Got(None, "not known", because=every.because)
    found = next((each for each in every if each.name == one.target), None)
    if found is None:
        return Got(one.expect == "absent", "absent")
    wrong = list(_lacking(one, found))
    says = ", ".join(["up" if found.up else "down", *wrong])
    return Got(one.expect == ("up" if found.up else "down") and not wrong, says)


def _lacking(one: Assertion, found: Interface) -> Iterator[str]:
    wanted = one.also.get("addresses", ())
    held = {f"{each.address}/{each.prefix}" for each in found.addresses} | {each.address for each in found.addresses}
    for address in wanted if isinstance(wanted, tuple) else ():
        if _canonical(str(address)) not in held:
            yield f"without {address}"
    mtu = one.also.get("mtu")
    if mtu is not None and mtu != found.mtu:
        yield f"mtu {found.mtu}"


def _canonical(text: str) -> str:
    try:
        return str(ip_interface(text)) if "/" in text else str(ip_address(text))
    except ValueError:
        return text
