#!/usr/bin/env python3
"""The whole of `loopdiag listeners` on a host with 15,000 listeners and 2,000 processes, beside `ss -lntp` there, once
with all listeners in one process and once with all processes having some; and `listeners --all-namespaces` with 300
network namespaces.

Run as root: python benchmarks/listeners.py [LISTENERS] [PROCESSES] [NAMESPACES]
All of it happens in namespaces of its own, which end with it.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from crowd import listeners_and_processes, listeners_of_many, network_namespaces, run_inside, side_by_side

OURS = (sys.executable, "-m", "loopdiag", "listeners")


def compare(*commands: tuple[str, ...]) -> None:
    """Each in its turn, so that what else the machine does is shared fairly."""
    runs = {}
    for words in commands:
        name = " ".join(("loopdiag", *words[3:]) if words[0] == sys.executable else words)
        runs[name] = partial(subprocess.run, words, stdout=subprocess.DEVNULL, check=True)
    print("\n".join(side_by_side(runs)), flush=True)


def main(listeners: int, processes: int, namespaces: int) -> None:
    with listeners_and_processes(listeners, processes):
        print(f"{listeners} listeners of one process, {processes} other processes")
        compare(("ss", "-lntp"), OURS, (*OURS, "2001"), (*OURS, "--json"))
    with listeners_of_many(listeners, processes):
        print(f"{listeners} listeners of {processes} processes")
        compare(("ss", "-lntp"), OURS, (*OURS, "2001"), (*OURS, "--json"))
    with network_namespaces(namespaces):
        print(f"{namespaces} network namespaces")
        compare((*OURS, "--all-namespaces"))


if __name__ == "__main__":
    run_inside(__file__, main)
