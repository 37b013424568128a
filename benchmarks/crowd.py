"""A crowded host for the benchmarks: many listeners, processes and network namespaces, in namespaces of its own."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
_SPREAD = """
import os, socket, sys, time
listeners, processes = map(int, sys.argv[1:])
parent = os.getpid()
ready, tell = os.pipe()
for number in range(processes):
    if not os.fork():
        held = [socket.create_server(("127.0.1.%d" % (1 + n // 250), 2000 + n % 250))
                for n in range(number, listeners, processes)]
        os.write(tell, b"x")
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)
while processes:
    processes -= len(os.read(ready, 4096))
print("ready", flush=True)
time.sleep(600)
"""
_SLEEP = "for i in $(seq %d); do sleep 600 & done; echo ready; wait"
_NAMESPACES = "for i in $(seq %d); do unshare --net sleep 600 & done; sleep 3; echo ready; wait"


def best(work: Callable[[], object], times: int = 5) -> float:
    """Milliseconds of the quickest of so many runs."""
    return min(_milliseconds(work) for _ in range(times))


def side_by_side(works: Mapping[str, Callable[[], object]], times: int = 20) -> Iterator[str]:
    """The quickest and the median of so many rounds, in which each has its turn, as lines."""
    rounds = [{name: _milliseconds(work) for name, work in works.items()} for _ in range(times)]
    for name in works:
        spent = [one[name] for one in rounds]
        yield f"  {name:36} {min(spent):8.1f} ms, median {statistics.median(spent):8.1f} ms"


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


@contextlib.contextmanager
def listeners_and_processes(listeners: int, processes: int) -> Iterator[None]:
    """One process with that many listeners, from port 2000 on, among so many others."""
    with _started([sys.executable, "-c", _LISTEN, str(listeners)]), _started(["sh", "-c", _SLEEP % processes]):
        yield


@contextlib.contextmanager
def listeners_of_many(listeners: int, processes: int) -> Iterator[None]:
    """So many processes that have an equal share of that many listeners, from port 2000 on."""
    with _started([sys.executable, "-c", _SPREAD, str(listeners), str(processes)]):
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
