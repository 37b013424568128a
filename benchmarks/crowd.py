"""A crowded host for the benchmarks: many listeners, processes and network namespaces, in namespaces of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSIDE = "LOOPDIAG_BENCHMARK_INSIDE"
SIZES = (15000, 2000, 300)  # listeners, processes, namespaces
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


def best(work: Callable[[], object], times: int = 5) -> float:
    """Milliseconds of the quickest of so many runs."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent) * 1000


@contextlib.contextmanager
def listeners_and_processes(listeners: int, processes: int) -> Iterator[None]:
    """One process with that many listeners, from port 2000 on, among so many others."""
    with _started([sys.executable, "-c", _LISTEN, str(listeners)]), _started(["sh", "-c", _SLEEP % processes]):
        yield


@contextlib.contextmanager
def network_namespaces(count: int) -> Iterator[None]:
    """So many network namespaces, each with a process in it."""
    with _started(["sh", "-c", _NAMESPACES % count]):
        yield


def run_inside(script: str, main: Callable[[int, int, int], None]) -> None:
    """Call `main` with the sizes of the command line, inside fresh namespaces that end with it."""
    numbers = [int(word) for word in sys.argv[1:] if word != INSIDE]
    if INSIDE in sys.argv:
        main(*numbers)
        return
    wanted = map(str, (*numbers, *SIZES[len(numbers) :]))
    fresh = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    again = ["sh", "-c", 'ip link set lo up; exec "$@"', "sh", sys.executable, script, *wanted, INSIDE]
    subprocess.run([*fresh, *again], check=True)


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.kill()
