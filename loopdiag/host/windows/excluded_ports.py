"""Port ranges that Windows keeps from being bound: `netsh interface ipv4 show excludedportrange`."""

from __future__ import annotations

import re

from loopdiag.model.unknown import Unknown

_RANGE = re.compile(r"^\s*(\d{1,5})\s+(\d{1,5})\s*\*?\s*$", re.MULTILINE)


def read_excluded_ports(protocol: str) -> tuple[tuple[int, int], ...] | Unknown:
    """First and last port of each range that is kept for `protocol` (tcp, udp)."""
    import subprocess

    command = ["netsh", "interface", "ipv4", "show", "excludedportrange", f"protocol={protocol}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError) as fault:
        return Unknown("excluded port ranges", f"netsh could not be run: {fault}")
    if done.returncode:
        return Unknown("excluded port ranges", f"netsh gave {done.returncode}")
    return parse_ranges(done.stdout)


def parse_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """The ranges in netsh's table, in whatever language its headings are."""
    return tuple((int(low), int(high)) for low, high in _RANGE.findall(text))
