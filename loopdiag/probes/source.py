"""From which own address the kernel would send to a destination: connect(2) on a UDP socket, which sends nothing."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DISCARD = 9  # a port for the question; routes seldom depend on one


def sources_of(addresses: Iterable[str]) -> dict[str, str]:
    """The source by destination address; one that nothing can be sent to is left out."""
    found = {}
    for address in addresses:
        with contextlib.suppress(OSError, UnicodeError):
            found[address] = _source(address)
    return found


def _source(address: str) -> str:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((address, _DISCARD))
        return str(asking.getsockname()[0])
