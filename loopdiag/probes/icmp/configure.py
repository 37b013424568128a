"""Set on a socket what the options ask for: ip(7), ipv6(7), socket(7)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from loopdiag.model.address import parse_address
from loopdiag.model.errors import UsageError
from loopdiag.probes.icmp.options import PMTU
from loopdiag.probes.icmp.problems import reason
from loopdiag.probes.outcome import errno_name

if TYPE_CHECKING:
    from loopdiag.probes.icmp.options import EchoOptions
    from loopdiag.probes.icmp.sockets import EchoSocket

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23  # linux/in.h, linux/in6.h
_TTL = {4: socket.IP_TTL, 6: socket.IPV6_UNICAST_HOPS}
_MULTICAST_TTL = {4: socket.IP_MULTICAST_TTL, 6: socket.IPV6_MULTICAST_HOPS}


def configure(sock: EchoSocket, options: EchoOptions) -> tuple[str | None, str | None]:
    """Set what was asked for; returns the device and the source address of -I. Raises UsageError where it cannot be."""
    version = sock.version
    device, source = _interface(sock, options.interface) if options.interface else (None, None)
    level = socket.IPPROTO_IP if version == 4 else socket.IPPROTO_IPV6
    if version == 4:
        sock.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if options.ttl is not None:
        for option in (_TTL[version], _MULTICAST_TTL[version]):
            _set(sock, level, option, options.ttl, f"the time to live to {options.ttl}")
    if options.tos is not None:
        _set(sock, level, socket.IP_TOS if version == 4 else socket.IPV6_TCLASS, options.tos, f"TOS to {options.tos}")
    if options.pmtu is not None:
        discover = IP_MTU_DISCOVER if version == 4 else IPV6_MTU_DISCOVER
        _set(sock, level, discover, PMTU[options.pmtu], f"path MTU discovery to {options.pmtu}")
    return device, source


def _set(sock: EchoSocket, level: int, option: int, value: int, what: str) -> None:
    try:
        sock.sock.setsockopt(level, option, value)
    except OSError as fault:
        raise UsageError(f"cannot set {what}: {fault.strerror}") from None


def _interface(sock: EchoSocket, text: str) -> tuple[str | None, str | None]:
    """-I names a device to send through, or an own address to send from."""
    address = parse_address(text) if ":" in text or text[:1].isdecimal() else None
    if address is None:
        _bind_to_device(sock, text)
        return text, None
    if (address.family == socket.AF_INET6) != (sock.version == 6):
        raise UsageError(f"cannot ping over IPv{sock.version} from '{text}': it is an address of the other IP version")
    try:
        sock.sock.bind((str(address), 0))
    except OSError as fault:
        raise UsageError(f"cannot ping from '{text}': bind: {reason(fault.errno or 0)}") from None
    return address.zone, address.text


def _bind_to_device(sock: EchoSocket, device: str) -> None:
    try:
        index = socket.if_nametoindex(device)
    except OSError:
        raise UsageError(f"unknown iface: {device}: this host has no interface of that name") from None
    try:
        sock.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        if sock.version == 6:
            sock.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    except OSError as fault:
        raise UsageError(
            f"cannot send through '{device}': {errno_name(fault.errno or 0)}, which CAP_NET_RAW would lift"
        ) from None
