#!/usr/bin/env python3
"""What `loopdiag why` costs where nothing must be waited for, beside importing click and psutil alone.

python benchmarks/start.py [RUNS]. The aim: at most three times as long.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import click, psutil": ["-c", "import click, psutil"],
    "loopdiag --version": ["-m", "loopdiag", "--version"],
    "loopdiag why 127.0.0.1": ["-m", "loopdiag", "why", "127.0.0.1"],
    "loopdiag why 127.0.0.1:9": ["-m", "loopdiag", "why", "127.0.0.1:9"],
    "loopdiag connect 127.0.0.1:9": ["-m", "loopdiag", "connect", "127.0.0.1:9"],
    "loopdiag resolve localhost": ["-m", "loopdiag", "resolve", "localhost"],
}


def once(words: list[str]) -> tuple[float, float]:
    """Processor and wall seconds of one run."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(runs):  # in turn, so that a change of the machine's speed meets all of them
        for name, words in COMMANDS.items():
            times[name].append(once(words))
    base = next(iter(times.values()))
    print(f"{'':30} {'processor':>10} {'wall':>10} {'ratio':>7}   (medians of {runs} runs)")
    for name, all_runs in times.items():
        cpu, wall = (statistics.median(column) for column in zip(*all_runs, strict=True))
        ratio = statistics.median(one[1] / other[1] for one, other in zip(all_runs, base, strict=True))
        print(f"{name:30} {cpu * 1000:7.0f} ms {wall * 1000:7.0f} ms {ratio:7.2f}")


if __name__ == "__main__":
    main()
