#!/usr/bin/env python3
"""How long it takes to read 15,000 listeners with their owners, and ss doing the same; and to look into 300 namespaces.

Run as root: python benchmarks/sockets.py [LISTENERS] [PROCESSES] [NAMESPACES]
All of it happens in namespaces of its own, which end with it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from loopdiag.host.linux.namespaces import read_sockets_elsewhere
from loopdiag.host.linux.processes import find_owners
from loopdiag.host.linux.sockets import read_sockets

if TYPE_CHECKING:
    from collections.abc import Callable

INSIDE = "LOOPDIAG_BENCHMARK_INSIDE"
_LISTEN = """
import resource, socket, sys, time
count = int(sys.argv[1])
most = max(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
held = [socket.create_server(("127.0.1.%d" % (1 + n // 250), 2000 + n % 250)) for n in range(count)]
print("ready", flush=True)
time.sleep(600)
"""
_SLEEP = "for i in $(seq %d); do sleep 600 & done; echo ready; wait"
_NAMESPACES = "for i in $(seq %d); do unshare --net sleep 600 & done; sleep 3; echo ready; wait"


def started(command: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def best(work: Callable[[], object], times: int = 5) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent) * 1000


def with_owners() -> int:
    found = read_sockets(listening=True, protocols=("tcp",))
    assert isinstance(found, tuple)
    find_owners(one.inode for one in found)
    return len(found)


def ss(options: str) -> None:
    subprocess.run(["ss", options], stdout=subprocess.DEVNULL, check=True)


def main(listeners: int, processes: int, namespaces: int) -> None:
    with started([sys.executable, "-c", _LISTEN, str(listeners)]) as one, \
            started(["sh", "-c", _SLEEP % processes]) as two:  # fmt: skip
        print(f"{with_owners()} listeners, {processes} other processes")
        print(f"  read by sock_diag       {best(lambda: read_sockets(listening=True, protocols=('tcp',))):8.1f} ms")
        print(f"  read with owners        {best(with_owners):8.1f} ms")
        print(f"  one port of them        {best(lambda: read_sockets(port=2001)):8.1f} ms")
        print(f"  ss -Hlnt (a process)    {best(lambda: ss('-Hlnt')):8.1f} ms")
        print(f"  ss -Hlntp (a process)   {best(lambda: ss('-Hlntp')):8.1f} ms")
        one.kill()
        two.kill()
    with started(["sh", "-c", _NAMESPACES % namespaces]) as three:
        print(f"{namespaces} network namespaces")
        print(f"  looked into             {best(lambda: read_sockets_elsewhere(port=2001)):8.1f} ms")
        three.kill()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word != INSIDE]
    if INSIDE in sys.argv:
        main(*numbers)
    else:
        wanted = [*numbers, *[15000, 2000, 300][len(numbers) :]]
        subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                        'ip link set lo up; exec "$@"', "sh", sys.executable, __file__, *map(str, wanted), INSIDE],
                       check=True)  # fmt: skip
