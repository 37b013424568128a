"""Ask getaddrinfo(3), bounded in time: what this host's own resolver gives for a name, in its order."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

from loopdiag.model.address import Address, parse_address
from loopdiag.model.errors import UsageError
from loopdiag.model.value import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 1.5  # seconds; getaddrinfo itself waits 10 s and more for a name server that is dead: resolv.conf(5)
TIMED_OUT = "timed-out"
_ERRORS = {value: name for name, value in vars(socket).items() if name.startswith("EAI_")}
_FAMILIES = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one question got. `error` is an EAI_ name, or `timed-out`; it is None where there are addresses.

    `family` is 4, 6 or None as asked; `seconds` is how long the answer took.
    """

    host: str
    family: int | None
    addresses: tuple[Address, ...]
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to getaddrinfo: the family (4, 6, None for both) and whether with AI_ADDRCONFIG."""

    family: int | None = None
    configured_only: bool = False


def resolve_addresses(
    host: str, family: int | None = None, *, timeout: float | None = None, configured_only: bool = False
) -> Resolution:
    """The addresses of `host` in getaddrinfo's order, of both families or of one (4, 6); `timeout` in seconds.

    An address is its own answer. Raises UsageError where it cannot be meant: a zone that does not exist, or an
    address of the other family.
    """
    numeric = parse_address(host)
    if numeric:
        return Resolution(host, family, (_checked(numeric, family),), None, 0.0)
    return ask_together(host, [Ask(family, configured_only)], timeout)[0]


def ask_together(host: str, questions: Sequence[Ask], timeout: float | None = None) -> tuple[Resolution, ...]:
    """Several questions about one name at the same time, each in a thread that nobody waits for past the time-out.

    A thread inside getaddrinfo cannot be called back; it is a daemon, so it does not hold the program's end up.
    """
    import threading

    began = time.monotonic()
    answers: dict[Ask, Resolution] = {}
    threads = [
        threading.Thread(target=lambda ask=ask: answers.update({ask: _ask(host, ask)}), daemon=True)
        for ask in questions
    ]
    for thread in threads:
        thread.start()
    patience = PATIENCE if timeout is None else timeout
    for thread in threads:
        thread.join(max(0.0, began + patience - time.monotonic()))
    waited = time.monotonic() - began
    return tuple(answers.get(ask) or Resolution(host, ask.family, (), TIMED_OUT, waited) for ask in questions)


def _ask(host: str, ask: Ask) -> Resolution:
    began = time.monotonic()
    flags = socket.AI_ADDRCONFIG if ask.configured_only else 0
    try:
        # As bytes where that can be: Python's IDNA encoder would be loaded for a str.
        name: str | bytes = host.encode() if host.isascii() else host
        found = socket.getaddrinfo(name, None, _FAMILIES[ask.family], socket.SOCK_STREAM, 0, flags)
    except socket.gaierror as fault:
        error = _ERRORS.get(fault.errno or 0, f"EAI_{fault.errno}")
    except UnicodeError:
        error = "EAI_NONAME"
    except OSError:  # Python raises the errno itself for it
        error = "EAI_SYSTEM"
    else:
        addresses = dict.fromkeys(_address(entry[4]) for entry in found if entry[0] in _FAMILIES.values())
        return Resolution(host, ask.family, tuple(addresses), None, time.monotonic() - began)
    return Resolution(host, ask.family, (), error, time.monotonic() - began)


def _address(sockaddr: tuple[object, ...]) -> Address:
    text = str(sockaddr[0]).partition("%")[0]
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    return Address(text, _zone_name(int(str(scope))) if scope else None)


def _zone_name(index: int) -> str:
    with contextlib.suppress(OSError):
        return socket.if_indextoname(index)
    return str(index)


def _checked(address: Address, family: int | None) -> Address:
    """The address itself, where it can be what was meant."""
    if family and address.family != _FAMILIES[family]:
        raise UsageError(f"'{address}' is not an IPv{family} address, and -{family} asks for one")
    if address.zone and not _zone_exists(address.zone):
        raise UsageError(f"'{address}' names the zone '{address.zone}', but this host has no such interface")
    return address


def _zone_exists(zone: str) -> bool:
    try:
        if zone.isdecimal():
            socket.if_indextoname(int(zone))
        else:
            socket.if_nametoindex(zone)
    except (OSError, OverflowError):
        return False
    return True
