#!/usr/bin/env python3
"""The whole of `loopdiag listeners` on a host with 15,000 listeners and 2,000 processes, beside `ss -lntp` there; and
`listeners --all-namespaces` with 300 network namespaces.

Run as root: python benchmarks/listeners.py [LISTENERS] [PROCESSES] [NAMESPACES]
All of it happens in namespaces of its own, which end with it.
"""

from __future__ import annotations

import subprocess
import sys

from crowd import best, listeners_and_processes, network_namespaces, run_inside


def command(*words: str) -> float:
    return best(lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True))


def main(listeners: int, processes: int, namespaces: int) -> None:
    ours = (sys.executable, "-m", "loopdiag", "listeners")
    with listeners_and_processes(listeners, processes):
        print(f"{listeners} listeners, {processes} other processes")
        print(f"  ss -lntp                     {command('ss', '-lntp'):8.1f} ms")
        print(f"  loopdiag listeners           {command(*ours):8.1f} ms")
        print(f"  loopdiag listeners 2001      {command(*ours, '2001'):8.1f} ms")
        print(f"  loopdiag listeners --json    {command(*ours, '--json'):8.1f} ms")
    with network_namespaces(namespaces):
        print(f"{namespaces} network namespaces")
        print(f"  loopdiag listeners --all-namespaces {command(*ours, '--all-namespaces'):8.1f} ms")


if __name__ == "__main__":
    run_inside(__file__, main)
