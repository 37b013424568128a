"""The kernel settings that bear on a local attempt: the written-out list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopdiag.host.read import read
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopdiag.diagnose.gather import Question
    from loopdiag.model.facts import Facts

OF_THE_HOST = (
    "net.ipv4.icmp_echo_ignore_all",
    "net.ipv4.icmp_echo_ignore_broadcasts",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv6.bindv6only",
    "net.ipv6.icmp.echo_ignore_all",
    "net.ipv6.icmp.echo_ignore_anycast",
    "net.ipv6.icmp.echo_ignore_multicast",
    "net.ipv6.ip_nonlocal_bind",
    "net.core.somaxconn",
)
OF_AN_INTERFACE = (
    "net.ipv4.conf.{}.accept_local",
    "net.ipv4.conf.{}.route_localnet",
    "net.ipv4.conf.{}.rp_filter",
    "net.ipv6.conf.{}.disable_ipv6",
)
MOST_INTERFACES = 64  # a host with thousands of them is read as far as this


def sysctls(question: Question, facts: Facts) -> Any:
    """The settings of the host and of each interface that was read."""
    interfaces = () if isinstance(facts.interfaces, Unknown) else facts.interfaces or ()
    devices = ["all", "default", "lo", *(interface.name for interface in interfaces if interface.name != "lo")]
    return read("sysctls", setting_names(devices[:MOST_INTERFACES]))


def setting_names(devices: Iterable[str]) -> list[str]:
    """All names, in the dotted form in which `/` stands for a dot of an interface's name."""
    of_devices = [form.format(device.replace(".", "/")) for device in devices for form in OF_AN_INTERFACE]
    return [*OF_THE_HOST, *of_devices]
