"""Measure `wait`: `python benchmarks/wait.py [COUNT]`. Everything happens on 127.0.0.1.

A listener comes up at a random moment while the tool watches; how long after that does each tool return? Beside
loopdiag: polling as wait-for-it (once a second), wait-on (every 250 ms) and dockerize (once a second) do it, written
out here in the same language. Also: which share of a core the waiting costs, and when a time-out has its diagnosis.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from loopdiag.diagnose.wait import wait
from loopdiag.model.readiness import Wish
from loopdiag.model.target import parse_target

PROJECT = Path(__file__).resolve().parents[1]
POLLS = {"every 250 ms, as wait-on": 0.25, "every second, as wait-for-it": 1.0}


class Late:
    """A listener that comes up after a while; `up` is the moment from which it answers."""

    def __init__(self, port: int, after: float) -> None:
        self.up = 0.0
        self.watching = threading.Event()
        self._port, self._after = port, after
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Late:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.watching.set()
        self._thread.join()

    def _serve(self) -> None:
        taken: list[socket.socket] = []
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", self._port))
            self.watching.wait()
            time.sleep(self._after)
            server.settimeout(0.05)
            self.up = time.monotonic()
            server.listen()
            while not self._end.is_set():
                with contextlib.suppress(TimeoutError):
                    taken.append(server.accept()[0])
        for connection in taken:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def by_program(port: int, watching: threading.Event) -> None:
    with subprocess.Popen([sys.executable, "-m", "loopdiag", "wait", f"127.0.0.1:{port}"], cwd=PROJECT, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stderr is not None
        assert "refused" in process.stderr.readline()
        watching.set()
        assert process.wait() == 0


def by_function(port: int, watching: threading.Event) -> None:
    report = wait([parse_target(f"127.0.0.1:{port}")], Wish(timeout=30), lambda change: watching.set())
    assert report.verdict == "works"


def polling(port: int, watching: threading.Event, every: float) -> None:
    watching.set()
    while True:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(every)


def delays(name: str, way: object, count: int) -> dict[str, float]:
    moments, took = random.Random(7), []
    for _ in range(count):
        port = free_port()
        with Late(port, moments.uniform(0.1, 1.1)) as late:
            way(port, late.watching)  # type: ignore[operator]
            took.append(time.monotonic() - late.up)
    told = {"median": statistics.median(took), "worst": max(took)}
    print(f"{name:44} median {told['median'] * 1000:7.1f} ms   worst {told['worst'] * 1000:7.1f} ms   n {count}")
    return told


def cost(seconds: float = 5.0) -> float:
    """The share of a core while nothing answers: neither the start nor a diagnosis is counted."""
    words = [sys.executable, "-m", "loopdiag", "wait", f"127.0.0.1:{free_port()}", "-q", "--timeout", str(seconds + 10)]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(2.0)
        began, before = time.monotonic(), processor_time(process.pid)
        time.sleep(seconds)
        share = (processor_time(process.pid) - before) / (time.monotonic() - began)
        process.kill()
    print(f"{'a core, while waiting':44} {share:.2%}")
    return share


def processor_time(pid: int) -> float:
    """Of all its threads, in seconds, to the nanosecond; as clock_getcpuclockid(3) of Linux makes the clock."""
    return time.clock_gettime((~pid << 3) | 2)


def time_out(seconds: float = 2.0) -> float:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "loopdiag", "wait", f"127.0.0.1:{free_port()}", "--timeout",
                           str(seconds), "--json"], cwd=PROJECT, capture_output=True, check=False)  # fmt: skip
    took = time.monotonic() - began
    cause = json.loads(done.stdout)["findings"][0]["cause"]
    print(f"{f'--timeout {seconds:g}s':44} exit {done.returncode} after {took:.2f} s, {cause}")
    return took


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    result = {"loopdiag wait": delays("loopdiag wait, the program", by_program, count),
              "in process": delays("loopdiag.diagnose.wait, the function", by_function, count)}  # fmt: skip
    for name, every in POLLS.items():
        result[name] = delays(
            f"polling {name}", lambda port, watching, every=every: polling(port, watching, every), min(count, 20)
        )
    print(json.dumps({**result, "share": cost(), "time-out": time_out()}))


if __name__ == "__main__":
    main()
