#!/usr/bin/env python3
"""How many echoes a second `loopdiag ping -f` makes on loopback, and iputils ping beside it; and how long one takes.

Run as root (a flood is root's): python benchmarks/ping.py [COUNT] [ADDRESS]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time

RTT = re.compile(r"^rtt min/avg/max/mdev = ([\d.]+)/([\d.]+)/", re.MULTILINE)
KERNEL = re.compile(r"^kernel rtt min/avg/max/mdev = ([\d.]+)/([\d.]+)/", re.MULTILINE)


def measure(name: str, command: list[str], count: int) -> tuple[str, ...]:
    began = time.perf_counter()
    done = subprocess.run([*command, "-c", str(count)], capture_output=True, text=True, check=False)
    spent = time.perf_counter() - began
    if done.returncode:
        return name, "-", "-", "-", (done.stderr or done.stdout).strip().splitlines()[-1]
    rtt, kernel = RTT.search(done.stdout), KERNEL.search(done.stdout)
    rate = f"{count / spent:,.0f}" if count > 1 else f"{spent * 1000:.0f} ms in all"
    return name, rate, rtt[2] if rtt else "-", kernel[2] if kernel else "-", ""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    ours = [sys.executable, "-m", "loopdiag", "ping", "-q", address]
    rows = [measure("loopdiag ping -f", [*ours, "-f"], count), measure("loopdiag ping -c 1", ours, 1)]
    if shutil.which("ping"):
        theirs = ["ping", "-q", address]
        rows += [measure("iputils ping -f", [*theirs, "-f"], count), measure("iputils ping -c 1", theirs, 1)]
    print(f"{'':20} {'echoes/s':>16} {'avg rtt ms':>12} {'kernel ms':>12}")
    for name, rate, rtt, kernel, fault in rows:
        print(f"{name:20} {rate:>16} {rtt:>12} {kernel:>12}  {fault}")


if __name__ == "__main__":
    main()
