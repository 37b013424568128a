"""Zones: a link-local address counts together with an interface of this host (RFC 4007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopdiag.host.read import read
from loopdiag.model.errors import UsageError
from loopdiag.model.unknown import Unknown

if TYPE_CHECKING:
    from loopdiag.model.target import Target


def check_zone(target: Target) -> None:
    """Raise UsageError where the target's zone is no interface of this host; nothing where it cannot be told."""
    zone = target.address.zone if target.address else None
    if zone:
        check_device(zone, f"'{target.host}' names a zone that does not exist:")


def check_device(device: str, before: str = "") -> None:
    """Raise UsageError where `device` is neither an interface's name nor its index."""
    interfaces = read("interfaces")
    if isinstance(interfaces, Unknown):
        return
    known = {interface.name for interface in interfaces} | {str(interface.index) for interface in interfaces}
    if device not in known:
        names = ", ".join(interface.name for interface in interfaces[:6])
        sentence = f"{before} there is no network interface '{device}' on this host (it has {names})"
        raise UsageError(sentence.strip())
