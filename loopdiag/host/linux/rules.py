"""Policy rules by RTM_GETRULE: ip-rule(8), linux/fib_rules.h."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

from loopdiag.host.linux.netlink import ROUTE, NetlinkError, address, attributes, dump, number, reading, text
from loopdiag.model.route import PolicyRule

if TYPE_CHECKING:
    from loopdiag.model.unknown import Unknown

RTM_GETRULE = 34
HDR = struct.Struct("=BBBBBBBBI")
(FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_TUN_ID, FRA_SUPPRESS_IFGROUP,
 FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_OIFNAME, FRA_L3MDEV, FRA_UID_RANGE, FRA_IP_PROTO,
 FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_DSCP) = (
    1, 2, 3, 4, 6, 10, 12, 13, 14, 15, 16, 17, 19, 20, 22, 23, 24, 25)  # fmt: skip
FIB_RULE_INVERT = 0x2
ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
TABLES = {253: "default", 254: "main", 255: "local"}
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
UNSET = 0xFFFFFFFF


def read_rules() -> tuple[PolicyRule, ...] | Unknown:
    """The rules of IPv4, then those of IPv6, each in the order in which the kernel goes through them."""
    return reading("policy rules", lambda: (*_read(socket.AF_INET), *_read(socket.AF_INET6)))


def _read(family: int) -> list[PolicyRule]:
    try:
        return [parse_rule(message) for message in dump(ROUTE, RTM_GETRULE, HDR.pack(family, *[0] * 8))]
    except NetlinkError as fault:
        if family == socket.AF_INET6 and fault.errno in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
            return []  # a kernel without IPv6 has no rules for it
        raise


def parse_rule(message: bytes) -> PolicyRule:
    """One RTM_NEWRULE without its netlink header."""
    family, to_bits, from_bits, tos, table, _, _, action, flags = HDR.unpack_from(message)
    found = attributes(message, HDR.size)
    lookup = ACTIONS.get(action) == "lookup"
    vrf = FRA_L3MDEV in found and bool(number(found[FRA_L3MDEV]))
    rule = PolicyRule(
        priority=number(found[FRA_PRIORITY]) if FRA_PRIORITY in found else 0,
        action=ACTIONS.get(action, str(action)),
        table=table_name(number(found[FRA_TABLE]) if FRA_TABLE in found else table) if lookup and not vrf else None,
        text="",
        family="ipv6" if family == socket.AF_INET6 else "ipv4",
        source=f"{address(found[FRA_SRC])}/{from_bits}" if FRA_SRC in found else None,
        destination=f"{address(found[FRA_DST])}/{to_bits}" if FRA_DST in found else None,
        input_device=text(found[FRA_IIFNAME]) if FRA_IIFNAME in found else None,
        output_device=text(found[FRA_OIFNAME]) if FRA_OIFNAME in found else None,
        mark=number(found[FRA_FWMARK]) if FRA_FWMARK in found else None,
        mask=number(found[FRA_FWMASK]) if FRA_FWMASK in found else None,
        inverted=bool(flags & FIB_RULE_INVERT),
        users=_pair("=II", found.get(FRA_UID_RANGE)),
        protocol=_protocol(found.get(FRA_IP_PROTO)),
        source_ports=_pair("=HH", found.get(FRA_SPORT_RANGE)),
        destination_ports=_pair("=HH", found.get(FRA_DPORT_RANGE)),
        tos=number(found[FRA_DSCP]) << 2 if FRA_DSCP in found else tos or None,
        suppress_prefix=_unless_unset(found.get(FRA_SUPPRESS_PREFIXLEN)),
        l3mdev=vrf,
        goto=number(found[FRA_GOTO]) if FRA_GOTO in found else None,
        other=tuple(_other(found)),
    )
    return _with_text(rule)


def table_name(table: int) -> str:
    """A routing table by its name where the kernel itself knows one, else its number."""
    return TABLES.get(table, str(table))


def _pair(form: str, value: bytes | None) -> tuple[int, int] | None:
    if value is None:
        return None
    first, last = struct.unpack(form, value)
    return first, last


def _protocol(value: bytes | None) -> str | None:
    return None if value is None else PROTOCOLS.get(number(value), str(number(value)))


def _unless_unset(value: bytes | None) -> int | None:
    return None if value is None or number(value) == UNSET else number(value)


def _other(found: dict[int, bytes]) -> list[str]:
    """Selectors that are only shown."""
    words = []
    if FRA_TUN_ID in found:
        words.append(f"tun_id {int.from_bytes(found[FRA_TUN_ID])}")
    group = _unless_unset(found.get(FRA_SUPPRESS_IFGROUP))
    return [*words, f"suppress_ifgroup {group}"] if group is not None else words


def _with_text(rule: PolicyRule) -> PolicyRule:
    from dataclasses import replace

    return replace(rule, text=f"{rule.priority}: " + " ".join(_words(rule)))


def _words(rule: PolicyRule) -> list[str]:
    """The rule in the words of ip-rule(8)."""
    shown = {
        "from": _prefix(rule.source) or "all",
        "to": _prefix(rule.destination),
        "tos": None if rule.tos is None else f"{rule.tos:#x}",
        "fwmark": _mark(rule),
        "iif": rule.input_device,
        "oif": rule.output_device,
        "uidrange": _range(rule.users, always=True),
        "ipproto": rule.protocol,
        "sport": _range(rule.source_ports),
        "dport": _range(rule.destination_ports),
    }
    words = ["not"] if rule.inverted else []
    words += [f"{name} {value}" for name, value in shown.items() if value is not None]
    words += rule.other
    if rule.l3mdev:
        return [*words, "lookup [l3mdev-table]"]
    ends = {"lookup": f"lookup {rule.table}", "goto": f"goto {rule.goto}"}
    words.append(ends.get(rule.action, rule.action))
    return words if rule.suppress_prefix is None else [*words, f"suppress_prefixlength {rule.suppress_prefix}"]


def _prefix(prefix: str | None) -> str | None:
    return None if prefix is None else prefix.removesuffix("/128" if ":" in prefix else "/32")


def _mark(rule: PolicyRule) -> str | None:
    if rule.mark is None and not rule.mask:
        return None
    full = rule.mask is None or rule.mask == UNSET
    return f"{rule.mark or 0:#x}" + ("" if full else f"/{rule.mask:#x}")


def _range(pair: tuple[int, int] | None, *, always: bool = False) -> str | None:
    if pair is None:
        return None
    return f"{pair[0]}-{pair[1]}" if always or pair[0] != pair[1] else str(pair[0])
