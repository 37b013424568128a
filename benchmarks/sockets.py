#!/usr/bin/env python3
"""How long it takes to read 15,000 listeners with their owners, and ss doing the same; and to look into 300 namespaces.

Run as root: python benchmarks/sockets.py [LISTENERS] [PROCESSES] [NAMESPACES]
All of it happens in namespaces of its own, which end with it.
"""

from __future__ import annotations

import subprocess

from crowd import best, listeners_and_processes, network_namespaces, run_inside

from loopdiag.host.linux.namespaces import read_sockets_elsewhere
from loopdiag.host.linux.owners import find_owners
from loopdiag.host.linux.sockets import read_sockets


def with_owners() -> int:
    found = read_sockets(listening=True, protocols=("tcp",))
    assert isinstance(found, tuple)
    find_owners(one.inode for one in found)
    return len(found)


def ss(options: str) -> None:
    subprocess.run(["ss", options], stdout=subprocess.DEVNULL, check=True)


def main(listeners: int, processes: int, namespaces: int) -> None:
    with listeners_and_processes(listeners, processes):
        print(f"{with_owners()} listeners, {processes} other processes")
        print(f"  read by sock_diag       {best(lambda: read_sockets(listening=True, protocols=('tcp',))):8.1f} ms")
        print(f"  read with owners        {best(with_owners):8.1f} ms")
        print(f"  one port of them        {best(lambda: read_sockets(port=2001)):8.1f} ms")
        print(f"  ss -Hlnt (a process)    {best(lambda: ss('-Hlnt')):8.1f} ms")
        print(f"  ss -Hlntp (a process)   {best(lambda: ss('-Hlntp')):8.1f} ms")
    with network_namespaces(namespaces):
        print(f"{namespaces} network namespaces")
        print(f"  looked into             {best(lambda: read_sockets_elsewhere(port=2001)):8.1f} ms")


if __name__ == "__main__":
    run_inside(__file__, main)
